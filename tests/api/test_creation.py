"""Creations: done once per idempotency key, listed in pages, nothing smuggled in."""

import hashlib
from typing import Any

import pytest
from sqlalchemy import select

from experiments import metrics
from experiments.context import Context
from experiments.db import Base, transaction
from experiments.models import (
    Experiment,
    HypothesisRow,
    IdempotentAnswer,
    Metric,
    MetricVersion,
    Segment,
    SegmentVersion,
    Variant,
)
from tests.api.conftest import (
    Caller,
    design_body,
    hypothesis_body,
    metric_body,
    segment_body,
)

ONCE = {"Idempotency-Key": "7b1c"}


def test_creation__repeated_with_its_key__answers_the_same_once(
    api: Caller, context: Context
) -> None:
    first = api.post("/metrics", metric_body(), headers=ONCE)
    again = api.post("/metrics", metric_body(), headers=ONCE)
    assert first.status_code == 201
    assert (again.status_code, again.data) == (201, first.data)
    with transaction(context.sessions) as session:
        assert len(metrics.listing(session)) == 1


def test_creation__other_body_same_key__is_a_conflict(api: Caller) -> None:
    api.post("/metrics", metric_body(), headers=ONCE)
    other = api.post("/metrics", metric_body(key="other"), headers=ONCE)
    assert (other.status_code, other.json["code"]) == (409, "conflict")
    assert set(other.json["fields"]) == {"Idempotency-Key"}


def test_creation__refused_first__can_be_repeated_with_its_key(api: Caller) -> None:
    taken = api.post("/metrics", metric_body(key="a b"), headers=ONCE)
    assert taken.status_code == 422
    assert api.post("/metrics", metric_body(), headers=ONCE).status_code == 201


def test_creation__of_another_caller__does_not_see_the_answer(
    api: Caller, context: Context
) -> None:
    api.post("/metrics", metric_body(), headers=ONCE)
    made = api.post("/keys", {"name": "Other", "kind": "admin"})
    other = Caller(api.client, made.json["key"])
    answer = other.post("/metrics", metric_body(), headers=ONCE)
    assert answer.status_code == 409
    with transaction(context.sessions) as session:
        assert len(metrics.listing(session)) == 1


def test_key_creation__repeated__does_not_show_nor_keep_the_secret(
    api: Caller, context: Context
) -> None:
    body = {"name": "Shop", "kind": "server", "environment": "development"}
    first = api.post("/keys", body, headers=ONCE)
    again = api.post("/keys", body, headers=ONCE)
    text = first.json["key"]
    assert text.startswith("abide_server_dev_")
    assert again.json == {**first.json, "key": None}
    with transaction(context.sessions) as session:
        kept = session.scalars(select(IdempotentAnswer.body)).all()
    assert len(kept) == 1
    assert text.encode() not in kept[0]
    assert hashlib.sha256(text.encode()).hexdigest().encode() not in kept[0]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("key", ["", "a" * 256, "\xe4", "tab\there"])
def test_idempotency_key__malformed__is_refused(api: Caller, key: str) -> None:
    answer = api.post("/metrics", metric_body(), headers={"Idempotency-Key": key})
    assert (answer.status_code, set(answer.json["fields"])) == (
        422,
        {"Idempotency-Key"},
    )


def test_creation__taken_key__is_a_conflict_by_field(api: Caller) -> None:
    api.post("/segments", segment_body())
    answer = api.post("/segments", segment_body())
    assert (answer.status_code, answer.json["fields"]) == (
        409,
        {"key": "This key is taken."},
    )


def test_list__walked_page_by_page__gives_each_once_in_order(api: Caller) -> None:
    keys = [f"m{number}" for number in range(5)]
    for key in reversed(keys):
        api.post("/metrics", metric_body(key=key))
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = api.get(f"/metrics?limit=2{cursor}").json
        seen += [item["key"] for item in answer["items"]]
        following = answer["next_cursor"]
        cursor = None if following is None else f"&cursor={following}"
    assert seen == keys


def test_audit__walked_page_by_page__gives_each_once(api: Caller) -> None:
    for number in range(3):
        api.post("/metrics", metric_body(key=f"m{number}"))
    everything = [item["id"] for item in api.get("/audit").json["items"]]
    seen: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = api.get(f"/audit?limit=2{cursor}").json
        seen += [item["id"] for item in answer["items"]]
        following = answer["next_cursor"]
        cursor = None if following is None else f"&cursor={following}"
    assert seen == everything
    assert seen == sorted(seen, reverse=True)


def columns(*tables: type[Base]) -> set[str]:
    return {column.name for table in tables for column in table.__table__.columns}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("path", "body", "tables"),
    [
        ("/segments", segment_body(key="x"), (Segment, SegmentVersion)),
        (
            "/metrics",
            metric_body(key="x", owner="", default_margin=None),
            (Metric, MetricVersion),
        ),
        (
            "/hypotheses",
            hypothesis_body(key="x", effort_weeks=None),
            (HypothesisRow,),
        ),
        ("/experiments", design_body(key="x"), (Experiment, Variant)),
    ],
)
@pytest.mark.usefixtures("drafted")
def test_column__not_of_the_schema__cannot_be_assigned(
    api: Caller, path: str, body: dict[str, Any], tables: tuple[type[Base], ...]
) -> None:
    # promises.md S5: each model column, added to the body, is refused.
    foreign = sorted(columns(*tables) - set(body))
    assert {"id", "created_at"} & set(foreign)
    for column in [*foreign, "role", "locked_at", "owner", "__class__"]:
        answer = api.post(path, {**body, column: 1})
        assert (answer.status_code, column in answer.json["fields"]) == (422, True)
    assert api.get(f"{path}/x").status_code == 404
