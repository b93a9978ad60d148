"""What customers write in surveys of others, kept as the comments of our own."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from analysis.compactor import compact_once
from experiments import connectors
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import InvalidInput
from experiments.inbox import Inbox
from experiments.models import SurveyComment
from experiments.vocabulary import ConnectorKind
from tests.api.hook_doors import Hooks, register, replay, save_mapping
from tests.clock import FakeClock
from tests.experiments.vendor_bodies import delighted, intercom, typeform

MAPPING: dict[str, Any] = {
    "facts": [
        {
            "event": "CSAT Submitted",
            "customer": "who",
            "score": "score",
            "scale": 5,
            "survey": {"is": "desk"},
            "comment": "words",
        },
    ]
}
BODY = {
    "who": "customer-17",
    "score": 4,
    "words": " I am customer-17: eve@example.com \ud83d\ude00 ",
}


@pytest.fixture
def hooks(context: Context) -> Iterator[Hooks]:
    inbox = Inbox.for_settings(context.settings)
    yield Hooks(context, inbox)
    inbox.close()


def comments(context: Context) -> list[SurveyComment]:
    compact_once(context)
    with transaction(context.sessions) as session:
        order = SurveyComment.survey, SurveyComment.written_at
        return list(session.scalars(select(SurveyComment).order_by(*order)))


def test_comments__of_vendors__stand_beside_their_scores(
    context: Context, hooks: Hooks
) -> None:
    body = typeform()
    body["form_response"]["answers"].append(
        {"type": "text", "text": "Nice form", "field": {"ref": "comment"}}
    )
    for kind, sent in (
        (ConnectorKind.INTERCOM, intercom()),
        (ConnectorKind.TYPEFORM, body),
        (ConnectorKind.DELIGHTED, delighted()),
    ):
        row = register(context, kind)
        for _ in range(2):
            assert hooks.send(row, sent).status_code == 200

    assert [(one.survey, one.text) for one in comments(context)] == [
        ("delighted", "Fast and flawless!"),
        ("intercom", "Quick, thanks"),
        ("lT4Z3j", "Nice form"),
    ]


def test_comment__with_ids_and_addresses__is_cleared_of_them(
    context: Context, hooks: Hooks
) -> None:
    row = register(context)
    save_mapping(context, row, MAPPING)
    hooks.send(row, BODY)
    hooks.send(row, {**BODY, "who": "other", "words": None})  # wrote nothing

    (one,) = comments(context)
    assert one.text == "I am [removed]: [removed] \U0001f600"


def test_comment__of_a_body_that_waited__is_of_when_it_came(
    context: Context, hooks: Hooks, now: FakeClock
) -> None:
    row = register(context)
    hooks.send(row, BODY)
    came_at = now()
    assert comments(context) == []
    now.advance(days=2)
    save_mapping(context, row, MAPPING)
    assert replay(context, row).stored_count == 1

    (one,) = comments(context)
    assert one.written_at == came_at


def test_comment__of_a_body_with_a_wrong_score__waits_with_it(
    context: Context, hooks: Hooks
) -> None:
    row = register(context)
    both = [*MAPPING["facts"], {**MAPPING["facts"][0], "score": "second"}]
    save_mapping(context, row, {"facts": both})
    hooks.send(row, {**BODY, "second": 9})

    assert comments(context) == []


def test_comment__of_what_is_no_answer__is_refused() -> None:
    fact = {"event": "Support Contact Opened", "customer": "who", "comment": "words"}
    with pytest.raises(InvalidInput) as refused:
        connectors.check_mapping({"facts": [fact]})
    assert "mapping.facts.0.comment" in refused.value.fields
