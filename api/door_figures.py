"""How often doors answered, and how long they took, over all processes of a server.

Each process counts in a file of its own on a memory disk, two additions an answer:
what a killed process counted still counts, and whichever process is asked for the
figures adds up the files of all.
"""

import mmap
import os
import struct
import tempfile
import threading
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

import structlog
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

FOLDER = "ABIDE_FIGURES"  # environment variable: where the files of one server are
BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
_NAMES = [*(str(bound) for bound in BOUNDS), "+Inf"]
_SUFFIX = ".figures"
_LABEL_BYTES = 120
_SUM = len(BOUNDS) + 1  # behind the counts, the last of which has no bound
_CELLS = _SUM + 1
_ROW_BYTES = _LABEL_BYTES + 8 * _CELLS
_READ = struct.Struct(f"={_CELLS}d").unpack
_ROWS = 1024  # pages of the file that nobody writes to take no room

log = structlog.get_logger(__name__)


class Row:
    """The figures of one door and status, in one process."""

    __slots__ = ("_cells", "_lock")

    def __init__(self, cells: "memoryview[float]") -> None:
        self._cells = cells
        self._lock = threading.Lock()

    def note(self, seconds: float) -> None:
        """Count one answer that took so long."""
        cells, place = self._cells, bisect_left(BOUNDS, seconds)
        with self._lock:
            cells[place] += 1
            cells[_SUM] += seconds


class DoorFigures(Collector):
    """The figures of one process; collected, those of its whole server."""

    def __init__(self, folder: Path | None = None) -> None:
        """Count nothing yet.

        Args:
            folder: of the server, on a memory disk; None for a process that is alone.
        """
        self._folder = folder
        self._lock = threading.Lock()
        self._used = 0
        self._file = -1  # stands for memory alone
        if folder is not None:
            self._file, _ = tempfile.mkstemp(_SUFFIX, dir=folder)
            os.truncate(self._file, _ROWS * _ROW_BYTES)
        self._held = mmap.mmap(self._file, _ROWS * _ROW_BYTES)

    def row(self, door: str, status: int) -> Row:
        """Begin the figures of a door and status; whoever asks keeps the row.

        Args:
            door: path of the door.
            status: of its answers.

        Returns:
            Takes what is to be counted.
        """
        label = f"{status} {door}".encode()
        with self._lock:
            start = self._used * _ROW_BYTES
            if len(label) > _LABEL_BYTES or not self._has_room(start):
                log.warning("door_figures_left_out", door=door, status=status)
                return Row(memoryview(bytearray(8 * _CELLS)).cast("d"))
            self._used += 1
            self._held[start : start + len(label)] = label
        cells = memoryview(self._held)[start + _LABEL_BYTES : start + _ROW_BYTES]
        return Row(cells.cast("d"))

    @override
    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Write the figures as one histogram by door and status."""
        totals: dict[tuple[str, str], list[float]] = {}
        for content in self._contents():
            for status, door, cells in _rows(content):
                held = totals.get((door, status), [0.0] * _CELLS)
                sums = [a + b for a, b in zip(held, cells, strict=True)]
                totals[door, status] = sums
        family = HistogramMetricFamily(
            "abide_door_seconds",
            "Time a door took to answer, with reading the body; its count is of"
            " answers.",
            labels=["door", "status"],
        )
        for labels, cells in sorted(totals.items()):
            counts = accumulate(cells[:_SUM])
            family.add_metric(labels, list(zip(_NAMES, counts, strict=True)), cells[-1])
        yield family

    def _contents(self) -> Iterator["mmap.mmap | bytes"]:
        if self._folder is None:
            yield self._held
        else:
            for path in self._folder.glob(f"*{_SUFFIX}"):
                yield path.read_bytes()

    def _has_room(self, start: int) -> bool:
        """Whether a row can be written.

        The kernel kills (SIGBUS) whoever writes to a page that the disk has no room
        for, so the room is taken first.
        """
        if start + _ROW_BYTES > len(self._held):
            return False
        try:
            if self._file >= 0:
                os.posix_fallocate(self._file, start, _ROW_BYTES)
        except OSError:
            return False
        return True


def _rows(content: "mmap.mmap | bytes") -> Iterator[tuple[str, str, list[float]]]:
    for start in range(0, len(content), _ROW_BYTES):
        row = content[start : start + _ROW_BYTES]
        label = row[:_LABEL_BYTES].rstrip(b"\0").decode()
        if not label:
            return
        status, _, door = label.partition(" ")
        yield status, door, [*_READ(row[_LABEL_BYTES:])]
