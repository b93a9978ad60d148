"""A full disk: refused in words, nothing damaged, and it goes on with room again."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pysqlite3.dbapi2 as sqlite
import pytest

from analysis.compactor import Compactor, compact_once
from analysis.store import EventStore
from experiments.config import Settings
from experiments.context import Context
from experiments.errors import StorageFull
from experiments.inbox import Inbox
from experiments.inbox_slots import INBOX_FOLDER
from tests.analysis.intake import events, send
from tests.experiments.sent_messages import HIDE, read, track
from tests.faults.small_disks import fill, small_disk

SIZE_MB = 12
pytestmark = [
    pytest.mark.faults,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]


@pytest.fixture(name="small_disk")
def _small_disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "small", SIZE_MB) as folder:
        yield folder


@pytest.fixture
def cramped(context: Context, small_disk: Path) -> Context:
    """Put inbox and store on the small disk; the database has room."""
    settings = Settings(small_disk, context.settings.database_url)
    return Context(settings, context.sessions, context.now)


def big(number: int) -> list[dict[str, object]]:
    return [track(messageId=f"{number}-{i}", userId=f"u{i}") for i in range(500)]


def test_intake__on_a_full_disk__keeps_all_it_acknowledged(
    cramped: Context, small_disk: Path
) -> None:
    inbox = Inbox.for_settings(cramped.settings)
    send(cramped, *big(0), inbox=inbox)
    ballast = fill(small_disk, leave=400_000)
    acknowledged = [0]
    for number in range(1, 30):
        with suppress(StorageFull):
            send(cramped, *big(number), inbox=inbox)
            acknowledged.append(number)
    assert len(acknowledged) < 30
    ballast.unlink()
    send(cramped, *big(99), inbox=inbox)
    acknowledged.append(99)
    inbox.close()
    for path in (small_disk / INBOX_FOLDER).glob("*.db"):
        connection = sqlite.connect(str(path))
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
    compact_once(cramped)
    found = [row["message_id"] for row in events(cramped)]
    expected = {
        HIDE.message("src1", f"{number}-{i}".encode())
        for number in acknowledged
        for i in range(500)
    }
    assert len(found) == len(set(found))
    assert expected <= set(found)


def test_first_event__on_a_full_disk__is_refused_and_leaves_no_file(
    cramped: Context, small_disk: Path
) -> None:
    ballast = fill(small_disk, leave=0)
    inbox = Inbox.for_settings(cramped.settings)
    for number in range(3):
        with pytest.raises(StorageFull):
            inbox.append(read(track(messageId=f"m{number}")))
    ballast.unlink()
    inbox.append(read(track()))
    inbox.close()
    assert len(list((small_disk / INBOX_FOLDER).glob("*.lock"))) == 1


def test_compaction__on_a_full_disk__leaves_the_events_in_the_inbox(
    cramped: Context, small_disk: Path
) -> None:
    inbox = Inbox.for_settings(cramped.settings)
    compactor = Compactor(cramped, EventStore(cramped.settings))
    send(cramped, track(messageId="first"), inbox=inbox)
    compactor.round()
    send(cramped, *big(1), inbox=inbox)
    ballast = fill(small_disk, leave=0)
    for _ in range(3):
        with pytest.raises(StorageFull):
            compactor.round()
    assert len(events(cramped)) == 1
    ballast.unlink()
    assert compactor.round().event_count == 500
    assert len(events(cramped)) == 501
    inbox.close()
