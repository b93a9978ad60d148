"""The ruleset on disk: doors start and serve from it while the database is gone.

A file is one line that holds the checksum, and the ruleset as JSON. It is replaced
as a whole, never by an older one, and the one before is kept.
"""

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeAlias

import orjson

from experiments.ruleset_designs import Memory
from experiments.ruleset_values import FORMAT, Ruleset, RulesetRefusedError, parse

CURRENT, PREVIOUS, LOCK = "current.json", "previous.json", "lock"
_HEADER = re.compile(rb'\{"format":(\d{1,9}),"sha256":"([0-9a-f]{64})"\}')
Mark: TypeAlias = tuple[int, int, int]  # changes whenever the file does


class Held(NamedTuple):
    """What tells one published ruleset from every other.

    After an older database was restored, two may have the same number.
    """

    revision: int
    checksum: str


class RulesetFolder:
    """The folder `ruleset` of an installation's data."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, name: str = CURRENT, memory: Memory | None = None) -> Ruleset:
        """Read and check a published ruleset.

        Args:
            name: `CURRENT` or `PREVIOUS`.
            memory: how a door knows customers again.

        Returns:
            The ruleset.

        Raises:
            RulesetRefusedError: there is none, or it is damaged or of another format.
        """
        try:
            content = (self.path / name).read_bytes()
        except OSError as error:
            raise RulesetRefusedError(
                f"{name} cannot be read: {error.strerror}."
            ) from error
        return parse(open_file(content), memory)

    def held(self) -> Held | None:
        """Tell which ruleset the current file holds, without making it ready to serve.

        Returns:
            The ruleset's name; None when there is no file that could be served.
        """
        try:
            body = open_file((self.path / CURRENT).read_bytes())
        except (OSError, RulesetRefusedError):
            return None
        return Held(orjson.loads(body)["revision"], checksum(body))

    def mark(self) -> Mark | None:
        """Tell two states of the current file apart, or None when there is none."""
        try:
            found = (self.path / CURRENT).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def write(self, ruleset: Ruleset, body: bytes) -> bool:
        """Put a ruleset in force, unless one as new is there.

        When the disk is full or gone (OSError), the current file is as it was.

        Args:
            ruleset: the parsed `body`.
            body: as published.

        Returns:
            Whether it was written.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._lock():
            held = self._held_revision()
            if held is not None and held >= ruleset.revision:
                return False
            aside = self._write_aside(seal(body))
            if held is not None:
                self._keep_previous()
            aside.replace(self.path / CURRENT)
            self._sync()
        return True

    def _held_revision(self) -> int | None:
        try:
            return self.read().revision
        except RulesetRefusedError:
            return None

    @contextmanager
    def _lock(self) -> Iterator[None]:
        # The kernel drops the lock with the process, so that kill -9 leaves none.
        with (self.path / LOCK).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _write_aside(self, content: bytes) -> Path:
        aside = self.path / ".next"
        try:
            with aside.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            aside.unlink(missing_ok=True)
            raise
        return aside

    def _keep_previous(self) -> None:
        # A second name for the file in force, so that CURRENT is never missing.
        second_name = self.path / ".previous"
        second_name.unlink(missing_ok=True)
        second_name.hardlink_to(self.path / CURRENT)
        second_name.replace(self.path / PREVIOUS)

    def _sync(self) -> None:
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def checksum(body: bytes) -> str:
    """Hash a ruleset's body with SHA-256, as 64 hexadecimal digits."""
    return hashlib.sha256(body).hexdigest()


def seal(body: bytes) -> bytes:
    """Write a file's content: format and checksum, then the body."""
    return b'{"format":%d,"sha256":"%s"}\n%s' % (FORMAT, checksum(body).encode(), body)


def open_file(content: bytes) -> bytes:
    """Take the body out of a file's content.

    Args:
        content: of the whole file.

    Returns:
        The body, exactly as it was sealed.

    Raises:
        RulesetRefusedError: it is damaged, or of another format.
    """
    line, _, body = content.partition(b"\n")
    header = _HEADER.fullmatch(line)
    if header is None:
        raise RulesetRefusedError("The ruleset file is damaged: its first line.")
    written = int(header[1])
    if written != FORMAT:
        raise RulesetRefusedError(
            f"The ruleset file has format {written}; this version reads {FORMAT}."
        )
    if checksum(body) != header[2].decode():
        raise RulesetRefusedError("The ruleset file is damaged: its checksum differs.")
    return body
