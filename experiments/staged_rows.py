"""Rows of an upload that wait until somebody decides: checked, and without raw ids.

What a person uploads is read in memory; what comes to rest is this file of frames, each
a thousand rows as the store would take them, packed. A frame keeps its place when
an erasure takes rows out of it, so that storing goes on where it was interrupted.
"""

import struct
import zlib
from collections.abc import Callable, Container, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from experiments.errors import StorageFull
from experiments.parcels import CommentRow, EventRow, Parcel
from experiments.vocabulary import EventKind

SUFFIX = ".rows"
_LENGTH = struct.Struct(">I")
_LEVEL = 1  # the fastest; ids are random and do not pack
# A parcel of events, or customers: (id, variant, attributes, values).
Frame = Parcel | Sequence[tuple[Any, ...]]
_EVENTS, _CUSTOMERS = b"e", b"c"  # what a frame holds, in its first byte
_encode = msgspec.msgpack.Encoder().encode
_decoders: dict[bytes, Callable[[bytes], Frame]] = {
    _EVENTS: msgspec.msgpack.Decoder(Parcel).decode,
    _CUSTOMERS: msgspec.msgpack.Decoder(list[tuple[Any, ...]]).decode,
}


class StagedRows:
    """Takes the frames of one upload, in order."""

    def __init__(self, path: Path) -> None:
        """Begin with none.

        Args:
            path: of the file; made when the first frame comes.
        """
        self.frame_count = 0
        self._path = path
        self._file: BinaryIO | None = None

    def add(self, frame: Frame) -> None:
        """Write a frame.

        Args:
            frame: of checked rows.

        Raises:
            StorageFull: the disk is full.
        """
        try:
            if self._file is None:
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._file = self._path.open("wb")
            _write(self._file, frame)
        except OSError as error:
            raise _full(error) from error
        self.frame_count += 1

    def close(self) -> None:
        """Let the file be read.

        Raises:
            StorageFull: the disk is full.
        """
        try:
            if self._file is not None:
                self._file.close()
        except OSError as error:
            raise _full(error) from error


def frames(path: Path, skip: int = 0) -> Iterator[Frame]:
    """Read the frames of an upload.

    Args:
        path: of its file; that there is none means that it has none.
        skip: so many are passed over.

    Yields:
        The others, in order.
    """
    if not path.exists():
        return
    with path.open("rb") as file:
        while head := file.read(_LENGTH.size):
            (length,) = _LENGTH.unpack(head)
            if skip:
                file.seek(length, 1)
                skip -= 1
            else:
                kind, packed = file.read(1), file.read(length - 1)
                yield _decoders[kind](zlib.decompress(packed))


def forget(path: Path, ids: Container[bytes]) -> int:
    """Take customers out of an upload.

    Args:
        path: of its file.
        ids: pseudonyms of who is erased or has opted out.

    Returns:
        How many rows are gone, or no longer name one of them.
    """
    changed = sum(_without(frame, ids)[1] for frame in frames(path))
    if changed:
        aside = path.with_suffix(".next")
        try:
            with aside.open("wb") as file:
                for frame in frames(path):
                    _write(file, _without(frame, ids)[0])
            aside.replace(path)
        except OSError as error:
            raise _full(error) from error
    return changed


def naming(path: Path, ids: Container[bytes]) -> list[dict[str, object]]:
    """Find the rows of one customer, as they wait.

    Args:
        path: of the upload's file.
        ids: pseudonyms of the customer.

    Returns:
        Each without its ids; nothing of it is raw.
    """
    found: list[dict[str, object]] = []
    for frame in frames(path):
        if isinstance(frame, Parcel):
            found += (
                {"event": row.name or row.kind, "properties": row.properties}
                for row in (EventRow(*fields) for fields in frame.rows)
                if row.customer in ids
            )
        else:
            found += (
                {"variant": row[1], "attributes": row[2], "values": row[3]}
                for row in frame
                if row[0] in ids
            )
    return found


def _without(frame: Frame, ids: Container[bytes]) -> tuple[Frame, int]:
    """Give a frame without some customers, and how many rows that changes."""
    if not isinstance(frame, Parcel):
        kept = [row for row in frame if row[0] not in ids]
        return kept, len(frame) - len(kept)
    rows, changed = [], 0
    for row in (EventRow(*fields) for fields in frame.rows):
        tied = row.anonymous in ids
        if row.customer in ids or (tied and row.kind == EventKind.IDENTITY.value):
            changed += 1
        elif tied:
            changed += 1
            rows.append(row._replace(anonymous=None))
        else:
            rows.append(row)
    said = [CommentRow(*fields) for fields in frame.comments]
    comments = [comment for comment in said if comment.customer not in ids]
    changed += len(said) - len(comments)
    return msgspec.structs.replace(frame, rows=rows, comments=comments), changed


def _write(file: BinaryIO, frame: Frame) -> None:
    kind = _EVENTS if isinstance(frame, Parcel) else _CUSTOMERS
    body = kind + zlib.compress(_encode(frame), _LEVEL)
    file.write(_LENGTH.pack(len(body)) + body)


def _full(error: OSError) -> StorageFull:
    return StorageFull(f"The rows cannot be kept: {error.strerror}. Nothing was kept.")
