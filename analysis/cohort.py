"""Who is analysed: the first exposure of each customer, and who had to be left out."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import ibis

from analysis.bounds import Bounds
from analysis.event_rows import (
    EPOCH,
    Bucket,
    Column,
    EventRows,
    Rows,
    microseconds,
    replaced,
)
from analysis.exposure_counts import ExposureCounts
from analysis.measure import DAY
from analysis.setting_aside import OF_PEOPLE, OF_UNITS, IdSet
from experiments.exposure_messages import AGREEMENT_TEXT
from experiments.plan import Plan
from experiments.vocabulary import Agreement, AssignedBy, EventKind, Reached

# Day since 1970 and source of the first exposure, and how far: how many came so far.
Places = Counter[tuple[int, str, Reached]]
MOST_SOURCES = 4096  # of one experiment's exposures; further ones go with the first
_REASONS = {
    "former": Reached.EARLIER_PHASE,
    "listed": Reached.LISTED,
    "opted_out": Reached.OPTED_OUT,
    "previewed": Reached.PREVIEWED,
}
FOLDS = 10  # of customers, for what is learned from some and told of the others


class Cohort:
    """The customers of one experiment, found once, then joined bucket by bucket.

    A customer belongs to the variant of the first exposure within the bounds. Whoever
    is seen in two variants is left out: which one worked cannot be told.
    """

    _drawn_table = "units"  # who is drawn: the customers themselves
    # What is known of the first exposure of who is drawn, for the trail.
    _traced: tuple[str, ...] = ("arrival", "stranger")

    def __init__(self, events: EventRows, plan: Plan, bounds: Bounds) -> None:
        """Find all customers of the experiment.

        Args:
            events: what is stored.
            plan: names the experiment and its variants.
            bounds: which exposures count.
        """
        self._connection = events.connection
        self._plan = plan
        self._bounds = bounds
        self._names = [v.name for v in plan.design.variants]
        self._aside = dict.fromkeys((*OF_UNITS, *OF_PEOPLE), 0)
        self._opted_out_by: Counter[str] = Counter()
        self._left: Places = Counter()
        self._listed = IdSet(self._connection, "listed_ids", bounds.listed)
        self._out = IdSet(self._connection, "opted_out_ids", bounds.opted_out)
        self._sources = self._sources_of(events)
        self._find(events)
        self._seen = self._connection.table("seen")
        self._last = self._last_of_size()
        self.units = self._analysed()
        self._drawn = self._connection.table(self._drawn_table)

    def _find(self, events: EventRows) -> None:
        """Write who was seen into a helper table, one row for each unit."""
        for bucket in events.buckets:
            found = self._set_aside(self._first_exposures(events.of(bucket)))
            self._put("seen", found, is_first=bucket is events.buckets[0])

    def _exposures(self, events: Rows) -> Rows:
        """Find the experiment's exposures, and which of them count."""
        plan = self._plan
        rows = events.filter(
            events.kind == EventKind.EXPOSURE.value,
            events.experiment == plan.design.key,
        )
        rows = rows.mutate(
            inside=self._inside(rows), declared=rows.variant.isin(self._names)
        )
        if self._bounds.previews:
            previews = events.filter(
                events.kind == EventKind.PREVIEW.value,
                events.experiment == plan.design.key,
            )
            rows = rows.mutate(previewed=rows.person.isin(previews.person))
        if self._out:
            rows = rows.mutate(opted_out=self._out.has(rows.customer, rows.person))
        rows = rows.mutate(shown=rows.inside & rows.declared)
        rows = rows.mutate(wrong=rows.shown & self._wrong(rows))
        return rows.mutate(counts=rows.shown & ~rows.wrong)

    def _first_exposures(self, events: Rows) -> Rows:
        rows = self._exposures(events)
        return rows.group_by("person").agg(
            **self._sums(rows), **self._asides(rows, rows.customer, rows.person)
        )

    def _sums(self, rows: Rows) -> dict[str, Column]:
        """Say what a unit's exposures add up to.

        Where the first and last name agree there is one variant: the first seen. What
        was shown by mistake has been seen all the same.
        """
        return {
            "first_at": rows["at"].min(where=rows.counts),
            "variant": rows.variant.min(where=rows.counts),
            "one": rows.variant.min(where=rows.shown),
            "other": rows.variant.max(where=rows.shown),
            "wrong": rows.wrong.any(),
            "unchecked": (rows.shown & rows.properties.isnull()).any(),
            "undeclared": rows.variant.min(where=rows.inside & ~rows.declared),
            **(self._arrival(rows) if self.is_traced else {}),
        }

    @property
    def is_traced(self) -> bool:
        """Whether it is known where the first exposure came."""
        return bool(self._traced)

    def _sources_of(self, events: EventRows) -> tuple[str, ...]:
        """Name the sources that the experiment's exposures came with."""
        if not self.is_traced:
            return ()
        rows = events.stored.filter(
            events.stored.kind == EventKind.EXPOSURE.value,
            events.stored.experiment == self._plan.design.key,
        )
        found = rows.select("source").distinct().to_pyarrow()["source"].to_pylist()
        return tuple(sorted(found))[:MOST_SOURCES]

    def _arrival(self, rows: Rows) -> dict[str, Column]:
        """Say when and with which source the first exposure of all came.

        Both are one number, which is quicker to compare than a pair: the time, and
        after it the place of the source in their list. A stranger was anonymous, and
        is so still: nothing tied the id to a customer's.
        """
        place: Column = ibis.literal(0, "int64")
        for number, name in enumerate(self._sources[1:], start=1):
            place = ibis.ifelse(rows.source == name, number, place)
        since = rows["at"] - microseconds(self._plan.exposures_from)
        number = since * MOST_SOURCES + place
        return {
            "arrival": ibis.ifelse(rows.inside, number, ibis.null("int64")).min(),
            "stranger": (rows.person == rows.anonymous).any(),
        }

    def came_on(self, units: Rows) -> Column:
        """On which day since 1970 the first exposure came."""
        return self._came_at(units) // DAY

    def _came_at(self, units: Rows) -> Column:
        since = microseconds(self._plan.exposures_from)
        return units.arrival // MOST_SOURCES + since

    def source(self, number: int) -> str:
        """Name a source by its number, `arrival` modulo MOST_SOURCES."""
        return self._sources[number]

    def _asides(self, rows: Rows, *ids: Column) -> dict[str, Column]:
        """Say who is set aside: in an earlier phase, or by one of the ids on a list."""
        bounds = self._bounds
        aside: dict[str, Column] = {}
        if bounds.earlier_from is not None:
            former = rows["at"] >= microseconds(bounds.earlier_from)
            former &= rows["at"] < microseconds(self._plan.locked_at)
            aside["former"] = former.any()
        if self._listed:
            aside["listed"] = self._listed.has(*ids).any()
        people = [name for name in OF_PEOPLE if name in rows.columns]
        return aside | {name: rows[name].any() for name in people}

    def _put(self, name: str, rows: Rows, *, is_first: bool) -> None:
        if is_first:
            self._connection.create_table(name, rows, temp=True)
        else:
            self._connection.insert(name, rows)

    def _wrong(self, rows: Rows) -> Column:
        """Whether an exposure contradicts the assignment, as intake has found."""
        if self._plan.design.assigned_by == AssignedBy.EXTERNAL:
            return ibis.literal(False)  # noqa: FBT003  # a column of it
        text = AGREEMENT_TEXT[Agreement.CONTRADICTS]
        return rows.properties.fill_null("") == text

    def _set_aside(self, found: Rows) -> Rows:
        """Count and leave out customers whose variant was not this plan's choice."""
        names = [name for name in self._aside if name in found.columns]
        if not names:
            return found
        found = replaced(self._connection, "everybody", found)
        for name in names:
            theirs = found.filter(found[name])
            self._aside[name] += int(theirs.count().execute())
            if self.is_traced:
                self._count_places(theirs, _REASONS[name])
            if name == "opted_out":
                same = theirs.filter(theirs.one == theirs.other)
                self._opted_out_by.update(by_name(same, self._names))
            found = found.filter(~found[name])
        return found.drop(*names)

    def _inside(self, rows: Rows) -> Column:
        bounds = self._bounds
        inside = rows.at >= microseconds(self._plan.exposures_from)
        if bounds.exposures_until is not None:
            inside &= rows.at < microseconds(bounds.exposures_until)
        for begin, end in bounds.breaks:
            in_break = rows.at >= microseconds(begin)
            if end is not None:
                in_break &= rows.at < microseconds(end)
            inside &= ~in_break
        return inside

    def _single(self) -> Rows:
        seen = self._seen
        return seen.filter(seen.variant.notnull(), seen.one == seen.other)

    def _last_of_size(self) -> int | None:
        """Find when the planned size was reached; customers of that moment are in."""
        if self._bounds.size is None:
            return None
        single = self._single()
        nth = single.order_by("first_at").limit(1, offset=self._bounds.size - 1)
        found: list[int] = nth.first_at.to_pyarrow().to_pylist()
        return found[0] if found else None

    def _analysed(self) -> Rows:
        """Write the analysed customers into a helper table, and number them."""
        units = self._single().select("person", "variant", "first_at", *self._traced)
        if self._last is not None:
            units = units.filter(units.first_at <= self._last)
        units = units.mutate(cluster=self._fold(units))
        units = replaced(self._connection, "units", units)
        # A number takes the place of the 16 bytes: it sorts and groups faster.
        return units.mutate(unit=units.rowid().cast("int32"))

    def _fold(self, units: Rows) -> Column:
        """Draw who learns and who tells what a rule by segments would be worth."""
        if not self._plan.design.breakdowns:
            return ibis.literal(0, "int64")
        return (units.person.hash() % FOLDS).abs()

    def of(self, bucket: Bucket) -> Rows:
        """A bucket's analysed customers: person, unit, variant, first_at, follow_up."""
        units = bucket.filter(self.units)
        cutoff = microseconds(self._bounds.data_cutoff)
        return units.mutate(follow_up=cutoff - units.first_at)

    def counts(self, maturity: timedelta) -> ExposureCounts:
        """Count the customers.

        Args:
            maturity: how long after exposure the metrics that decide are known.

        Returns:
            ExposureCounts, every declared variant named.
        """
        by_day = self._by_day()
        age = maturity // timedelta(microseconds=1)
        known = max(0, microseconds(self._bounds.data_cutoff) - age)
        drawn = self._drawn
        old = drawn.filter(self._grown_at(drawn) <= known)
        total = self._totals()
        first_at = self.units.first_at
        ends = _rows(self.units.agg(first=first_at.min(), last=first_at.max()))[0]
        analysed = by_name(drawn, self._names)
        return ExposureCounts(
            analysed=analysed,
            mature=by_name(old, self._names),
            two_variants=total["two"],
            unknown_variants=total["undeclared"],
            only_outside=total["outside"],
            beyond_size=0
            if self._last is None
            else total["single"] - sum(analysed.values()),
            earlier_phase=self._aside["former"],
            listed=self._aside["listed"],
            wrongly_shown=total["wrong"],
            only_wrongly_shown=total["only_wrong"],
            unchecked=total["unchecked"],
            contradicting=total["contradicting"],
            previewed=self._aside["previewed"],
            opted_out=self._aside["opted_out"],
            opted_out_by=dict(+self._opted_out_by),
            by_day=by_day,
            first_at=_moment(ends["first"]),
            last_at=_moment(ends["last"]),
            undeclared_names=self._undeclared_names(),
            everybody=total["inside"],
            **self._beside(),
        )

    def _totals(self) -> dict[str, int]:
        """Count who was exposed, by what their exposures say together."""
        seen = self._seen
        totals = seen.agg(
            two=(seen.one != seen.other).sum(),
            single=(seen.variant.notnull() & (seen.one == seen.other)).sum(),
            undeclared=seen.undeclared.notnull().sum(),
            inside=(seen.one.notnull() | seen.undeclared.notnull()).sum(),
            outside=(seen.one.isnull() & seen.undeclared.isnull()).sum(),
            wrong=seen.wrong.sum(),
            only_wrong=(
                seen.variant.isnull() & seen.wrong & (seen.one == seen.other)
            ).sum(),
            unchecked=seen.unchecked.sum(),
            contradicting=(
                seen.wrong | (seen.one != seen.other) | seen.undeclared.notnull()
            ).sum(),
        )
        return {name: int(n or 0) for name, n in _rows(totals)[0].items()}

    def _count_places(self, units: Rows, reached: Reached) -> None:
        """Count who was left out, by day and source of the first exposure."""
        came = self._came(units).group_by("day", "source").agg(n=ibis._.count())
        for row in _rows(came):
            self._left[row["day"], self.source(row["source"]), reached] += row["n"]

    def _came(self, units: Rows) -> Rows:
        """Keep who was exposed before the midnight up to which trails are told."""
        until = microseconds(self._bounds.whole_days_until)
        units = units.filter(self._came_at(units) < until)
        source = units.arrival % MOST_SOURCES
        return units.mutate(day=self.came_on(units), source=source)

    def left_out(self) -> tuple[Counter[tuple[int, str]], Places]:
        """Count who was exposed and is not analysed, each once.

        Returns:
            Those of one variant who may be analysed, by day and source of the first
            exposure; and the others with what they are left out for.
        """
        seen = self._came(self._seen)
        until = microseconds(self._bounds.whole_days_until)
        late = seen.first_at >= until  # until then only what was not as assigned
        beyond = ibis.literal(False)  # noqa: FBT003  # a column of it
        if self._last is not None:
            beyond = seen.first_at > self._last
        seen = seen.mutate(
            reached=ibis.cases(
                (seen.one.isnull(), Reached.UNKNOWN_VARIANT.value),
                (seen.one != seen.other, Reached.TWO_VARIANTS.value),
                (seen.variant.isnull(), Reached.WRONGLY_SHOWN.value),
                (beyond, Reached.BEYOND_SIZE.value),
                (late, Reached.WRONGLY_SHOWN.value),
                else_=ibis.null("string"),
            )
        )
        singles: Counter[tuple[int, str]] = Counter()
        found = Counter(self._left)
        groups = seen.group_by("day", "source", "reached").agg(n=seen.count())
        for row in _rows(groups):
            place = row["day"], self.source(row["source"])
            if row["reached"] is None:
                singles[place] += row["n"]
            else:
                found[*place, Reached(row["reached"])] += row["n"]
        return singles, found

    def _grown_at(self, drawn: Rows) -> Column:
        """Say from when on all of a unit's customers were there."""
        return drawn.first_at

    def _beside(self) -> dict[str, Any]:
        """Count what only some units have."""
        return {}

    def _by_day(self) -> tuple[tuple[date, str, int], ...]:
        units = self._drawn.mutate(day=self._drawn.first_at // DAY)
        found = _rows(units.group_by(["day", "variant"]).agg(n=units.count()))
        return tuple(
            sorted(
                ((EPOCH + timedelta(days=r["day"])).date(), r["variant"], r["n"])
                for r in found
            )
        )

    def _undeclared_names(self, at_most: int = 5) -> tuple[str, ...]:
        names = self._seen.filter(self._seen.undeclared.notnull())
        ranked = names.group_by("undeclared").agg(n=names.count())
        ranked = ranked.order_by(ibis.desc("n"), "undeclared").limit(at_most)
        return tuple(r["undeclared"] for r in _rows(ranked))


def by_name(units: Rows, names: Sequence[str]) -> dict[str, int]:
    """Count units by their variant, each of some names with its count."""
    found = _rows(units.group_by("variant").agg(n=units.count()))
    return dict.fromkeys(names, 0) | {r["variant"]: r["n"] for r in found}


def _rows(table: Rows) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table.to_pyarrow().to_pylist()
    return found


def _moment(at: int | None) -> datetime | None:
    return None if at is None else EPOCH + timedelta(microseconds=at)
