"""Checks of the answer itself; made only where an answer may be shown."""

from collections.abc import Mapping, Sequence

from analysis import wording
from analysis.cells import Cell, Summaries
from analysis.health.check import (
    Check,
    does_not_apply,
    noticed,
    passed,
)
from analysis.readings import MetricReading
from analysis.stats.estimate import Estimate, NotComputable
from analysis.stats.extremes import LARGEST_INFLUENCE, influence
from analysis.stats.standard_error import error_of
from analysis.stats.summary import Moments
from analysis.stats.surprise import (
    FARTHEST,
    LARGEST_LIFT,
    TIMES_PLANNED,
    Surprise,
    surprise,
)
from experiments.plan import Plan, PlannedMetric
from experiments.vocabulary import EVERYBODY, HealthCheck, MetricKind

OF_ANSWER = (HealthCheck.OUTLIERS, HealthCheck.TOO_GOOD)
LARGEST_TOP_SHARE = 0.5  # of a sum, that the 0.1 % with the most bring
_LATER = "Looked at when there is an answer."
_MEANS = frozenset({MetricKind.EVENT_COUNT, MetricKind.VALUE_SUM})


def check_answer(
    plan: Plan,
    summaries: Summaries,
    readings: Sequence[MetricReading],
    known: Mapping[str, Sequence[tuple[float, float]]],
) -> list[Check]:
    """Check how the estimates of everybody came about.

    Their sentences tell no estimate and no direction: they stand in the trust bar.

    Args:
        plan: the locked plan.
        summaries: with the moments of amounts.
        readings: none while nothing may be shown.
        known: metric -> (change, standard error) of finished experiments.

    Returns:
        One check for each of `OF_ANSWER`.
    """
    found = [r for r in readings if r.segment == EVERYBODY]
    if not found:
        return [does_not_apply(name, _LATER) for name in OF_ANSWER]
    return [_outliers(plan, summaries, found), _too_good(plan, found, known)]


def _outliers(
    plan: Plan, summaries: Summaries, readings: Sequence[MetricReading]
) -> Check:
    """Check that no single customer, and no few, make up a mean of amounts."""
    name = HealthCheck.OUTLIERS
    asked = [m for m in plan.metrics if m.definition.kind in _MEANS]
    if not asked:
        sentence = "No metric of this experiment is a mean of amounts."
        return does_not_apply(name, sentence)
    facts: dict[str, object] = {}
    said, told = [], []
    for metric in asked:
        key = metric.choice.metric
        heaviest = _heaviest(plan, summaries, metric, readings)
        share = _top_share(summaries, key)
        facts |= {f"top_share_{key}": share, f"influence_{key}": heaviest}
        if heaviest is not None and heaviest > LARGEST_INFLUENCE:
            said.append(
                f"One customer alone moves the change of {metric.name} by"
                f" {wording.number(heaviest, 1)} of its standard errors."
            )
        if share is not None:
            part = f"{wording.percent(share, 0)} of all {metric.name}"
            if share > LARGEST_TOP_SHARE:
                said.append(f"The 0.1 % with the most bring {part}.")
            told.append(part)
    if said:
        advice = "Are they real? A lower cap would let them weigh less."
        return noticed(name, " ".join([*said, advice]), facts)
    if all(value is None for value in facts.values()):
        sentence = "Too few customers so far to tell what single ones weigh."
        return does_not_apply(name, sentence, facts)
    sentence = "No single customer weighs much."
    if told:
        sentence += f" The 0.1 % with the most bring {wording.joined(told)}."
    return passed(name, sentence, facts)


def _heaviest(
    plan: Plan,
    summaries: Summaries,
    metric: PlannedMetric,
    readings: Sequence[MetricReading],
) -> float | None:
    """Tell by how many standard errors the heaviest customer moves some change."""
    key = metric.choice.metric
    arms = summaries.arms(key)
    control = arms.get(plan.design.control.name)
    errors = []
    for reading in readings:
        treatment = arms.get(reading.variant)
        if reading.metric != key or not isinstance(reading.outcome, Estimate):
            continue
        if control is None or treatment is None:
            continue
        moments = [_moments(cell) for cell in (control, treatment)]
        found = influence(
            tuple(each for each in moments if each is not None),
            error_of(reading.outcome),
        )
        if not isinstance(found, NotComputable):
            errors.append(found.errors)
    return max(errors, default=None)


def _moments(cell: Cell) -> Moments | None:
    """Take the moments that the estimate is made of; accounts have others."""
    amounts = cell.amounts
    if amounts is None or amounts.accounts is not None:
        return None
    return amounts.vector.outcome


def _top_share(summaries: Summaries, key: str) -> float | None:
    shares = [
        cell.amounts.top_share
        for cell in summaries.arms(key).values()
        if cell.amounts is not None
    ]
    return next((share for share in shares if share is not None), None)


def _too_good(
    plan: Plan,
    readings: Sequence[MetricReading],
    known: Mapping[str, Sequence[tuple[float, float]]],
) -> Check:
    """Check that no change is larger than such changes are."""
    name = HealthCheck.TOO_GOOD
    facts: dict[str, object] = {}
    said = []
    tested = 0
    for reading in readings:
        if not isinstance(reading.outcome, Estimate):
            continue
        tested += 1
        metric = plan.metric(reading.metric)
        past = known.get(reading.metric, ())
        found = surprise(reading.outcome, metric.choice.change_that_matters, past)
        if found:
            facts[f"{reading.metric} {reading.variant}"] = ", ".join(found)
            whose = f" ({reading.variant})" if len(plan.design.treatments) > 1 else ""
            said.append(f"{metric.name}{whose} {_against(found[0], len(past))}")
    if not tested:
        return does_not_apply(name, "No change could be computed.")
    if said:
        sentence = (
            f"Larger than such changes are: {'; '.join(said)}. Look for a fault in"
            " tracking or split before believing it."
        )
        return noticed(name, sentence, facts)
    return passed(name, "All changes are of a size that such changes have.", facts)


def _against(kind: Surprise, past: int) -> str:
    match kind:
        case Surprise.ERRORS:
            return f"is {FARTHEST:.0f} standard errors or more from no change"
        case Surprise.LIFT:
            return f"changed by more than {LARGEST_LIFT:.0%} of control".replace(
                "%", " %"
            )
        case Surprise.PAST:
            return f"changed more than in any of {past} earlier comparisons"
        case Surprise.PLAN:
            return (
                f"changed by more than {TIMES_PLANNED:.0f} times what the plan calls"
                " worth it"
            )
