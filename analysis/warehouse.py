"""Exposures joined with events: small summary tables per variant, metric and segment.

However many customers there are, what leaves the database are counts of equal
outcomes. Customers are taken in buckets, so that memory is bounded; one pass over a
bucket's events of a kind serves all metrics that read it.
"""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import structlog

from analysis.account_cohort import AccountCohort
from analysis.bounds import Bounds
from analysis.cells import Cell, Earlier, Summaries, deciding_maturity, roll_up
from analysis.cohort import Cohort
from analysis.customer_outcomes import CustomerOutcomes
from analysis.event_rows import EventRows, connect
from analysis.late_events import count_late_events
from analysis.makeup import Makeup
from analysis.makeup_query import MakeupQuery
from analysis.measure import Gauge, Measure
from analysis.measures_value import Values
from analysis.membership import Membership
from analysis.metrics import measure_of
from analysis.number_cells import amount_cells, amounts_of, with_amounts
from analysis.numbers import values_of
from analysis.outcome_counts import Measured, measured_of
from analysis.parts import with_parts
from analysis.trail_query import TrailQuery, trail_of
from experiments.plan import Plan
from experiments.vocabulary import Unit

log = structlog.get_logger(__name__)


def summarise_events(
    plan: Plan,
    files: Sequence[str],
    bounds: Bounds,
    scratch: Path,
    earlier: Earlier | None = None,
    *,
    with_makeup: bool = True,
    cohort_of: type[Cohort] | None = None,
) -> Summaries:
    """Summarise an experiment's events; the same input gives the same summaries.

    Args:
        plan: the locked plan.
        files: the store's active Parquet files.
        bounds: which exposures count, and up to when customers were watched.
        scratch: folder for what does not fit into memory.
        earlier: the last good run, to count events that came late since.
        with_makeup: whether to count what trust checks compare variants by.
        cohort_of: finds who is in; None takes the exposed customers, or accounts.

    Returns:
        Summaries. A metric that cannot be measured is in `failed` and has no cells.
    """
    with connect(scratch) as connection:
        events = EventRows(connection, files, bounds.as_of)
        values = _values(plan, events, bounds)
        measures = _measures(plan, values)
        if cohort_of is None:
            by_account = plan.design.unit == Unit.ACCOUNT
            cohort_of = AccountCohort if by_account else Cohort
        cohort = cohort_of(events, plan, bounds)
        outcomes = CustomerOutcomes(events, cohort, plan, bounds, values)
        makeup = (
            _makeup(outcomes, events, cohort, plan, bounds) if with_makeup else Makeup()
        )
        names = [variant.name for variant in plan.design.variants]
        trail = None
        if cohort.is_traced:
            trail = TrailQuery(connection, cohort, plan, bounds)
        measured, failed = _isolated(outcomes, measures, names, trail)
        cells: list[Cell] = []
        for key in (key for key in measures if key not in failed):
            try:
                cells += _cells(plan, key, measures[key], measured, outcomes.membership)
            except ValueError as error:  # no set of customers could give this summary
                failed[key] = _noted(key, error)
        late = None
        if earlier is not None:
            late = count_late_events(plan, events, cohort, earlier)
        return Summaries(
            cells=tuple(cells),
            exposures=cohort.counts(deciding_maturity(plan)),
            late_event_count=late,
            trail=trail_of(cohort, bounds, measured.reached),
            failed=failed,
            makeup=makeup,
        )


def unit_outcomes(
    plan: Plan, files: Sequence[str], bounds: Bounds, scratch: Path
) -> pa.Table:
    """Read the outcome of each single customer, as it goes into the summaries.

    For what must group the same customers many times; results are never made of it.

    Args:
        plan: names the metrics.
        files: Parquet files of events.
        bounds: which exposures count, and up to when customers were watched.
        scratch: folder for what does not fit into memory.

    Returns:
        One row a customer: `person`, `follow_up` in microseconds, and of metric i of
        the plan `m{i}_value`, `m{i}_mark`, `number_columns` and, where an event starts
        its clock, `m{i}_start`.
    """
    with connect(scratch) as connection:
        events = EventRows(connection, files, bounds.as_of)
        values = _values(plan, events, bounds)
        measures = _measures(plan, values).values()
        cohort = Cohort(events, plan, bounds)
        outcomes = CustomerOutcomes(events, cohort, plan, bounds, values)
        starts = [f"{m.name}_start" for m in measures if m.definition.start_events]
        beside = ("person", "follow_up", *starts)
        return pa.concat_tables(
            outcomes.of(bucket, measures, beside).to_pyarrow()
            for bucket in events.buckets
        )


def _makeup(
    outcomes: CustomerOutcomes,
    events: EventRows,
    cohort: Cohort,
    plan: Plan,
    bounds: Bounds,
) -> Makeup:
    """Count what customers are compared by, for the trust checks."""
    labels = outcomes.membership.labels
    asked = MakeupQuery(events, cohort, plan, bounds, labels)
    for bucket in events.buckets:
        asked.take(bucket, outcomes.segments(bucket) if labels else None)
    return asked.result()


def _values(plan: Plan, events: EventRows, bounds: Bounds) -> Values:
    """Find what the values have in common that the plan's metrics add up."""
    asked = [metric.definition for metric in plan.metrics]
    names = {name for one in asked if one.reads_values for name in one.all_events}
    longest = max(one.covariate_days for one in asked)
    since = plan.exposures_from - timedelta(days=longest)
    read = events.stored.filter(
        events.stored.occurred_at >= since,
        events.stored.occurred_at < bounds.data_cutoff,
    )
    return values_of(read, sorted(names))


def _measures(plan: Plan, values: Values) -> dict[str, Gauge]:
    """Say how each metric is measured."""
    return {
        metric.choice.metric: measure_of(metric.definition, f"m{i}", values.exponent)
        for i, metric in enumerate(plan.metrics)
    }


def _cells(
    plan: Plan, key: str, measure: Gauge, measured: Measured, membership: Membership
) -> list[Cell]:
    """Make the cells of one metric: of equal outcomes, of sums of numbers, or both."""
    amounts = None
    if key in measured.numbers:
        numbers = measured.numbers[key]
        amounts = amounts_of(
            plan, plan.metric(key), numbers, membership, measured.orders.get(key)
        )
    metric, sums = plan.metric(key), measured.numbers.get(key)
    if not isinstance(measure, Measure):
        return with_parts(plan, metric, amount_cells(metric, amounts or {}), None, sums)
    groups = measured.counted[key]
    cells = roll_up(plan, key, measure, groups, membership)
    if amounts is not None:
        cells = with_amounts(cells, amounts)
    return with_parts(plan, metric, cells, (measure, groups), sums)


def _isolated(
    outcomes: CustomerOutcomes,
    measures: dict[str, Gauge],
    variants: Sequence[str],
    trail: TrailQuery | None,
) -> tuple[Measured, dict[str, str]]:
    """Measure all metrics at once; when that fails, each alone, to spare the others.

    How far customers came is told of all metrics together, or not at all.
    """
    try:
        return measured_of(outcomes, measures, variants, trail), {}
    except Exception as error:  # noqa: BLE001  # the engine's have no common base
        if len(measures) == 1:
            return Measured(), {key: _noted(key, error) for key in measures}
        log.warning("metrics_measured_one_by_one", error=str(error)[:500])
    measured = Measured()
    failed: dict[str, str] = {}
    for key, measure in measures.items():
        one, fault = _isolated(outcomes, {key: measure}, variants, None)
        measured.counted.update(one.counted)
        measured.numbers.update(one.numbers)
        measured.orders.update(one.orders)
        failed |= fault
    return measured, failed


def _noted(key: str, error: Exception) -> str:
    log.error("metric_failed", metric=key, error=str(error)[:2000])
    return f"{type(error).__name__}: {error}"[:500]
