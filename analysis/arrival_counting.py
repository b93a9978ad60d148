"""How many customers an experiment would have met week by week, had it begun weeks ago.

The last eight weeks are gone through as an enrolment would: whoever is active counts in
the week of the first activity in them, and never again. So the first week is who is a
customer now; each later week adds who was away till then, and who is new.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import ibis

from analysis.account_cohort import AccountCohort
from analysis.baseline_cohort import SeenCohort, bounds_of, plan_of_baselines
from analysis.bounds import Bounds
from analysis.cohort import Cohort
from analysis.event_rows import EventRows, Rows, connect, microseconds, replaced
from analysis.membership import Membership, reported_segments
from analysis.segment_sizes import SMALLEST
from analysis.stats.arrivals import Arrivals, observed
from experiments.plan import PlannedSegment
from experiments.vocabulary import EVERYBODY

WEEK = timedelta(weeks=1)
MOST_WEEKS = 8
FEWEST_WEEKS = 2  # one week cannot tell who comes back from who is new


class SeenAccounts(SeenCohort, AccountCohort):
    """Accounts any of whose customers were active between two moments."""


@dataclass(frozen=True, slots=True)
class Comers:
    """How they come to each segment, "" being everybody; without those too small.

    Attributes:
        customers: by the segment's key.
        accounts: likewise; a segment's are those whose first customer was in it.
    """

    customers: Mapping[str, Arrivals]
    accounts: Mapping[str, Arrivals]


NOBODY = Comers({}, {})


def count_arrivals(
    inside: Mapping[str, PlannedSegment],
    files: Sequence[str],
    scratch: Path,
    began: datetime,
    bounds: Bounds,
) -> Comers:
    """Count who came for the first time in each of the last whole weeks.

    Args:
        inside: segments, by key.
        files: the store's active Parquet files.
        scratch: folder for what does not fit into memory.
        began: when activity began.
        bounds: up to when it is known, and who takes part in nothing.

    Returns:
        Arrivals of up to eight weeks; of nobody where fewer than two are known.
    """
    until = bounds.data_cutoff
    weeks = min(MOST_WEEKS, (until - began) // WEEK)
    if weeks < FEWEST_WEEKS:
        return NOBODY
    since = until - weeks * WEEK
    plan = plan_of_baselines({}, inside, since)
    within = bounds_of(bounds.as_of, until, until, bounds.opted_out)
    membership = Membership(reported_segments(plan))
    found: list[dict[str, Arrivals]] = []
    for cohort_of in (SeenCohort, SeenAccounts):
        with connect(scratch) as connection:
            events = EventRows(connection, files, bounds.as_of)
            if (
                cohort_of is SeenAccounts
                and not events.stored.account.count().execute()
            ):
                found.append({})
                continue
            cohort = cohort_of(events, plan, within)
            groups = _first_weeks(events, cohort, membership, since)
            found.append(_by_segment(groups, membership, weeks))
    return Comers(*found)


def _first_weeks(
    events: EventRows, cohort: Cohort, membership: Membership, since: datetime
) -> list[dict[str, Any]]:
    """Count units by their mask of segments and the week they came in."""
    for bucket in events.buckets:
        units, connection = cohort.of(bucket), events.connection
        masked = units.mutate(segments=ibis.literal(membership.mask({}), "string"))
        if membership.labels:
            known = membership.of_events(connection, events.of(bucket), units)
            masked = masked.drop("segments").left_join(known, "unit")
            nothing = membership.mask({})
            masked = masked.mutate(segments=masked.segments.fill_null(nothing))
        came = _units(masked, cohort)
        if bucket is events.buckets[0]:
            replaced(connection, "came", came)
        else:
            connection.insert("came", came)
    came = events.connection.table("came")
    if isinstance(cohort, SeenAccounts):  # whose customers lie in many buckets
        came = _earliest(came)
    week = (came.first_at - microseconds(since)) // (WEEK // timedelta(microseconds=1))
    came = came.mutate(week=week)
    groups = came.group_by("segments", "week").agg(n=came.count())
    rows: list[dict[str, Any]] = groups.to_pyarrow().to_pylist()
    return rows


def _units(masked: Rows, cohort: Cohort) -> Rows:
    """Keep what is counted of each: who is drawn, since when, in which segments."""
    if isinstance(cohort, SeenAccounts):
        return _earliest(masked)
    return masked.select("cluster", "first_at", "segments")


def _earliest(rows: Rows) -> Rows:
    """Take an account's first customer for all of it."""
    return rows.group_by("cluster").agg(
        first_at=rows.first_at.min(), segments=rows.segments.argmin(rows.first_at)
    )


def _by_segment(
    groups: Sequence[Mapping[str, Any]], membership: Membership, weeks: int
) -> dict[str, Arrivals]:
    counts: Counter[tuple[str, int]] = Counter()
    for row in groups:
        for segment in (EVERYBODY, *membership.labels_of(row["segments"])):
            counts[segment, row["week"]] += row["n"]
    found = {}
    for segment in (EVERYBODY, *membership.labels):
        each = [counts[segment, week] for week in range(weeks)]
        if sum(each) >= SMALLEST:
            found[segment] = observed(each)
    return found
