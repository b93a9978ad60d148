"""Imports over JSON, and their refused rows as CSV."""

from collections.abc import Callable

from analysis.import_carrying import carry_out
from experiments import import_records, uploads
from experiments.context import Context
from experiments.db import transaction
from experiments.import_records import Reject, RejectFile
from experiments.models import ImportRecord
from experiments.vocabulary import PersonRole
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
        state="checked",
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


CSV = {"Content-Type": "text/csv"}
HISTORY = (
    b"user_id,event,timestamp\n"
    b"wren,App Opened,2026-02-01T00:00:00Z\n"
    b"wren,App Opened,never\n"
)


def test_upload__decided_over_the_api__is_stored(api: Caller, context: Context) -> None:
    answer = api("POST", "/imports?file_name=old.csv", data=HISTORY, headers=CSV)
    assert answer.status_code == 202
    staged = answer.json
    assert (staged["state"], staged["file_name"]) == ("ready", "old.csv")
    assert (staged["row_count"], staged["ready_count"]) == (2, 1)
    place = f"/imports/{staged['public_id']}"
    assert api.post(f"{place}/store").json["state"] == "waiting"
    assert api.post(f"{place}/store").status_code == 409
    carry_out(context, staged["public_id"])
    assert api.get(place).json["note"] == "1 events are stored."


def test_upload__that_cannot_be_read__names_the_parameter(
    api: Caller, as_role: Callable[..., Caller]
) -> None:
    for query, body, kind, status in (
        ("", HISTORY, "application/json", 415),
        ("", b"", "text/csv", 422),
        ("?experiment=A%20b", HISTORY, "text/csv", 422),
        ("?matters=some", HISTORY, "text/csv", 422),
        ("?source=wren@example.com", HISTORY, "text/csv", 422),
        ("", b"PAR1", "application/vnd.apache.parquet", 422),
    ):
        answer = api("POST", f"/imports{query}", data=body, content_type=kind)
        assert answer.status_code == status, query
        assert "--" not in answer.text
    viewer = as_role(PersonRole.VIEWER)
    assert viewer("POST", "/imports", data=HISTORY, headers=CSV).status_code == 403
    assert api.get("/imports").json["items"] == []


def test_upload__thrown_away__cannot_be_stored(api: Caller) -> None:
    staged = api("POST", "/imports", data=HISTORY, headers=CSV).json
    place = f"/imports/{staged['public_id']}"
    assert api.post(f"{place}/discard").json["state"] == "discarded"
    assert api.post(f"{place}/store").status_code == 409


def test_upload__while_another_is_read__is_asked_to_come_again(api: Caller) -> None:
    with uploads.in_turn():
        answer = api("POST", "/imports", data=HISTORY, headers=CSV)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "5"
