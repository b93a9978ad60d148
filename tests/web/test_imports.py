"""Imports on a page and over JSON: what was refused, downloaded line by line."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from analysis.compactor import compact_once
from analysis.import_carrying import carry_out
from experiments import import_records
from experiments.context import Context
from experiments.db import transaction
from experiments.import_records import Reject, RejectFile
from experiments.models import ImportRecord
from experiments.vocabulary import ImportState, PersonRole
from tests.analysis.intake import events
from tests.canaries import MARK, found_in
from tests.web.conftest import BASE, FORM, Visitor, form_with_file

SignIn = Callable[..., Visitor]
FILE = "row,field,reason,value\r\n2,came_back,came_back must be 0 or 1.,aaaa\r\n"


@pytest.fixture
def record(context: Context) -> ImportRecord:
    rejects = RejectFile(context.settings.data_dir)
    rejects.add(Reject(2, "came_back", "came_back must be 0 or 1.", "wren", b"a" * 16))
    rejects.close()
    made = ImportRecord(
        public_id=rejects.public_id,
        finished_at=context.now(),
        file_name="history.csv",
        experiment="new-page",
        is_dry_run=False,
        row_count=1200,
        faulty_row_count=1,
        fault_count=1,
        listed_count=1,
        state="refused",
    )
    with transaction(context.sessions) as session:
        import_records.keep(session, context.settings.data_dir, made)
    return made


def test_imports__for_an_analyst__are_listed_and_downloaded(
    signed_in: SignIn, record: ImportRecord
) -> None:
    visitor = signed_in(PersonRole.ANALYST)
    path = f"/data/imports/{record.public_id}/rejects.csv"
    page = visitor.get("/data/imports").text
    assert "history.csv" in page
    assert "1,200" in page
    assert path in page
    one = " ".join(visitor.get(f"/data/imports/{record.public_id}").text.split())
    assert "1 row of 1,200 have faults. Nothing is stored." in one
    answer = visitor.get(path)
    assert answer.text == FILE
    assert answer.mimetype == "text/csv"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "/data/imports" in visitor.get("/data").text
    assert visitor.get("/data/imports/aaaaaaaaaaaa/rejects.csv").status_code == 404


def test_imports__none_yet__says_how_to_begin(signed_in: SignIn) -> None:
    assert "No imports yet" in signed_in(PersonRole.ANALYST).get("/data/imports").text


HEADER = "user_id,event,timestamp,email\n"
LINE = "wren{0}MARK,App Opened,{1},wren{0}MARK@example.com\n".replace("MARK", MARK)


def content(count: int, *, at: str = "2026-02-01T00:00:00Z") -> bytes:
    return (HEADER + "".join(LINE.format(n, at) for n in range(count))).encode()


def upload(
    visitor: Visitor, body: bytes, name: str = "history.csv", **fields: str
) -> Any:  # noqa: ANN401  # a response
    asked = {"csrf_token": visitor.token(), "rows": "events", **fields}
    sent = form_with_file(asked, body, name)
    return visitor.client.post(
        "/data/imports/new", data=sent, content_type=FORM, base_url=BASE
    )


def test_upload__larger_than_forms_are__touches_no_disk_and_is_stored_when_asked(
    signed_in: SignIn, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a part of the form went to a temporary file")

    monkeypatch.setattr("werkzeug.formparser.SpooledTemporaryFile", refuse)
    visitor = signed_in(PersonRole.ANALYST)
    faulty = content(1, at="yesterday").partition(b"\n")[2]
    answer = upload(visitor, content(20_000) + faulty, f"wren {MARK}@example.com.csv")
    assert answer.status_code == 302
    place = answer.headers["Location"]
    page = visitor.get(place)
    assert "20,000 events are ready to be stored, 1 row with faults" in page.text
    assert "Import now" in page.text
    rejects = visitor.get(f"{place}/rejects.csv").text
    assert rejects.splitlines()[1].startswith("20002,timestamp,")
    assert MARK not in page.text + rejects
    assert visitor.post(f"{place}/store").status_code == 302
    page = visitor.get(place)
    assert "<progress" in page.text
    assert page.headers["Refresh"] == "3"
    assert visitor.post(f"{place}/discard").status_code == 409
    carry_out(context, place.rpartition("/")[2])
    assert "20,000 events are stored." in visitor.get(place).text
    assert len(events(context)) == 20_000
    assert found_in(context) == []


def test_upload__thrown_away__is_gone_and_listed(
    signed_in: SignIn, context: Context
) -> None:
    visitor = signed_in(PersonRole.ANALYST)
    place = upload(visitor, content(3)).headers["Location"]
    answer = visitor.client.post(
        f"{place}/discard", data={"csrf_token": visitor.token()}, base_url=BASE
    )
    assert answer.status_code == 302
    assert "Thrown away" in visitor.get("/data/imports").text
    with transaction(context.sessions) as session:
        (record,) = import_records.listing(session)
    assert record.state == ImportState.DISCARDED


def test_upload__that_cannot_be_read__keeps_the_form_and_names_the_field(
    signed_in: SignIn, context: Context
) -> None:
    visitor = signed_in(PersonRole.EDITOR)
    for body, name, asked, words in (
        (b"", "a.txt", {}, "ends in .csv or .parquet"),
        (b"a,b\n1,2\n", "a.csv", {}, "has no column for a customer"),
        (content(2), "a.csv", {"source": "wren@example.com"}, "does not tell who"),
        (content(2), "a.csv", {"experiment": "A b"}, "experiment"),
        (content(2), "a.csv", {"rows": "customers"}, "Name the column"),
        (content(2), "a.csv", {"experiment": "old-page"}, "Say what to measure"),
    ):
        answer = upload(visitor, body, name, **asked)
        assert answer.status_code == 400, words
        assert words in answer.text
        assert not re.search("--(outcome|variant|source|experiment)", answer.text)
    with transaction(context.sessions) as session:
        assert list(import_records.listing(session)) == []
    compact_once(context)
    assert events(context) == []


def test_upload__without_a_session__asks_to_sign_in_whatever_its_size(
    visitor: Visitor,
) -> None:
    answer = upload(visitor, content(20_000))
    assert answer.status_code == 401
    assert "Sign in" in answer.text
