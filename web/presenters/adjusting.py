"""How several comparisons keep one promise, in words."""

from collections.abc import Iterator, Mapping

from analysis import wording
from analysis.stats.estimate import ADJUSTED_BY, COMPARISONS
from experiments.plan import Plan
from experiments.vocabulary import AdjustedBy, MonitoringMode, Role

_NAMES = {
    AdjustedBy.DUNNETT: "Dunnett",
    AdjustedBy.HOLM: "Holm",
    AdjustedBy.BENJAMINI_HOCHBERG: "Benjamini-Hochberg",
}


def adjustments(plan: Plan) -> Iterator[tuple[str, str]]:
    """Say what a plan's comparisons are adjusted for, where there are several.

    Args:
        plan: the locked plan.

    Yields:
        What is adjusted, and how.
    """
    treatments = len(plan.design.treatments)
    # At planned looks their ranges hold over the looks, and are not adjusted further.
    one_look = plan.design.monitoring_mode == MonitoringMode.FIXED_END
    if treatments > 1:
        yield "Several variants", _of_treatments(plan, one_look=one_look)
    secondary = sum(metric.choice.role == Role.SECONDARY for metric in plan.metrics)
    if one_look and secondary * treatments > 1:
        share = wording.percent(plan.design.alpha, 0)
        yield (
            "Secondary metrics",
            f"Of those called changed at most {share} are false (Benjamini-Hochberg)",
        )


def _of_treatments(plan: Plan, *, one_look: bool) -> str:
    if not one_look:
        return "Primary metric adjusted by Holm, over all looks"
    sure = wording.percent(1 - plan.design.alpha, 0)
    return (
        "Primary metric adjusted by Dunnett: in"
        f" {sure} of experiments the ranges of all variants hold together"
    )


def adjusted_in_words(facts: Mapping[str, float | int | str]) -> list[str]:
    """Say how one estimate was adjusted; nothing where it was not.

    Args:
        facts: of the estimate.

    Returns:
        Such as "adjusted for 2 comparisons (Dunnett)", or none.
    """
    by, comparisons = facts.get(ADJUSTED_BY), facts.get(COMPARISONS)
    if not isinstance(by, str) or not isinstance(comparisons, int):
        return []
    name = _NAMES[AdjustedBy(by)]
    return [f"adjusted for {wording.count(comparisons)} comparisons ({name})"]
