"""The analytic store: a Delta table of events that any engine can read.

Rows lie in a folder a day (of when they occurred, UTC), sorted by customer and time
inside each file. `bucket` is the first byte of the customer's pseudonym: a condition on
it reads its part of each file only, so that any number of customers fits into memory
piece by piece. Readers need no Delta client: the list of active files is enough.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from analysis.delta import DeltaWriter, Layout, read_files
from experiments.config import Settings

STORE_FOLDER = "store"
SCHEMA_VERSION = 1
_TIME = pa.timestamp("us", tz="UTC")

EVENT_SCHEMA = pa.schema(
    [
        pa.field("day", pa.date32(), nullable=False),
        pa.field("bucket", pa.int16(), nullable=False),
        pa.field("environment", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("message_id", pa.binary(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
        pa.field("occurred_at", _TIME, nullable=False),
        pa.field("original_at", _TIME),
        pa.field("received_at", _TIME, nullable=False),
        pa.field("customer", pa.binary(), nullable=False),
        pa.field("anonymous", pa.binary()),
        pa.field("account", pa.binary()),
        pa.field("experiment", pa.string()),
        pa.field("variant", pa.string()),
        pa.field("value", pa.float64()),
        pa.field("scale", pa.int32()),
        pa.field("properties", pa.string()),
        pa.field("key_id", pa.string(), nullable=False),
        pa.field("payload_hash", pa.int64(), nullable=False),
        pa.field("schema_version", pa.int8(), nullable=False),
    ]
)
EVENT_LAYOUT = Layout(
    schema=EVENT_SCHEMA,
    folders=("day",),
    measured=("bucket", "occurred_at", "received_at"),
    dictionary=(
        "environment",
        "source",
        "kind",
        "name",
        "customer",
        "experiment",
        "variant",
        "properties",
        "key_id",
        "received_at",
    ),
    # Times within a day differ by 37 bits, and all message ids are of one length.
    encodings={
        "message_id": "DELTA_LENGTH_BYTE_ARRAY",
        "occurred_at": "DELTA_BINARY_PACKED",
        "original_at": "DELTA_BINARY_PACKED",
    },
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The store at one moment; its files stay readable for an hour.

    Attributes:
        version: of the table, kept with each analysis run.
        files: paths of all active Parquet files.
    """

    version: int
    files: tuple[str, ...]


class EventStore:
    """The events of one installation."""

    def __init__(self, settings: Settings) -> None:
        self.path = settings.data_dir / STORE_FOLDER / "events"

    def snapshot(
        self, first_day: date | None = None, last_day: date | None = None
    ) -> Snapshot:
        """List the files with the events of some days.

        Args:
            first_day: of when events occurred (UTC); None for no limit.
            last_day: included; None for no limit.

        Returns:
            The version and the files; version 0 and none before the first event.
        """
        version, stored = read_files(self.path, EVENT_LAYOUT)
        first, last = first_day or date.min, last_day or date.max
        files = tuple(
            str(self.path / file.path)
            for file in stored
            if first <= date.fromisoformat(file.folders["day"]) <= last
        )
        return Snapshot(version, files)

    def files(
        self, first_day: date | None = None, last_day: date | None = None
    ) -> Sequence[str]:
        """List the files alone, as `snapshot` does."""
        return self.snapshot(first_day, last_day).files

    @property
    def version(self) -> int:
        """The table's newest version."""
        return self.snapshot().version

    def writer(self) -> DeltaWriter:
        """Open the table for writing; see analysis.compactor, the only writer."""
        return DeltaWriter(self.path, EVENT_LAYOUT)
