"""Keeping the store fast: many small files become few, each sorted as a whole."""

import math
from collections import defaultdict
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from analysis.delta import DeltaWriter, StoredFile, write_file
from analysis.store import EVENT_LAYOUT

FILES_TO_MERGE = 8
MOST_FILES = 64  # at once
MOST_ROWS = 2_000_000  # in a merged file; about 250 MB while it is sorted


def merge_small_files(writer: DeltaWriter) -> bool:
    """Merge files of one day that are about equally small.

    Only files of one order of magnitude are merged, so that a row is written again a
    logarithmic number of times. `Conflict` says that another process wrote to the table
    meanwhile; nothing has changed then.

    Args:
        writer: a current handle.

    Returns:
        Whether there was something to merge.
    """
    files = _worst_group(writer.files())
    if not files:
        return False
    tables = [pq.ParquetFile(writer.path / file.path).read() for file in files]
    rows = pa.concat_tables(tables).cast(EVENT_LAYOUT.file_schema)
    rows = rows.sort_by([("customer", "ascending"), ("occurred_at", "ascending")])
    merged = write_file(writer.path, EVENT_LAYOUT, files[0].folders, rows)
    writer.commit([merged], {}, files, same_rows=True)
    return True


def _worst_group(files: Sequence[StoredFile]) -> list[StoredFile]:
    """Find the most numerous group of like files, if it is worth merging."""
    groups: dict[tuple[str, int], list[StoredFile]] = defaultdict(list)
    for file in files:
        size = int(math.log(max(1, file.rows), FILES_TO_MERGE))
        groups[file.folders["day"], size].append(file)
    worst = max(groups.values(), key=len, default=[])
    chosen: list[StoredFile] = []
    rows = 0
    for file in sorted(worst, key=lambda file: file.rows)[:MOST_FILES]:
        rows += file.rows
        if rows > MOST_ROWS:
            break
        chosen.append(file)
    return chosen if len(chosen) >= FILES_TO_MERGE else []
