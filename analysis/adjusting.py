"""How several comparisons keep one promise, and how an estimate says so: pure."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from analysis.stats.estimate import ADJUSTED_BY, COMPARISONS, Estimate, Outcome
from analysis.stats.many_to_one import together
from experiments.vocabulary import AdjustedBy


def over_treatments(
    outcomes: Mapping[str, Outcome],
    level: float,
    compare: Callable[[str, float], Outcome],
) -> dict[str, Outcome]:
    """Adjust p-values and intervals over all treatments, by Dunnett.

    Args:
        outcomes: treatment -> its comparison with control, at the level of the family.
        level: of the family: so often all intervals hold together.
        compare: gives the comparison of a treatment at a level.

    Returns:
        Treatment -> its comparison, whose interval says the level it is taken at.
    """
    found: dict[str, Outcome] = {}
    every = together(list(outcomes.values()), level)
    for name, one in zip(outcomes, every, strict=True):
        outcome = compare(name, one.level)
        if isinstance(outcome, Estimate):
            outcome = replace(outcome, p_value=one.p_value)
        found[name] = said(outcome, AdjustedBy.DUNNETT, len(outcomes))
    return found


def said(outcome: Outcome, by: AdjustedBy, comparisons: int) -> Outcome:
    """Let an estimate say how it was adjusted, and over how many comparisons."""
    if not isinstance(outcome, Estimate):
        return outcome
    facts = {**outcome.facts, ADJUSTED_BY: by.value, COMPARISONS: comparisons}
    return replace(outcome, facts=facts)
