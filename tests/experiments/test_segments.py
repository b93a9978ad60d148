from typing import Any

import orjson
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from experiments import audit, segments
from experiments.actors import SYSTEM
from experiments.db import transaction
from experiments.errors import Conflict, Forbidden, InvalidInput, NotFound
from experiments.models import Attribute, RulesetRow
from experiments.vocabulary import PersonRole
from tests import factories
from tests.factories import NOW, SEGMENT

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
TENURED = {
    "plan": {"$in": ["pro", "business"]},
    "tenure_days": {"$exists": True, "$gte": 30},
}


def allowed(sessions: sessionmaker[Session]) -> list[str]:
    """Attributes that the newest ruleset lets intake store."""
    with sessions() as session:
        body = session.scalars(
            select(RulesetRow.body).order_by(RulesetRow.revision.desc())
        ).first()
    names: list[str] = orjson.loads(body or "{}").get("attributes", [])
    return names


def test_create__rule__reads_back_and_its_attributes_may_be_stored(
    sessions: sessionmaker[Session],
) -> None:
    with transaction(sessions) as session:
        factories.make_segment(session, condition=TENURED)
    with sessions() as session:
        stored = segments.get(session, SEGMENT)
        (entry,) = audit.entries(session)
        names = session.scalars(select(Attribute.name)).all()
    assert [(v.version, v.condition) for v in stored.versions] == [(1, TENURED)]
    assert sorted(names) == allowed(sessions) == ["plan", "tenure_days"]
    assert (entry.action, entry.subject_key) == ("segment.create", SEGMENT)


def test_add_version__other_rule__keeps_the_old_and_adds_attributes(
    sessions: sessionmaker[Session],
) -> None:
    with transaction(sessions) as session:
        factories.make_segment(session, condition=TENURED)
        segments.add_version(
            session, SEGMENT, {"country.code": "DE"}, actor=SYSTEM, now=NOW
        )
    with sessions() as session:
        stored = segments.get(session, SEGMENT)
    assert [v.condition for v in stored.versions] == [TENURED, {"country.code": "DE"}]
    assert allowed(sessions) == ["country", "plan", "tenure_days"]


def test_create__rule_without_new_attributes__publishes_nothing(
    sessions: sessionmaker[Session],
) -> None:
    with transaction(sessions) as session:
        factories.make_segment(session, "one", condition={"plan": "pro"})
        factories.make_segment(session, "two", condition={"plan": "free"})
        factories.make_segment(session, "everybody", condition={})
    with sessions() as session:
        assert session.scalars(select(RulesetRow.revision)).all() == [1]


@SQLITE
def test_conflicts__taken_key_or_same_rule__are_refused(
    sessions: sessionmaker[Session],
) -> None:
    with transaction(sessions) as session:
        factories.make_segment(session, condition=TENURED)
        with pytest.raises(Conflict) as refusal:
            factories.make_segment(session)
        assert list(refusal.value.fields) == ["key"]
        with pytest.raises(Conflict, match="has this rule already"):
            segments.add_version(session, SEGMENT, TENURED, actor=SYSTEM, now=NOW)


@SQLITE
@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"key": "ä"}, ["key"]),
        ({"name": "x" * 201}, ["name"]),
        ({"description": "\ud800"}, ["description"]),
        ({"condition": {"plan": {"$regex": ".*"}}}, ["condition"]),
        ({"condition": {"pl\x00an": "pro"}}, ["condition"]),
        ({"condition": {"x" * 65: "pro"}}, ["condition"]),
        ({"name": "", "condition": {"$what": 1}}, ["name", "condition"]),
    ],
)
def test_create__faults__are_named_all_at_once(
    sessions: sessionmaker[Session], changes: dict[str, Any], fields: list[str]
) -> None:
    with transaction(sessions) as session, pytest.raises(InvalidInput) as refusal:
        factories.make_segment(session, **changes)
    assert list(refusal.value.fields) == fields


@SQLITE
def test_changes__by_a_viewer__are_forbidden(sessions: sessionmaker[Session]) -> None:
    with transaction(sessions) as session:
        eve = factories.make_actor(session, "Eve", PersonRole.VIEWER)
        with pytest.raises(Forbidden):
            factories.make_segment(session, actor=eve)
        factories.make_segment(session)
        with pytest.raises(Forbidden):
            segments.add_version(session, SEGMENT, {}, actor=eve, now=NOW)


@SQLITE
@pytest.mark.parametrize("key", ["nowhere", "", "\x00", "\ud800"])
def test_get__unknown__is_not_found(sessions: sessionmaker[Session], key: str) -> None:
    with sessions() as session, pytest.raises(NotFound):
        segments.get(session, key)


def test_listing__pages__meet_every_segment_once(
    sessions: sessionmaker[Session],
) -> None:
    keys = ["at-risk", "business", "free", "newcomers", "settled"]
    with transaction(sessions) as session:
        for key in keys:
            factories.make_segment(session, key)
    with sessions() as session:
        first = segments.listing(session, limit=3)
        rest = segments.listing(session, after_key=first[-1].key, limit=3)
    assert [s.key for s in (*first, *rest)] == keys
    assert first[0].versions[0].version == 1


def test_most_used__first_those_of_most_experiments_in_their_newest_version(
    sessions: sessionmaker[Session],
) -> None:
    with transaction(sessions) as session:
        owner = factories.make_actor(session)
        for key in ("alone", "unused", "used"):
            factories.make_segment(session, key)
        for i in range(2):
            factories.make_experiment(session, owner, key=f"e{i}", segment="used")
        changed = {"plan": "pro"}
        segments.add_version(session, "used", changed, actor=SYSTEM, now=NOW)
        found = segments.most_used(session, {SEGMENT, "alone"}, 5)
        assert [(s.key, s.version) for s in found] == [("used", 2), ("unused", 1)]
        assert found[0].condition == changed
        (first,) = segments.most_used(session, (), 1)
        assert first.key == "used"
