"""Who serves what: places on the board, and waiting until a publication is in force."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from experiments import ruleset
from experiments.config import Settings
from experiments.context import Context
from experiments.db import transaction
from experiments.ruleset_files import RulesetFolder
from experiments.ruleset_mirror import RulesetMirror
from experiments.ruleset_reader import RulesetReader
from experiments.serving import (
    FELLOWS_SECONDS,
    Fellows,
    Serving,
    ServingBoard,
    wait_when_published,
)
from tests.clock import FakeClock

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
OTHER_PROCESS = """
import sys, time
from pathlib import Path
from experiments.serving import ServingBoard
ServingBoard(Path(sys.argv[1])).join("all-1").say(7)
print("here", flush=True)
time.sleep(60)
"""


@pytest.fixture
def board(data_dir: Path) -> ServingBoard:
    return ServingBoard(data_dir)


@pytest.fixture
def readers(settings: Settings, board: ServingBoard) -> Iterator[list[RulesetReader]]:
    """Two processes' readers: each follows the file on its own."""
    folder = RulesetFolder(settings.data_dir / "ruleset")
    made = [
        RulesetReader(folder, join=partial(board.join, f"server-{number}"))
        for number in range(2)
    ]
    yield made
    for reader in made:
        reader.stop()


@pytest.fixture
def mirror(context: Context) -> Iterator[RulesetMirror]:
    folder = RulesetFolder(context.settings.data_dir / "ruleset")
    made = RulesetMirror(context.sessions, folder)
    yield made
    made.stop()


def test_board__nobody_ever_came__is_empty_and_nobody_waits(
    board: ServingBoard,
) -> None:
    assert board.read() == []
    assert board.wait_for(1, 0)


def test_board__process_said_a_revision__is_read_until_it_leaves(
    board: ServingBoard,
) -> None:
    place = board.join("all-1")
    before = board.read()
    place.say(3)
    after = board.read()
    place.leave()

    assert before == [Serving("all-1", 0)]
    assert after == [Serving("all-1", 3)]
    assert board.read() == []


def test_board__process_killed__its_place_goes_with_it(
    board: ServingBoard, data_dir: Path
) -> None:
    with subprocess.Popen(  # noqa: S603  # our own program
        [sys.executable, "-c", OTHER_PROCESS, str(data_dir)],
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "here\n"
        alive = board.read()
        other.kill()
        other.wait()

    assert alive == [Serving("all-1", 7)]
    assert board.read() == []
    assert list(board.path.iterdir()) == []


def test_waiting__for_the_slowest__ends_when_it_serves_the_revision(
    board: ServingBoard,
) -> None:
    quick, slow = board.join("all-1"), board.join("all-1")
    quick.say(2)
    slow.say(1)
    late = threading.Timer(0.1, slow.say, (2,))
    late.start()
    waited = board.wait_for(2, 10)
    late.join()

    assert waited
    assert min(found.revision for found in board.read()) == 2


def test_waiting__for_one_that_hangs__has_an_end(board: ServingBoard) -> None:
    board.join("all-1").say(1)
    assert not board.wait_for(2, 0.05)


def test_fellows__of_two__ready_when_both_serve_the_same_and_for_good(
    board: ServingBoard,
) -> None:
    fellows = Fellows(board, "all-1", 2)
    board.join("all-2").say(5)  # another server's process counts for nothing here
    first = board.join("all-1")
    first.say(5)
    alone = fellows.missing()
    second = board.join("all-1")
    second.say(4)
    behind = fellows.missing()
    second.say(5)
    both = fellows.missing()
    second.leave()

    assert alone == behind == "1 of 2 processes of this server are ready."
    assert both == fellows.missing() == ""


def test_fellows__one_never_comes__are_not_waited_for_for_ever(
    board: ServingBoard,
) -> None:
    clock = [0.0]
    fellows = Fellows(board, "all-1", 2, lambda: clock[0])
    waiting = fellows.missing()
    clock[0] = FELLOWS_SECONDS

    assert waiting == "0 of 2 processes of this server are ready."
    assert fellows.missing() == ""


def test_publishing__in_a_server__returns_when_every_process_serves_it(
    context: Context,
    board: ServingBoard,
    readers: list[RulesetReader],
    mirror: RulesetMirror,
    now: FakeClock,
) -> None:
    wait_when_published(context.sessions, board, mirror.hurry)
    mirror.start()
    for reader in readers:
        reader.start()
    for revision in range(1, 6):
        with transaction(context.sessions) as session:
            ruleset.publish(session, now())
        served = [reader.current and reader.current.revision for reader in readers]
        assert served == [revision, revision]


@on_sqlite
def test_publishing__rolled_back__waits_for_nothing(
    context: Context, board: ServingBoard, now: FakeClock
) -> None:
    board.join("all-1").say(0)
    hurried: list[bool] = []
    wait_when_published(context.sessions, board, lambda: hurried.append(True))
    with context.sessions() as session:
        ruleset.publish(session, now())
        session.rollback()
        session.commit()

    assert hurried == []


@on_sqlite
def test_publishing__one_process_hangs__returns_all_the_same(
    context: Context,
    board: ServingBoard,
    now: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ServingBoard.wait_for, "__defaults__", (0.2,))
    board.join("all-1").say(0)
    wait_when_published(context.sessions, board, lambda: None)
    began = time.monotonic()
    with transaction(context.sessions) as session:
        ruleset.publish(session, now())

    assert 0.2 <= time.monotonic() - began < 2
