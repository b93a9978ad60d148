"""From summaries to readings: every metric, treatment and segment, and nothing shared.

One metric whose estimate raises shows "could not be computed"; the rest stand.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from analysis.adjusting import over_treatments, said
from analysis.answer_readings import AnswerReadings, answer_readings
from analysis.by_accounts import by_accounts
from analysis.cells import Cell, Summaries
from analysis.comparing_amounts import adjusted, compare_amounts
from analysis.followed import (
    FollowedMore,
    compare_followed,
    curve,
    further,
    is_followed,
)
from analysis.looks import Look, Trace
from analysis.readings import MetricReading, Silence
from analysis.repeated import Asked, treatments_at_look
from analysis.silence import silence_of
from analysis.stats.boundaries import level_of
from analysis.stats.clustered import clustered_balance
from analysis.stats.estimate import Estimate, NotComputable, Outcome
from analysis.stats.false_discovery import benjamini_hochberg, false_coverage_level
from analysis.stats.proportions import two_proportions
from analysis.stats.satisfaction import (
    ResponseBalance,
    csat_mean,
    csat_share,
    net_promoter,
    response_balance,
)
from analysis.stats.summary import Funnel, Histogram, LifeTable, Moments, Successes
from analysis.stats.survival import CurvePoint
from experiments.metric_definition import MetricDefinition
from experiments.plan import Plan, PlannedMetric
from experiments.vocabulary import (
    EVERYBODY,
    AdjustedBy,
    Direction,
    MetricKind,
    Reason,
    Role,
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Estimated:
    """A reading with what stands behind it."""

    reading: MetricReading
    followed: FollowedMore | None = None
    answers: AnswerReadings | None = None
    trace: Trace | None = None  # what later looks need; where there may be some


def estimate(
    plan: Plan,
    summaries: Summaries,
    segments: tuple[str, ...],
    look: Look | None = None,
) -> list[Estimated]:
    """Estimate every metric for every treatment against control.

    With several treatments the primary metric is adjusted over them by Dunnett, at
    looks by Holm. Several comparisons of secondary metrics are adjusted together by
    Benjamini and Hochberg. All adjust p-values and the levels of intervals, and say so
    among the facts of the estimate (`adjusting`). Guardrails are not adjusted: a
    harm must not be harder to see because there are many, and to call it ruled out
    takes every one of them. Neither are segments, which do not decide. At one of many
    looks every range is one that holds over all of them, and secondary metrics are not
    adjusted for their number.

    Args:
        plan: the locked plan.
        summaries: one cell for each metric, variant and segment.
        segments: labels of the reported segments.
        look: which one; None where the plan has one look only.

    Returns:
        In the order of the plan's metrics; of each metric everybody first, then the
        segments; of each of these the treatments.
    """
    found = []
    for metric in plan.metrics:
        for segment in (EVERYBODY, *segments):
            found += _of_treatments(plan, metric, summaries, segment, look)
    return found if look is not None else _secondary_adjusted(plan, summaries, found)


def responses(plan: Plan, summaries: Summaries) -> dict[str, list[ResponseBalance]]:
    """Compare how often customers answered each survey metric.

    It says nothing about what they answered, so it may be shown at any time.

    Args:
        plan: the locked plan.
        summaries: with a cell for each survey metric and variant.

    Returns:
        Name of the metric -> balance of each treatment with control.
    """
    found = {}
    for metric in plan.metrics:
        arms = summaries.arms(metric.choice.metric)
        control = arms.get(plan.design.control.name)
        balances = [
            balance
            for spec in plan.design.treatments
            if metric.definition.is_survey
            and (balance := _response(metric, control, arms.get(spec.name)))
        ]
        if balances:
            found[metric.name] = balances
    return found


def retention_curves(
    plan: Plan, summaries: Summaries
) -> dict[str, dict[str, tuple[CurvePoint, ...]]]:
    """Work out the curve of each variant, for metrics about times.

    Args:
        plan: the locked plan.
        summaries: with life tables.

    Returns:
        Metric key -> variant, control first -> curve of the share still there, or for
        events of the share that had it; metrics without a curve for each
        variant are not in it.
    """
    level = 1 - plan.design.alpha
    found = {}
    variants = (plan.design.control, *plan.design.treatments)
    for metric in plan.metrics:
        key = metric.choice.metric
        arms = summaries.arms(key)
        curves: dict[str, tuple[CurvePoint, ...]] = {}
        for spec in variants:
            cell = arms.get(spec.name)
            points = None if cell is None else curve(metric.definition, cell, level)
            if points is not None and not isinstance(points, NotComputable):
                curves[spec.name] = points
        if len(curves) == len(variants):
            found[key] = curves
    return found


def _of_treatments(
    plan: Plan,
    metric: PlannedMetric,
    summaries: Summaries,
    segment: str,
    look: Look | None,
) -> list[Estimated]:
    arms = summaries.arms(metric.choice.metric, segment)
    control = arms.get(plan.design.control.name)
    level = 1 - plan.design.alpha
    names = [spec.name for spec in plan.design.treatments]

    def compare(name: str, at_level: float) -> Outcome:
        treatment = arms.get(name)
        if control is None or treatment is None:
            return _missing(metric, summaries)
        return _shielded(
            metric, lambda: _compare(metric.definition, control, treatment, at_level)
        )

    once = look is None or look.is_only
    traces: dict[str, Trace] = {}
    if look is not None:
        asked = {name: _asked(plan, metric, arms, name, segment) for name in names}
        outcomes, traces = _looked(metric, look, asked, compare)
        if metric.choice.role == Role.PRIMARY and len(names) > 1:
            outcomes = {
                treatment: said(outcome, AdjustedBy.HOLM, len(names))
                for treatment, outcome in outcomes.items()
            }
    else:
        outcomes = {name: compare(name, level) for name in names}
        if metric.choice.role == Role.PRIMARY and len(names) > 1:
            outcomes = over_treatments(outcomes, level, compare)
    return [
        Estimated(
            reading=MetricReading(
                metric=metric.choice.metric,
                variant=name,
                segment=segment,
                role=metric.choice.role,
                outcome=outcomes[name],
                response=_response(metric, control, arms.get(name), level),
                silence=_silence(
                    metric, control, arms.get(name), outcomes[name], level
                ),
            ),
            # Further read-outs are for one look only: they have no range for many.
            followed=_followed(metric, control, arms.get(name), level)
            if once
            else None,
            answers=_answers_read(metric, control, arms.get(name), level)
            if once
            else None,
            trace=traces.get(name),
        )
        for name in names
    ]


def _answers_read(
    metric: PlannedMetric, control: Cell | None, treatment: Cell | None, level: float
) -> AnswerReadings | None:
    """Read a survey's answers in other ways; one that raises is left out."""
    if control is None or treatment is None:
        return None
    try:
        return answer_readings(metric.definition, control, treatment, level)
    except Exception:
        incident = uuid.uuid4().hex[:12]
        log.exception("readings_failed", metric=metric.choice.metric, incident=incident)
        return None


def _secondary_adjusted(
    plan: Plan, summaries: Summaries, found: Sequence[Estimated]
) -> list[Estimated]:
    """Keep the share of false discoveries among the secondary metrics of everybody."""
    family = {
        (reading.metric, reading.variant): reading.outcome
        for reading in (each.reading for each in found)
        if reading.role == Role.SECONDARY and reading.segment == EVERYBODY
    }
    if len(family) < 2:  # noqa: PLR2004  # one comparison needs no adjustment
        return list(found)
    p_values = [
        outcome.p_value if isinstance(outcome, Estimate) else None
        for outcome in family.values()
    ]
    level = false_coverage_level(p_values, 1 - plan.design.alpha)
    adjusted = dict(zip(family, benjamini_hochberg(p_values), strict=True))

    def again(each: Estimated) -> Estimated:
        reading = each.reading
        key = reading.metric, reading.variant
        if reading.segment != EVERYBODY or not isinstance(family.get(key), Estimate):
            return each
        metric, arms = plan.metric(reading.metric), summaries.arms(reading.metric)
        control, treatment = arms[plan.design.control.name], arms[reading.variant]
        outcome = _shielded(
            metric, lambda: _compare(metric.definition, control, treatment, level)
        )
        if isinstance(outcome, Estimate):
            outcome = replace(outcome, p_value=adjusted[key])
            outcome = said(outcome, AdjustedBy.BENJAMINI_HOCHBERG, len(family))
        silence = _silence(metric, control, treatment, outcome, level)
        return replace(each, reading=replace(reading, outcome=outcome, silence=silence))

    return [again(each) for each in found]


def _silence(
    metric: PlannedMetric,
    control: Cell | None,
    treatment: Cell | None,
    outcome: Outcome,
    level: float,
) -> Silence | None:
    """Ask what silence could hide, at the level of the interval that decides."""
    if control is None or treatment is None:
        return None
    if isinstance(outcome, Estimate):
        level = outcome.interval.level
        bound = outcome.facts.get("boundary")
        if isinstance(bound, float):  # one of many looks
            level = level_of(bound)
    return silence_of(metric.definition, control, treatment, outcome, level)


def _looked(
    metric: PlannedMetric,
    look: Look,
    asked: Mapping[str, Asked],
    compare: Callable[[str, float], Outcome],
) -> tuple[dict[str, Outcome], dict[str, Trace]]:
    try:
        return treatments_at_look(look, asked, compare)
    except Exception:
        incident = uuid.uuid4().hex[:12]
        log.exception("look_failed", metric=metric.choice.metric, incident=incident)
        return dict.fromkeys(asked, NotComputable(Reason.FAILED)), {}


def _asked(
    plan: Plan,
    metric: PlannedMetric,
    arms: Mapping[str, Cell],
    name: str,
    segment: str,
) -> Asked:
    choice = metric.choice
    is_primary = choice.role == Role.PRIMARY
    rarer = [_rarer(arms.get(each)) for each in (plan.design.control.name, name)]
    known = [count for count in rarer if count is not None]
    harm = -1 if metric.definition.direction == Direction.INCREASE else 1
    return Asked(
        key=(choice.metric, name, segment),
        alpha=plan.design.alpha,
        decides=is_primary and segment == EVERYBODY,
        harm_sign=harm if choice.role == Role.GUARDRAIL else None,
        rarer=min(known, default=None),
        family=len(plan.design.treatments) if is_primary else 1,
    )


def _rarer(cell: Cell | None) -> int | None:
    """Customers with the rarer outcome, where outcomes are events."""
    if cell is None:
        return None
    if isinstance(cell.summary, Successes):
        return min(cell.summary.successes, cell.summary.n - cell.summary.successes)
    if isinstance(cell.summary, LifeTable):
        return sum(day.events for day in cell.summary.days)
    return None


def _missing(metric: PlannedMetric, summaries: Summaries) -> NotComputable:
    """Say why a metric has no cells."""
    if not summaries.has_times and metric.choice.metric not in summaries.failed:
        return NotComputable(Reason.NO_TIMES)
    return NotComputable(Reason.FAILED)


def _shielded(metric: PlannedMetric, work: Callable[[], Outcome]) -> Outcome:
    try:
        return work()
    except Exception:
        incident = uuid.uuid4().hex[:12]
        log.exception("estimate_failed", metric=metric.choice.metric, incident=incident)
        return NotComputable(Reason.FAILED)


def _compare(
    definition: MetricDefinition, control: Cell, treatment: Cell, level: float
) -> Outcome:
    """Compare two summaries by the estimator of the metric's kind."""
    c, t = control.summary, treatment.summary
    if is_followed(c) and is_followed(t):
        return compare_followed(definition, control, treatment, level)
    if control.clusters is not None and treatment.clusters is not None:
        return by_accounts(
            definition, (c, control.clusters), (t, treatment.clusters), level
        )
    if isinstance(c, Moments) and isinstance(t, Moments):
        return compare_amounts(definition, control, treatment, level)
    if isinstance(c, Successes) and isinstance(t, Successes):
        plain = two_proportions(c, t, level)
        return adjusted(plain, control, treatment, level)
    if isinstance(c, Funnel) and isinstance(t, Funnel):
        plain = two_proportions(c.finished, t.finished, level)
        return adjusted(plain, control, treatment, level)
    if isinstance(c, Histogram) and isinstance(t, Histogram):
        plain = _compare_answers(definition, c, t, level)
        return adjusted(plain, control, treatment, level)
    raise TypeError(f"no estimator for {type(c).__name__} and {type(t).__name__}")


def _compare_answers(
    definition: MetricDefinition, control: Histogram, treatment: Histogram, level: float
) -> Outcome:
    if definition.kind == MetricKind.NPS:
        return net_promoter(control, treatment, level)
    if definition.counts_upper_box:
        return csat_share(control, treatment, definition.satisfied_from, level)
    return csat_mean(control, treatment, level)


def _followed(
    metric: PlannedMetric, control: Cell | None, treatment: Cell | None, level: float
) -> FollowedMore | None:
    if control is None or treatment is None or not is_followed(control.summary):
        return None
    return further(
        metric.definition,
        control,
        treatment,
        level,
        lambda work: _shielded(metric, work),
    )


def _response(
    metric: PlannedMetric,
    control: Cell | None,
    treatment: Cell | None,
    level: float = 0.95,
) -> ResponseBalance | None:
    """Compare who has an outcome at all, where not everybody can have one."""
    if control is None or treatment is None:
        return None
    c, t = (_answers(metric.definition, cell) for cell in (control, treatment))
    if c is None or t is None:
        return None
    if control.clusters is not None and treatment.clusters is not None:
        return clustered_balance((c, control.clusters), (t, treatment.clusters), level)
    return response_balance(c, t, level)


def _answers(definition: MetricDefinition, cell: Cell) -> Histogram | None:
    """Read who is counted as who answered, where customers select themselves."""
    summary = cell.summary
    if isinstance(summary, Histogram):
        return summary
    if not definition.selects or not isinstance(summary, (Successes, LifeTable)):
        return None
    return Histogram(
        counts=((1.0, summary.n),) if summary.n else (),
        n_exposed=summary.n + summary.n_missing,
        n_invited=0,  # nobody is asked to make contact
        n_immature=cell.n_immature,
    )
