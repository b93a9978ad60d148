"""Inbox groups become Arrow columns, with what is to be counted and set aside."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from analysis.store import EVENT_SCHEMA, SCHEMA_VERSION
from experiments import parcels
from experiments.inbox_reading import Run
from experiments.parcels import EventRow, Parcel

Numbers = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]
_DAY_US = 86_400_000_000
_FIRST_DAY = date(1970, 1, 1)
_COLUMN_OF = {"occurred_us": "occurred_at", "original_us": "original_at"}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a parcel came from, and what it brought besides events."""

    slot: str
    seq: int
    position: int  # of its first row within the group
    parcel: Parcel

    def is_new(self, counted: Mapping[str, int]) -> bool:
        """Whether its group is not counted yet.

        Args:
            counted: slot -> last group that is.

        Returns:
            True for a group that came after it.
        """
        return self.seq > counted.get(self.slot, 0)


@dataclass(frozen=True, slots=True)
class Batch:
    """The events of some groups, in order of arrival.

    Attributes:
        origins: one for each parcel.
        table: EVENT_SCHEMA without `day`, one row for each event.
        parcel_of: for each row, the index of its origin.
        keys: for each row, its message id as two numbers, shape (n, 2).
        payloads: for each row, the hash of what it says.
        first_row: for each origin, its first row.
    """

    origins: Sequence[Origin]
    table: pa.Table
    parcel_of: Numbers
    keys: Keys
    payloads: Numbers
    first_row: Numbers = field(repr=False)

    def position(self, row: int) -> tuple[Origin, int]:
        """Say where a row came from: its origin, and its place in the group."""
        index = int(self.parcel_of[row])
        origin = self.origins[index]
        return origin, origin.position + row - int(self.first_row[index])


def build(runs: Iterable[Run]) -> Batch:
    """Decode groups into one batch.

    Args:
        runs: contiguous groups of each slot.

    Returns:
        The batch; its table may have no rows.
    """
    # Of two messages with one id the first to arrive stays, through whatever slot.
    origins = sorted(_origins(runs), key=lambda origin: origin.parcel.received_us)
    counts = np.array([len(o.parcel.rows) for o in origins], dtype=np.int64)
    parcel_of = np.repeat(np.arange(len(origins), dtype=np.int64), counts)
    columns = _columns(origins)
    parts = dict(columns)
    for name, values in _constants(origins).items():
        parts[name] = values.take(pa.array(parcel_of))
    parts["bucket"] = pa.array(_first_bytes(columns["customer"]), pa.int16())
    parts["schema_version"] = pa.repeat(
        pa.scalar(SCHEMA_VERSION, pa.int8()), len(parcel_of)
    )
    file_schema = pa.schema([f for f in EVENT_SCHEMA if f.name != "day"])
    return Batch(
        origins=origins,
        table=pa.table([parts[f.name] for f in file_schema], schema=file_schema),
        parcel_of=parcel_of,
        keys=as_keys(columns["message_id"]),
        payloads=columns["payload_hash"].to_numpy(),
        first_row=np.concatenate(([0], np.cumsum(counts)[:-1])).astype(np.int64),
    )


def as_keys(message_ids: pa.Array) -> Keys:
    """Read 16-byte ids as pairs of numbers.

    Args:
        message_ids: binary, without nulls.

    Returns:
        Shape (n, 2).
    """
    fixed = message_ids.cast(pa.binary(16))
    data = fixed.buffers()[1]
    if data is None:
        return np.empty((0, 2), dtype=np.uint64)
    whole = np.frombuffer(data, dtype="<u8", count=2 * (fixed.offset + len(fixed)))
    return whole.reshape(-1, 2)[fixed.offset :]


def by_day(table: pa.Table) -> dict[date, pa.Table]:
    """Sort rows by customer and time, and part them by the day they occurred.

    Args:
        table: EVENT_SCHEMA without `day`.

    Returns:
        Day (UTC) -> its rows.
    """
    days = table["occurred_at"].cast(pa.int64()).to_numpy() // _DAY_US
    table = table.append_column("day", pa.array(days))
    # The bucket is the customer's first byte, so it is in order too.
    order = [(name, "ascending") for name in ("day", "customer", "occurred_at")]
    table = table.sort_by(order)
    found, starts = np.unique(table["day"].to_numpy(), return_index=True)
    ends = [*starts[1:], table.num_rows][: len(starts)]
    table = table.drop_columns(["day"])
    return {
        _FIRST_DAY + timedelta(days=int(day)): table.slice(start, end - start)
        for day, start, end in zip(found, starts, ends, strict=True)
    }


def _origins(runs: Iterable[Run]) -> Iterable[Origin]:
    for run in runs:
        for group in run.groups:
            position = 0
            for parcel in parcels.decode(group.body):
                yield Origin(run.slot, group.seq, position, parcel)
                position += parcel.message_count


def _columns(origins: Sequence[Origin]) -> dict[str, pa.Array]:
    lists: list[list[Any]] = [[] for _ in EventRow._fields]
    for origin in origins:
        # One parcel at a time: its rows are still in the processor's cache.
        for column, values in zip(
            lists, zip(*origin.parcel.rows, strict=True), strict=False
        ):
            column.extend(values)
    arrays = {}
    for field_name, column in zip(EventRow._fields, lists, strict=True):
        name = _COLUMN_OF.get(field_name, field_name)
        kind = EVENT_SCHEMA.field(name).type
        if pa.types.is_timestamp(kind):
            arrays[name] = pa.array(column, pa.int64()).cast(kind)
        else:
            arrays[name] = pa.array(column, kind)
    return arrays


def _constants(origins: Sequence[Origin]) -> dict[str, pa.Array]:
    time = EVENT_SCHEMA.field("received_at").type
    received = pa.array([o.parcel.received_us for o in origins], pa.int64())
    return {
        "environment": pa.array([o.parcel.environment for o in origins], pa.string()),
        "source": pa.array([o.parcel.source for o in origins], pa.string()),
        "key_id": pa.array([o.parcel.key_id for o in origins], pa.string()),
        "received_at": received.cast(time),
    }


def _first_bytes(customers: pa.Array) -> npt.NDArray[np.uint8]:
    return (as_keys(customers)[:, 0] & np.uint64(0xFF)).astype(np.uint8)
