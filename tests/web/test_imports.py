"""Imports on a page and over JSON: what was refused, downloaded line by line."""

from collections.abc import Callable

import pytest

from experiments import import_records
from experiments.context import Context
from experiments.db import transaction
from experiments.import_records import Reject, RejectFile
from experiments.models import ImportRecord
from experiments.vocabulary import PersonRole
from tests.web.conftest import Visitor

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
    answer = visitor.get(path)
    assert answer.text == FILE
    assert answer.mimetype == "text/csv"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "/data/imports" in visitor.get("/data").text
    assert visitor.get("/data/imports/aaaaaaaaaaaa/rejects.csv").status_code == 404


def test_imports__none_yet__says_how_to_begin(signed_in: SignIn) -> None:
    assert "No imports yet" in signed_in(PersonRole.ANALYST).get("/data/imports").text
