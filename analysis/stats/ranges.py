"""Which inputs a plan can have at all; each refusal names its field."""

import math

from analysis.stats.arrivals import Arrivals
from analysis.stats.estimate import NotComputable
from experiments.vocabulary import Reason


def wrong_proportions(baseline: float, effect: float) -> NotComputable | None:
    """Refuse a baseline share and a change of it that leave the range of shares."""
    refused = outside("baseline", baseline, 0, 1)
    if refused:
        return refused
    if not 0 < baseline + effect < 1:
        return out_of_range("effect", effect)
    return None if effect else NotComputable(Reason.UNREACHABLE, {"field": "effect"})


def wrong_split(split: tuple[float, ...]) -> NotComputable | None:
    """Refuse a split that is not at least two shares above 0."""
    if len(split) < 2:  # noqa: PLR2004  # control and a treatment
        return NotComputable(Reason.OUT_OF_RANGE, {"field": "split"})
    wrong = (outside("split", share, 0, math.inf) for share in split)
    return next((each for each in wrong if each), None)


def wrong_arrivals(arrivals: Arrivals) -> NotComputable | None:
    """Refuse weeks in which less than nobody comes, or endlessly many."""
    wrong = (
        outside("weekly_customers", week, 0, math.inf, low_allowed=True)
        for week in (*arrivals.weeks, arrivals.later)
    )
    return next((each for each in wrong if each), None)


def outside(
    field: str,
    value: float,
    low: float,
    high: float,
    *,
    low_allowed: bool = False,
    high_allowed: bool = False,
) -> NotComputable | None:
    """Refuse a value that is not between two ends; NaN never is.

    Args:
        field: name of the input, for the facts.
        value: what was given.
        low: lower end.
        high: upper end; infinity itself is refused.
        low_allowed: whether the lower end itself will do.
        high_allowed: whether the upper end itself will do.

    Returns:
        The reason, naming the field; None when the value will do.
    """
    if (
        low < value < high
        or (low_allowed and value == low)
        or (high_allowed and value == high)
    ):
        return None
    return out_of_range(field, value)


def out_of_range(field: str, value: float) -> NotComputable:
    """Name the field at fault, with its value when that is a number."""
    facts: dict[str, float | int | str] = {"field": field}
    if math.isfinite(value):
        facts["value"] = value
    return NotComputable(Reason.OUT_OF_RANGE, facts)
