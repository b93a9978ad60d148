# ruff: noqa: ANN401  # JSON is any of its types
"""What a mapping makes of a body, and which mappings there cannot be."""

from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.body_mapping import Unmapped, parse
from experiments.connector_presets import EXAMPLE, PRESETS
from experiments.connectors import check_mapping
from experiments.errors import InvalidInput
from experiments.events import Envelope, read_messages
from experiments.parcels import EventRow
from experiments.vocabulary import ConnectorKind
from tests.experiments.sent_messages import HIDE, NOW, SENDER
from tests.experiments.vendor_bodies import delighted, intercom, typeform, zendesk

NINE_US = 1_773_478_800_000_000  # 2026-03-14T09:00:00Z, see vendor_bodies.AT


def messages(mapping: Any, body: Any) -> list[dict[str, Any]]:
    return check_mapping(mapping).messages(body, orjson.dumps(body))


def facts(kind: ConnectorKind, body: Any) -> list[EventRow]:
    """Read a body by the vendor's own mapping, as far as the rows."""
    parcel = read_messages(
        messages(PRESETS[kind], body), SENDER, Envelope(NOW, kind="track"), HIDE
    )
    assert not parcel.quarantined, parcel.quarantined
    return [EventRow(*fields) for fields in parcel.rows]


@pytest.mark.parametrize(
    ("kind", "body", "said", "customer"),
    [
        (
            ConnectorKind.INTERCOM,
            intercom(),
            ("survey_answer", "intercom", 4.0, 5),
            "u1",
        ),
        (
            ConnectorKind.INTERCOM,
            intercom("conversation.user.created"),
            ("activity", "Support Contact Opened", None, None),
            "u1",
        ),
        (
            ConnectorKind.INTERCOM,
            intercom("conversation.admin.closed"),
            ("activity", "Support Contact Resolved", None, None),
            "u1",
        ),
        (
            ConnectorKind.ZENDESK,
            zendesk("csat_requested"),
            ("survey_request", "zendesk", None, None),
            "8447388090494",
        ),
        (
            ConnectorKind.ZENDESK,
            zendesk("csat_received", {"satisfaction_score": {"score": "GOOD"}}),
            ("survey_answer", "zendesk", 2.0, 2),
            "8447388090494",
        ),
        (
            ConnectorKind.ZENDESK,
            zendesk("csat_received", {"satisfaction_score": "BAD"}),
            ("survey_answer", "zendesk", 1.0, 2),
            "8447388090494",
        ),
        (
            ConnectorKind.ZENDESK,
            zendesk("created"),
            ("activity", "Support Contact Opened", None, None),
            "8447388090494",
        ),
        (
            ConnectorKind.ZENDESK,
            zendesk("status_changed", {"current": "SOLVED", "previous": "OPEN"}),
            ("activity", "Support Contact Resolved", None, None),
            "8447388090494",
        ),
        (
            ConnectorKind.TYPEFORM,
            typeform(),
            ("survey_answer", "lT4Z3j", 5.0, 5),
            "u1",
        ),
        (
            ConnectorKind.DELIGHTED,
            delighted(),
            ("survey_answer", "delighted", 4.0, 5),
            "u1",
        ),
        (
            ConnectorKind.DELIGHTED,
            delighted("nps", 9),
            ("nps_answer", "delighted", 9.0, 10),
            "u1",
        ),
        (
            ConnectorKind.DELIGHTED,
            delighted("ces", 2),
            ("ces_answer", "delighted", 2.0, 5),
            "u1",
        ),
    ],
)
def test_preset__documented_body__gives_the_fact(
    kind: ConnectorKind, body: Any, said: tuple[Any, ...], customer: str
) -> None:
    (row,) = facts(kind, body)
    assert (row.kind, row.name, row.value, row.scale) == said
    assert row.customer == HIDE.customer(customer)
    assert row.occurred_us == NINE_US


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (ConnectorKind.INTERCOM, {**intercom("ping"), "data": {}}),
        (ConnectorKind.ZENDESK, zendesk("status_changed", {"current": "OPEN"})),
        (ConnectorKind.DELIGHTED, {"event_type": "unsubscribe.created"}),
    ],
)
def test_preset__body_without_a_fact__is_skipped(
    kind: ConnectorKind, body: Any
) -> None:
    assert facts(kind, body) == []


@pytest.mark.parametrize(
    ("kind", "body", "why"),
    [
        (ConnectorKind.INTERCOM, intercom("contact.created"), "No fact"),
        (ConnectorKind.INTERCOM, intercom(contacts={}), "customer: nothing stands at"),
        (
            ConnectorKind.INTERCOM,
            intercom(conversation_rating={"rating": None}),
            "score: nothing stands at data.item.conversation_rating.rating",
        ),
        (
            ConnectorKind.ZENDESK,
            zendesk("csat_received", {"satisfaction_score": "OFFERED"}),
            "score: the table has no line",
        ),
        (
            ConnectorKind.DELIGHTED,
            delighted(score="nine"),  # type: ignore[arg-type]
            "score: what stands at event_data.score is no number",
        ),
        (
            ConnectorKind.DELIGHTED,
            delighted(updated_at="soon"),
            "occurred_at: what stands at",
        ),
        (ConnectorKind.DELIGHTED, delighted(score=[4]), "is no plain value"),  # type: ignore[arg-type]
    ],
)
def test_body__that_does_not_fit__says_where_and_never_what(
    kind: ConnectorKind, body: Any, why: str
) -> None:
    with pytest.raises(Unmapped) as found:
        messages(PRESETS[kind], body)
    assert why in found.value.detail
    for value in ("u1", "nine", "soon", "OFFERED", "charlie"):
        assert value not in found.value.detail


def test_message_id__of_a_repeated_delivery__is_the_same() -> None:
    first, again = intercom(), {**intercom(), "delivery_attempts": 2}
    preset = PRESETS[ConnectorKind.INTERCOM]
    assert messages(preset, first) == messages(preset, again)
    other = {**intercom(), "id": "notif_2"}
    assert (
        messages(preset, other)[0]["messageId"]
        != messages(preset, first)[0]["messageId"]
    )


def test_message_id__without_one__is_the_body_itself() -> None:
    mapping = {"facts": [{"event": "Called", "customer": "who"}]}
    (first,), (again,) = (messages(mapping, {"who": "u1"}) for _ in range(2))
    (other,) = messages(mapping, {"who": "u2"})
    assert first == again
    assert first["messageId"] != other["messageId"]


def test_mapping__of_one_body__may_give_several_facts_with_ids_of_their_own() -> None:
    mapping = {
        "facts": [
            {
                "event": "Support Contact Resolved",
                "customer": "who",
                "message_id": "id",
            },
            {
                "event": "First Contact Resolved",
                "when": {"reopened": 0},
                "customer": "who",
                "message_id": "id",
            },
        ]
    }
    both = messages(mapping, {"who": "u1", "id": 7, "reopened": 0})
    assert [one["event"] for one in both] == [
        "Support Contact Resolved",
        "First Contact Resolved",
    ]
    assert len({one["messageId"] for one in both}) == 2
    assert len(messages(mapping, {"who": "u1", "id": 7, "reopened": 1})) == 1


@pytest.mark.parametrize(
    "moment",
    [1_773_478_800, 1_773_478_800_000, "1773478800", "2026-03-14T10:00:00+01:00"],
)
def test_occurred_at__however_written__is_that_moment(moment: object) -> None:
    (message,) = messages(
        {"facts": [{"event": "Called", "customer": "who", "occurred_at": "at"}]},
        {"who": "u1", "at": moment},
    )
    row = read_messages([message], SENDER, Envelope(NOW, kind="track"), HIDE).rows[0]
    assert EventRow(*row).occurred_us == NINE_US


def fact(**parts: Any) -> dict[str, Any]:
    return {
        "facts": [{"event": "CSAT Submitted", "customer": "c", "score": "s", **parts}]
    }


@pytest.mark.parametrize(
    ("mapping", "field"),
    [
        ([], "mapping"),
        ({}, "mapping.facts"),
        ({"facts": []}, "mapping.facts"),
        ({"facts": ["x"]}, "mapping.facts.0"),
        ({"facts": [{}]}, "mapping.facts.0.event"),
        ({**fact(), "scip": []}, "mapping.scip"),
        (fact(scoer="s"), "mapping.facts.0.scoer"),
        (fact(customer="a..b"), "mapping.facts.0.customer"),
        (fact(score={"at": "s", "is": 1}), "mapping.facts.0.score"),
        (fact(score={"at": "s", "table": {}}), "mapping.facts.0.score"),
        (fact(score={"at": []}), "mapping.facts.0.score"),
        (fact(score={"is": None}), "mapping.facts.0.score"),
        (fact(score=None), "mapping.facts.0.score"),
        (fact(when=["x"]), "mapping.facts.0.when"),
        (fact(when={"a": []}), "mapping.facts.0.when.a"),
        (fact(when={"a": {"exists": 1}}), "mapping.facts.0.when.a"),
        (
            {"facts": [{"event": "CSAT Submitted", "customer": "c"}]},
            "mapping.facts.0.score",
        ),
        ({"facts": [{"event": "Called", "score": "s"}]}, "mapping.facts.0.customer"),
        (
            {"facts": [{"event": "Called", "customer": "c", "score": "s"}]},
            "mapping.facts.0.score",
        ),
        (
            {"facts": [{"event": "Experiment Viewed", "customer": "c"}]},
            "mapping.facts.0.event",
        ),
        (fact(survey="x" * 40_000), "mapping"),
        (fact(event="Did for bob@canary.example"), "mapping.facts.0.event"),
        (fact(survey={"is": "+49 171 5551234"}), "mapping.facts.0.survey"),
        (
            fact(survey={"at": "s", "table": {"1": "of bob@canary.example"}}),
            "mapping.facts.0.survey",
        ),
    ],
)
def test_mapping__that_cannot_be__is_refused_at_its_field(
    mapping: Any, field: str
) -> None:
    with pytest.raises(InvalidInput) as found:
        check_mapping(mapping)
    assert field in found.value.fields, found.value.fields


@pytest.mark.parametrize("kind", ConnectorKind)
def test_preset__of_each_vendor__is_a_mapping(kind: ConnectorKind) -> None:
    check_mapping(PRESETS[kind] or EXAMPLE)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(JSON)
def test_mapping__any_json__is_read_or_refused(document: Any) -> None:
    for mapping in (
        document,
        {"facts": [document]},
        fact(score=document, when=document),
    ):
        with suppress(InvalidInput):
            parse(mapping)


@given(st.dictionaries(st.sampled_from(["c", "s", "t", "m"]), JSON))
def test_body__of_any_shape__gives_messages_or_words(body: Any) -> None:
    mapping = parse(fact(occurred_at="t", message_id="m", scale={"at": ["s"]}))
    with suppress(Unmapped):
        found = mapping.messages(body, b"x")
        read_messages(found, SENDER, Envelope(NOW, kind="track"), HIDE)
