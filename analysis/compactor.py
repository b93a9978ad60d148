"""Compaction: what waits in the inboxes becomes rows of the analytic store, once.

One round reads a contiguous run of groups of every slot, removes what came before,
writes what was counted and set aside to the database, commits the events together with
the slots' marks to the store, and only then deletes the groups. Killed anywhere, the
next round does what is missing and nothing twice.
"""

import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import structlog
from sqlalchemy.orm import Session

from analysis import (
    assigned_days,
    erasing,
    exposure_days,
    intake_records,
    leases,
    opting_out,
    recent_exposures,
    refused_days,
    source_hours,
)
from analysis.compacted import Compacted
from analysis.delta import DeltaWriter, write_file
from analysis.dropping import Declined, of_opted_out, without_erased
from analysis.duplicates import (
    REMEMBERED,
    Findings,
    RecentMessages,
    find_duplicates,
)
from analysis.enrolling import EnrolledSets
from analysis.event_table import Batch, build, by_day
from analysis.expiry import delete_expired
from analysis.intake_records import IN_FLIGHT
from analysis.store import EVENT_LAYOUT, EventStore
from analysis.upkeep import merge_small_files
from experiments import data_requests, opt_outs
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import AbideError, Unavailable
from experiments.held_bodies import BodySearch
from experiments.inbox_reading import Run, open_reader

LEASE = "compactor"
LEASE_TTL = timedelta(seconds=6)  # so soon another takes over from a killed one
ROUND_BYTES = 32 * 1024 * 1024
TICK_SECONDS = 1.0
GIVE_WAY_SECONDS = 0.02
CALM_SECONDS = 3.0
BUSY_EVENTS = 5000  # a round with more is followed by the next one at once
PATIENCE_SECONDS = 30.0
SEARCH_EVERY = timedelta(seconds=5)
TELL_EVERY = timedelta(seconds=5)
CLEAN_EVERY = timedelta(hours=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

log = structlog.get_logger(__name__)


class Compactor:
    """Does rounds; keeps the table's handle and the recent ids between them."""

    def __init__(
        self, context: Context, store: EventStore, token: int | None = None
    ) -> None:
        self._context = context
        self._store = store
        self._token = token
        self._inbox = open_reader(context)
        self._writer: DeltaWriter | None = None
        self._recent: RecentMessages | None = None
        self._known_version = -1  # up to which `_recent` knows the table
        self._emptied: set[str] = set()
        self._told: datetime | None = None
        self._out = opting_out.KnownOptOuts()
        self._other_ids = opting_out.OtherIds(context)
        self._searched: datetime | None = None
        self._through: datetime | None = None  # all that arrived until then is stored
        self._enrolled = EnrolledSets(context, store)

    def round(self) -> Compacted:
        """Take what waits, up to a limit, into the store.

        When it cannot, the groups stay in the inbox: `Conflict` says that another
        process wrote to the store or holds the lease, `StorageFull` that the disk is
        full, `Unavailable` that the database does not answer.

        Returns:
            What was done; all zero when nothing waited.
        """
        with self._fresh_after_failure():
            return self._round()

    def tidy(self) -> bool:
        """Merge some small files; tell whether there were any."""
        with self._fresh_after_failure():
            writer = self._current_writer()
            merged = merge_small_files(writer)
        if merged and self._known_version == writer.version - 1:
            self._known_version = writer.version  # the same rows in other files
        return merged

    def erase(self) -> int:
        """Carry out the erasures that wait, and say how many."""
        with self._fresh_after_failure():
            writer = self._current_writer()
            version = writer.version
            count = erasing.carry_out(self._context, writer, LEASE, self._token)
        if self._known_version == version:
            # The rows that are gone are remembered as seen, which does no harm.
            self._known_version = writer.version
        return count

    def follow_opt_outs(self) -> None:
        """Find the other ids of customers who opted out, when some wait for that."""
        now = self._context.now()
        if self._searched is not None and now - self._searched < SEARCH_EVERY:
            return
        self._searched = now
        writer = self._current_writer()
        self._other_ids.find(_paths(writer))

    def publish(self) -> None:
        """Tell the doors who has seen a variant; what fails is tried again."""
        try:
            if self._through is not None:
                self._enrolled.publish(self._through)
        except OSError as error:
            log.warning("enrolled_sets_wait", reason=str(error.strerror))

    def clean(self) -> None:
        """Remove files, log entries and marks that nobody can need any more."""
        writer = self._current_writer()
        expired = delete_expired(self._context, writer)
        if expired:
            log.info("expired", events=expired)
        writer.clean()
        with transaction(self._context.sessions) as session:
            known = intake_records.marked_slots(session)
        gone = self._inbox.gone(known)
        with transaction(self._context.sessions) as session:
            intake_records.forget_marks(session, gone)
            source_hours.forget(session, self._context.now())
            exposure_days.forget(session, self._context.now())
            recent_exposures.forget(session, self._context.now())
            assigned_days.forget(session, self._context.now())
            refused_days.forget(session, self._context.now())

    @contextmanager
    def _fresh_after_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            # What was read may be out of date now: the next round starts afresh.
            self._writer, self._recent, self._told = None, None, None
            self._emptied.clear()
            self._enrolled.forget()
            raise

    def _round(self) -> Compacted:
        started = self._context.now()
        writer = self._current_writer()
        slots = self._inbox.slots()
        share = ROUND_BYTES // max(1, len(slots))
        runs = [self._inbox.read(slot, writer.mark(slot), share) for slot in slots]
        done = self._store_runs(writer, [run for run in runs if run.groups])
        self._through = _complete_through(started, runs)
        self._tell(self._through, news=done.group_count > 0)
        for run in runs:
            # After a crash there may be groups that were stored and not yet deleted.
            if run.groups or run.slot not in self._emptied:
                self._inbox.delete(run.slot, writer.mark(run.slot))
                self._emptied.add(run.slot)
        return done

    def _store_runs(self, writer: DeltaWriter, runs: list[Run]) -> Compacted:
        if not runs:
            return Compacted()
        recent = self._current_recent(writer)
        batch = build(runs)
        with transaction(self._context.sessions) as session:
            stones = data_requests.tombstones(session)
            self._out.refresh(session)
        dropped = without_erased(batch, stones)
        declined = self._decline(writer, dropped.table)
        findings = find_duplicates(
            batch, recent, writer.path, writer.files(), dropped.rows, declined.rows
        )
        erased = {*stones, *self._out.ids}
        quarantined = self._put_aside(batch, findings, erased)
        with self._fenced() as session:
            intake_records.record(session, batch, findings, erased)
            data_requests.add_links(session, dropped.links)
            opt_outs.add_links(session, declined.links)
        new = dropped.table.filter(pa.array(findings.new))
        files = [
            write_file(writer.path, EVENT_LAYOUT, {"day": day.isoformat()}, rows)
            for day, rows in by_day(new).items()
        ]
        writer.commit(files, {run.slot: run.groups[-1].seq for run in runs})
        received = batch.table["received_at"].cast("int64").to_numpy()
        kept = findings.new
        recent.learn(batch.keys[kept], batch.payloads[kept], received[kept])
        self._known_version = writer.version
        self._enrolled.learn(new)
        return Compacted(
            group_count=sum(len(run.groups) for run in runs),
            event_count=new.num_rows,
            duplicate_count=int(findings.repeated.sum()),
            quarantined_count=quarantined,
        )

    def _put_aside(
        self, batch: Batch, findings: Findings, erased: Collection[bytes]
    ) -> int:
        """Write what is set aside, some at a time: there may be as many as events."""
        search = BodySearch(self._context.settings)
        rows = intake_records.set_aside(batch, findings, erased, search)
        size = intake_records.ASIDE_AT_ONCE
        for start in range(0, len(rows), size):
            if start:
                time.sleep(GIVE_WAY_SECONDS)  # who waits for SQLite's lock looks then
            with self._fenced() as session:
                intake_records.put_aside(session, rows[start : start + size])
        return len(rows)

    @contextmanager
    def _fenced(self) -> Iterator[Session]:
        """Open a transaction that stores nothing if the lease has passed."""
        with transaction(self._context.sessions) as session:
            yield session
            # Last, for it takes SQLite's lock, and others have leases to renew.
            if self._token is not None:
                leases.check_token(session, LEASE, self._token)

    def _decline(self, writer: DeltaWriter, table: pa.Table) -> Declined:
        """Find who opted out, also under ids that only this round ties to them."""
        out = self._out
        declined = of_opted_out(table, out.ids, out.visitors)
        if not out.ids:
            return declined
        with transaction(self._context.sessions) as session:
            opt_outs.add_links(session, declined.links)
            opt_outs.search_again(session, declined.again)
        # Not after the round: what comes with the tie, or just behind it, counts too.
        if self._other_ids.find(_paths(writer), table):
            with transaction(self._context.sessions) as session:
                out.refresh(session)
            declined = of_opted_out(table, out.ids, out.visitors)
        return declined

    def _tell(self, complete_through: datetime, *, news: bool) -> None:
        told = self._told
        if not news and told is not None and complete_through - told < TELL_EVERY:
            return
        with transaction(self._context.sessions) as session:
            intake_records.raise_complete_through(session, complete_through)
        self._told = complete_through

    def _current_writer(self) -> DeltaWriter:
        if self._writer is None:
            self._writer = self._store.writer()
        else:
            self._writer.refresh()
        return self._writer

    def _current_recent(self, writer: DeltaWriter) -> RecentMessages:
        now = self._context.now()
        if self._recent is None or self._known_version != writer.version:
            self._recent = RecentMessages(self._store.path, now - REMEMBERED)
            self._recent.load(writer.path, writer.files())
            self._known_version = writer.version
        self._recent.forget(now)
        return self._recent


def compact_once(context: Context, store: EventStore | None = None) -> Compacted:
    """Take everything into the store that was in the inboxes when this was called.

    When another process compacts already, wait until that one has done it; when that
    takes longer than half a minute, raise `Unavailable`.

    Args:
        context: settings, database and clock.
        store: where to; by default the store of the settings.

    Returns:
        What this process did.
    """
    with leases.held(context, LEASE, LEASE_TTL) as token:
        if token is None:
            _wait_for_the_other(context)
            return Compacted()
        compactor = Compactor(context, store or EventStore(context.settings), token)
        total = Compacted()
        while True:
            done = compactor.round()
            if done.group_count == 0:
                compactor.follow_opt_outs()
                compactor.publish()
                return total
            total += done


def erase_once(context: Context) -> bool:
    """Carry out the erasures that wait, after taking in what waits before them.

    Args:
        context: settings, database and clock.

    Returns:
        False when another process compacts: that one carries them out, in its turn.
    """
    with leases.held(context, LEASE, LEASE_TTL) as token:
        if token is None:
            return False
        compactor = Compactor(context, EventStore(context.settings), token)
        while compactor.round().group_count:
            pass
        compactor.erase()
        return True


def run_compactor(context: Context, stop: threading.Event) -> None:
    """Compact until told to stop; while another process holds the lease, wait for it.

    Args:
        context: settings, database and clock.
        stop: set it to end after the round under way.
    """
    while not stop.is_set():
        try:
            with leases.held(context, LEASE, LEASE_TTL) as token:
                if token is not None:
                    _work(context, token, stop)
        except AbideError as fault:
            log.warning("compaction_waits", reason=fault.message)
        except Exception:
            # It must go on by itself once whatever it is has passed.
            log.exception("compaction_failed")
        stop.wait(TICK_SECONDS)


def _work(context: Context, token: int, stop: threading.Event) -> None:
    compactor = Compactor(context, EventStore(context.settings), token)
    compactor.clean()
    pa.array([0])  # loads pandas, which takes seconds: better now than with events
    cleaned = context.now()
    while not stop.is_set():
        done = compactor.round()
        if done.group_count:
            log.info("compacted", events=done.event_count, groups=done.group_count)
        compactor.erase()
        compactor.follow_opt_outs()
        compactor.publish()
        busy = done.event_count >= BUSY_EVENTS
        if not busy:
            merged = compactor.tidy()
            # Few events wait a little for others: each commit makes a file a day.
            pause = CALM_SECONDS if done.group_count else TICK_SECONDS
            stop.wait(TICK_SECONDS / 4 if merged else pause)
        if context.now() - cleaned >= CLEAN_EVERY:
            compactor.clean()
            cleaned = context.now()


def _paths(writer: DeltaWriter) -> list[str]:
    return [str(writer.path / file.path) for file in writer.files()]


def _complete_through(started: datetime, runs: list[Run]) -> datetime:
    """Until when everything that arrived is stored, as of a round's end."""
    left = [run.left_us for run in runs if run.left_us is not None]
    moments = [started, *(_EPOCH + timedelta(microseconds=us) for us in left)]
    return min(moments) - IN_FLIGHT


def _wait_for_the_other(context: Context) -> None:
    inbox = open_reader(context)
    asked = {slot: inbox.ends(slot) for slot in inbox.slots()}
    waiting = {slot: ends[1] for slot, ends in asked.items() if ends is not None}
    deadline = time.monotonic() + PATIENCE_SECONDS
    while waiting and time.monotonic() < deadline:
        time.sleep(TICK_SECONDS / 4)
        there = set(inbox.slots())
        for slot, last in list(waiting.items()):
            ends = inbox.ends(slot) if slot in there else None
            if ends is None or ends[0] > last:
                del waiting[slot]
    if waiting:
        raise Unavailable("The compactor is behind. Is `abide compact` running?")
