"""Whether customers who left, by erasure or by opting out, left all variants alike.

Whoever asks to be erased, or opts out, is missing from the results. When one variant
makes more customers do so, those who are left are no longer alike.
"""

from collections.abc import Mapping
from typing import NamedTuple

from analysis import wording
from analysis.stats.srm import sample_ratio
from experiments.plan import Plan
from experiments.vocabulary import CheckState, Unit

FEW = 10  # customers; fewer are not told by variant
ERASED, OPTED_OUT = "were erased", "have opted out"
_NOBODY = {
    ERASED: "No customer of it was erased.",
    OPTED_OUT: "No customer of it has opted out.",
}


class Balance(NamedTuple):
    """How many left by variant, and whether that is as they were split."""

    state: CheckState
    sentence: str
    facts: Mapping[str, float | int | str | bool | None]


def balance(plan: Plan, left: Mapping[str, int], how: str) -> Balance:
    """Compare how many customers left each variant with the split.

    Args:
        plan: names variants and split.
        left: variant -> customers who left after they had seen it.
        how: `ERASED` or `OPTED_OUT`.

    Returns:
        NOTICE when chance explains the difference badly. Where accounts are drawn the
        customers of one may leave together, so that only the counts are told.
    """
    shares = {variant.name: variant.share for variant in plan.design.variants}
    counts = {key: left.get(key, 0) for key in shares}
    total = sum(counts.values())
    if not total:
        return Balance(CheckState.PASSED, _NOBODY[how], {})
    if total < FEW:
        sentence = f"Fewer than {FEW} of its customers {how}."
        return Balance(CheckState.PASSED, sentence, {})
    result = sample_ratio(counts, shares)
    facts: dict[str, float | int | str | bool | None] = {"p_value": result.p_value}
    verb = how.split()[1]
    facts |= {f"{verb}_{key}": n for key, n in counts.items()}
    by_variant = wording.joined([f"{n} of {key}" for key, n in counts.items()])
    sentence = f"{wording.count(total)} of its customers {how}: {by_variant}."
    clustered = plan.design.unit == Unit.ACCOUNT
    if clustered or result.p_value is None or result.state == CheckState.PASSED:
        return Balance(CheckState.PASSED, sentence, facts)
    sentence += " That is not as they were split; ask why they left."
    return Balance(CheckState.NOTICE, sentence, facts)
