"""Ask the events how far customers came after the first exposure (trail.py).

What each customer did is found in the pass that reads the metrics' events: the first
event that some metric reads, and the first invitation. A few columns more of it make
the trail, and nothing is read twice.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import timedelta
from functools import reduce
from operator import or_

import ibis

from analysis.bounds import Bounds
from analysis.cells import deciding_maturity
from analysis.cohort import MOST_SOURCES, Cohort, Places
from analysis.event_rows import EPOCH, Column, Connection, Rows, microseconds, replaced
from analysis.measure import Gauge
from analysis.measures_survey import Survey
from analysis.trail import ANALYSED, Place, Step, Trail
from experiments.plan import Plan
from experiments.vocabulary import Reached, Unit

_FIRST = ("active_at", "answered_at")  # since exposure, of an event that counts
_ACCOUNTS = "accounts_reached"
_ALL = tuple(Reached)


def gather(rows: Rows, gauges: Sequence[Gauge]) -> dict[str, Column]:
    """Find a customer's first event that counts, and the first invitation.

    Args:
        rows: events with `offset`, the time since the exposure.
        gauges: of the metrics that read such events: surveys, or activity.

    Returns:
        Columns for `group_by("unit").agg`, in microseconds, null where there is none.
    """
    since = rows.offset >= 0
    surveys = [gauge for gauge in gauges if isinstance(gauge, Survey)]
    if not surveys:
        return {"active_at": rows.offset.min(where=since & _is_read(rows, gauges))}
    answered = reduce(or_, [survey.answers(rows) for survey in surveys])
    asked = reduce(or_, [survey.asks(rows) for survey in surveys])
    return {
        "answered_at": rows.offset.min(where=since & answered),
        "asked_at": rows.offset.min(where=since & asked),
    }


def _is_read(rows: Rows, gauges: Sequence[Gauge]) -> Column:
    """Say of each row whether a metric names its event, and still looks by then."""
    spans: dict[str, timedelta] = {}
    for gauge in gauges:
        asked = gauge.definition
        for name in asked.all_events:
            spans[name] = max(spans.get(name, timedelta()), asked.maturity)
    if "name" not in rows.columns or len(set(spans.values())) <= 1:
        # The rows end where the last metric does.
        return ibis.literal(True)  # noqa: FBT003  # a column of it
    alike: dict[timedelta, list[str]] = defaultdict(list)
    for name, span in spans.items():
        alike[span].append(name)
    microsecond = timedelta(microseconds=1)
    parts = [
        rows.name.isin(sorted(names)) & (rows.offset < span // microsecond)
        for span, names in alike.items()
    ]
    return reduce(or_, parts)


class TrailQuery:
    """Counts how far the analysed customers of one experiment came."""

    def __init__(
        self,
        connection: Connection,
        cohort: Cohort,
        plan: Plan,
        bounds: Bounds,
    ) -> None:
        """Say who is asked about; nothing is counted yet.

        Args:
            connection: of the analysis.
            cohort: who was exposed.
            plan: names the metrics, and who is drawn.
            bounds: up to when customers were watched.
        """
        self._connection = connection
        self._cohort = cohort
        self._by_account = plan.design.unit == Unit.ACCOUNT
        self._surveys_alone = all(m.definition.is_survey for m in plan.metrics)
        self._until = microseconds(bounds.whole_days_until)
        self._maturity = deciding_maturity(plan) // timedelta(microseconds=1)
        self._counted: Places = Counter()
        self._takes = 0

    def columns(self, units: Rows) -> dict[str, Column]:
        """Say how far each customer came.

        Args:
            units: with what `gather` found, and where the first exposure came.

        Returns:
            `reached`, a place in ANALYSED, or null who was not exposed yet; and day
            and source of the first exposure.
        """
        watched = self._until - units.first_at
        no = ibis.literal(False)  # noqa: FBT003  # a column of it

        def is_there(name: str) -> Column:
            if name not in units.columns:
                return no
            return (units[name] < watched).fill_null(False)  # noqa: FBT003  # likewise

        stranger = no
        if "stranger" in units.columns:
            stranger = units.stranger.fill_null(False)  # noqa: FBT003  # likewise
        silent = Reached.NEVER_ASKED if self._surveys_alone else Reached.NO_EVENT
        place = ANALYSED.index
        return {
            "reached": ibis.cases(
                (watched <= 0, ibis.null("int8")),
                (reduce(or_, map(is_there, _FIRST)), place(Reached.WITH_OUTCOME)),
                (watched < self._maturity, place(Reached.NOT_MATURE)),
                (stranger, place(Reached.NEVER_TIED)),
                (is_there("asked_at"), place(Reached.NOT_ANSWERED)),
                else_=place(silent),
            ),
            "came_on": self._cohort.came_on(units).cast("int32"),
            "came_from": (units.arrival % MOST_SOURCES).cast("int16"),
        }

    def take(self, table: Rows) -> None:
        """Count the customers of one bucket, with `columns`."""
        rows = table.filter(table.reached.notnull())
        place = ["came_on", "came_from"]
        if not self._by_account:
            self._count(rows.group_by([*place, "reached"]).agg(n=rows.count()))
        else:
            parts = rows.group_by(["cluster", *place]).agg(reached=rows.reached.min())
            if self._takes:
                self._connection.insert(_ACCOUNTS, parts)
            else:
                replaced(self._connection, _ACCOUNTS, parts)
        self._takes += 1

    def _count(self, groups: Rows) -> None:
        for row in groups.to_pyarrow().to_pylist():
            reached = ANALYSED[row["reached"]]
            source = self._cohort.source(row["came_from"])
            self._counted[row["came_on"], source, reached] += row["n"]

    def result(self) -> Places:
        """Give the counts of all buckets that were taken."""
        if self._by_account and self._takes:
            # An account's customers lie in many buckets.
            parts = self._connection.table(_ACCOUNTS)
            place = ["came_on", "came_from"]
            whole = parts.group_by(["cluster", *place]).agg(reached=parts.reached.min())
            self._count(whole.group_by([*place, "reached"]).agg(n=whole.count()))
        return self._counted


def trail_of(cohort: Cohort, bounds: Bounds, analysed: Places | None) -> Trail | None:
    """Put together who was left out and how far the others came.

    Args:
        cohort: who was exposed.
        bounds: up to when customers were watched.
        analysed: what `TrailQuery` counted; None where it could not.

    Returns:
        The trail; None where the cohort is not of exposures.
    """
    if not cohort.is_traced:
        return None
    singles, found = cohort.left_out()
    for (day, source), n in singles.items():
        if analysed is None:
            found[day, source, Reached.NOT_COUNTED] += n
            continue
        known = sum(analysed[day, source, reached] for reached in ANALYSED)
        found[day, source, Reached.MOVED] += n - known
    found += analysed or Counter()
    steps = sorted(
        ((day, source, _ALL.index(reached)), n)
        for (day, source, reached), n in found.items()
    )
    return Trail(
        bounds.whole_days_until,
        tuple(
            Step(Place((EPOCH + timedelta(days=day)).date(), source), _ALL[i], n)
            for (day, source, i), n in steps
        ),
    )
