"""Uploads: checked at the door, stored when decided, once, whatever is killed."""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import select

from analysis import import_carrying, import_events
from analysis.compactor import erase_once
from analysis.customer_data import copy_of
from analysis.import_carrying import carry_out
from analysis.import_request import Request
from analysis.import_staging import safe_name, stage
from analysis.import_tending import Tending
from experiments import catalog, data_requests, import_records, staged_rows, uploads
from experiments.actors import SYSTEM, Actor
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import Conflict, Forbidden, InvalidInput, TooLarge, Unavailable
from experiments.models import EventSource, ImportRecord
from experiments.preparing import prepare
from experiments.privacy import load_pseudonymiser
from experiments.vocabulary import IdKind, ImportState, PersonRole, Status
from tests import factories
from tests.analysis.intake import events
from tests.clock import FakeClock

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
UNITS: dict[str, Any] = {
    "experiment": "new-page",
    "variant": "group",
    "outcomes": ("back=retention:7",),
}


@pytest.fixture
def editor(context: Context) -> Actor:
    prepare(context)
    with transaction(context.sessions) as session:
        return factories.make_actor(session, "Eve", PersonRole.EDITOR)


def as_csv(rows: Iterable[Mapping[str, Any]]) -> bytes:
    listed, text = list(rows), io.StringIO(newline="")
    writer = csv.DictWriter(text, list(listed[0]))
    writer.writeheader()
    writer.writerows(listed)
    return text.getvalue().encode()


def opened(count: int, **changes: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    return [
        {
            "user_id": f"wren{n}",
            "event": "App Opened",
            "timestamp": "2026-02-01T00:00:00Z",
            **changes,
        }
        for n in range(count)
    ]


def customers(count: int) -> list[dict[str, Any]]:
    return [
        {"customer": f"wren{n}", "group": "new" if n % 2 else "control", "back": n % 3}
        for n in range(count)
    ]


def units(count: int) -> bytes:
    return as_csv([{**row, "back": row["back"] % 2} for row in customers(count)])


def staged(
    context: Context,
    actor: Actor,
    content: bytes,
    name: str = "history.csv",
    **asked: Any,  # noqa: ANN401  # of a request
) -> ImportRecord:
    return stage(context, Request(path=Path(name), **asked), content, actor)


def decide(context: Context, record: ImportRecord, actor: Actor) -> None:
    with transaction(context.sessions) as session:
        uploads.ask(session, record.public_id, actor, context.now())


def stored(context: Context, record: ImportRecord) -> ImportRecord:
    carry_out(context, record.public_id)
    return found(context, record)


def found(context: Context, record: ImportRecord) -> ImportRecord:
    with transaction(context.sessions) as session:
        return import_records.get(session, record.public_id)


def complete_through(context: Context) -> datetime | None:
    with transaction(context.sessions) as session:
        return session.scalars(select(EventSource)).one().complete_through


def rows_of(context: Context, record: ImportRecord) -> Path:
    return import_records.rows_path(context.settings.data_dir, record.public_id)


def on_disk(context: Context) -> bytes:
    folder = context.settings.data_dir
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_upload__with_faults__keeps_good_rows_and_stores_them_when_decided(
    context: Context, editor: Actor
) -> None:
    faulty = opened(1, timestamp="yesterday") + opened(1, timestamp="")
    torn = b"one,cell\r\n"
    content = b"\xef\xbb\xbf" + as_csv(opened(2500) + faulty) + torn
    record = staged(context, editor, content)
    assert (record.state, record.ready_count) == (ImportState.READY, 2500)
    assert (record.row_count, record.faulty_row_count) == (2503, 3)
    lines = import_records.csv_lines(context.settings.data_dir, record)
    numbers = {line.split(",")[0] for line in lines}
    assert numbers == {"row", "2502", "2503", "2504"}
    assert events(context) == []
    decide(context, record, editor)
    record = stored(context, record)
    assert (record.state, record.note) == ("stored", "2,500 events are stored.")
    assert len(events(context)) == 2500
    assert not rows_of(context, record).exists()
    # The same file again: its messages are known.
    again = staged(context, editor, content)
    decide(context, again, editor)
    stored(context, again)
    assert len(events(context)) == 2500


def test_upload__killed_between_frames__goes_on_and_doubles_nothing(
    context: Context, editor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = staged(context, editor, as_csv(opened(2500)))
    decide(context, record, editor)
    own, calls = import_events.append, []

    def dying(inbox: Any, parcel: Any) -> None:  # noqa: ANN401
        own(inbox, parcel)
        calls.append(len(parcel.rows))
        if len(calls) == 2:  # sent, and not noted
            raise KeyboardInterrupt

    monkeypatch.setattr(import_carrying, "append", dying)
    with pytest.raises(KeyboardInterrupt):
        carry_out(context, record.public_id)
    half = found(context, record)
    assert (half.state, half.stored_frame_count) == (ImportState.STORING, 1)
    assert complete_through(context) is None
    record = stored(context, record)
    assert complete_through(context) == datetime(2026, 2, 1, tzinfo=UTC)
    assert calls == [1000, 1000, 1000, 500]
    assert record.state == ImportState.STORED
    assert len(events(context)) == 2500


def test_upload__one_row_per_customer__registers_the_experiment_and_its_result(
    context: Context, editor: Actor
) -> None:
    record = staged(context, editor, units(60), **UNITS)
    assert (record.state, record.ready_count) == (ImportState.READY, 60)
    decide(context, record, editor)
    record = stored(context, record)
    assert record.note == "60 customers (control 30, new 30) are stored."
    with transaction(context.sessions) as session:
        assert catalog.get(session, "new-page").status == Status.STOPPED


def test_upload__customers_with_faults__is_refused_whole(
    context: Context, editor: Actor
) -> None:
    record = staged(context, editor, as_csv(customers(60)), **UNITS)
    assert (record.state, record.faulty_row_count) == (ImportState.REFUSED, 20)
    assert not rows_of(context, record).exists()
    with pytest.raises(Conflict, match="refused for its faults"):
        decide(context, record, editor)


def test_upload__ids_for_variants__are_refused_before_anything_is_written(
    context: Context, editor: Actor
) -> None:
    wrong = {**UNITS, "variant": "customer", "customer": "group"}
    with pytest.raises(InvalidInput, match="2 to 10 variants"):
        staged(
            context,
            editor,
            as_csv(dict(row, group=n) for n, row in enumerate(customers(60))),
            **wrong,
        )
    assert b"wren" not in on_disk(context)
    assert list((context.settings.data_dir / "imports").glob("*")) == []


def test_upload__waiting_on_disk__holds_no_raw_id_not_even_of_its_name(
    context: Context, editor: Actor
) -> None:
    content = as_csv(
        dict(row, email=f"{row['user_id']}@example.com", note="wren")
        for row in opened(1200)
    )
    record = staged(context, editor, content, "wren@example.com 0171 2345678.csv")
    assert record.file_name == "upload.csv"
    for name in ("../a/b.csv", "C:\\x\\b.csv", "b.csv"):
        assert safe_name(name) == "b.csv"
    frames = list(staged_rows.frames(rows_of(context, record)))
    assert "wren" not in repr(frames)
    assert b"wren" not in on_disk(context)


def test_upload__of_an_erased_customer__loses_those_rows(
    context: Context, editor: Actor
) -> None:
    record = staged(context, editor, as_csv(opened(1500)))
    hide = load_pseudonymiser(context.settings)
    copy = copy_of(context, hide, "wren7", IdKind.CUSTOMER)
    assert [row["event"] for row in copy["uploaded"]] == ["App Opened"]
    with transaction(context.sessions) as session:
        data_requests.request_erasure(
            session, hide, "wren7", IdKind.CUSTOMER, actor=SYSTEM, now=context.now()
        )
    erase_once(context)
    ids = {hide.customer("wren7")}
    assert staged_rows.naming(rows_of(context, record), ids) == []
    # Erased before: the same file again leaves the customer out at once.
    later = staged(context, editor, as_csv(opened(10)))
    assert staged_rows.naming(rows_of(context, later), ids) == []
    decide(context, record, editor)
    stored(context, record)
    assert len(events(context)) == 1499


def test_upload__nobody_decides__is_thrown_away_after_a_day(
    context: Context, now: FakeClock, editor: Actor
) -> None:
    record = staged(context, editor, as_csv(opened(10)))
    tending = Tending(context, lambda _id: None)
    now.advance(hours=23)
    tending.look()
    assert rows_of(context, record).exists()
    now.advance(hours=2)
    tending.look()
    assert found(context, record).state == ImportState.DISCARDED
    assert not rows_of(context, record).exists()
    tending.close()


def test_tending__of_what_cannot_be_stored__rests_and_gives_up_in_words(
    context: Context, now: FakeClock, editor: Actor
) -> None:
    record = staged(context, editor, as_csv(opened(10)))
    decide(context, record, editor)

    def failing(public_id: str) -> None:
        with transaction(context.sessions) as session:
            import_records.get(session, public_id).try_count += 1
        raise Unavailable("The machine is short of memory.")

    tending = Tending(context, failing)
    for number in range(1, uploads.MOST_TRIES + 1):
        tending.look()
        tending.wait()
        tending.look()  # it rests
        assert found(context, record).try_count == number
        now.advance(minutes=1)
    tending.close()
    record = found(context, record)
    assert record.state == ImportState.FAILED
    assert record.note == "It was tried 5 times. The machine is short of memory."


def test_upload__of_parquet__is_read_like_csv(context: Context, editor: Actor) -> None:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(opened(20)), buffer)
    record = staged(context, editor, buffer.getvalue(), "history.parquet")
    assert (record.state, record.ready_count) == (ImportState.READY, 20)


def test_upload__too_long__names_the_way_for_large_files(
    context: Context, editor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MOST_ROWS", 10)
    with pytest.raises(TooLarge, match="abide import"):
        staged(context, editor, as_csv(opened(11)))
    assert list((context.settings.data_dir / "imports").glob("*")) == []


@pytest.mark.usefixtures("editor")
def test_upload__by_an_analyst__registers_no_experiment(context: Context) -> None:
    with transaction(context.sessions) as session:
        analyst = factories.make_actor(session, "Ann", PersonRole.ANALYST)
        viewer = factories.make_actor(session, "Vic", PersonRole.VIEWER)
    with pytest.raises(Forbidden, match="register an experiment"):
        staged(context, analyst, units(60), **UNITS)
    with pytest.raises(Forbidden, match="upload files"):
        staged(context, viewer, as_csv(opened(10)))
    assert staged(context, analyst, as_csv(opened(10))).state == ImportState.READY


def test_upload__that_fits_no_longer__fails_in_words(
    context: Context, editor: Actor
) -> None:
    first = staged(context, editor, units(60), **UNITS)
    second = staged(context, editor, units(80), **{**UNITS, "control": "new"})
    for record in (first, second):
        decide(context, record, editor)
        stored(context, record)
    record = found(context, second)
    assert record.state == ImportState.FAILED
    assert "control is control" in record.note
