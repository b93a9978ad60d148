"""How a connector's sender signs, and with which secret, when it is registered."""

import base64
import dataclasses
import re
import secrets as random
from collections.abc import Mapping
from typing import Any

from experiments.field_faults import Faults
from experiments.signatures import (
    ALGORITHMS,
    ENCODINGS,
    SCHEMES,
    STANDARD,
    STANDARD_KEY_BYTES,
    STANDARD_PREFIX,
    Scheme,
    standard_key,
)
from experiments.vocabulary import ConnectorKind, SignatureStyle

MIN_SECRET, MAX_SECRET = 16, 512
# Vendors that take a secret which their customer chooses; the others give one.
CHOOSES_OWN = frozenset({ConnectorKind.TYPEFORM, ConnectorKind.GENERIC})
_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
_RANDOM_BYTES = 32


def check_secret(
    faults: Faults, kind: ConnectorKind, scheme: Scheme, given: str
) -> str:
    """Take the vendor's secret, or make one where the vendor takes ours.

    Args:
        faults: told of what is wrong.
        kind: of the sender.
        scheme: how it signs.
        given: "" for none.

    Returns:
        The secret.
    """
    standard = scheme.style == SignatureStyle.STANDARD_WEBHOOKS
    if not given:
        if kind not in CHOOSES_OWN:
            faults.add("secret", f"Enter the secret that {kind.title()} signs with.")
        if standard:
            key = base64.b64encode(random.token_bytes(_RANDOM_BYTES)).decode()
            return STANDARD_PREFIX + key
        return random.token_urlsafe(_RANDOM_BYTES)
    fits = MIN_SECRET <= len(given) <= MAX_SECRET
    if standard and standard_key(given) is None:
        least, most = STANDARD_KEY_BYTES
        faults.add(
            "secret",
            f"Enter {STANDARD_PREFIX} and {least} to {most} bytes in base64, as the"
            " sender shows it.",
        )
    elif not fits or not given.isascii() or not given.isprintable() or " " in given:
        faults.add(
            "secret",
            f"Enter {MIN_SECRET} to {MAX_SECRET} letters, digits and signs, without"
            " spaces.",
        )
    return given


def check_scheme(
    faults: Faults, kind: ConnectorKind, given: Mapping[str, Any] | None
) -> Scheme:
    """Ask how a sender signs, by its own kind or as it was described.

    Args:
        faults: told of what is wrong.
        kind: of the sender.
        given: fields of `Scheme`; None for the usual of its kind.

    Returns:
        The scheme.
    """
    scheme = SCHEMES[kind]
    if not given:
        return scheme
    if kind != ConnectorKind.GENERIC:
        faults.add("signature", f"How {kind.title()} signs is known; leave this out.")
        return scheme
    described = dataclasses.replace(scheme, **given)
    if described.style == SignatureStyle.STANDARD_WEBHOOKS:
        _require_standard(faults, described, scheme)
        return STANDARD
    return _checked(faults, described)


def _require_standard(faults: Faults, described: Scheme, usual: Scheme) -> None:
    """Refuse a description that the sender could not follow and we would not."""
    for part in dataclasses.fields(Scheme):
        value = getattr(described, part.name)
        if value not in (getattr(usual, part.name), getattr(STANDARD, part.name)):
            faults.add(
                f"signature.{part.name}",
                "Standard Webhooks says how this is; leave it as it was.",
            )


def _checked(faults: Faults, scheme: Scheme) -> Scheme:
    for name in ("header", "timestamp_header"):
        value = getattr(scheme, name)
        may_be_empty = name == "timestamp_header"
        if not _HEADER.fullmatch(value) and not (may_be_empty and not value):
            faults.add(f"signature.{name}", "Enter the name of a header: X-Signature.")
    known_of = {
        "algorithm": ALGORITHMS,
        "encoding": ENCODINGS,
        "style": tuple(SignatureStyle),
    }
    for name, known in known_of.items():
        if getattr(scheme, name) not in known:
            faults.add(f"signature.{name}", f"Choose one of: {', '.join(known)}.")
    faults.optional_text("signature.prefix", scheme.prefix, 20)
    faults.optional_text("signature.separator", scheme.separator, 5)
    return scheme
