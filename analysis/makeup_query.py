"""Ask the events how the customers of the variants are made up (makeup.py).

Everything is counted in whole numbers, so that the order of rows changes nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import ibis

from analysis.bounds import Bounds
from analysis.cohort import Cohort
from analysis.event_rows import Bucket, Column, EventRows, Rows
from analysis.makeup import BEFORE, DELAYS, PACE, Makeup
from analysis.stats.prior_balance import TraitSums
from experiments.plan import Plan
from experiments.vocabulary import EventKind, Unit

MOST_TRAITS = 24  # the table of their products grows with the square
_HOUR_US = 3_600_000_000
_LARGEST = 1e13  # of a value that is a trait; in hundredths it is a whole number still


class MakeupQuery:
    """Counts the customers of one experiment, bucket by bucket."""

    def __init__(
        self,
        events: EventRows,
        cohort: Cohort,
        plan: Plan,
        bounds: Bounds,
        labels: tuple[str, ...],
    ) -> None:
        """Name the traits.

        Args:
            events: what is stored.
            cohort: who is analysed.
            plan: names metrics and variants.
            bounds: up to when customers were watched.
            labels: of the reported segments, in the order of their masks.
        """
        self._events, self._cohort = events, cohort
        self._plan, self._bounds, self._labels = plan, bounds, labels
        asked = [m.definition for m in plan.metrics if not m.definition.is_survey]
        self._names = _distinct(name for d in asked for name in d.all_events)
        valued = [d for d in asked if d.reads_values]
        summed = _distinct(name for d in valued for name in d.all_events)
        traits = [
            *((name, f"{name} before", False) for name in self._names),
            *((name, f"amount of {name} before", True) for name in summed),
        ]
        self._amounts = traits[: MOST_TRAITS - min(len(labels), MOST_TRAITS // 2)]
        self._first = self._first_of_accounts()
        self._by_segment: Counter[tuple[str, str]] = Counter()
        self._by_source: Counter[tuple[str, str]] = Counter()
        self._delays: Counter[tuple[str, int]] = Counter()
        self._fast: Counter[str] = Counter()
        self._people: Counter[str] = Counter()
        self._before: dict[str, TraitSums] = {}

    def _first_of_accounts(self) -> Rows | None:
        """Find the first customer of each account, where accounts are drawn."""
        if self._plan.design.unit != Unit.ACCOUNT:
            return None
        units = self._cohort.units
        earliest = ibis.struct({"at": units.first_at, "person": units.person})
        first = units.group_by("cluster").agg(unit=units.unit.argmin(earliest))
        connection = self._events.connection
        connection.create_table("first_of_accounts", first.select("unit"), temp=True)
        return connection.table("first_of_accounts")

    def take(self, bucket: Bucket, segments: Rows | None) -> None:
        """Count the customers of one bucket.

        Args:
            bucket: of customers.
            segments: (unit, mask) of those with attributes; None where no segment is
                reported.
        """
        units, events = self._cohort.of(bucket), self._events.of(bucket)
        if self._first is not None:
            self._people.update(_counted(units.group_by("variant")))
        self._take_fast(units, events)
        drawn = units if self._first is None else units.semi_join(self._first, "unit")
        drawn = drawn.select("person", "unit", "variant", "first_at")
        self._take_arrivals(drawn, events)
        self._take_traits(drawn, events, segments)

    def _take_arrivals(self, drawn: Rows, events: Rows) -> None:
        """Count by the source of the first exposure, and by when that was received."""
        rows = events.filter(
            events.kind == EventKind.EXPOSURE.value,
            events.experiment == self._plan.design.key,
        ).select("person", "at", "source", "received_at")
        rows = rows.inner_join(drawn, "person").filter(lambda t: t["at"] == t.first_at)
        # Several of one moment: the first by name, and the first received.
        arrived = rows.group_by("unit", "variant", "first_at").agg(
            source=rows.source.min(), received_at=rows.received_at.min()
        )
        late = arrived.received_at.epoch_seconds() - arrived.first_at // 1_000_000
        place: Column = ibis.literal(0, type="int8")
        for end in DELAYS:
            place += (late >= int(end.total_seconds())).cast("int8")
        arrived = arrived.mutate(place=place)
        groups = arrived.group_by("variant", "source", "place").agg(n=arrived.count())
        for variant, source, at, n in _tuples(groups):
            self._by_source[source, variant] += n
            self._delays[variant, at] += n

    def _take_fast(self, units: Rows, events: Rows) -> None:
        """Count who had more events within an hour than a person can have."""
        rows = events.filter(
            events.kind == EventKind.ACTIVITY.value,
            events.name.isin(self._names),
            events.occurred_at >= self._plan.exposures_from,
            events.occurred_at < self._bounds.data_cutoff,
        ).select("person", "at")
        many = rows.group_by("person").agg(n=rows.count())
        many = units.semi_join(many.filter(many.n >= PACE), "person")
        many = many.select("person", "variant", "first_at")
        if not many.count().execute():  # as nearly always
            return
        rows = rows.inner_join(many, "person").filter(lambda t: t["at"] >= t.first_at)
        rows = rows.mutate(hour=rows["at"] // _HOUR_US)
        hours = rows.group_by("person", "variant", "hour").agg(n=rows.count())
        fast = hours.filter(hours.n >= PACE).select("person", "variant").distinct()
        self._fast.update(_counted(fast.group_by("variant")))

    def _take_traits(self, drawn: Rows, events: Rows, segments: Rows | None) -> None:
        """Add up what is known of customers before their first exposure."""
        known = drawn.select("unit", "variant")
        columns: list[str] = []
        if self._amounts:
            known = known.left_join(self._done_before(drawn, events), "unit")
            known = known.drop("unit_right")
            columns = [f"t{i}" for i in range(len(self._amounts))]
        if segments is not None:
            known = known.left_join(segments, "unit").drop("unit_right")
            for i in range(len(self._labels)):
                inside = known.segments.substr(i, 1) == "1"
                known = known.mutate(**{f"s{i}": inside.cast("int64")})
            flags = [f"s{i}" for i in range(len(self._labels))]
            self._take_segments(known, flags)
            columns += flags[: MOST_TRAITS - len(columns)]
        values = [known[name].fill_null(0).cast("int64") for name in columns]
        pairs = [(a, b) for i, a in enumerate(values) for b in values[i:]]
        asked = {f"x{i}": value.sum() for i, value in enumerate(values)}
        asked |= {f"p{i}": (a * b).sum() for i, (a, b) in enumerate(pairs)}
        for row in _rows(known.group_by("variant").agg(n=known.count(), **asked)):
            sums = TraitSums(
                row["n"],
                tuple(int(row[f"x{i}"]) for i in range(len(values))),
                tuple(int(row[f"p{i}"]) for i in range(len(pairs))),
            )
            former = self._before.get(row["variant"])
            self._before[row["variant"]] = sums if former is None else former + sums

    def _done_before(self, drawn: Rows, events: Rows) -> Rows:
        """Tell what customers did in the weeks before: levels, in binary digits.

        Amounts of customers lie so far apart that a few would be the whole sum; the
        number of binary digits keeps who has more and lets no one customer decide.
        """
        rows = events.filter(
            events.kind == EventKind.ACTIVITY.value,
            events.name.isin(self._names),
            # By the stored column, so that files of other days are not read.
            events.occurred_at >= self._plan.exposures_from - BEFORE,
        ).select("person", "at", "name", "value")
        rows = rows.inner_join(drawn.select("person", "unit", "first_at"), "person")
        offset = rows["at"] - rows.first_at
        longest = BEFORE.total_seconds() * 1_000_000
        rows = rows.filter(offset < 0, offset >= -int(longest))
        done = {}
        for i, (name, _, is_sum) in enumerate(self._amounts):
            named = rows.name == name
            total = named.sum()
            if is_sum:
                fits = (named & (rows.value.abs() < _LARGEST)).fill_null(False)  # noqa: FBT003
                cents = ibis.ifelse(fits, rows.value * 100, 0.0).round()
                total = cents.cast("int64").sum()
            done[f"t{i}"] = (total.abs().cast("float64") + 1).log2().ceil()
        return rows.group_by("unit").agg(**done)

    def _take_segments(self, known: Rows, flags: list[str]) -> None:
        sums = {flag: known[flag].sum() for flag in flags}
        for row in _rows(known.group_by("variant").agg(**sums)):
            for label, flag in zip(self._labels, flags, strict=True):
                self._by_segment[label, row["variant"]] += int(row[flag] or 0)

    def result(self) -> Makeup:
        """Put together what was counted."""
        variants = [variant.name for variant in self._plan.design.variants]
        traits = [title for _, title, _ in self._amounts]
        traits += [f"segment {label}" for label in self._labels]
        size = max((len(one.sums) for one in self._before.values()), default=0)
        none = TraitSums(0, (0,) * size, (0,) * (size * (size + 1) // 2))
        before = {name: self._before.get(name, none) for name in variants}
        return Makeup(
            by_segment={
                label: {name: self._by_segment[label, name] for name in variants}
                for label in self._labels
            },
            by_source=_nested(self._by_source, variants),
            delays={
                name: tuple(self._delays[name, i] for i in range(len(DELAYS) + 1))
                for name in variants
            },
            traits=tuple(traits[:size]),
            before=before,
            fast={name: self._fast[name] for name in variants},
            people={
                name: self._people[name] if self._first is not None else before[name].n
                for name in variants
            },
        )


def _nested(
    counts: Mapping[tuple[str, str], int], variants: list[str]
) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(variants, 0))
    for (part, variant), n in sorted(counts.items()):
        found[part][variant] = n
    return dict(found)


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _counted(groups: Rows) -> dict[str, int]:
    return {row["variant"]: row["n"] for row in _rows(groups.agg(n=ibis._.count()))}


def _tuples(table: Rows) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in _rows(table)]


def _rows(table: Rows) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table.to_pyarrow().to_pylist()
    return found
