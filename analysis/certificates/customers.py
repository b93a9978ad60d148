"""The customers of a certificate, and what was known of each at every look.

Each customer enters just after the first event that was seen of them in the time looked
at: a moment at which an experiment could have been shown to them. From there on the
warehouse measures them as it measures an experiment's customers, once for each look,
with the data as they were by then: who is too young is left out or censored, as always.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from analysis.bounds import Bounds
from analysis.certificates.invented import event_columns
from analysis.certificates.splits import Splitter
from analysis.certificates.trial_plan import CONTROL, EXPERIMENT, LOOKS
from analysis.event_rows import EPOCH, EventRows, connect, microseconds
from analysis.measure import DAY, Mark
from analysis.store import SCHEMA_VERSION
from analysis.warehouse import unit_outcomes
from experiments.metric_definition import GAPS, MetricDefinition
from experiments.plan import Plan
from experiments.vocabulary import Environment, EventKind

_MOMENT = timedelta(microseconds=1)
_BESIDE = ("per", "before", "unknown")

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known at one look; arrays have a place for each customer seen by then.

    Attributes:
        at: data are complete up to here.
        customers: who they are, as places in the list of all.
        value: the outcome; NaN where it is missing or no number.
        missing: whether there is none.
        mark: see `measure.Mark`; of a funnel, the steps taken.
        old: whether the customer was followed to the end.
        last_day: of a time, the day on which it would be censored; else 0.
        beside: "per", "before" and "unknown", where the metric has them.
    """

    at: datetime
    customers: Places
    value: Numbers
    missing: Flags
    mark: Places
    old: Flags
    last_day: Places
    beside: dict[str, Numbers] = field(default_factory=dict)

    @property
    def counts(self) -> Flags:
        """Whose outcome is known and a finite number."""
        finite: Flags = np.isfinite(self.value)
        if "per" in self.beside:
            finite &= np.isfinite(self.beside["per"])
        mature: Flags = self.mark != int(Mark.IMMATURE)
        return finite & mature


@dataclass(frozen=True, slots=True)
class Customers:
    """Everybody in the trial, in the order in which they entered.

    Attributes:
        entered: first and last entry.
        splitter: knows their ids.
        size: how many.
        looks: what is known at each, the last one of everybody to the end.
    """

    entered: tuple[datetime, datetime]
    splitter: Splitter
    size: int
    looks: tuple[Known, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """Which events are read, and how.

    Attributes:
        files: Parquet files of events.
        as_of: later events do not exist.
        scratch: folder for what does not fit into memory.
        opted_out: pseudonyms of who takes no part.
    """

    files: tuple[str, ...]
    as_of: datetime
    scratch: Path
    opted_out: tuple[bytes, ...] = ()


def began_at(source: Source) -> datetime | None:
    """Tell when the first activity happened that is stored; None without any."""
    with connect(source.scratch) as connection:
        return EventRows(connection, source.files, source.as_of).began


def read_customers(
    plan: Plan,
    source: Source,
    until: datetime,
    most: int,
    folder: Path,
    looks: int = LOOKS,
) -> Customers | None:
    """Read a trial's customers.

    Args:
        plan: of `trial_plan`; customers enter from its `exposures_from` on.
        source: of the events.
        until: who enters later is not in it.
        most: so many customers at most, drawn by their pseudonyms.
        folder: for a file of the entries.
        looks: how many, evenly spaced by how many customers are followed to the end.

    Returns:
        The customers; None where there is nobody.
    """
    entries = _entries(source, plan.exposures_from, until, most)
    if not entries.num_rows:
        return None
    path = folder / "entries.parquet"
    pq.write_table(_exposures(entries), path)
    files = (*source.files, str(path))
    maturity = plan.primary.definition.maturity

    def seen_at(at: datetime) -> pa.Table:
        bounds = Bounds(
            as_of=max(source.as_of, at),
            data_cutoff=at,
            exposures_until=at,
            opted_out=source.opted_out,
        )
        return unit_outcomes(plan, files, bounds, source.scratch)

    end = _time(entries["at"][-1]) + maturity + _MOMENT
    last = seen_at(end)
    # Who takes no part has no outcome.
    entries = entries.filter(pc.is_in(entries["person"], value_set=last["person"]))
    if not entries.num_rows:
        return None
    ids = entries["person"].combine_chunks()
    moments = [*_moments(entries, maturity, looks), end]
    tables = [*(seen_at(at) for at in moments[:-1]), last]
    definition = plan.primary.definition
    return Customers(
        entered=(_time(entries["at"][0]), _time(entries["at"][-1])),
        splitter=Splitter(ids.to_pylist()),
        size=entries.num_rows,
        looks=tuple(
            _known(table, ids, definition, at)
            for table, at in zip(tables, moments, strict=True)
        ),
    )


def _entries(source: Source, since: datetime, until: datetime, most: int) -> pa.Table:
    """Find when each customer enters, at microseconds since 1970."""
    parts = []
    with connect(source.scratch) as connection:
        events = EventRows(connection, source.files, source.as_of)
        for bucket in events.buckets:
            rows = events.of(bucket)
            rows = rows.filter(
                rows.occurred_at >= since,
                rows.occurred_at < until - _MOMENT,
                rows.kind != EventKind.IDENTITY.value,
            )
            found = rows.group_by("person").agg(at=rows["at"].min() + 1)
            parts.append(found.order_by("person").limit(most).to_pyarrow())
    found = pa.concat_tables(parts)
    # Pseudonyms are random, so the first of them are a random sample.
    found = found.take(pc.sort_indices(found["person"])[:most])
    return found.sort_by([("at", "ascending"), ("person", "ascending")])


def _exposures(entries: pa.Table) -> pa.Table:
    """Write the entries as exposures to one and the same variant."""
    ids, n = entries["person"].combine_chunks(), entries.num_rows
    times = entries["at"].cast(pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC"))
    given: dict[str, Any] = {
        "bucket": pa.array([each[0] for each in ids.to_pylist()], pa.int16()),
        "environment": Environment.PRODUCTION.value,
        "source": EXPERIMENT,
        "message_id": ids,
        "kind": EventKind.EXPOSURE.value,
        "name": "",
        "occurred_at": times,
        "received_at": times,
        "customer": ids,
        "experiment": EXPERIMENT,
        "variant": CONTROL,
        "key_id": "",
        "payload_hash": 0,
        "schema_version": SCHEMA_VERSION,
    }
    return event_columns(given, n)


def _moments(entries: pa.Table, maturity: timedelta, looks: int) -> list[datetime]:
    """Say when each look but the last comes: when its share is followed to the end."""
    n = entries.num_rows
    shares = [number / looks for number in range(1, looks)]
    places = [int(np.ceil(share * n)) - 1 for share in shares]
    return [_time(entries["at"][place]) + maturity + _MOMENT for place in places]


def _known(
    table: pa.Table, ids: pa.Array, definition: MetricDefinition, at: datetime
) -> Known:
    table = table.append_column("place", pc.index_in(table["person"], value_set=ids))
    table = table.sort_by("place")
    needed = microseconds(EPOCH + definition.maturity)
    follow_up = table["follow_up"].to_numpy()
    value = table["m0_value"]
    return Known(
        at=at,
        customers=table["place"].to_numpy().astype(np.int64),
        value=_numbers(value),
        missing=pc.is_null(value).to_numpy(),
        mark=table["m0_mark"].to_numpy().astype(np.int64),
        old=follow_up >= needed,
        last_day=_last_day(table, definition, follow_up),
        beside={
            name: _numbers(table[f"m0_{name}"])
            for name in _BESIDE
            if f"m0_{name}" in table.column_names
        },
    )


def _last_day(
    table: pa.Table, definition: MetricDefinition, follow_up: npt.NDArray[Any]
) -> Places:
    """Tell to which day a customer without the event would have been followed."""
    watched = follow_up.astype(np.int64)
    if not definition.is_followed:
        return np.zeros(len(watched), np.int64)
    if definition.kind in GAPS:
        watched = watched - definition.gap_days * DAY
    if definition.start_events:
        watched = watched - np.nan_to_num(_numbers(table["m0_start"])).astype(np.int64)
    return np.minimum(watched // DAY, definition.day)


def _numbers(column: pa.ChunkedArray) -> Numbers:
    filled = pc.fill_null(column.cast(pa.float64()), float("nan"))
    numbers: Numbers = filled.to_numpy().astype(np.float64)
    return numbers


def _time(us: pa.Scalar) -> datetime:
    return EPOCH + timedelta(microseconds=us.as_py())


def outcomes_known(looks: Sequence[Known]) -> int:
    """Count customers whose outcome is known in the end."""
    return int(looks[-1].counts.sum())
