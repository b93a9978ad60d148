"""How many customers of the target segment there are in a quarter.

It is the base of "customers kept per quarter". Counted are those who were seen, by any
event, in the 91 days up to the last exposure that is analysed, and who were in the
segment then: a number of customers that are there, never a projection.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from analysis.event_rows import Bucket, EventRows, connect, microseconds
from analysis.membership import Membership
from experiments.plan import Plan, PlannedSegment

QUARTER = timedelta(days=91)


def segment_per_quarter(
    plan: Plan, files: Sequence[str], as_of: datetime, until: datetime, scratch: Path
) -> int:
    """Count the segment's customers.

    Args:
        plan: names the target segment, with its rule as it was.
        files: the store's active Parquet files.
        as_of: events received later do not exist for this analysis.
        until: the last exposure that is analysed.
        scratch: folder for what does not fit into memory.

    Returns:
        Customers.
    """
    design = plan.design
    target = plan.segment(design.segment, design.segment_version)
    with connect(scratch) as connection:
        events = EventRows(connection, files, as_of)
        return sum(_count(events, bucket, target, until) for bucket in events.buckets)


def _count(
    events: EventRows, bucket: Bucket, target: PlannedSegment, until: datetime
) -> int:
    rows = events.of(bucket)
    recent = rows.filter(rows.occurred_at >= until - QUARTER, rows.occurred_at <= until)
    seen = recent.select("person").distinct()
    if not target.condition:
        return int(seen.count().execute())
    membership = Membership({target.key: target})
    # Segments are read as of a customer's first exposure; here that is the end.
    seen = seen.mutate(unit=seen.person, first_at=microseconds(until))
    known = membership.of_events(events.connection, rows, seen)
    joined = seen.left_join(known, "unit")
    inside = joined.segments.fill_null(membership.mask({})) == "1"
    return int(joined.filter(inside).count().execute())
