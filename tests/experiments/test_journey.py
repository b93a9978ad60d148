from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from experiments import audit, journey
from experiments.actors import SYSTEM
from experiments.db import transaction
from experiments.errors import Conflict, Forbidden, InvalidInput, NotFound
from experiments.vocabulary import PersonRole
from tests import factories
from tests.factories import NOW

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
# architecture.md, "Decided now": the five seeds and their order.
SEEDED = ["Discovery", "Onboarding", "First success", "Renewal", "Advocacy"]


@pytest.fixture
def seeded(sessions: sessionmaker[Session]) -> sessionmaker[Session]:
    with transaction(sessions) as session:
        journey.seed(session)
    return sessions


def names(sessions: sessionmaker[Session]) -> list[str]:
    with sessions() as session:
        return [stage.name for stage in journey.stages(session)]


def save(sessions: sessionmaker[Session], **changes: Any) -> None:  # noqa: ANN401
    plain = {"key": "trial", "name": "Trial", "position": 1, "actor": SYSTEM}
    with transaction(sessions) as session:
        journey.save_stage(session, now=NOW, **{**plain, **changes})


def test_seed__twice__has_the_five_stages_once(
    seeded: sessionmaker[Session],
) -> None:
    with transaction(seeded) as session:
        journey.seed(session)
    assert names(seeded) == SEEDED


def test_seed__after_edits__leaves_them(seeded: sessionmaker[Session]) -> None:
    save(seeded, key="discovery", name="First look", position=0)
    with transaction(seeded) as session:
        journey.seed(session)
    assert names(seeded) == ["First look", *SEEDED[1:]]


def test_save_stage__new_one__takes_its_place_and_is_audited(
    seeded: sessionmaker[Session],
) -> None:
    with transaction(seeded) as session:
        factories.make_metric(session)
    save(seeded, position=2, health_metrics=[factories.RETENTION])
    assert names(seeded) == [
        "Discovery",
        "Onboarding",
        "First success",
        "Trial",
        "Renewal",
        "Advocacy",
    ]
    save(seeded, position=0, name="Trying")
    with seeded() as session:
        changed, made = audit.entries(session, subject_kind="journey_stage")
    assert made.before is None
    assert made.after == {
        "name": "Trial",
        "position": 2,
        "health_metrics": [factories.RETENTION],
    }
    assert changed.before == made.after
    assert changed.after == {"name": "Trying", "position": 0, "health_metrics": []}


@SQLITE
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"key": "no spaces"}, "key"),
        ({"key": ""}, "key"),
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "\x00"}, "name"),
        ({"position": -1}, "position"),
        ({"position": 10**30}, "position"),
        ({"health_metrics": ["nowhere"]}, "health_metrics.0"),
        ({"health_metrics": ["\x00"]}, "health_metrics.0"),
        ({"health_metrics": ["x"] * 21}, "health_metrics"),
    ],
)
def test_save_stage__bad_field__is_named(
    sessions: sessionmaker[Session], changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        save(sessions, **changes)
    assert list(refusal.value.fields) == [field]


@SQLITE
def test_changes__below_editor__are_forbidden(seeded: sessionmaker[Session]) -> None:
    with transaction(seeded) as session:
        eve = factories.make_actor(session, "Eve", PersonRole.ANALYST)
    with pytest.raises(Forbidden):
        save(seeded, actor=eve)
    with pytest.raises(Forbidden), transaction(seeded) as session:
        journey.remove_stage(session, "discovery", actor=eve, now=NOW)


def test_remove_stage__unused__is_gone(seeded: sessionmaker[Session]) -> None:
    with transaction(seeded) as session:
        journey.remove_stage(session, "advocacy", actor=SYSTEM, now=NOW)
    assert names(seeded) == SEEDED[:-1]
    with seeded() as session:
        (entry,) = audit.entries(session, subject_key="advocacy")
    assert (entry.action, entry.after) == ("journey.remove_stage", None)


def test_remove_stage__with_hypotheses__is_a_conflict(
    seeded: sessionmaker[Session],
) -> None:
    with transaction(seeded) as session:
        factories.make_hypothesis(session, factories.make_actor(session))
    with (
        pytest.raises(Conflict, match="still has hypotheses"),
        transaction(seeded) as session,
    ):
        journey.remove_stage(session, "renewal", actor=SYSTEM, now=NOW)
    assert names(seeded) == SEEDED


@SQLITE
@pytest.mark.parametrize("key", ["nowhere", "", "\x00", "\ud800"])
def test_get__unknown__is_not_found(sessions: sessionmaker[Session], key: str) -> None:
    with sessions() as session, pytest.raises(NotFound):
        journey.get(session, key)
