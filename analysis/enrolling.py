"""Who has seen a variant: published beside the ruleset, so that doors let them keep it.

The compactor learns each exposure as it stores it, and replaces the files of the sets
that grew, or that somebody else changed or deleted; after its start it reads the
exposures of running experiments from the store.
Customers who were erased, stand on a list by hand or used a preview link are in no
file. An exposure that was accepted is in the doors' hands after at most the wait for
the next round (3 s), the pause between two publications (10 s) and the doors' look at
the file (0.5 s).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import zip_longest
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from analysis.store import EventStore
from experiments import data_requests
from experiments.context import Context
from experiments.db import transaction
from experiments.enrolled import (
    FOLDER,
    PREFIX_BYTES,
    Mark,
    file_name,
    mark_of,
    write_set,
    write_through,
)
from experiments.exposure_messages import AGREEMENT_TEXT
from experiments.models import Experiment, ListedUnit, PlanRow
from experiments.vocabulary import (
    Agreement,
    AssignedBy,
    Environment,
    EventKind,
    Status,
    Unit,
)

PUBLISH_EVERY = timedelta(seconds=10)
COLUMNS = [
    "kind", "environment", "experiment", "occurred_at", "customer", "anonymous",
    "account",
    "properties",
]  # fmt: skip
# The columns of ids by which doors may know again who was drawn.
_CUSTOMER, _ACCOUNT = ("customer", "anonymous"), ("account",)
Prefixes = npt.NDArray[np.uint64]
_NONE: Prefixes = np.empty(0, np.uint64)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Phase:
    """One phase of an experiment that runs: exposures of [begins_at, ends_at)."""

    experiment: str
    phase: int
    begins_at: datetime
    ends_at: datetime | None
    unit: Unit = Unit.CUSTOMER


@dataclass(frozen=True, slots=True)
class _Known:
    """What the database says: whose sets there are, and who is in none."""

    phases: tuple[_Phase, ...]
    without: bytes  # prefixes of listed and erased customers, sorted


class EnrolledSets:
    """The sets of one installation; the compactor alone has one."""

    def __init__(self, context: Context, store: EventStore) -> None:
        """Know nothing yet: the first `publish` reads the store.

        Args:
            context: settings, database and clock.
            store: of the events.
        """
        self._context = context
        self._store = store
        self._folder = context.settings.data_dir / "ruleset" / FOLDER
        self._sets: dict[_Phase, Prefixes] = {}
        self._shown: dict[str, Prefixes] = {}  # experiment -> who used a preview link
        self._known: _Known | None = None
        self._grown: set[_Phase] = set()
        self._marks: dict[_Phase, Mark | None] = {}  # of the files as written here
        self._published: datetime | None = None

    def learn(self, events: pa.Table) -> None:
        """Take in events that were stored just now.

        Args:
            events: with at least `COLUMNS`.
        """
        keys = {phase.experiment for phase in self._sets}
        for key, found in _previewed(events, keys).items():
            held = self._shown.get(key, _NONE)
            self._shown[key] = np.union1d(held, found)
            if len(self._shown[key]) > len(held):
                self._grown |= {p for p in self._sets if p.experiment == key}
        for phase, found in _of_phases(events, self._sets).items():
            held = self._sets[phase]
            merged = np.union1d(held, found)
            if len(merged) > len(held):
                self._sets[phase] = merged
                self._grown.add(phase)

    def forget(self) -> None:
        """Read everything anew at the next publication."""
        self._known, self._published = None, None

    def publish(self, through: datetime) -> int:
        """Replace the files of the sets that changed, at most every ten seconds.

        Args:
            through: what arrived until then was learnt.

        Returns:
            How many files were written.
        """
        now = self._context.now()
        if self._published is not None and now - self._published < PUBLISH_EVERY:
            return 0
        with transaction(self._context.sessions) as session:
            known = _read_known(session)
        if self._known is None:
            self._read_all(known)
        elif known.phases != self._known.phases:
            self._take_over(known)
        if self._known is not None and known.without != self._known.without:
            self._grown = set(known.phases)
        self._known = known
        self._grown |= self._damaged()
        without = np.frombuffer(known.without, ">u8").astype(np.uint64)
        for phase in sorted(self._grown, key=lambda p: (p.experiment, p.phase)):
            path = self._path(phase)
            shown = self._shown.get(phase.experiment, _NONE)
            seen = np.setdiff1d(self._sets[phase], without)
            _write(path, np.setdiff1d(seen, shown))
            self._marks[phase] = mark_of(path)
        written = len(self._grown)
        self._grown.clear()
        write_through(self._folder, through)
        self._published = now
        return written

    def _damaged(self) -> set[_Phase]:
        """Find the files that are not as they were written, or gone."""
        changed = {
            phase
            for phase in self._sets.keys() - self._grown
            if mark_of(self._path(phase)) != self._marks.get(phase)
        }
        for phase in changed:
            log.warning("enrolled_set_written_anew", file=self._path(phase).name)
        return changed

    def _path(self, phase: _Phase) -> Path:
        return self._folder / file_name(phase.experiment, phase.phase)

    def _read_all(self, known: _Known) -> None:
        self._sets = dict.fromkeys(known.phases, _NONE)
        self._shown = {}
        for events in _exposures(self._store, known.phases):
            self.learn(events)
        self._grown = set(known.phases)
        self._remove_others(known.phases)
        log.info("enrolled_sets_read", phases=len(known.phases))

    def _take_over(self, known: _Known) -> None:
        """Follow a start, a stop or a new phase."""
        added = [phase for phase in known.phases if phase not in self._sets]
        self._sets = {p: self._sets.get(p, _NONE) for p in known.phases}
        for events in _exposures(self._store, added):
            self.learn(events)
        self._grown = {p for p in self._grown if p in self._sets} | set(added)
        self._remove_others(known.phases)

    def _remove_others(self, phases: Iterable[_Phase]) -> None:
        wanted = {file_name(phase.experiment, phase.phase) for phase in phases}
        for path in self._folder.glob("*.bin"):
            if path.name not in wanted:
                path.unlink(missing_ok=True)


def _read_known(session: Session) -> _Known:
    alive = (Status.RUNNING.value, Status.PAUSED.value)
    rows = session.execute(
        select(
            Experiment.key,
            PlanRow.phase,
            PlanRow.locked_at,
            Experiment.status,
            Experiment.unit,
        )
        .join(PlanRow, PlanRow.experiment_id == Experiment.id)
        .where(Experiment.assigned_by == AssignedBy.ABIDE.value)
        # Between two phases an experiment is a draft with a plan.
        .where(Experiment.status.in_((*alive, Status.DRAFT, Status.IN_REVIEW)))
        .order_by(Experiment.key, PlanRow.phase)
    ).all()
    phases = []
    for row, following in zip_longest(rows, rows[1:]):
        ends = following.locked_at if following and following.key == row.key else None
        unit = Unit(row.unit)
        phases.append(_Phase(row.key, row.phase, row.locked_at, ends, unit))
    listed = session.scalars(select(ListedUnit.pseudonym))
    names = {who[:PREFIX_BYTES] for who in listed}
    names |= {who[:PREFIX_BYTES] for who in data_requests.tombstones(session)}
    return _Known(tuple(phases), b"".join(sorted(names)))


def _exposures(store: EventStore, phases: Sequence[_Phase]) -> Iterable[pa.Table]:
    """Read the stored exposures of some phases, piece by piece."""
    if not phases:
        return
    first: date = min(phase.begins_at for phase in phases).date()
    files = list(store.files(first_day=first))
    if not files:
        return
    field = ds.field
    wanted = field("kind").isin([EventKind.EXPOSURE.value, EventKind.PREVIEW.value])
    wanted &= field("experiment").isin(sorted({phase.experiment for phase in phases}))
    for batch in ds.dataset(files).to_batches(columns=COLUMNS, filter=wanted):
        if batch.num_rows:
            yield pa.Table.from_batches([batch])


def _of_phases(
    events: pa.Table, sets: Mapping[_Phase, Prefixes]
) -> dict[_Phase, Prefixes]:
    """Find the customers that events show to be in some phases."""
    keys = {phase.experiment for phase in sets}
    events = _of_kind(events, EventKind.EXPOSURE, keys)
    # Who was shown a variant by mistake is not enrolled by that.
    wrong = pc.equal(events["properties"], AGREEMENT_TEXT[Agreement.CONTRADICTS])
    events = events.filter(pc.invert(pc.fill_null(wrong, fill_value=False)))
    found = {}
    for phase in sets:
        rows = events.filter(pc.equal(events["experiment"], phase.experiment))
        rows = rows.filter(pc.greater_equal(rows["occurred_at"], phase.begins_at))
        if phase.ends_at is not None:
            rows = rows.filter(pc.less(rows["occurred_at"], phase.ends_at))
        # Who was drawn. Of an account that only a `group` call names, nothing is known
        # here: analysis finds it, doors do not keep it.
        drawn = _ACCOUNT if phase.unit == Unit.ACCOUNT else _CUSTOMER
        if rows.num_rows:
            found[phase] = _prefixes(rows, drawn)
    return found


def _previewed(events: pa.Table, keys: Collection[str]) -> dict[str, Prefixes]:
    """Find the customers who used a preview link of these experiments."""
    events = _of_kind(events, EventKind.PREVIEW, keys)
    found = {}
    for key in keys:
        rows = events.filter(pc.equal(events["experiment"], key))
        if rows.num_rows:
            found[key] = _prefixes(rows)
    return found


def _of_kind(events: pa.Table, kind: EventKind, keys: Collection[str]) -> pa.Table:
    """Keep production events of one kind about some experiments."""
    events = events.select(COLUMNS)
    if not keys or not events.num_rows:
        return events.slice(0, 0)
    wanted = pc.and_(
        pc.equal(events["kind"], kind.value),
        pc.equal(events["environment"], Environment.PRODUCTION.value),
    )
    named = pc.is_in(events["experiment"], pa.array(sorted(keys)))
    return events.filter(pc.and_(wanted, named))


def _prefixes(events: pa.Table, names: Iterable[str] = _CUSTOMER) -> Prefixes:
    """Give both ids: an app may ask by either, before and after somebody signs in."""
    texts = set()
    for name in names:
        texts |= set(events[name].cast(pa.binary()).unique().to_pylist())
    joined = b"".join(text[:PREFIX_BYTES] for text in texts if text is not None)
    return np.unique(np.frombuffer(joined, ">u8").astype(np.uint64))


def _write(path: Path, prefixes: Prefixes) -> None:
    write_set(path, [prefixes.astype(">u8").tobytes()])
