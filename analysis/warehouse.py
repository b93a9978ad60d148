"""Exposures joined with events: small summary tables per variant, metric and segment.

However many customers there are, what leaves the database are counts of equal
outcomes. Customers are taken in buckets, so that memory is bounded; one pass over a
bucket's events of a kind serves all metrics that read it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import structlog

from analysis.account_cohort import AccountCohort
from analysis.before import before_apart, gather_before, longest, with_before
from analysis.cells import (
    Cell,
    Earlier,
    Summaries,
    deciding_maturity,
    roll_up,
)
from analysis.cohort import Bounds, Cohort, Places
from analysis.event_rows import (
    Bucket,
    EventRows,
    Rows,
    connect,
    microseconds,
    replaced,
)
from analysis.makeup import Makeup
from analysis.makeup_query import MakeupQuery
from analysis.measure import Gauge, Measure, OutcomeCount
from analysis.measures_value import Values
from analysis.membership import Membership, reported_segments
from analysis.metrics import measure_of
from analysis.number_cells import amount_cells, amounts_of, with_amounts
from analysis.numbers import (
    NumberSums,
    is_number,
    number_columns,
    sums_of,
    values_of,
)
from analysis.orders import Orders, orders_of
from analysis.parts import with_parts
from analysis.trail_query import TrailQuery, gather, trail_of
from analysis.wanted_rows import (
    SURVEY_KINDS,
    asked_for,
    can_read_before_too,
    read_alike,
    starts,
)
from experiments.plan import Plan
from experiments.survey_kinds import FACTS
from experiments.vocabulary import EventKind, MetricKind, Unit

ROW_COLUMNS = (
    "person", "at", "kind", "name", "value", "scale", "received_at", "message_id"
)  # fmt: skip

_Key = tuple[str, str, int, float | None, int]  # variant, mask, cluster, value, mark
# Of each metric, by (variant, mask of segments): how often each outcome.
Counted = dict[str, dict[tuple[str, str], list[OutcomeCount]]]


@dataclass(frozen=True, slots=True)
class Measured:
    """What left the database, by metric."""

    counted: Counted = field(default_factory=dict)
    numbers: dict[str, NumberSums] = field(default_factory=dict)
    orders: dict[str, Orders] = field(default_factory=dict)


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
        query = _Query(events, cohort, plan, bounds, values)
        makeup = query.makeup() if with_makeup else Makeup()
        cells: list[Cell] = []
        counted, failed = _isolated(query, measures)
        for key in (key for key in measures if key not in failed):
            try:
                cells += _cells(plan, key, measures[key], counted, query.membership)
            except ValueError as error:  # no set of customers could give this summary
                failed[key] = _noted(key, error)
        return Summaries(
            cells=tuple(cells),
            exposures=cohort.counts(deciding_maturity(plan)),
            late_event_count=query.late_events(earlier) if earlier else None,
            trail=trail_of(cohort, bounds, query.reached),
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
        query = _Query(events, Cohort(events, plan, bounds), plan, bounds, values)
        starts = [f"{m.name}_start" for m in measures if m.definition.start_events]
        beside = ("person", "follow_up", *starts)
        return pa.concat_tables(
            query.outcomes(bucket, measures, beside).to_pyarrow()
            for bucket in events.buckets
        )


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
    plan: Plan, key: str, measure: Gauge, measured: "Measured", membership: Membership
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
    query: "_Query", measures: dict[str, Gauge]
) -> tuple["Measured", dict[str, str]]:
    """Measure all metrics at once; when that fails, each alone, to spare the others."""
    try:
        return query.counts(measures), {}
    except Exception as error:  # noqa: BLE001  # the engine's have no common base
        if len(measures) == 1:
            return Measured(), {key: _noted(key, error) for key in measures}
        log.warning("metrics_measured_one_by_one", error=str(error)[:500])
    measured = Measured()
    failed: dict[str, str] = {}
    for key, measure in measures.items():
        one, fault = _isolated(query, {key: measure})
        measured.counted.update(one.counted)
        measured.numbers.update(one.numbers)
        measured.orders.update(one.orders)
        failed |= fault
    return measured, failed


def _noted(key: str, error: Exception) -> str:
    log.error("metric_failed", metric=key, error=str(error)[:2000])
    return f"{type(error).__name__}: {error}"[:500]


class _Query:
    """Joins the events of an experiment's customers with their exposures."""

    def __init__(
        self,
        events: EventRows,
        cohort: Cohort,
        plan: Plan,
        bounds: Bounds,
        values: Values,
    ) -> None:
        self._plan = plan
        self._values = values
        self._events = events
        self._cohort = cohort
        self.membership = Membership(reported_segments(plan))
        self._bounds = bounds
        self._masked: set[Bucket] = set()  # whose segments are known
        # Of all metrics together; None when they had to be measured one by one.
        self.reached: Places | None = None

    def makeup(self) -> Makeup:
        """Count what customers are compared by, for the trust checks."""
        labels = self.membership.labels
        asked = MakeupQuery(
            self._events, self._cohort, self._plan, self._bounds, labels
        )
        for bucket in self._events.buckets:
            asked.take(bucket, self._segments(bucket) if labels else None)
        return asked.result()

    def counts(self, measures: dict[str, Gauge]) -> Measured:
        """Count equal outcomes of each metric, and add up those that are numbers."""
        few = {key: m for key, m in measures.items() if isinstance(m, Measure)}
        numbers = {key: m for key, m in measures.items() if is_number(m)}
        totals: dict[str, Counter[_Key]]
        totals = {key: Counter() for key in few}
        trail = self._trail() if len(measures) == len(self._plan.metrics) else None
        for bucket in self._events.buckets:
            table = self.outcomes(bucket, measures.values(), trail=trail)
            for key, measure in few.items():
                for found in _equal_outcomes(table, measure):
                    totals[key][found[:-1]] += found[-1]
            if trail is not None:
                trail.take(table)
            if numbers:
                self._keep(table, is_first=bucket is self._events.buckets[0])
        self.reached = None if trail is None else trail.result()
        summed = self._sums(list(numbers.values())) if numbers else {}
        return Measured(
            {key: _grouped(counter) for key, counter in totals.items()},
            {key: summed[gauge.name] for key, gauge in numbers.items()},
            {
                key: self._orders(gauge, summed[gauge.name])
                for key, gauge in numbers.items()
                if gauge.definition.kind == MetricKind.VALUE_QUANTILE
            },
        )

    def _trail(self) -> TrailQuery | None:
        """Ask how far customers came, where they were exposed."""
        if not self._cohort.is_traced:
            return None
        maturity = deciding_maturity(self._plan)
        connection = self._events.connection
        return TrailQuery(connection, self._cohort, self._plan, self._bounds, maturity)

    def _keep(self, table: Rows, *, is_first: bool) -> None:
        """Keep the outcomes of all buckets: their ranges are needed before the sums."""
        if len(self._events.buckets) == 1:
            return
        connection = self._events.connection
        if is_first:
            replaced(connection, "numbers", table)
        else:
            connection.insert("numbers", table)

    @property
    def _kept(self) -> Rows:
        is_one = len(self._events.buckets) == 1
        return self._events.connection.table("outcomes" if is_one else "numbers")

    def _sums(self, gauges: list[Gauge]) -> dict[str, NumberSums]:
        return sums_of(self._kept, gauges)

    def _orders(self, gauge: Gauge, sums: NumberSums) -> Orders:
        names = [variant.name for variant in self._plan.design.variants]
        return orders_of(self._kept, gauge, sums, self.membership, names)

    def outcomes(
        self,
        bucket: Bucket,
        measures: Iterable[Gauge],
        beside: Sequence[str] = (),
        trail: TrailQuery | None = None,
    ) -> Rows:
        """Write a bucket's customers with their outcomes into a helper table.

        Args:
            bucket: which customers.
            measures: of the metrics.
            beside: further columns of the customers that are wanted.
            trail: says how far each of them came, where that is wanted.

        Returns:
            The helper table; the next bucket's takes its place.
        """
        measures = list(measures)
        units = self._cohort.of(bucket)
        events = self._events.of(bucket)
        joined = units
        adjusted = [m for m in measures if m.definition.covariate_days]
        in_one_pass = can_read_before_too(measures)
        for kinds in (frozenset({EventKind.ACTIVITY}), SURVEY_KINDS):
            reading = [measure for measure in measures if measure.kinds == kinds]
            if reading:
                before = adjusted if in_one_pass else []
                gathered = self._gathered(units, events, reading, before)
                joined = joined.left_join(gathered, "unit").drop("unit_right")
        if adjusted:
            if not in_one_pass:
                since = self._plan.exposures_from
                earlier = before_apart(units, events, adjusted, since, self._values)
                joined = joined.left_join(earlier, "unit").drop("unit_right")
            joined = with_before(joined, adjusted, self._events.began)
        joined = self._with_segments(joined, bucket)
        columns = {} if trail is None else trail.columns(joined)
        for measure in measures:
            outcome = measure.outcome(joined)
            columns[f"{measure.name}_value"] = outcome.value.cast("float64")
            columns[f"{measure.name}_mark"] = outcome.mark.cast("int64")
            columns |= number_columns(measure, joined)
        table = joined.select("variant", "segments", "cluster", *beside, **columns)
        return replaced(self._events.connection, "outcomes", table)

    def _gathered(
        self, units: Rows, events: Rows, measures: list[Gauge], before: list[Gauge]
    ) -> Rows:
        """Aggregate each customer's events, in one pass for all these metrics.

        What came before the exposure is read for the metrics in `before`.
        """
        back = longest(before)
        rows = asked_for(events, measures).filter(
            # By the stored column, so that files of other days are not read.
            events.occurred_at >= self._plan.exposures_from - back,
            events.occurred_at < self._bounds.data_cutoff,
        )
        rows = rows.select(*ROW_COLUMNS)
        rows = rows.inner_join(units.select("person", "unit", "first_at"), "person")
        rows = rows.mutate(offset=rows.at - rows.first_at, is_start=False)
        end = max(m.definition.maturity for m in measures)
        microsecond = timedelta(microseconds=1)
        rows = rows.filter(
            rows.offset >= -back // microsecond, rows.offset < end // microsecond
        )
        rows = rows.drop("at", "first_at", "person")
        if read_alike(measures):
            rows = rows.drop("name")  # every row is of the one kind of event
        if any(measure.needs_start for measure in measures):
            rows = rows.union(starts(units, rows))
        rows = self._values.with_whole(rows)
        for measure in measures:
            rows = measure.prepare(rows)
        gathered = {k: v for m in measures for k, v in m.gather(rows).items()}
        for measure in before:
            gathered |= gather_before(rows, measure)
        gathered |= gather(rows, measures)
        return rows.group_by("unit").agg(**gathered)

    def _with_segments(self, joined: Rows, bucket: Bucket) -> Rows:
        """Add the mask of the reported segments each customer was in."""
        membership = self.membership
        nothing_known = ibis.literal(membership.mask({}), type="string")
        if not membership.labels:
            return joined.mutate(segments=nothing_known)
        joined = joined.left_join(self._segments(bucket), "unit").drop("unit_right")
        return joined.mutate(segments=joined.segments.fill_null(nothing_known))

    def _segments(self, bucket: Bucket) -> Rows:
        """Find the masks of a bucket's customers once: (unit, segments)."""
        name, connection = f"segments_{bucket.low}", self._events.connection
        if bucket not in self._masked:
            units, events = self._cohort.of(bucket), self._events.of(bucket)
            known = self.membership.of_events(connection, events, units)
            connection.create_table(name, known, temp=True)
            self._masked.add(bucket)
        return connection.table(name)

    def late_events(self, earlier: Earlier) -> int:
        """Count events that came after an earlier run, for a time it had closed."""
        plan = self._plan
        names = {name for m in plan.metrics for name in m.definition.all_events}
        asks = {m.definition.survey_kind for m in plan.metrics}
        surveys = [
            kind.value
            for one, facts in FACTS.items()
            for kind in (facts.request, facts.answer)
            if one in asks
        ]
        total = 0
        for bucket in self._events.buckets:
            rows = self._events.of(bucket)
            measured = (rows.kind == EventKind.ACTIVITY.value) & rows.name.isin(names)
            if surveys:
                measured |= rows.kind.isin(surveys)
            exposed = (rows.kind == EventKind.EXPOSURE.value) & (
                rows.experiment == plan.design.key
            )
            late = rows.filter(
                rows.received_at > earlier.as_of,
                rows.at < microseconds(earlier.data_cutoff),
                measured | exposed,
            )
            late = late.semi_join(self._cohort.of(bucket), "person")
            total += int(late.count().execute())
        return total


def _equal_outcomes(table: Rows, measure: Gauge) -> list[Any]:
    outcome = [f"{measure.name}_value", f"{measure.name}_mark"]
    columns = ["variant", "segments", "cluster", *outcome]
    found = table.group_by(columns).agg(n=table.count()).to_pyarrow()
    return list(zip(*(column.to_pylist() for column in found.columns), strict=True))


def _grouped(counter: Counter[_Key]) -> dict[tuple[str, str], list[OutcomeCount]]:
    groups: dict[tuple[str, str], list[OutcomeCount]] = defaultdict(list)
    for (variant, mask, cluster, value, mark), count in counter.items():
        groups[variant, mask].append(OutcomeCount(value, mark, count, cluster))
    return dict(groups)
