"""How many customers a segment has, had, and shares with running experiments.

Counted are customers who were seen, by any event, in the 91 days up to a moment, by
the attributes that had been sent by that moment: nothing is projected.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import ibis

from analysis.event_rows import (
    Bucket,
    Column,
    Connection,
    EventRows,
    Rows,
    connect,
    replaced,
)
from analysis.event_rows import microseconds as us
from analysis.membership import Membership
from analysis.segment_size import QUARTER
from experiments.conditions import attributes_of, matches
from experiments.plan import PlannedSegment
from experiments.vocabulary import EventKind

_INSIDE, _KNOWN = 0, 1  # places in a customer's mask
_SENT = ("person", "kind", "at", "received_at", "message_id", "properties")


@dataclass(frozen=True, slots=True)
class Rule:
    """A segment as it is asked for.

    Attributes:
        segment: key and version.
        condition: its rule.
        moments: when it is counted; only the last of all may be the present.
    """

    segment: tuple[str, int]
    condition: Mapping[str, Any]
    moments: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class RunningExperiment:
    """An experiment whose customers others may not want to share.

    Attributes:
        key: of the experiment.
        segment: key and version that it is for.
        exposures_from: who was seen in it since then is in it.
    """

    key: str
    segment: tuple[str, int]
    exposures_from: datetime


@dataclass(slots=True)
class Count:
    """Customers of a segment at one moment.

    Attributes:
        customers: seen in the 91 days before, and in the segment.
        everybody: seen in the 91 days before.
        known: of those, the customers of whom an attribute of the rule is known.
    """

    customers: int = 0
    everybody: int = 0
    known: int = 0


@dataclass(slots=True)
class Counted:
    """What the events say.

    Attributes:
        counts: (segment, moment) -> customers.
        shared: (segment, experiment) -> customers who are in that experiment's segment.
        seen: (segment, experiment) -> customers who have been seen in it.
        taken: segment -> customers who have been seen in any running experiment.
    """

    counts: dict[tuple[tuple[str, int], datetime], Count] = field(default_factory=dict)
    shared: dict[tuple[tuple[str, int], str], int] = field(default_factory=dict)
    seen: dict[tuple[tuple[str, int], str], int] = field(default_factory=dict)
    taken: dict[tuple[str, int], int] = field(default_factory=dict)


def count(
    rules: Sequence[Rule],
    running: Sequence[RunningExperiment],
    files: Sequence[str],
    now: datetime,
    scratch: Path,
) -> Counted:
    """Count the customers of segments.

    Args:
        rules: what is asked for; those that `running` names stand among them. Overlap
            is counted for those that are asked for at `now`.
        running: the experiments that run.
        files: the store's active Parquet files.
        now: events received later do not exist.
        scratch: folder for what does not fit into memory.

    Returns:
        Counts for everything that was asked, zeros included.
    """
    counted = Counted()
    for rule in rules:
        for moment in rule.moments:
            counted.counts[rule.segment, moment] = Count()
        if now in rule.moments:
            counted.taken[rule.segment] = 0
            for experiment in running:
                counted.shared[rule.segment, experiment.key] = 0
                counted.seen[rule.segment, experiment.key] = 0
    with connect(scratch) as connection:
        events = EventRows(connection, files, now)
        for bucket in events.buckets:
            counting = _BucketCounting(events, bucket, counted)
            moments = {moment for rule in rules for moment in rule.moments}
            for moment in sorted(moments - {now}):
                asked = [rule for rule in rules if moment in rule.moments]
                counting.count_at(moment, asked)
            if now in moments:
                counting.count_now(now, rules, running)
    return counted


class _BucketCounting:
    """Counts a part of all customers, which fits into memory."""

    def __init__(self, events: EventRows, bucket: Bucket, counted: Counted) -> None:
        self._connection: Connection = events.connection
        self._rows: Rows = events.of(bucket)
        self._counted = counted
        sent = self._rows.filter(self._rows.kind == EventKind.ATTRIBUTES.value)
        self._sent = self._keep("sent", sent.select(*_SENT))

    def _keep(self, name: str, rows: Rows) -> Rows:
        return replaced(self._connection, name, rows)

    def count_at(self, moment: datetime, rules: Sequence[Rule]) -> None:
        """Count the segments as they were."""
        units = self._units_at(moment)
        everybody = _size(units)
        for rule in rules:
            self._add(rule, moment, everybody, self._masked(rule.condition, units))

    def count_now(
        self,
        now: datetime,
        rules: Sequence[Rule],
        running: Sequence[RunningExperiment],
    ) -> None:
        """Count the segments as they are, and what they share."""
        units = self._units_at(now)
        everybody = _size(units)
        members: dict[tuple[str, int], Rows] = {}
        for number, rule in enumerate(rules):
            masked = self._masked(rule.condition, units)
            kept = self._keep(f"segment_{number}", masked)
            members[rule.segment] = kept.filter(kept.mask[_INSIDE] == "1")
            if now in rule.moments:
                self._add(rule, now, everybody, kept)
        exposed = self._keep("exposed", self._exposed(units, running))
        for rule in rules:
            if now in rule.moments:
                self._overlap(rule.segment, members, exposed, running)

    def _units_at(self, moment: datetime) -> Rows:
        rows = self._rows
        recent = rows.filter(rows.at > us(moment - QUARTER), rows.at <= us(moment))
        seen = recent.select("person").distinct()
        # Segments are read as of a customer's first exposure; here that is the moment.
        return self._keep("seen", seen.mutate(unit=seen.person, first_at=us(moment)))

    def _masked(self, condition: Mapping[str, Any], units: Rows) -> Rows:
        """Give each customer two digits: in the segment; an attribute is known."""
        names = sorted(attributes_of(condition))
        if not names:
            mask = "11" if matches(condition, {}) else "01"
            return units.select("unit", mask=ibis.literal(mask))
        known = {"$or": [{name: {"$exists": True}} for name in names]}
        membership = Membership(
            {
                "inside": PlannedSegment("", 1, "", condition),
                "known": PlannedSegment("", 1, "", known),
            }
        )
        found = membership.of_events(self._connection, self._sent, units)
        joined = units.left_join(found, "unit")
        mask = joined.segments.fill_null(membership.mask({}))
        return joined.select("unit", mask=mask)

    def _add(self, rule: Rule, moment: datetime, everybody: int, masked: Rows) -> None:
        by_mask = masked.group_by("mask").agg(n=masked.count())
        found = self._counted.counts[rule.segment, moment]
        found.everybody += everybody
        for row in by_mask.to_pyarrow().to_pylist():
            found.customers += row["n"] if row["mask"][_INSIDE] == "1" else 0
            found.known += row["n"] if row["mask"][_KNOWN] == "1" else 0

    def _exposed(self, units: Rows, running: Sequence[RunningExperiment]) -> Rows:
        rows = self._rows.filter(self._rows.kind == EventKind.EXPOSURE.value)
        in_one: Column = ibis.literal(value=False)
        for each in running:
            since = us(each.exposures_from)
            in_one |= (rows.experiment == each.key) & (rows.at >= since)
        exposed = rows.filter(in_one).select("person", "experiment").distinct()
        return exposed.inner_join(units, "person").select("unit", "experiment")

    def _overlap(
        self,
        segment: tuple[str, int],
        members: Mapping[tuple[str, int], Rows],
        exposed: Rows,
        running: Sequence[RunningExperiment],
    ) -> None:
        inside, counted = members[segment], self._counted
        there = exposed.semi_join(inside, "unit")
        counted.taken[segment] += _size(there.select("unit").distinct())
        by_experiment = there.group_by("experiment").agg(n=there.count())
        for row in by_experiment.to_pyarrow().to_pylist():
            counted.seen[segment, row["experiment"]] += row["n"]
        for each in running:
            shared = inside.semi_join(members[each.segment], "unit")
            counted.shared[segment, each.key] += _size(shared)


def _size(rows: Rows) -> int:
    return int(rows.count().execute())
