"""Imports over JSON, and their refused rows as CSV."""

from experiments import import_records
from experiments.context import Context
from experiments.db import transaction
from experiments.import_records import Reject, RejectFile
from experiments.models import ImportRecord
from tests.api.conftest import Caller


def test_imports__with_faults__are_listed_and_given_as_csv(
    api: Caller, context: Context
) -> None:
    rejects = RejectFile(context.settings.data_dir)
    rejects.add(Reject(2, "", "It has fewer cells than the header."))
    rejects.close()
    record = ImportRecord(
        public_id=rejects.public_id,
        finished_at=context.now(),
        file_name="history.csv",
        experiment=None,
        is_dry_run=True,
        row_count=1200,
        faulty_row_count=3,
        fault_count=3,
        listed_count=1,
    )
    with transaction(context.sessions) as session:
        import_records.keep(session, context.settings.data_dir, record)
    (shown,) = api.get("/imports").json["items"]
    assert (shown["public_id"], shown["fault_count"]) == (rejects.public_id, 3)
    answer = api.get(f"/imports/{rejects.public_id}/rejects")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.text == (
        "row,field,reason,value\r\n"
        "2,,It has fewer cells than the header.,\r\n"
        ",,And 2 more faults.,\r\n"
    )
    assert api.get("/imports/aaaaaaaaaaaa/rejects").status_code == 404
