from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from experiments import audit, hypotheses, lifecycle
from experiments.actors import SYSTEM, Actor
from experiments.db import transaction
from experiments.errors import Conflict, Forbidden, InvalidInput, NotFound
from experiments.hypothesis import Forecast
from experiments.vocabulary import Action, Direction, Evidence, PersonRole
from tests import factories
from tests.factories import HYPOTHESIS, NOW

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def ada(sessions: sessionmaker[Session]) -> Actor:
    with transaction(sessions) as session:
        return factories.make_actor(session)


def test_create__complete__reads_back_equal(
    sessions: sessionmaker[Session], ada: Actor
) -> None:
    with transaction(sessions) as session:
        factories.make_hypothesis(session, ada, title="Zoë's idea \U0001f642")
    with sessions() as session:
        row = hypotheses.get(session, HYPOTHESIS)
        (entry,) = audit.entries(session, subject_kind="hypothesis")
    assert hypotheses.to_value(row) == factories.hypothesis_value(
        title="Zoë's idea \U0001f642"
    )
    assert (row.revision, row.owner.name, row.created_at) == (1, "Ada", NOW)
    assert entry.actor == ada.label
    assert entry.after is not None
    assert entry.after["forecast"]["lift_mid"] == 0.02


def test_update__current_revision__is_saved_and_only_changes_are_audited(
    sessions: sessionmaker[Session], ada: Actor
) -> None:
    changed = factories.hypothesis_value(
        if_up="Ship it.",
        evidence=Evidence.EARLIER_EXPERIMENT,
        direction=Direction.DECREASE,
        forecast=Forecast(0, 0.01, 0.02, 0.5),
        metric=factories.CSAT,
    )
    with transaction(sessions) as session:
        factories.make_hypothesis(session, ada)
        factories.make_metric(session, factories.CSAT)
        hypotheses.update(session, changed, 1, ada, LATER)
    with sessions() as session:
        row = hypotheses.get(session, HYPOTHESIS)
        entry = audit.entries(session, subject_kind="hypothesis")[0]
    assert hypotheses.to_value(row) == changed
    assert (row.revision, row.created_at, row.updated_at) == (2, NOW, LATER)
    assert entry.before is not None
    assert set(entry.before) == {
        "if_up",
        "evidence",
        "direction",
        "forecast",
        "metric",
    }
    assert entry.before["if_up"] == "Show it to everybody."


def test_create__without_a_forecast__is_kept_and_read_without_one(
    sessions: sessionmaker[Session], ada: Actor
) -> None:
    with transaction(sessions) as session:
        factories.make_hypothesis(session, ada, forecast=None)
    with sessions() as session:
        value = hypotheses.to_value(hypotheses.get(session, HYPOTHESIS))
    assert value == factories.hypothesis_value(forecast=None)


def test_check__change_beyond_any_scale__is_told_the_limit() -> None:
    with pytest.raises(InvalidInput) as refused:
        factories.hypothesis_value(expected_change=1e300).check()
    assert refused.value.fields == {
        "expected_change": "Enter a number up to 1,000,000."
    }


def test_update__stale_revision__is_a_conflict_that_names_both(
    sessions: sessionmaker[Session], ada: Actor
) -> None:
    with transaction(sessions) as session:
        factories.make_hypothesis(session, ada)
        first = factories.hypothesis_value(title="First")
        hypotheses.update(session, first, 1, ada, NOW)
    second = factories.hypothesis_value(title="Second")
    with transaction(sessions) as session, pytest.raises(Conflict) as refusal:
        hypotheses.update(session, second, 1, ada, NOW)
    assert refusal.value.fields == {"revision": "You edited 1; 2 is stored."}
    with sessions() as session:
        assert hypotheses.get(session, HYPOTHESIS).title == "First"


def test_update__while_its_experiment_is_in_review__is_a_conflict(
    sessions: sessionmaker[Session], ada: Actor
) -> None:
    with transaction(sessions) as session:
        experiment = factories.make_experiment(session, ada)
        lifecycle.transition(session, experiment.key, Action.SUBMIT, ada, NOW)
    with (
        transaction(sessions) as session,
        pytest.raises(Conflict, match="in review"),
    ):
        hypotheses.update(session, factories.hypothesis_value(title="New"), 1, ada, NOW)


@SQLITE
@pytest.mark.parametrize("field", ["segment", "metric", "journey_stage"])
@pytest.mark.parametrize("key", ["nowhere", "", "\x00", "\ud800"])
def test_create__reference_to_nothing__is_named(
    sessions: sessionmaker[Session], ada: Actor, field: str, key: str
) -> None:
    with transaction(sessions) as session:
        factories.make_hypothesis(session, ada)
        value = factories.hypothesis_value(key="other", **{field: key})
        with pytest.raises(InvalidInput) as refusal:
            hypotheses.create(session, value, ada, NOW)
    assert list(refusal.value.fields) == [field]


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"key": "a/b"}, ["key"]),
        ({"title": ""}, ["title"]),
        ({"title": "x" * 201}, ["title"]),
        ({"evidence_text": "\x00"}, ["evidence_text"]),
        ({"change": "half \ud800"}, ["change"]),
        ({"friction_point": " "}, ["friction_point"]),
        ({"if_up": "", "if_down": ""}, ["if_up", "if_down"]),
        ({"expected_change": 0}, ["expected_change"]),
        ({"expected_change": -0.1}, ["expected_change"]),
        ({"expected_change": NAN}, ["expected_change"]),
        ({"expected_change": INF}, ["expected_change"]),
        ({"expected_change": 10**400}, ["expected_change"]),
        ({"forecast": Forecast(0.1, 0.0, 0.2, 0.5)}, ["forecast.lift_mid"]),
        ({"forecast": Forecast(NAN, 0.0, 0.2, 0.5)}, ["forecast.lift_low"]),
        ({"forecast": Forecast(0, 0, 0, 1.01)}, ["forecast.ship_probability"]),
        ({"forecast": Forecast(-2, 0, 20, 0.5)}, ["forecast.lift_low"]),
    ],
)
def test_check__fault__is_named(changes: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(InvalidInput) as refusal:
        factories.hypothesis_value(**changes).check()
    assert set(fields) <= set(refusal.value.fields)


@SQLITE
def test_create__share_that_would_change_by_all_of_it__is_refused_at_its_field(
    sessions: sessionmaker[Session], ada: Actor
) -> None:
    with transaction(sessions) as session, pytest.raises(InvalidInput) as refusal:
        factories.make_hypothesis(session, ada, expected_change=1.0)
    assert set(refusal.value.fields) == {"expected_change"}


@SQLITE
def test_create__taken_key__is_a_conflict(
    sessions: sessionmaker[Session], ada: Actor
) -> None:
    with transaction(sessions) as session:
        factories.make_hypothesis(session, ada)
        with pytest.raises(Conflict):
            factories.make_hypothesis(session, ada)


@SQLITE
def test_changes__below_editor_or_without_person__are_refused(
    sessions: sessionmaker[Session], ada: Actor
) -> None:
    with transaction(sessions) as session:
        ann = factories.make_actor(session, "Ann", PersonRole.ANALYST)
        row = factories.make_hypothesis(session, ada)
        value = hypotheses.to_value(row)
        with pytest.raises(Forbidden):
            hypotheses.create(session, value, ann, NOW)
        with pytest.raises(Forbidden):
            hypotheses.update(session, value, 1, ann, NOW)
        with pytest.raises(InvalidInput, match="owner"):
            hypotheses.create(session, value, SYSTEM, NOW)


@SQLITE
@pytest.mark.parametrize("key", ["nowhere", "", "\x00", "\ud800"])
def test_get__unknown__is_not_found(sessions: sessionmaker[Session], key: str) -> None:
    with sessions() as session, pytest.raises(NotFound):
        hypotheses.get(session, key)


@SQLITE
def test_listing__pages__are_readable_after_the_session(
    sessions: sessionmaker[Session], ada: Actor
) -> None:
    with transaction(sessions) as session:
        for key in ("a", "b", "c"):
            factories.make_hypothesis(session, ada, key=key)
    with sessions() as session:
        first = hypotheses.listing(session, limit=2)
        rest = hypotheses.listing(session, after_key="b", limit=2)
    assert [hypotheses.to_value(r).key for r in (*first, *rest)] == ["a", "b", "c"]
