"""The inbox on both databases: durable, in order, bounded, honest when it cannot."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pysqlite3.dbapi2 as sqlite
import pytest
from sqlalchemy import delete, text

from experiments import inbox as inbox_module
from experiments import parcels
from experiments.context import Context
from experiments.errors import StorageFull, TooManyRequests, Unavailable
from experiments.inbox import Inbox
from experiments.inbox_reading import InboxReader, open_reader
from experiments.inbox_slots import INBOX_FOLDER, SqliteSlot, inbox_file
from experiments.models import InboxGroup
from experiments.parcels import Parcel
from tests.experiments.sent_messages import read, track
from tests.waiting import wait_until

ALL = 2**40
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
on_postgres = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


@pytest.fixture
def inbox(context: Context) -> Iterator[Inbox]:
    opened = Inbox.for_settings(context.settings)
    yield opened
    opened.close()


@pytest.fixture
def reader(context: Context) -> InboxReader:
    return open_reader(context)


def parcel(number: int, size: int = 1) -> Parcel:
    return read(*(track(messageId=f"{number}-{i}") for i in range(size)))


def stored(reader: InboxReader) -> dict[str, list[tuple[int, list[Parcel]]]]:
    return {
        slot: [
            (group.seq, parcels.decode(group.body))
            for group in reader.read(slot, 0, ALL).groups
        ]
        for slot in reader.slots()
    }


def test_parcels__appended_one_by_one__are_read_in_order(
    inbox: Inbox, reader: InboxReader
) -> None:
    sent = [parcel(number, size=3) for number in range(5)]
    for one in sent:
        inbox.append(one)
    (groups,) = stored(reader).values()
    assert [seq for seq, _ in groups] == [1, 2, 3, 4, 5]
    assert [one for _, found in groups for one in found] == sent


def test_parcels__from_many_threads__share_commits_and_are_there_once(
    inbox: Inbox, reader: InboxReader
) -> None:
    sent = [parcel(number) for number in range(400)]
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(inbox.append, sent))
    (groups,) = stored(reader).values()
    assert [seq for seq, _ in groups] == list(range(1, len(groups) + 1))
    ids = [one.rows[0][12] for _, found in groups for one in found]
    assert sorted(ids) == sorted(one.rows[0][12] for one in sent)
    assert len(groups) < len(sent)


def test_quarantined_messages__of_a_parcel__ride_in_the_same_group(
    inbox: Inbox, reader: InboxReader
) -> None:
    inbox.append(read(track(), {"type": "nonsense"}))
    (((_, (found,)),),) = stored(reader).values()
    assert (len(found.rows), len(found.quarantined)) == (1, 1)


def test_reader__with_little_room__reads_contiguous_pieces(
    inbox: Inbox, reader: InboxReader
) -> None:
    for number in range(6):
        inbox.append(parcel(number))
    (slot,) = reader.slots()
    size = len(reader.read(slot, 0, 0).groups[0].body)
    first = reader.read(slot, 0, 2 * size)
    assert [group.seq for group in first.groups] == [1, 2]
    assert first.left_us == parcel(0).received_us
    rest = reader.read(slot, 2, ALL)
    assert [group.seq for group in rest.groups] == [3, 4, 5, 6]
    assert rest.left_us is None


def test_reader__after_a_gap__waits_for_what_is_missing(
    context: Context, inbox: Inbox, reader: InboxReader
) -> None:
    for number in range(3):
        inbox.append(parcel(number))
    (slot,) = reader.slots()
    remove(context, slot, 2)
    found = reader.read(slot, 0, ALL)
    assert [group.seq for group in found.groups] == [1]
    assert found.left_us == parcel(0).received_us


def remove(context: Context, slot: str, seq: int) -> None:
    if not context.settings.is_sqlite:
        with context.sessions.begin() as session:
            session.execute(delete(InboxGroup).where(InboxGroup.seq == seq))
        return
    path = inbox_file(context.settings.data_dir / INBOX_FOLDER, slot)
    connection = sqlite.connect(str(path))
    connection.execute("DELETE FROM inbox_group WHERE seq = ?", (seq,))
    connection.commit()
    connection.close()


def test_deleted_groups__of_a_slot__leave_the_later_ones(
    inbox: Inbox, reader: InboxReader
) -> None:
    for number in range(4):
        inbox.append(parcel(number))
    (slot,) = reader.slots()
    assert reader.ends(slot) == (1, 4)
    reader.delete(slot, 3)
    assert reader.ends(slot) == (4, 4)
    reader.delete(slot, 4)
    assert reader.ends(slot) is None
    inbox.append(parcel(9))
    assert reader.ends(slot) == (5, 5)  # a seq never comes back


def test_second_process__beside_the_first__has_a_slot_of_its_own(
    context: Context, inbox: Inbox, reader: InboxReader
) -> None:
    other = Inbox.for_settings(context.settings)
    inbox.append(parcel(1))
    other.append(parcel(2))
    assert [len(groups) for groups in stored(reader).values()] == [1, 1]
    other.close()


def test_slot__of_a_living_owner__is_not_gone(
    inbox: Inbox, reader: InboxReader
) -> None:
    inbox.append(parcel(1))
    (slot,) = reader.slots()
    assert reader.gone([slot]) == []
    reader.delete(slot, 1)
    assert reader.gone([slot]) == []
    inbox.append(parcel(2))
    assert reader.ends(slot) == (2, 2)


def test_slot__of_a_dead_owner__is_gone_once_it_is_empty(
    context: Context, reader: InboxReader
) -> None:
    dead = Inbox.for_settings(context.settings)
    dead.append(parcel(1))
    dead.close()
    (slot,) = reader.slots()
    assert reader.gone([slot]) == []
    assert len(reader.read(slot, 0, ALL).groups) == 1
    reader.delete(slot, 1)
    assert reader.gone([slot, "ffffffffffff"]) == [slot, "ffffffffffff"]
    assert reader.slots() == []
    assert not list((context.settings.data_dir / INBOX_FOLDER).glob("inbox-*"))


def test_slot__of_a_dead_owner__keeps_what_came_after_a_first_compaction(
    context: Context, reader: InboxReader
) -> None:
    """Groups 2 and 3 wait though group 1 is stored and deleted: not an empty slot."""
    dead = Inbox.for_settings(context.settings)
    for number in (1, 2, 3):
        dead.append(parcel(number))
    dead.close()
    (slot,) = reader.slots()
    reader.delete(slot, 1)
    assert reader.gone([slot]) == []
    assert reader.ends(slot) == (2, 3)
    assert len(reader.read(slot, 1, ALL).groups) == 2
    reader.delete(slot, 3)
    assert reader.gone([slot]) == [slot]


def test_closing__while_parcels_wait__stores_them_first(
    context: Context, reader: InboxReader
) -> None:
    closing = Inbox.for_settings(context.settings)
    with ThreadPoolExecutor(8) as pool:
        results = [pool.submit(closing.append, parcel(n)) for n in range(8)]
        wait_until(lambda: any(one.done() for one in results))
        closing.close()
    acknowledged = [one for one in results if one.exception() is None]
    (groups,) = stored(reader).values()
    assert sum(len(found) for _, found in groups) == len(acknowledged)
    with pytest.raises(Unavailable):
        closing.append(parcel(9))


# --- SQLite's own faults ------------------------------------------------------------


def first_slot(context: Context) -> Path:
    (path,) = (context.settings.data_dir / INBOX_FOLDER).glob("inbox-*.db")
    return path


@on_sqlite
def test_file__locked_by_somebody__is_refused_and_left_for_a_new_slot(
    context: Context, inbox: Inbox, reader: InboxReader
) -> None:
    inbox.append(parcel(1))
    holder = sqlite.connect(str(first_slot(context)), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    with pytest.raises(Unavailable):
        inbox.append(parcel(2))
    assert time.monotonic() - began < inbox_module.DEADLINE_SECONDS
    wait_until(lambda: accepts(inbox))
    holder.close()
    assert sorted(len(groups) for groups in stored(reader).values()) == [1, 1]


def accepts(inbox: Inbox) -> bool:
    try:
        inbox.append(parcel(3))
    except Unavailable:
        return False
    return True


@on_sqlite
def test_queue__that_is_full__asks_to_slow_down(
    context: Context, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_module, "MAX_WAITING_BYTES", 1000)
    inbox.append(parcel(0))
    holder = sqlite.connect(str(first_slot(context)), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(20) as pool:
        results = [pool.submit(inbox.append, parcel(n)) for n in range(20)]
        wait_until(lambda: any(one.done() for one in results))
        holder.execute("ROLLBACK")
    holder.close()
    refused = [one.exception() for one in results if one.exception() is not None]
    assert refused
    assert {type(one) for one in refused} == {TooManyRequests}


@on_sqlite
def test_full_disk__of_an_open_slot__refuses_and_takes_the_next_that_fits(
    context: Context, reader: InboxReader
) -> None:
    slots: list[SqliteSlot] = []

    def open_small() -> SqliteSlot:
        # SQLite's own limit gives the very error of a full disk.
        slot = SqliteSlot(context.settings.data_dir / INBOX_FOLDER)
        slot._connection.execute("PRAGMA max_page_count = 12")  # noqa: SLF001
        slots.append(slot)
        return slot

    inbox = Inbox(open_small)
    with pytest.raises(StorageFull, match="disk is full"):
        inbox.append(parcel(1, size=1000))
    inbox.append(parcel(2))
    with pytest.raises(StorageFull):
        inbox.append(parcel(3, size=1000))
    inbox.append(parcel(4))
    inbox.close()
    (groups,) = stored(reader).values()
    assert [seq for seq, _ in groups] == [1, 2]
    assert len(slots) == 1


@on_sqlite
def test_folder__that_cannot_be_written__is_refused_and_leaves_no_file(
    context: Context, reader: InboxReader
) -> None:
    folder = context.settings.data_dir / INBOX_FOLDER
    folder.write_text("a file stands in the way")
    inbox = Inbox.for_settings(context.settings)
    with pytest.raises(Unavailable):
        inbox.append(parcel(1))
    folder.unlink()
    wait_until(lambda: accepts(inbox))
    inbox.close()
    assert len(reader.slots()) == 1


@on_sqlite
def test_file__left_by_an_owner_killed_at_birth__is_read_as_empty(
    context: Context, reader: InboxReader
) -> None:
    folder = context.settings.data_dir / INBOX_FOLDER
    folder.mkdir()
    inbox_file(folder, "0123456789ab").touch()
    assert reader.ends("0123456789ab") is None
    assert reader.read("0123456789ab", 0, ALL).groups == []


# --- PostgreSQL's own ---------------------------------------------------------------


@on_postgres
def test_connection__cut_by_the_server__is_replaced_within_seconds(
    context: Context, inbox: Inbox, reader: InboxReader
) -> None:
    inbox.append(parcel(1))
    with context.sessions.begin() as session:
        session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    wait_until(lambda: accepts(inbox))
    # The cut connection's slot stays readable; the new one begins anew.
    assert sorted(len(groups) for groups in stored(reader).values()) == [1, 1]


@on_postgres
def test_table__that_is_locked__is_answered_within_seconds_by_every_call(
    context: Context, inbox: Inbox
) -> None:
    inbox.append(parcel(1))
    locked, done = threading.Event(), threading.Event()

    def hold() -> None:
        with context.sessions.begin() as session:
            session.execute(text("LOCK TABLE inbox_group"))
            locked.set()
            done.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    assert locked.wait(5)
    began = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        results = [pool.submit(inbox.append, parcel(n)) for n in range(4)]
    assert all(isinstance(one.exception(), Unavailable) for one in results)
    assert time.monotonic() - began < inbox_module.DEADLINE_SECONDS + 1
    began = time.monotonic()
    with pytest.raises(Unavailable):
        inbox.append(parcel(5))
    assert time.monotonic() - began < 0.5  # nobody queues behind a known fault
    done.set()
    holder.join()
    wait_until(lambda: accepts(inbox), seconds=10)
