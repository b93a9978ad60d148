"""Every row that an import refused can be had, masked, until it is erased or old."""

import csv
import gzip
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.compactor import erase_once
from analysis.customer_data import copy_of
from analysis.expiry import delete_expired
from analysis.import_request import Request
from analysis.importing import import_file, silently
from analysis.store import EventStore
from experiments import data_requests, import_records
from experiments.actors import SYSTEM
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import InvalidInput
from experiments.models import ImportRecord
from experiments.preparing import prepare
from experiments.privacy import load_pseudonymiser
from experiments.vocabulary import IdKind, PersonRole
from tests import factories
from tests.clock import FakeClock

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
UNITS: dict[str, Any] = {
    "experiment": "new-page",
    "variant": "group",
    "outcomes": ("back=retention:7",),
}


@pytest.fixture(autouse=True)
def administrator(context: Context) -> None:
    prepare(context)
    with transaction(context.sessions) as session:
        factories.make_person(session, role=PersonRole.ADMIN)


def faulty(count: int) -> list[dict[str, str]]:
    """Rows of which each has another customer and no right outcome."""
    return [
        {"customer": f"wren{n}", "group": "control", "back": "=2+mail"}
        for n in range(count)
    ]


def write_csv(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    listed = list(rows)
    with path.open("w", newline="") as lines:
        writer = csv.DictWriter(lines, list(listed[0]))
        writer.writeheader()
        writer.writerows(listed)
    return path


def refused(context: Context, path: Path, **asked: Any) -> str:  # noqa: ANN401  # of a request
    request = Request(path=path, **{**UNITS, **asked})
    with pytest.raises(InvalidInput) as refusal:
        import_file(context, request, silently)
    return refusal.value.message


def imports(context: Context) -> list[ImportRecord]:
    with transaction(context.sessions) as session:
        return list(import_records.listing(session))


def rejects(context: Context, record: ImportRecord) -> list[dict[str, str]]:
    lines = import_records.csv_lines(context.settings.data_dir, record)
    return list(csv.DictReader(lines))


def test_rejects__of_events__are_in_order_of_rows(
    context: Context, tmp_path: Path
) -> None:
    rows = [
        {"user_id": "wren", "event": "Opened", "timestamp": time}
        for time in ("", "yesterday", "", "tomorrow", "")
    ]
    path = write_csv(tmp_path / "events.csv", rows)
    with pytest.raises(InvalidInput):
        import_file(context, Request(path), silently)
    (record,) = imports(context)
    numbers = [row["row"] for row in rejects(context, record)]
    assert numbers == ["2", "3", "4", "5", "6"]


def test_rejects__of_more_rows_than_are_named__are_all_there_and_masked(
    context: Context, tmp_path: Path
) -> None:
    path, own = write_csv(tmp_path / "a.csv", faulty(300)), tmp_path / "own.csv"
    said = refused(context, path, rejects=own, dry_run=True)
    assert "faults in 300 rows" in said
    assert "page Data, Imports" in said
    (record,) = imports(context)
    counts = (record.row_count, record.faulty_row_count, record.fault_count)
    assert (counts, record.is_dry_run) == ((300, 300, 300), True)
    found = rejects(context, record)
    assert [row["row"] for row in found] == [str(number) for number in range(2, 302)]
    assert found[0] == {
        "row": "2",
        "field": "back",
        "reason": "back must be 0 or 1, no or yes, or empty.",
        "value": "'=0+aaaa",  # a spreadsheet must not take it for a formula
    }
    assert list(csv.DictReader(own.read_text().splitlines())) == found
    kept = (context.settings.data_dir / "imports").glob("*")
    assert not any(b"wren" in gzip.decompress(file.read_bytes()) for file in kept)


def test_rejects__of_events_in_parquet__name_row_and_column(
    context: Context, tmp_path: Path
) -> None:
    rows = [
        {"user_id": "u1", "event": "Opened", "timestamp": "yesterday"},
        {"user_id": "u1", "event": "Opened", "timestamp": None},
        {"user_id": None, "event": "Opened", "timestamp": "2026-01-01T00:00:00Z"},
        {"user_id": "u2", "event": "Opened", "timestamp": "2026-01-01T00:00:00Z"},
    ]
    path = tmp_path / "events.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    refused(context, path, variant=None, outcomes=(), experiment=None)
    (record,) = imports(context)
    found = [(r["row"], r["field"], r["value"]) for r in rejects(context, record)]
    assert sorted(found) == [
        ("1", "timestamp", "aaaaaaaaa"),
        ("2", "timestamp", ""),
        ("3", "user_id", ""),
    ]


def test_rejects__more_than_are_kept__are_counted(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_records, "MOST_LISTED", 25)
    monkeypatch.setattr(import_records, "MOST_TOGETHER", 60)
    path = write_csv(tmp_path / "a.csv", faulty(40))
    for _ in range(3):
        refused(context, path)
    found = rejects(context, imports(context)[0])
    assert len(found) == 26
    assert found[-1]["reason"] == "And 15 more faults."
    # The oldest went: 3 x 25 are more than are kept together.
    assert len(imports(context)) == 2
    files = list((context.settings.data_dir / "imports").iterdir())
    assert len(files) == 2


def test_rejects__of_an_erased_customer__are_gone_and_do_not_come_back(
    context: Context, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "a.csv", faulty(3))
    refused(context, path)
    hide = load_pseudonymiser(context.settings)
    copied = copy_of(context, hide, "wren1", IdKind.CUSTOMER)["refused_rows"]
    assert [(row["file"], row["row"]) for row in copied] == [("a.csv", "3")]
    with transaction(context.sessions) as session:
        data_requests.request_erasure(
            session, hide, "wren1", IdKind.CUSTOMER, actor=SYSTEM, now=context.now()
        )
    assert erase_once(context)
    assert [r["row"] for r in rejects(context, imports(context)[0])] == ["2", "4"]
    refused(context, path)
    assert [r["row"] for r in rejects(context, imports(context)[0])] == ["2", "4"]
    assert copy_of(context, hide, "wren1", IdKind.CUSTOMER)["refused_rows"] == []


def test_rejects__after_thirty_days__are_gone(
    context: Context, tmp_path: Path, now: FakeClock
) -> None:
    refused(context, write_csv(tmp_path / "a.csv", faulty(3)))
    for days, left in ((29, 1), (2, 0)):
        now.advance(days=days)
        delete_expired(context, EventStore(context.settings).writer())
        assert len(imports(context)) == left
    assert not list((context.settings.data_dir / "imports").iterdir())


def test_import__without_faults__is_listed_and_has_no_file(
    context: Context, tmp_path: Path
) -> None:
    rows = [
        {**row, "back": "1", "group": "ab"[n % 2]} for n, row in enumerate(faulty(40))
    ]
    path = write_csv(tmp_path / "a.csv", rows)
    import_file(context, Request(path=path, **UNITS, dry_run=True), silently)
    (record,) = imports(context)
    assert (record.row_count, record.fault_count) == (40, 0)
    assert not (context.settings.data_dir / "imports").exists()
