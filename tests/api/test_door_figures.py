"""What `/metrics` tells of the doors: one histogram over all processes of a server."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from api.door_figures import BOUNDS, DoorFigures

DOOR = "/ofrep/v1/evaluate/flags/{key}"


def written(figures: DoorFigures) -> dict[str, float]:
    """Read the figures as Prometheus does: line -> value."""
    registry = CollectorRegistry()
    registry.register(figures)
    lines = generate_latest(registry).decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def line(what: str, door: str = DOOR, status: int = 200, le: str = "") -> str:
    bound = f'le="{le}",' if le else ""
    return f'abide_door_seconds_{what}{{door="{door}",{bound}status="{status}"}}'


def test_figures__answers_of_one_process__are_counted_up_to_each_bound() -> None:
    figures = DoorFigures()
    row = figures.row(DOOR, 200)
    # Just within the first bound, between two, at one, beyond the last.
    for seconds in (0.0004, 0.003, 0.25, 7.0):
        row.note(seconds)
    found = written(figures)

    counts = {
        bound: found[line("bucket", le=bound)]
        for bound in ("0.0005", "0.001", "0.005", "0.1", "0.25", "5.0", "+Inf")
    }
    assert counts == {
        "0.0005": 1,
        "0.001": 1,
        "0.005": 2,
        "0.1": 2,
        "0.25": 3,
        "5.0": 3,
        "+Inf": 4,
    }
    assert found[line("count")] == 4
    assert found[line("sum")] == pytest.approx(0.0004 + 0.003 + 0.25 + 7.0)


def test_figures__doors_and_statuses__stand_apart() -> None:
    figures = DoorFigures()
    figures.row(DOOR, 200).note(0.1)
    figures.row(DOOR, 404).note(0.1)
    figures.row("/v1/batch", 200).note(0.1)
    figures.row("/v1/batch", 200).note(0.1)  # two threads may begin the same row
    found = written(figures)

    assert found[line("count")] == found[line("count", status=404)] == 1
    assert found[line("count", "/v1/batch")] == 2


def test_figures__many_threads__lose_no_answer() -> None:
    figures = DoorFigures()
    row = figures.row(DOOR, 200)

    def count() -> None:
        for _ in range(5000):
            row.note(0.5)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert written(figures)[line("count")] == 20_000
    assert written(figures)[line("sum")] == 10_000


COUNT_AND_WAIT = """
import signal, sys
from pathlib import Path
from api.door_figures import DoorFigures

row = DoorFigures(Path(sys.argv[1])).row(sys.argv[2], 200)
for _ in range(300):
    row.note(0.002)
print("counted", flush=True)
signal.pause()
"""


def test_figures__other_process_killed__still_count(tmp_path: Path) -> None:
    other = subprocess.Popen(  # noqa: S603  # our own words
        [sys.executable, "-c", COUNT_AND_WAIT, str(tmp_path), DOOR],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    own = DoorFigures(tmp_path)
    own.row(DOOR, 200).note(0.002)
    assert other.stdout.readline() == "counted\n"
    running = written(own)
    other.kill()
    other.communicate()
    successor = DoorFigures(tmp_path)
    successor.row(DOOR, 200).note(0.002)

    assert running[line("count")] == 301
    assert written(own) == written(successor)
    assert written(successor)[line("count")] == 302
    assert written(successor)[line("bucket", le="0.0025")] == 302


def test_figures__disk_without_room__leave_the_door_out_and_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writing to a mapped page that the disk has no room for would kill the server."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    figures = DoorFigures(tmp_path)
    figures.row(DOOR, 200).note(0.1)
    monkeypatch.setattr(os, "posix_fallocate", full)
    figures.row(DOOR, 503).note(0.1)
    found = written(figures)

    assert found[line("count")] == 1
    assert line("count", status=503) not in found


def test_figures__more_rows_than_fit__leave_the_rest_out() -> None:
    figures = DoorFigures()
    for number in range(1030):
        figures.row(f"/door/{number}", 200).note(BOUNDS[0])
    found = written(figures)

    assert found[line("count", "/door/0")] == 1
    assert sum(name.startswith("abide_door_seconds_count") for name in found) == 1024
