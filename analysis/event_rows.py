"""The stored events as one table: production only, stitched, in buckets of customers.

Events keep the id they came with; where there was only an anonymous id, it stands as
the customer too. An id that was ever seen together with a customer belongs to the first
customer it was seen with, at whatever time, so that late stitching works; so does the
old id of an alias call. An anonymous id that was never seen with a customer stays a
customer of its own.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.datatypes as dt

from experiments.vocabulary import Environment, EventKind

# Ibis connections, tables and expressions have no types of their own.
Connection = Any
Rows = Any
Column = Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MEMORY_LIMIT = "640MB"  # DuckDB spills to disk above it; with Python it is 1 GB or so
EVENTS_A_BUCKET = 16_000_000
MAX_BUCKETS = 256
SCHEMA = ibis.schema(
    {
        "bucket": "int16",
        "environment": "string",
        "source": "string",
        "message_id": "binary",
        "kind": "string",
        "name": "string",
        "occurred_at": "timestamp('UTC', 6)",
        "received_at": "timestamp('UTC', 6)",
        "customer": "binary",
        "anonymous": "binary",
        "account": "binary",
        "experiment": "string",
        "variant": "string",
        "value": "float64",
        "scale": "int64",
        "properties": "string",
    }
)


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]  # Ibis has no types
def epoch_us(moment: dt.timestamp) -> dt.int64:
    """Microseconds since 1970, DuckDB's own; Ibis has seconds only."""


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 of a point in time, exactly."""
    return (moment - EPOCH) // timedelta(microseconds=1)


@contextmanager
def connect(scratch: Path) -> Iterator[Connection]:
    """Open an embedded DuckDB that spills to `scratch` when memory is short.

    Args:
        scratch: a folder for temporary files; made when it is not there.

    Yields:
        The Ibis connection, whose times are UTC.
    """
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch, prefix="analysis-") as folder:
        connection = ibis.duckdb.connect(
            memory_limit=MEMORY_LIMIT,
            temp_directory=folder,
            preserve_insertion_order=False,
        )
        try:
            connection.raw_sql("SET TimeZone = 'UTC'").fetchall()
            connection.raw_sql("SET enable_progress_bar = false").fetchall()
            yield connection
        finally:
            connection.disconnect()


def replaced(connection: Connection, name: str, rows: Rows) -> Rows:
    """Write rows into a helper table whose former rows nobody needs any more.

    Args:
        connection: see `connect`.
        name: of the table.
        rows: what it holds from now on; not made of the table itself.

    Returns:
        The table.
    """
    # To overwrite, Ibis writes another table first, and then copies it.
    connection.drop_table(name, force=True)
    return connection.create_table(name, rows, temp=True)


@dataclass(frozen=True, slots=True)
class Bucket:
    """Customers whose pseudonym starts with a byte in [low, high)."""

    low: int
    high: int

    @property
    def is_whole(self) -> bool:
        """Whether there is but this bucket."""
        return self.high - self.low == MAX_BUCKETS

    def filter_own(self, events: Rows) -> Rows:
        """Keep its events by their first byte, so that parts of files are skipped."""
        if self.is_whole:
            return events
        byte = events.bucket
        return events.filter(byte >= self.low, byte < self.high)

    def filter(self, rows: Rows) -> Rows:
        """Keep the rows whose `person` is in this bucket."""
        if self.is_whole:
            return rows
        rows = rows.filter(rows.person >= ibis.literal(bytes([self.low]), "binary"))
        if self.high == MAX_BUCKETS:  # the last one has no upper end
            return rows
        return rows.filter(rows.person < ibis.literal(bytes([self.high]), "binary"))


def buckets(count: int) -> tuple[Bucket, ...]:
    """Cut all customers into `count` parts of about equal size, a power of two."""
    width = MAX_BUCKETS // count
    return tuple(Bucket(i * width, (i + 1) * width) for i in range(count))


class EventRows:
    """What one analysis reads: production events received up to `as_of`."""

    def __init__(
        self, connection: Connection, files: Sequence[str], as_of: datetime
    ) -> None:
        """Open the files; nothing is read yet.

        Args:
            connection: see `connect`.
            files: Parquet files of events.
            as_of: later events do not exist for this analysis.
        """
        self.connection = connection
        if files:
            table = connection.read_parquet(list(files), table_name="all_events")
        else:
            table = connection.create_table("all_events", schema=SCHEMA)
        events = table.select(*SCHEMA.names)
        elsewhere = events.environment != Environment.PRODUCTION.value
        later = events.received_at > as_of
        # What is not there need not be left out: each condition reads a column. To ask
        # for one row is quick: files tell the range of each column of their parts.
        if _is_any(events.filter(elsewhere)):
            events = events.filter(~elsewhere)
        if _is_any(events.filter(later)):
            events = events.filter(~later)
        self.stored = self._events = events  # with the ids they came with
        total = int(table.count().execute())
        count = 1
        while count < MAX_BUCKETS and total / count > EVENTS_A_BUCKET:
            count *= 2
        self.buckets = buckets(count)
        strangers = _is_any(events.filter(events.anonymous.notnull()))
        self._aliases = self._aliases_in_use() if strangers else None

    def _aliases_in_use(self) -> Rows | None:
        """Find who owns each id that some event came with; None when none is owned."""
        events, connection = self._events, self.connection
        links = events.filter(events.anonymous != events.customer)
        earliest = ibis.struct({"at": links.occurred_at, "owner": links.customer})
        owners = links.group_by(former=links.anonymous).agg(
            owner=links.customer.argmin(earliest)
        )
        connection.create_table("owners", owners, temp=True)
        owners = connection.table("owners")
        used = owners.semi_join(events, owners.former == events.customer)
        used = used.select("former", "owner")
        # An owner may itself have been merged into another customer by an alias call.
        merged = owners.select(merged="former", into="owner")
        used = used.left_join(merged, used.owner == merged.merged)
        used = used.select("former", owner=ibis.coalesce(used.into, used.owner))
        connection.create_table("aliases", used, temp=True)
        aliases = connection.table("aliases")
        return aliases if aliases.count().execute() else None

    @cached_property
    def began(self) -> datetime | None:
        """Time of the first activity that is stored; None where there is none."""
        return self._moment(ibis.asc)

    @cached_property
    def ended(self) -> datetime | None:
        """Time of the last activity that is stored; None where there is none."""
        return self._moment(ibis.desc)

    def _moment(self, direction: Callable[[str], Column]) -> datetime | None:
        """Find the first activity in this direction; the engine skips most files."""
        rows = self.stored.filter(self.stored.kind == EventKind.ACTIVITY.value)
        rows = rows.select("occurred_at").order_by(direction("occurred_at")).limit(1)
        found: list[datetime] = rows.to_pyarrow()["occurred_at"].to_pylist()
        return found[0] if found else None

    def of(self, bucket: Bucket) -> Rows:
        """All events of a bucket's customers, with their stitched id as `person`."""
        events = self._events
        events = events.mutate(person=events.customer, at=epoch_us(events.occurred_at))
        own = bucket.filter_own(events)
        if self._aliases is None:
            return own
        same = self._aliases.former
        own = own.anti_join(self._aliases, own.customer == same)
        owned = events.drop("person").inner_join(self._aliases, events.customer == same)
        owned = bucket.filter(owned.rename(person="owner"))
        return own.union(owned.select(*own.columns))


def _is_any(rows: Rows) -> bool:
    """Whether there is such a row."""
    found: int = rows.select("bucket").limit(1).to_pyarrow().num_rows
    return found > 0
