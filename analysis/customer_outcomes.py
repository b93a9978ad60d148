"""What came of each customer: exposures joined with what they did, bucket by bucket.

The tables stay in the database: what leaves it are counts and sums of them.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta

import ibis

from analysis.before import before_apart, gather_before, longest, with_before
from analysis.bounds import Bounds
from analysis.cohort import Cohort
from analysis.event_rows import Bucket, EventRows, Rows, replaced
from analysis.measure import Gauge
from analysis.measures_value import Values
from analysis.membership import Membership, reported_segments
from analysis.numbers import number_columns
from analysis.trail_query import TrailQuery, gather
from analysis.wanted_rows import (
    SURVEY_KINDS,
    asked_for,
    can_read_before_too,
    read_alike,
)
from experiments.plan import Plan
from experiments.vocabulary import EventKind

_ROW_COLUMNS = (
    "person", "at", "kind", "name", "value", "scale", "received_at", "message_id"
)  # fmt: skip


class CustomerOutcomes:
    """Joins the events of an experiment's customers with their exposures."""

    def __init__(
        self,
        events: EventRows,
        cohort: Cohort,
        plan: Plan,
        bounds: Bounds,
        values: Values,
    ) -> None:
        """Say who is asked about; nothing is read yet.

        Args:
            events: what is stored.
            cohort: who is analysed.
            plan: names metrics, variants and segments.
            bounds: up to when customers were watched.
            values: how values of events are added up.
        """
        self.membership = Membership(reported_segments(plan))
        self.connection = events.connection
        self.buckets = events.buckets
        self._events, self._cohort = events, cohort
        self._plan, self._bounds, self._values = plan, bounds, values
        self._masked: set[Bucket] = set()  # whose segments are known

    def of(
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
            columns[f"{measure.name}_mark"] = outcome.mark.cast("int16")
            columns |= number_columns(measure, joined)
        table = joined.select("variant", "segments", "cluster", *beside, **columns)
        return replaced(self.connection, "outcomes", table)

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
        rows = rows.select(*_ROW_COLUMNS)
        rows = rows.inner_join(units.select("person", "unit", "first_at"), "person")
        rows = rows.mutate(offset=rows.at - rows.first_at)
        end = max(m.definition.maturity for m in measures)
        microsecond = timedelta(microseconds=1)
        rows = rows.filter(
            rows.offset >= -back // microsecond, rows.offset < end // microsecond
        )
        rows = rows.drop("at", "first_at", "person")
        if read_alike(measures):
            rows = rows.drop("name")  # every row is of the one kind of event
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
        joined = joined.left_join(self.segments(bucket), "unit").drop("unit_right")
        return joined.mutate(segments=joined.segments.fill_null(nothing_known))

    def segments(self, bucket: Bucket) -> Rows:
        """Find the masks of a bucket's customers once: (unit, segments)."""
        name = f"segments_{bucket.low}"
        if bucket not in self._masked:
            units, events = self._cohort.of(bucket), self._events.of(bucket)
            known = self.membership.of_events(self.connection, events, units)
            self.connection.create_table(name, known, temp=True)
            self._masked.add(bucket)
        return self.connection.table(name)
