"""Erasure: every row about one customer leaves the store, its log and its old files.

A customer is every id that was stitched to the one that was named. Rows of others that
carry one of these ids as their anonymous id lose it. Results that were stored before
stay: they are sums, and how many erased customers each variant had is kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import structlog
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from analysis import leases
from analysis.delta import DeltaWriter, Layout, NewFile, StoredFile, write_file
from analysis.scrubbing import scrub
from analysis.store import EVENT_LAYOUT
from analysis.unit_store import UNIT_LAYOUT, UnitStore
from experiments import (
    audit,
    data_requests,
    exposures_view,
    held_bodies,
    import_records,
    opt_outs,
    ruleset,
    survey_replies,
)
from experiments.context import Context
from experiments.db import transaction
from experiments.models import Erasure, ListedUnit, QuarantinedMessage
from experiments.vocabulary import EventKind

log = structlog.get_logger(__name__)


@dataclass
class _Found:
    """What is to be taken out of one table."""

    added: list[NewFile] = field(default_factory=list)
    removed: list[StoredFile] = field(default_factory=list)
    row_count: int = 0
    # Experiment -> (when first, variant).
    exposures: dict[str, tuple[Any, str]] = field(default_factory=dict)

    def note(self, rows: pa.Table) -> None:
        """Count rows that go, and which variants their customer had seen."""
        self.row_count += rows.num_rows
        if "kind" not in rows.column_names:
            return
        seen = rows.filter(pc.equal(rows["kind"], EventKind.EXPOSURE.value))
        columns = ["occurred_at", "experiment", "variant"]
        for row in seen.select(columns).to_pylist():
            first = (row["occurred_at"], row["variant"])
            former = self.exposures.get(row["experiment"], first)
            self.exposures[row["experiment"]] = min(former, first)


def carry_out(
    context: Context, writer: DeltaWriter, lease: str, token: int | None
) -> int:
    """Erase the customers whose erasure waits, if no analysis reads just now.

    Killed anywhere, the next call does what is missing. `Conflict` says that somebody
    else holds the compactor's lease or wrote to a table; the next call tries again.

    Args:
        context: settings, database and clock.
        writer: a current handle of the events.
        lease: under which the events are written.
        token: of that lease; None without one.

    Returns:
        How many customers were erased.
    """
    with transaction(context.sessions) as session:
        waiting = data_requests.waiting(session)
    if not waiting:
        return 0
    # An analysis reads the files that it listed at its start.
    with leases.held(context, leases.ANALYSIS) as reading:
        if reading is None:
            return 0
        for erasure in waiting:
            _erase(context, writer, erasure, lease, token)
        writer.clean(grace_hours=0)
        scrub(context)
        with transaction(context.sessions) as session:
            for erasure in waiting:
                data_requests.finish(session, erasure.id, context.now())
    return len(waiting)


def _erase(
    context: Context,
    writer: DeltaWriter,
    erasure: Erasure,
    lease: str,
    token: int | None,
) -> None:
    with transaction(context.sessions) as session:
        own, linked = data_requests.ids_of(session, erasure)
    files = [str(writer.path / file.path) for file in writer.files()]
    ids = all_ids(context, files, own, linked)
    events = _without(writer, EVENT_LAYOUT, ids)
    exposures = {key: variant for key, (_, variant) in events.exposures.items()}
    exposures |= _unit_exposures(context, ids)
    with transaction(context.sessions) as session:
        if token is not None:
            leases.check_token(session, lease, token)
        data_requests.found(session, erasure.id, ids, exposures)
    if events.removed:
        writer.commit(events.added, {}, events.removed)
    count = events.row_count + _erase_units(context, ids)
    with transaction(context.sessions) as session:
        if token is not None:
            leases.check_token(session, lease, token)
        audit.take_turn(session)
        _erase_set_aside(context, session, ids)
        _erase_listed(session, ids, context.now())
        exposures_view.erase(session, ids)
        count += survey_replies.erase(session, ids)
        data_requests.count(session, erasure.id, count, context.now())
    log.info("erased", erasure=erasure.id, rows=count)


def _erase_set_aside(context: Context, session: Session, ids: set[bytes]) -> None:
    table = QuarantinedMessage
    theirs = table.customer.in_(ids) | table.anonymous.in_(ids)
    session.execute(delete(table).where(theirs))
    for row in held_bodies.naming(session, context.settings, ids):
        session.delete(row)
    import_records.forget(session, context.settings.data_dir, ids)


def _erase_listed(session: Session, ids: set[bytes], now: datetime) -> None:
    """Take a customer off the lists of experiments, in what doors read too."""
    theirs = ListedUnit.pseudonym.in_(ids)
    if session.scalar(select(ListedUnit.id).where(theirs).limit(1)) is None:
        return
    session.execute(delete(ListedUnit).where(theirs))
    ruleset.publish(session, now)


def all_ids(
    context: Context,
    files: Sequence[str],
    own: Iterable[bytes],
    linked: Iterable[bytes] = (),
) -> set[bytes]:
    """Find every id of a customer: as events tie them, and as opt-outs do.

    Args:
        context: with the database, where the ids of who opted out are kept.
        files: Parquet files of events.
        own: ids that are the customer's.
        linked: ids that came with one of them; the customer's unless others own them.

    Returns:
        All ids of the customer, those given as own among them.
    """
    ids, asked = set(own), set(linked)
    while True:
        with transaction(context.sessions) as session:
            known, maybe = opt_outs.ids_with(session, ids)
        found = stitched_ids(files, ids | known, asked | maybe)
        if found == ids:
            return ids
        ids, asked = found, asked | maybe


def stitched_ids(
    files: Sequence[str], own: Iterable[bytes], linked: Iterable[bytes] = ()
) -> set[bytes]:
    """Find every id of a customer, as `analysis.event_rows` stitches them.

    Args:
        files: Parquet files of events.
        own: ids that are the customer's.
        linked: ids that came with one of them; the customer's unless others own them.

    Returns:
        All ids of the customer, those given as own among them.
    """
    return set(stitched(files, dict.fromkeys(own, 0), dict.fromkeys(linked, 0)))


def stitched(
    files: Sequence[str],
    own: Mapping[bytes, int],
    linked: Mapping[bytes, int],
    arriving: pa.Table | None = None,
) -> dict[bytes, int]:
    """Find every id of several customers at once.

    Args:
        files: Parquet files of events.
        own: id -> number of the customer whose it is.
        linked: ids that came with one of these; -> number of that customer.
        arriving: events that are not in a file yet.

    Returns:
        All ids of these customers, those given as own among them, each with a number.
    """
    ids, asked = dict(own), dict(linked)
    tables = [_dataset(files)] if files else []
    tables += [] if arriving is None else [ds.dataset(arriving)]
    while tables:
        for former, customer, _ in _links(tables, "customer", ids):
            asked.setdefault(former, ids[customer])
        owners = _owners(_links(tables, "anonymous", ids | asked))
        found = {owners[one]: number for one, number in ids.items() if one in owners}
        found |= {
            one: number
            for one, number in asked.items()
            if one not in owners or owners[one] in ids
        }
        if found.keys() <= ids.keys():
            break
        ids = found | ids
    return ids


def _links(
    tables: Sequence[ds.Dataset], column: str, ids: Iterable[bytes]
) -> list[tuple[bytes, bytes, datetime]]:
    """Read which ids came together: (anonymous, customer, when)."""
    condition = pc.field(column).isin(pa.array(sorted(ids), pa.binary()))
    condition &= pc.field("anonymous").is_valid()
    condition &= pc.field("anonymous") != pc.field("customer")
    columns = ["anonymous", "customer", "occurred_at"]
    read = [table.to_table(columns=columns, filter=condition) for table in tables]
    rows = pa.concat_tables(read, promote_options="default")
    grouped = rows.group_by(["anonymous", "customer"]).aggregate(
        [("occurred_at", "min")]
    )
    return [
        (row["anonymous"], row["customer"], row["occurred_at_min"])
        for row in grouped.to_pylist()
    ]


def _owners(links: Sequence[tuple[bytes, bytes, datetime]]) -> dict[bytes, bytes]:
    """Give each id to the first customer it was seen with."""
    ordered = sorted(links, key=lambda link: (link[2], link[1]), reverse=True)
    return {former: owner for former, owner, _ in ordered}


def rows_of(files: Sequence[str], ids: Iterable[bytes]) -> pa.Table:
    """Read all rows of some ids.

    Args:
        files: Parquet files of events or units.
        ids: pseudonyms.

    Returns:
        The rows as they are stored.
    """
    wanted = pa.array(sorted(ids), pa.binary())
    return _dataset(files).to_table(filter=pc.field("customer").isin(wanted))


def _dataset(files: Sequence[str]) -> ds.Dataset:
    return ds.dataset(list(files), format="parquet")


def _without(writer: DeltaWriter, layout: Layout, ids: set[bytes]) -> _Found:
    """Write each file that names one of the ids again, without them."""
    found, wanted = _Found(), pa.array(sorted(ids), pa.binary())
    named = [n for n in ("customer", "anonymous") if n in layout.schema.names]
    for file in writer.files():
        path = writer.path / file.path
        if not _names(path, named, wanted):
            continue
        rows = pq.ParquetFile(path).read().cast(layout.file_schema)
        gone = pc.is_in(rows["customer"], wanted)
        if "anonymous" in named:
            known = pc.is_in(rows["anonymous"], wanted)
            # That two ids belong together says something about both.
            tie = pc.equal(rows["kind"], EventKind.IDENTITY.value)
            gone = pc.or_(gone, pc.and_(known, tie))
            rows = _nulled(rows, known)
        found.note(rows.filter(gone))
        found.removed.append(file)
        kept = rows.filter(pc.invert(gone))
        if kept.num_rows:
            new = write_file(writer.path, layout, file.folders, kept)
            found.added.append(new)
    return found


def _names(path: Path, columns: Sequence[str], wanted: pa.Array) -> bool:
    rows = pq.read_table(path, columns=list(columns), partitioning=None)
    return any(pc.any(pc.is_in(rows[name], wanted)).as_py() for name in columns)


def _nulled(rows: pa.Table, known: pa.ChunkedArray) -> pa.Table:
    index = rows.column_names.index("anonymous")
    null = pa.scalar(None, rows.schema.field("anonymous").type)
    column = pc.if_else(known, null, rows["anonymous"])
    return rows.set_column(index, rows.schema.field("anonymous"), column)


def _unit_exposures(context: Context, ids: set[bytes]) -> Mapping[str, str]:
    """Find which variants of imported experiments a customer had."""
    store, found = UnitStore(context.settings), {}
    for key, files in store.files_by_experiment().items():
        for row in rows_of(files, ids).select(["variant"]).to_pylist():
            found[key] = row["variant"]
    return found


def _erase_units(context: Context, ids: set[bytes]) -> int:
    store = UnitStore(context.settings)
    if not store.files_by_experiment():
        return 0
    writer = DeltaWriter(store.path, UNIT_LAYOUT)
    found = _without(writer, UNIT_LAYOUT, ids)
    if found.removed:
        writer.commit(found.added, {}, found.removed)
        # Only what the log has removed: an import may be writing a file just now.
        writer.clean(grace_hours=0, strays=False)
    return found.row_count
