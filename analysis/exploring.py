"""Exploring: the metric that decides by segments that nobody declared beforehand.

Among ten splits that were not planned one looks special by chance. So these never
decide, are read only beside the plan's answer, are adjusted for their number, and each
is shown once more pulled towards the mean of all.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import structlog

from analysis.cells import Cell, Summaries
from analysis.estimating import estimate
from analysis.outcome_json import outcome_to_json
from analysis.result_table import is_small
from analysis.stats.estimate import Estimate, NotComputable, Outcome
from analysis.stats.false_discovery import benjamini_hochberg, false_coverage_level
from analysis.stats.heterogeneity import Shrunk, heterogeneity
from analysis.stats.refusals import MIN_UNITS
from analysis.stats.standard_error import error_of
from analysis.stats.summary import Histogram
from experiments.design_parts import SegmentRef
from experiments.plan import Plan, PlannedSegment
from experiments.vocabulary import EVERYBODY, Reason

DETAIL = "exploring"  # what a result keeps them under

log = structlog.get_logger(__name__)
Measuring = Callable[[Plan], Summaries]


@dataclass(frozen=True, slots=True)
class Explored:
    """What one treatment did in one segment that was not declared.

    Attributes:
        segment: with its rule as it was then.
        outcome: at a level that holds over all splits; withheld where a group has
            fewer than 10 customers, who could be told by it.
        p_value: adjusted over all splits.
        pulled: the change and its 95 % range, pulled towards the mean of the splits;
            None where there is nothing to pull it to.
    """

    segment: PlannedSegment
    outcome: Outcome
    p_value: float | None
    pulled: Shrunk | None


def explored(
    plan: Plan, segments: Sequence[PlannedSegment], measure: Measuring
) -> dict[str, list[Explored]]:
    """Split the metric that decides by segments that are no part of the plan.

    Benjamini and Hochberg adjust over all splits of all treatments, with ranges at
    their false-coverage level, as for secondary metrics. What is pulled together takes
    the splits as if they did not overlap: where they do, they look more alike than
    they are, and are pulled too far rather than too little.

    Args:
        plan: the locked plan.
        segments: not declared in it.
        measure: summarises the experiment's data by a plan of the caller's.

    Returns:
        Treatment -> its splits, in the order of the segments; {} where there are none
        or they could not be measured, for nothing that decides may fail with them.
    """
    if not segments:
        return {}
    try:
        return _explored(_widened(plan, segments), segments, measure)
    except Exception:
        incident = uuid.uuid4().hex[:12]
        log.exception("exploring_failed", experiment=plan.design.key, incident=incident)
        return {}


def explored_to_json(found: Sequence[Explored]) -> list[dict[str, Any]]:
    """Write the splits of one treatment as plain JSON values."""
    return [
        {
            "segment": each.segment.key,
            "version": each.segment.version,
            "name": each.segment.name,
            "outcome": outcome_to_json(_adjusted(each)),
            "pulled": None if each.pulled is None else asdict(each.pulled),
        }
        for each in found
    ]


def _adjusted(each: Explored) -> Outcome:
    if isinstance(each.outcome, NotComputable):
        return each.outcome
    return replace(each.outcome, p_value=each.p_value)


def _widened(plan: Plan, segments: Sequence[PlannedSegment]) -> Plan:
    """Make the plan that asks for these splits of the metric that decides alone."""
    design = replace(
        plan.design,
        metrics=(plan.primary.choice,),
        breakdowns=tuple(SegmentRef(each.key, each.version) for each in segments),
        variants=tuple(
            replace(variant, personalisation=()) for variant in plan.design.variants
        ),
        post_stratified=False,
    )
    return replace(
        plan,
        design=design,
        metrics=(plan.primary,),
        segments=(plan.segments[0], *segments),
    )


def _explored(
    plan: Plan, segments: Sequence[PlannedSegment], measure: Measuring
) -> dict[str, list[Explored]]:
    summaries = measure(plan)
    splits = {each.key: each for each in segments if _parts(plan, summaries, each.key)}
    first = _outcomes(plan, summaries, splits)
    p_values = [_p_value(outcome) for outcome in first.values()]
    level = false_coverage_level(p_values, 1 - plan.design.alpha)
    wide = replace(plan, design=replace(plan.design, alpha=1 - level))
    again = _outcomes(wide, summaries, splits)
    adjusted = dict(zip(first, benjamini_hochberg(p_values), strict=True))
    found: dict[str, list[Explored]] = {}
    for treatment in plan.design.treatments:
        own = {name: again[treatment.name, name] for name in splits}
        pulled = _pulled(own)
        found[treatment.name] = [
            Explored(
                splits[name],
                own[name],
                adjusted[treatment.name, name],
                pulled.get(name),
            )
            for name in splits
        ]
    return found if splits else {}


def _parts(plan: Plan, summaries: Summaries, segment: str) -> bool:
    """Whether a segment parts the customers: some are in it, and enough are not.

    What one with nearly everybody in it shows would, held against the result of all,
    tell about the few who are left.
    """
    key = plan.primary.choice.metric
    inside, everybody = (summaries.arms(key, name) for name in (segment, EVERYBODY))
    sizes = [(_customers(inside[name]), _customers(everybody[name])) for name in inside]
    return all(every - own >= MIN_UNITS for own, every in sizes) and any(
        own for own, _ in sizes
    )


def _customers(cell: Cell) -> int:
    summary = cell.summary
    if isinstance(summary, Histogram):
        return summary.n_exposed
    return summary.n + summary.n_missing


def _outcomes(
    plan: Plan, summaries: Summaries, splits: Mapping[str, PlannedSegment]
) -> dict[tuple[str, str], Outcome]:
    """Estimate each split, by (treatment, segment); those of few are withheld."""
    found: dict[tuple[str, str], Outcome] = {}
    for each in estimate(plan, summaries, tuple(splits)):
        reading = each.reading
        if reading.segment != EVERYBODY:
            found[reading.variant, reading.segment] = _withheld(reading.outcome)
    return found


def _withheld(outcome: Outcome) -> Outcome:
    """Leave out what could tell who is in a group of few, their number too."""
    if isinstance(outcome, Estimate):
        is_of_few = is_small(outcome)
    else:
        is_of_few = outcome.reason == Reason.TOO_FEW_UNITS
    return NotComputable(Reason.TOO_FEW_UNITS) if is_of_few else outcome


def _p_value(outcome: Outcome) -> float | None:
    return outcome.p_value if isinstance(outcome, Estimate) else None


def _pulled(outcomes: Mapping[str, Outcome]) -> dict[str, Shrunk]:
    effects = [
        (name, outcome.effect, error_of(outcome))
        for name, outcome in outcomes.items()
        if isinstance(outcome, Estimate)
    ]
    found = heterogeneity(effects)
    return {} if isinstance(found, NotComputable) else dict(found.shrunk)
