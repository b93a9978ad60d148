"""Enrolled sets: who has seen a variant, as a file that doors look into.

A file holds the first 8 bytes of each customer's (or account's) pseudonym, sorted, so
that a look-up compares about twenty of them. Somebody who is in no set of a million is
taken for one of it once in 18 million million times.
The compactor replaces a file as a whole; doors notice within a second. They hold what
they read, checked against its digest: a file that is mapped and then cut short in place
would end the process at the next look-up.
"""

import hashlib
import os
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

import structlog
from typing_extensions import override

MAGIC = b"abide enrolled 2"
DIGEST_BYTES = 16  # BLAKE2b of all that follows
PREFIX_BYTES = 8
FOLDER = "enrolled"  # in the folder of the ruleset
THROUGH = "through"  # the file that says how far the sets reach
# Who opted out of all experiments: a set of this form, in the folder of the ruleset.
OPTED_OUT = "opted-out.bin"

Hide = Callable[[str], bytes]
Mark = tuple[int, int, int]  # changes whenever the file does
_HEAD_BYTES = len(MAGIC) + DIGEST_BYTES

log = structlog.get_logger(__name__)


class _Prefixes:
    """The sorted prefixes of one file, end to end as they lie there."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._count = len(content) // PREFIX_BYTES

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place: int) -> bytes:
        start = place * PREFIX_BYTES
        return self._content[start : start + PREFIX_BYTES]

    def __contains__(self, prefix: bytes) -> bool:
        place = bisect_left(self, prefix)
        return place < self._count and self[place] == prefix


class EnrolledSet:
    """The customers of one phase; follows its file.

    Attributes:
        path: of the file.
        count: of the customers, at hand for those who ask on every request.
    """

    def __init__(self, path: Path, hides: Sequence[Hide]) -> None:
        """Know where the file is; `refresh` reads it.

        Args:
            path: of the file, which may not be there yet.
            hides: id -> pseudonym, of each kind that the experiment's units may be.
        """
        self.path = path
        self.count = 0
        self._hides = hides
        self._mark: Mark | None = None
        self._prefixes = _Prefixes(b"")

    def __len__(self) -> int:
        return self.count

    def holds(self, pseudonym: bytes) -> bool:
        """Whether somebody of this pseudonym is in the set."""
        return pseudonym[:PREFIX_BYTES] in self._prefixes

    def has(self, unit: str) -> bool:
        """Whether the customer or account with this id is enrolled."""
        prefixes = self._prefixes
        if not len(prefixes):
            return False
        try:
            return any(hide(unit)[:PREFIX_BYTES] in prefixes for hide in self._hides)
        except UnicodeEncodeError:  # half a surrogate pair: no event can carry it
            return False

    def refresh(self) -> None:
        """Take the file if it was replaced; of a damaged one, keep the last good."""
        mark = mark_of(self.path)
        if mark is None or mark == self._mark:
            return
        content = read_set(self.path)
        if content is None:
            log.warning("enrolled_set_damaged", file=self.path.name, kept=self.count)
        else:
            self._prefixes = _Prefixes(content)
            self.count = len(self._prefixes)
        self._mark = mark

    @override
    def __repr__(self) -> str:
        return f"EnrolledSet({self.path.name}, {len(self._prefixes)} customers)"


class EnrolledFolder:
    """The sets that the doors of one process ask."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._sets: dict[Path, EnrolledSet] = {}

    def find(self, experiment: str, phase: int, hides: Sequence[Hide]) -> EnrolledSet:
        """Give the set of a phase; the same one each time.

        Args:
            experiment: its key.
            phase: from 1.
            hides: id -> pseudonym, of each kind that the experiment's units may be.

        Returns:
            The set, read as far as its file is there.
        """
        path = self.path / file_name(experiment, phase)
        known = self._sets.get(path)
        if known is None:
            known = self._sets[path] = EnrolledSet(path, hides)
            known.refresh()
        return known

    def refresh(self) -> None:
        """Take the files that were replaced."""
        for known in list(self._sets.values()):
            known.refresh()


def file_name(experiment: str, phase: int) -> str:
    """Name the file of a phase's set."""
    return f"{experiment}.{phase}.bin"


def write_set(path: Path, prefixes: Iterable[bytes]) -> None:
    """Replace a set's file as a whole.

    Args:
        path: where to; its folder is made.
        prefixes: sorted, each once, 8 bytes each.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    content = b"".join(prefixes)
    aside = path.with_suffix(".next")
    with aside.open("wb") as file:
        file.write(MAGIC)
        file.write(_digest(content))
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def write_through(folder: Path, through: datetime) -> None:
    """Say that the sets hold every exposure that arrived until then.

    Args:
        folder: of the sets; it is made.
        through: aware UTC.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = folder / f".{THROUGH}"
    aside.write_text(through.isoformat())
    aside.replace(folder / THROUGH)


def read_through(folder: Path) -> datetime | None:
    """Read how far the sets reach; None as long as there are none."""
    try:
        return datetime.fromisoformat((folder / THROUGH).read_text())
    except (OSError, ValueError):
        return None


def installed_through(data_dir: Path) -> datetime | None:
    """Read how far the sets of an installation reach, by its data folder."""
    return read_through(data_dir / "ruleset" / FOLDER)


def read_set(path: Path) -> bytes | None:
    """Read the prefixes of a set, end to end; None when there is no good file."""
    try:
        found = path.read_bytes()
    except OSError:
        return None
    content = found[_HEAD_BYTES:]
    good = MAGIC + _digest(content)
    return content if found[:_HEAD_BYTES] == good else None


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=DIGEST_BYTES).digest()


def mark_of(path: Path) -> Mark | None:
    """Tell two states of a file apart, or None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
