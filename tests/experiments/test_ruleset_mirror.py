from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, update
from sqlalchemy.orm import Session, sessionmaker

from experiments import ruleset
from experiments.config import Settings
from experiments.db import make_sessions, transaction
from experiments.models import RulesetRow
from experiments.ruleset_files import RulesetFolder
from experiments.ruleset_mirror import RulesetMirror
from experiments.ruleset_reader import RulesetReader
from tests.clock import FakeClock
from tests.waiting import wait_until

Sessions = sessionmaker[Session]


@pytest.fixture
def folder(settings: Settings) -> RulesetFolder:
    return RulesetFolder(settings.data_dir / "ruleset")


@pytest.fixture
def mirror(sessions: Sessions, folder: RulesetFolder) -> Iterator[RulesetMirror]:
    made = RulesetMirror(sessions, folder)
    yield made
    made.stop()


def publish(sessions: Sessions, now: FakeClock) -> int:
    with transaction(sessions) as session:
        return ruleset.publish(session, now()).revision


def test_copy__nothing_published__no_file_and_no_fault(
    mirror: RulesetMirror, folder: RulesetFolder
) -> None:
    mirror.copy()

    assert folder.mark() is None
    assert mirror.fault is None


def test_copy__published__newest_on_disk_and_not_written_again(
    sessions: Sessions, mirror: RulesetMirror, folder: RulesetFolder, now: FakeClock
) -> None:
    publish(sessions, now)
    publish(sessions, now)
    mirror.copy()
    mark = folder.mark()
    mirror.copy()

    assert folder.read().revision == 2
    assert folder.mark() == mark
    assert mirror.fault is None


def test_copy__file_damaged_or_removed__written_again(
    sessions: Sessions, mirror: RulesetMirror, folder: RulesetFolder, now: FakeClock
) -> None:
    publish(sessions, now)
    mirror.copy()
    (folder.path / "current.json").write_bytes(b"garbage")
    mirror.copy()
    repaired = folder.read().revision
    (folder.path / "current.json").unlink()
    mirror.copy()

    assert repaired == folder.read().revision == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_copy__damaged_in_the_database__file_stays(
    sessions: Sessions, mirror: RulesetMirror, folder: RulesetFolder, now: FakeClock
) -> None:
    publish(sessions, now)
    mirror.copy()
    publish(sessions, now)
    with transaction(sessions) as session:
        body = RulesetRow.body.concat(" ")
        session.execute(update(RulesetRow).values(body=body))
    mirror.copy()

    assert folder.read().revision == 1
    assert mirror.fault == "Ruleset 2 is damaged in the database."


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_copy__database_restored_to_an_older_state__file_stays_and_says_so(
    sessions: Sessions, mirror: RulesetMirror, folder: RulesetFolder, now: FakeClock
) -> None:
    publish(sessions, now)
    publish(sessions, now)
    mirror.copy()
    with transaction(sessions) as session:
        session.delete(session.get_one(RulesetRow, 2))
    mirror.copy()
    mirror.copy()

    assert folder.read().revision == 2
    assert "restored from a backup" in str(mirror.fault)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_copy__restored_database_comes_to_the_files_number__still_says_so(
    sessions: Sessions, mirror: RulesetMirror, folder: RulesetFolder, now: FakeClock
) -> None:
    publish(sessions, now)
    publish(sessions, now)
    mirror.copy()
    served = folder.held()
    with transaction(sessions) as session:
        session.delete(session.get_one(RulesetRow, 2))
    now.advance(minutes=1)
    # Not on this data folder, or its number would be above the file's.
    elsewhere = make_sessions(sessions.kw["bind"])
    assert publish(elsewhere, now) == 2
    mirror.copy()
    mirror.copy()

    assert folder.held() == served
    assert str(mirror.fault).startswith(
        "Ruleset 2 of the file is not that of the database."
    )
    publish(sessions, now)
    mirror.copy()
    assert (folder.read().revision, mirror.fault) == (3, None)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_copy__database_gone_and_back__fault_comes_and_goes(
    sessions: Sessions, mirror: RulesetMirror, folder: RulesetFolder, now: FakeClock
) -> None:
    publish(sessions, now)
    mirror.copy()
    engine = sessions.kw["bind"]
    sessions.configure(bind=create_engine("sqlite:////nowhere/abide.db"))
    mirror.copy()
    gone = mirror.fault
    sessions.configure(bind=engine)
    mirror.copy()

    assert "does not answer" in str(gone)
    assert mirror.fault is None
    assert folder.read().revision == 1


def test_publish__two_readers__both_serve_it_within_two_seconds(
    sessions: Sessions, mirror: RulesetMirror, folder: RulesetFolder, now: FakeClock
) -> None:
    # The promise is 2 s in every worker; the two waits add to 0.75 s at most.
    readers = [RulesetReader(RulesetFolder(folder.path)) for _ in range(2)]
    mirror.start()
    for reader in readers:
        reader.start()
    for _ in range(3):
        revision = publish(sessions, now)
        wait_until(
            lambda: all(
                r.current is not None and r.current.revision == revision  # noqa: B023
                for r in readers
            ),
            seconds=2.0,
        )
    for reader in readers:
        reader.stop()
