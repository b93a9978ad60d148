"""One Delta table with one writer, at the level of its files and its log."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from analysis import delta
from analysis.delta import DeltaWriter, Layout, NewFile, read_files, write_file
from experiments.errors import Conflict, StorageFull

LAYOUT = Layout(
    schema=pa.schema(
        [
            pa.field("day", pa.string(), nullable=False),
            pa.field("customer", pa.binary(), nullable=False),
            pa.field("at", pa.timestamp("us", tz="UTC")),
            pa.field("value", pa.float64()),
        ]
    ),
    folders=("day",),
    measured=("at", "value"),
    dictionary=("customer",),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "table"


def file_with(path: Path, values: list[float | None], day: str = "d1") -> NewFile:
    rows = {
        "customer": [b"c" * 16] * len(values),
        "at": [
            datetime(2026, 3, 14, 9, 30, 0, i, tzinfo=UTC) for i in range(len(values))
        ],
        "value": values,
    }
    table = pa.table(rows, schema=LAYOUT.file_schema)
    return write_file(path, LAYOUT, {"day": day}, table)


def values_of(path: Path) -> list[float | None]:
    found: list[float | None] = []
    for file in read_files(path, LAYOUT)[1]:
        found += pq.ParquetFile(path / file.path).read()["value"].to_pylist()
    return sorted(found, key=lambda value: (value is None, value))


def test_table__that_was_never_written__has_version_zero_and_no_file(
    path: Path,
) -> None:
    assert read_files(path, LAYOUT) == (0, [])
    assert not path.exists()


def test_commit__of_a_file__is_read_back_with_its_ranges(path: Path) -> None:
    writer = DeltaWriter(path, LAYOUT)
    writer.commit([file_with(path, [3.5, None, -1.0])], {"slot": 7})
    assert writer.mark("slot") == 7
    assert writer.mark("other") == 0
    version, (stored,) = read_files(path, LAYOUT)
    assert version == writer.version == 1
    assert (stored.folders, stored.rows) == ({"day": "d1"}, 3)
    assert stored.size == (path / stored.path).stat().st_size
    assert stored.ranges == {
        "at": (
            datetime(2026, 3, 14, 9, 30, tzinfo=UTC),
            datetime(2026, 3, 14, 9, 30, 0, 2, tzinfo=UTC),
        ),
        "value": (-1.0, 3.5),
    }


def test_commit__as_another_client_reads_it__has_the_same_rows(path: Path) -> None:
    writer = DeltaWriter(path, LAYOUT)
    writer.commit([file_with(path, [1.0]), file_with(path, [2.0], "d2")], {})
    rows = DeltaTable(str(path)).to_pyarrow_table().sort_by("value").to_pylist()
    assert [(row["day"], row["value"]) for row in rows] == [("d1", 1.0), ("d2", 2.0)]


@pytest.mark.parametrize("number", [6, 7])
def test_mark__that_does_not_rise__is_refused(path: Path, number: int) -> None:
    writer = DeltaWriter(path, LAYOUT)
    writer.commit([], {"slot": 7})
    with pytest.raises(Conflict, match="slot"):
        writer.commit([file_with(path, [1.0])], {"slot": number})
    assert values_of(path) == []


@pytest.mark.parametrize("marks", [{"slot": 1}, {"late": 1}, {}])
def test_writer__whose_handle_is_old__is_refused(
    path: Path, marks: dict[str, int]
) -> None:
    first, late = DeltaWriter(path, LAYOUT), DeltaWriter(path, LAYOUT)
    first.commit([file_with(path, [1.0])], {"slot": 1})
    with pytest.raises(Conflict):
        late.commit([file_with(path, [2.0])], marks)
    late.refresh()
    late.commit([file_with(path, [3.0])], {"late": 1})
    assert values_of(path) == [1.0, 3.0]


def test_two_rewrites__of_the_same_files__never_both_count(path: Path) -> None:
    DeltaWriter(path, LAYOUT).commit([file_with(path, [1.0])], {})
    first, second = DeltaWriter(path, LAYOUT), DeltaWriter(path, LAYOUT)
    first.commit([file_with(path, [1.0])], {}, first.files(), same_rows=True)
    with pytest.raises(Conflict):
        second.commit([file_with(path, [1.0])], {}, second.files(), same_rows=True)
    assert values_of(path) == [1.0]


def test_clean__after_the_grace__removes_what_no_version_needs(
    path: Path,
) -> None:
    writer = DeltaWriter(path, LAYOUT)
    writer.commit([file_with(path, [1.0])], {"slot": 1})
    writer.commit([file_with(path, [2.0])], {}, writer.files())
    file_with(path, [9.0])  # left by a writer that died before its commit
    writer.clean()
    assert len(list(path.glob("day=*/*"))) == 3  # an hour is not over
    writer.clean(grace_hours=0)
    assert len(list(path.glob("day=*/*"))) == 1
    assert values_of(path) == [2.0]
    again = DeltaWriter(path, LAYOUT)
    assert again.mark("slot") == 1
    again.commit([file_with(path, [3.0])], {"slot": 2})
    assert values_of(path) == [2.0, 3.0]


def test_marks__after_many_commits_and_a_clean_up__are_still_known(path: Path) -> None:
    writer = DeltaWriter(path, LAYOUT)
    for number in range(1, 106):
        writer.commit([], {f"slot{number % 3}": number})
    assert list((path / "_delta_log").glob("*.checkpoint.parquet"))
    writer.clean()
    fresh = DeltaWriter(path, LAYOUT)
    assert [fresh.mark(f"slot{n}") for n in range(3)] == [105, 103, 104]


@pytest.mark.parametrize("left", [0, 40])
def test_last_commit__half_written_at_a_power_cut__is_set_aside(
    path: Path, left: int
) -> None:
    writer = DeltaWriter(path, LAYOUT)
    writer.commit([file_with(path, [1.0])], {"slot": 1})
    writer.commit([file_with(path, [2.0])], {"slot": 2})
    newest = max((path / "_delta_log").glob("*.json"))
    newest.write_bytes(newest.read_bytes()[:left])
    again = DeltaWriter(path, LAYOUT)
    assert again.mark("slot") == 1
    again.commit([file_with(path, [3.0])], {"slot": 2})
    assert values_of(path) == [1.0, 3.0]


def test_full_disk__however_reported__is_said_in_words() -> None:
    for error in (
        OSError(28, "No space left on device"),
        OSError("Generic LocalFileSystem error: No space left on device (os error 28)"),
    ):
        with (
            pytest.raises(StorageFull, match="disk is full"),
            delta.refusing_full_disk(),
        ):
            raise error
    with pytest.raises(OSError, match="Permission"), delta.refusing_full_disk():
        raise PermissionError(13, "Permission denied")
