"""What becomes of each kind of message."""

from typing import Any

import orjson
import pytest

from experiments.parcels import EventRow
from experiments.vocabulary import QuarantineReason
from tests.experiments.sent_messages import HIDE, NOW_US, aside, read, row, rows, track


def test_parcel__of_a_request__names_source_key_and_arrival() -> None:
    parcel = read(track())
    assert (parcel.source, parcel.environment) == ("src1", "production")
    assert (parcel.key_id, parcel.received_us) == (HIDE.key_id, NOW_US)


def test_track__of_any_event__is_activity_of_the_customer() -> None:
    event = row(track("Song Played"))
    assert (event.kind, event.name) == ("activity", "Song Played")
    assert event.customer == HIDE.customer("u1")
    assert event.anonymous is None
    assert event.message_id == HIDE.message("src1", b"m1")


def test_track__without_user__is_of_the_anonymous_visitor() -> None:
    event = row(track(userId=None, anonymousId="a1"))
    assert event.customer == event.anonymous == HIDE.anonymous("a1")


def test_track__with_both_ids__keeps_both() -> None:
    event = row(track(anonymousId="a1"))
    assert event.customer == HIDE.customer("u1")
    assert event.anonymous == HIDE.anonymous("a1")


def test_whole_number_as_id__counts_as_its_text() -> None:
    assert row(track(userId=17)).customer == HIDE.customer("17")


def test_track__with_properties__keeps_the_listed_and_counts_the_rest() -> None:
    properties = {"seats": 3, "plan": "pro", "page": "x", "value": 9.5}
    parcel = read(track(properties=properties))
    event = EventRow(*parcel.rows[0])
    assert orjson.loads(event.properties or "") == {"plan": "pro", "seats": 3}
    assert event.value == 9.5
    assert parcel.unlisted_values == 2  # page, and value as an attribute


@pytest.mark.parametrize(
    "value",
    ["ada@example.com", "u1", {"a": 1}, ["pro"], "x" * 201, 2**60, "+49 30 1234567"],
)
def test_listed_attribute__that_is_personal_or_not_plain__is_refused(
    value: object,
) -> None:
    parcel = read(track(properties={"email": value, "plan": None}))
    assert EventRow(*parcel.rows[0]).properties == '{"plan":null}'
    assert parcel.personal_values == 1


@pytest.mark.parametrize(
    ("event", "properties"),
    [
        ("Experiment Viewed", {"experimentId": "nudge", "variationId": "b"}),
        ("experiment viewed", {"experiment_id": "nudge", "variation_id": "b"}),
        ("experiment_viewed", {"experiment_id": "nudge", "variation_id": "b"}),
        # What GrowthBook's Python client sends: an index, and the name as a key.
        (
            "$$experiment_viewed",
            {"experiment_id": "nudge", "variation_id": 1, "variation_key": "b"},
        ),
        ("Experiment Viewed", {"experiment": "nudge", "variant": "b"}),
    ],
)
def test_exposure__in_each_spelling__names_experiment_and_variant(
    event: str, properties: dict[str, Any]
) -> None:
    found = row(track(event, properties=properties))
    assert (found.kind, found.name) == ("exposure", "Experiment Viewed")
    assert (found.experiment, found.variant) == ("nudge", "b")


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"experimentId": "nudge"},
        {"variationId": "b"},
        {"experimentId": "nudge", "variationId": ""},
        {"experimentId": "nudge", "variationId": None},
        {"experimentId": "nudge", "variationId": True},
        {"experimentId": "nudge", "variationId": "two words"},
        {"experimentId": ["nudge"], "variationId": "b"},
        {"experimentId": "x" * 65, "variationId": "b"},
    ],
)
def test_exposure__without_usable_names__is_set_aside(
    properties: dict[str, Any],
) -> None:
    found = aside(track("Experiment Viewed", properties=properties))
    assert found.reason == QuarantineReason.INVALID_EXPOSURE


def test_survey__asked_and_answered__are_two_facts() -> None:
    asked = row(track("CSAT Requested", properties={"surveyId": "nps-1"}))
    assert (asked.kind, asked.name, asked.value) == ("survey_request", "nps-1", None)
    said = {"score": 4, "scale": 5, "survey": "nps-1", "comment": "Ada was kind"}
    answer = row(track("CSAT Submitted", properties=said))
    assert (answer.kind, answer.name) == ("survey_answer", "nps-1")
    assert (answer.value, answer.scale, answer.properties) == (4.0, 5, None)


@pytest.mark.parametrize(
    ("event", "properties", "expected"),
    [
        ("NPS Requested", {"survey": "q2"}, ("nps_request", None, None)),
        ("NPS Submitted", {"score": 0}, ("nps_answer", 0, 10)),
        ("nps submitted", {"score": 10, "scale": "0-10"}, ("nps_answer", 10, 10)),
        ("CES Requested", {}, ("ces_request", None, None)),
        ("CES Submitted", {"score": 7, "scale": 7}, ("ces_answer", 7, 7)),
        ("CES Submitted", {"score": 2, "scale": "1-5"}, ("ces_answer", 2, 5)),
        ("CSAT Submitted", {"score": 0, "scale": 10}, ("survey_answer", 0, 10)),
        ("CSAT Submitted", {"score": 0, "scale": "0-4"}, ("survey_answer", 0, 4)),
        ("CSAT Submitted", {"score": 62, "scale": 100}, ("survey_answer", 62, 100)),
    ],
)
def test_survey__of_each_kind__keeps_the_raw_score_beside_its_scale(
    event: str,
    properties: dict[str, Any],
    expected: tuple[str, float | None, int | None],
) -> None:
    found = row(track(event, properties=properties))
    assert (found.kind, found.value, found.scale) == expected


@pytest.mark.parametrize(
    ("event", "properties", "words"),
    [
        ("NPS Submitted", {"score": 11}, "from 0 to 10"),
        ("NPS Submitted", {"score": 7.5}, "whole number from 0 to 10"),
        ("NPS Submitted", {"score": 4, "scale": 5}, "NPS is answered from 0 to 10"),
        ("CES Submitted", {"score": 0, "scale": 7}, "from 1 to 7"),
        ("CES Submitted", {"score": 8, "scale": 7}, "from 1 to 7"),
        ("CSAT Submitted", {"score": 0, "scale": 5}, "from 1 to 5"),
        ("CSAT Submitted", {"score": 0, "scale": "1-10"}, "from 1 to 10"),
        ("CSAT Submitted", {"score": 3, "scale": "2-5"}, "scale must be"),
        ("CSAT Submitted", {"score": 3, "scale": True}, "scale must be"),
    ],
)
def test_survey_answer__off_its_scale__is_set_aside_with_the_scale(
    event: str, properties: dict[str, Any], words: str
) -> None:
    found = aside(track(event, properties=properties))
    assert found.reason == QuarantineReason.INVALID_SCORE
    assert words in found.detail


def test_survey__without_name_and_scale__leaves_them_open() -> None:
    answer = row(track("CSAT Submitted", properties={"score": 4.5}))
    assert (answer.name, answer.value, answer.scale) == ("", 4.5, None)


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"score": None},
        {"score": "4"},
        {"score": True},
        {"score": 6, "scale": 5},
        {"score": -1, "scale": 5},
        {"score": 101},
        {"score": 4, "scale": 1},
        {"score": 4, "scale": 4.5},
        {"score": 4, "scale": "5"},
        {"score": 4, "scale": 101},
    ],
)
def test_survey_answer__without_usable_score__is_set_aside(
    properties: dict[str, Any],
) -> None:
    found = aside(track("CSAT Submitted", properties=properties))
    assert found.reason == QuarantineReason.INVALID_SCORE


def test_identify__with_both_ids__gives_attributes_and_an_identity() -> None:
    message = {
        "type": "identify",
        "messageId": "m1",
        "userId": "u1",
        "anonymousId": "a1",
        "traits": {"plan": "pro", "name": "Ada"},
    }
    attributes, identity = rows(message)
    assert (attributes.kind, attributes.name) == ("attributes", "identify")
    assert attributes.properties == '{"plan":"pro"}'
    assert (identity.kind, identity.name) == ("identity", "identify")
    assert identity.customer == HIDE.customer("u1")
    assert identity.anonymous == HIDE.anonymous("a1")
    assert identity.message_id != attributes.message_id


def test_identify__with_one_id__gives_attributes_only() -> None:
    event = row({"type": "identify", "userId": "u1", "traits": {"plan": "pro"}})
    assert (event.kind, event.properties) == ("attributes", '{"plan":"pro"}')


def test_group__of_a_customer__ties_it_to_an_account() -> None:
    event = row({"type": "group", "userId": "u1", "groupId": "g1"})
    assert (event.kind, event.name) == ("identity", "group")
    assert event.account == HIDE.account("g1")


def test_alias__of_an_id_of_unknown_kind__ties_both_kinds() -> None:
    found = rows({"type": "alias", "userId": "u1", "previousId": "p1"})
    assert {event.anonymous for event in found} == {
        HIDE.anonymous("p1"),
        HIDE.customer("p1"),
    }
    assert {event.customer for event in found} == {HIDE.customer("u1")}
    assert len({event.message_id for event in found}) == 2


@pytest.mark.parametrize(
    ("kind", "name"), [("page", "Page Viewed"), ("screen", "Screen Viewed")]
)
def test_page__of_any_name__is_activity_without_that_name(kind: str, name: str) -> None:
    event = row({"type": kind, "userId": "u1", "name": "/customers/ada"})
    assert (event.kind, event.name, event.properties) == ("activity", name, None)


def test_type__of_the_path__comes_before_that_of_the_message() -> None:
    event = row(track(), kind="page")
    assert event.name == "Page Viewed"


@pytest.mark.parametrize(
    "said",
    [
        {"consent": False},
        {"context": {"consent": False}},
        {"context": {"consent": {"categoryPreferences": {"a": False, "b": False}}}},
        {"properties": {"consent": False}},
        {"context": {"traits": {"consent": False}}},
        {"context": {"consent": "false"}},
        {"context": {"consent": "No"}},
        {"context": {"consent": 0}},
        {"context": {"consent": {"granted": False}}},
        {"context": {"consent": {"categoryPreferences": {"a": "no"}}}},
        {"context": {"consent": {"categoryPreferences": "none"}}},
        {"traits": {"consent": "False"}},
    ],
)
def test_consent__that_is_refused__leaves_nothing_but_a_count(
    said: dict[str, Any],
) -> None:
    parcel = read(track(**said), track("\x00", **said))
    assert parcel.consent_refused == 1
    assert not parcel.rows
    # What cannot even be read is set aside, masked, for whoever sends it to repair.
    assert len(parcel.quarantined) == 1


def test_consent__refused_for_the_whole_batch__counts_for_each() -> None:
    parcel = read(track(), track(messageId="m2"), context={"consent": False})
    assert (parcel.consent_refused, len(parcel.rows)) == (2, 0)


@pytest.mark.parametrize(
    "said",
    [
        {"consent": True},
        {"context": {"consent": {"categoryPreferences": {"a": True, "b": False}}}},
        {"context": {"consent": {"categoryPreferences": {}}}},
        {"context": {"consent": None}},
        {"context": {"consent": "true", "traits": {"consent": 1}}},
        {"context": "none"},
    ],
)
def test_consent__that_is_not_refused__stores_the_message(said: dict[str, Any]) -> None:
    assert len(read(track(**said)).rows) == 1


def test_own_consent__of_a_message__comes_before_the_batchs() -> None:
    message = track(context={"consent": True})
    assert len(read(message, context={"consent": False}).rows) == 1
    silent = track(context={"consent": None})
    assert not read(silent, context={"consent": False}).rows
