"""Who has to sign a plan: it follows from what the experiment touches."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from experiments.vocabulary import Risk, Signer

SIGNER_OF: Mapping[Risk, Signer] = {
    Risk.PRICE: Signer.PRICING,
    Risk.LEGAL: Signer.LEGAL,
    Risk.VULNERABLE: Signer.CARE,
    Risk.MESSAGING: Signer.CARE,
    Risk.BRAND: Signer.BRAND,
}
SIGNER_NAMES: Mapping[Signer, str] = {
    Signer.PRICING: "pricing",
    Signer.LEGAL: "legal",
    Signer.CARE: "customer care",
    Signer.BRAND: "brand",
}


def needed(risks: Iterable[str]) -> list[Signer]:
    """List who has to sign for these risks; nobody in particular where there are none.

    Args:
        risks: `vocabulary.Risk` values.

    Returns:
        Each once, in the order of the vocabulary.
    """
    wanted = {SIGNER_OF[Risk(risk)] for risk in risks}
    return [signer for signer in Signer if signer in wanted]


def missing(
    risks: Iterable[str], approvals: Sequence[Mapping[str, Any]]
) -> list[Signer]:
    """List who has still to sign.

    Args:
        risks: `vocabulary.Risk` values.
        approvals: as an experiment stores them.

    Returns:
        The needed ones for whom nobody has signed yet.
    """
    signed = {signer for each in approvals for signer in each["signs_for"]}
    return [signer for signer in needed(risks) if signer.value not in signed]


def named(signers: Iterable[Signer]) -> str:
    """Name signers, as "legal and brand"."""
    *first, last = [SIGNER_NAMES[signer] for signer in signers]
    return f"{', '.join(first)} and {last}" if first else last
