"""Ids and addresses that must reach no disk and no log, and the search for them.

1,000 ids and 100 e-mail addresses in the long run (`make proof PART=canary`), which
also searches the files of PostgreSQL: its pages, its write-ahead log and its own log.
"""

import base64
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from experiments.context import Context
from experiments.db import transaction
from tests.analysis.intake import events

PROOF = bool(os.environ.get("ABIDE_PROOF"))
# Long enough that no page of random bytes holds it by chance.
MARK = "zaunkoenig"
IDS = 1000 if PROOF else 60
MAILS = 100 if PROOF else 20
CANARIES = [f"canary{number:04d}{MARK}" for number in range(IDS)]
ADDRESSES = [f"some.{MARK}{number:03d}@example.com" for number in range(MAILS)]
EVERYBODY = [*CANARIES, *ADDRESSES]
STORES = (
    ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
    if PROOF
    else ["sqlite"]
)


def _spellings(mark: str) -> Iterator[bytes]:
    """Write a text as programs do: plain, wide, in hex, in base64 at any place."""
    raw = mark.encode()
    yield raw
    yield mark.encode("utf-16-le")
    yield raw.hex().encode()
    for before in range(3):
        packed = base64.b64encode(b"-" * before + raw)
        # The first and last letters depend on the neighbours.
        yield packed[4 * (before > 0) : len(packed) - 4]


SPELLINGS = tuple(_spellings(MARK))


def found_in(context: Context) -> list[str]:
    """Name the files and tables that hold a canary."""
    searched = [path for path in context.settings.data_dir.rglob("*") if path.is_file()]
    assert len(searched) > 5
    if not context.settings.is_sqlite:
        searched += _files_of_postgres(context)
    found = [str(path) for path in searched if _holds_a_mark(path)]
    # Parquet is compressed, and so is what PostgreSQL holds of long values.
    if MARK in repr(events(context)):
        found.append("the store")
    return found + _tables_with_a_mark(context)


def _files_of_postgres(context: Context) -> list[Path]:
    with context.sessions() as session:
        folder = Path(str(session.scalar(text("SHOW data_directory"))))
        session.execute(text("CHECKPOINT"))
    found = [path for path in folder.rglob("*") if path.is_file()]
    assert any("pg_wal" in path.parts for path in found)
    assert any(path.name == "log" for path in found)
    return found


def _tables_with_a_mark(context: Context) -> list[str]:
    found = []
    with transaction(context.sessions) as session:
        for table in inspect(session.connection()).get_table_names():
            rows = session.execute(text(f'SELECT * FROM "{table}"')).all()  # noqa: S608  # its own names
            if MARK in repr([tuple(row) for row in rows]):
                found.append(table)
    return found


def _holds_a_mark(path: Path) -> bool:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return False  # the server removed it meanwhile
    return any(spelling in content for spelling in SPELLINGS)
