"""The backlog: what a place is made of, places by hand, parking, duplicates."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from experiments import backlog, catalog, hypotheses, lifecycle
from experiments.actors import Actor
from experiments.db import transaction
from experiments.errors import Conflict, Forbidden, InvalidInput
from experiments.hypothesis import BacklogInputs
from experiments.models import AuditEntry, HypothesisRow
from experiments.vocabulary import Action, Direction, PersonRole
from tests import factories
from tests.factories import HYPOTHESIS, NOW

# What is not about storage needs one kind of it.
one_kind = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def session(sessions: sessionmaker[Session]) -> Iterator[Session]:
    with transaction(sessions) as session:
        yield session


@pytest.fixture
def ada(session: Session) -> Actor:
    return factories.make_actor(session, "Ada", PersonRole.EDITOR)


def make(session: Session, ada: Actor, *keys: str) -> None:
    for key in keys:
        factories.make_hypothesis(session, ada, key=key)


def order(session: Session) -> list[str]:
    rows = session.scalars(select(HypothesisRow).order_by(HypothesisRow.key))
    return [row.key for row in backlog.in_order(list(rows))]


INPUTS = BacklogInputs(effort_weeks=3.5, reach=22_100, baseline=0.7)


def test_create__with_inputs__keeps_them_and_saving_without_leaves_them(
    session: Session, ada: Actor
) -> None:
    make(session, ada, "plain")
    assert (
        hypotheses.inputs_of(session, hypotheses.get(session, "plain"))
        == BacklogInputs()
    )
    value = factories.hypothesis_value()
    row = hypotheses.create(session, value, ada, NOW, INPUTS)
    assert hypotheses.inputs_of(session, row) == INPUTS
    again = hypotheses.update(session, value, 1, ada, NOW)
    assert hypotheses.inputs_of(session, again) == INPUTS
    cleared = hypotheses.update(session, value, 2, ada, NOW, BacklogInputs())
    assert hypotheses.inputs_of(session, cleared) == BacklogInputs()
    entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry is not None
    assert entry.before == {"effort_weeks": 3.5, "reach": 22_100, "baseline": 0.7}


@one_kind
@pytest.mark.parametrize(
    ("inputs", "field"),
    [
        (BacklogInputs(effort_weeks=0), "effort_weeks"),
        (BacklogInputs(effort_weeks=521), "effort_weeks"),
        (BacklogInputs(reach=0), "reach"),
        (BacklogInputs(baseline=1.0), "baseline"),  # nobody could stay who does not
        (BacklogInputs(baseline=float("nan")), "baseline"),
        (BacklogInputs(builds_on="nothing"), "builds_on"),
        (BacklogInputs(builds_on="a b"), "builds_on"),
    ],
)
def test_create__inputs_that_cannot_be__are_refused_by_field(
    session: Session, ada: Actor, inputs: BacklogInputs, field: str
) -> None:
    make(session, ada, "other")
    with pytest.raises(InvalidInput) as refused:
        hypotheses.create(session, factories.hypothesis_value(), ada, NOW, inputs)
    assert set(refused.value.fields) == {field}


def test_fix_place__others__keep_their_order_around_it(
    session: Session, ada: Actor
) -> None:
    make(session, ada, "a", "b", "c", "d")
    backlog.fix_place(session, "d", 2, ada, NOW)
    assert order(session) == ["a", "d", "b", "c"]
    backlog.fix_place(session, "c", 2, ada, NOW)  # d makes room
    assert order(session) == ["a", "c", "d", "b"]
    backlog.fix_place(session, "a", 2000, ada, NOW)  # behind the last is the last
    assert order(session) == ["b", "c", "d", "a"]
    backlog.free_place(session, "c", ada, NOW)
    assert order(session) == ["b", "c", "d", "a"]  # d stays third
    with pytest.raises(InvalidInput) as refused:
        backlog.fix_place(session, "a", 0, ada, NOW)
    assert set(refused.value.fields) == {"place"}


@one_kind
def test_park__with_a_reason__until_it_is_taken_up(
    session: Session, ada: Actor
) -> None:
    make(session, ada, "a")
    with pytest.raises(InvalidInput) as refused:
        backlog.park(session, "a", "  ", ada, NOW)
    assert set(refused.value.fields) == {"reason"}
    backlog.fix_place(session, "a", 1, ada, NOW)
    row = backlog.park(session, "a", "Until prices are settled.", ada, NOW)
    assert (row.parked_at, row.place, row.is_open) == (NOW, None, False)
    with pytest.raises(Conflict, match="parked"):
        backlog.park(session, "a", "Again.", ada, NOW)
    with pytest.raises(Conflict, match="parked"):
        backlog.fix_place(session, "a", 1, ada, NOW)
    assert backlog.take_up(session, "a", ada, NOW).is_open
    with pytest.raises(Conflict, match="not parked"):
        backlog.take_up(session, "a", ada, NOW)


def test_merge__experiments__follow(session: Session, ada: Actor) -> None:
    make(session, ada, HYPOTHESIS, "twin", "first")
    factories.make_experiment(session, ada, key="drafted", hypothesis="twin")
    factories.start_experiment(session, ada, key="runs", hypothesis="twin")
    backlog.merge(session, "first", "twin", ada, NOW)
    kept = backlog.merge(session, "twin", HYPOTHESIS, ada, NOW)
    assert kept.key == HYPOTHESIS
    session.expire_all()
    twin = hypotheses.get(session, "twin")
    assert twin.merged is not None
    assert twin.merged.into.key == HYPOTHESIS
    assert not twin.is_open
    # The draft tests the one that stays; the locked plan keeps its words.
    assert catalog.get(session, "drafted").hypothesis.key == HYPOTHESIS
    assert catalog.get(session, "runs").hypothesis.key == "twin"
    found = {e.key for e in backlog.experiments_on(session, kept)}
    assert found == {"drafted", "runs"}
    # What had been merged into the duplicate follows too.
    same = [row.key for row in backlog.duplicates_of(session, kept)]
    assert sorted(same) == ["first", "twin"]
    with pytest.raises(InvalidInput) as refused:
        factories.make_experiment(session, ada, key="late", hypothesis="twin")
    assert f'merged into "{HYPOTHESIS}"' in refused.value.fields["hypothesis"]
    with pytest.raises(Conflict, match="merged into"):
        hypotheses.update(session, factories.hypothesis_value(key="twin"), 1, ada, NOW)


@one_kind
def test_merge__no_duplicate__is_refused(session: Session, ada: Actor) -> None:
    make(session, ada, HYPOTHESIS)
    factories.make_hypothesis(session, ada, key="score", metric=factories.CSAT)
    factories.make_hypothesis(session, ada, key="falls", direction=Direction.DECREASE)
    for into in ("", "nothing", HYPOTHESIS, "score", "falls"):
        with pytest.raises(InvalidInput) as refused:
            backlog.merge(session, HYPOTHESIS, into, ada, NOW)
        assert set(refused.value.fields) == {"into"}, into


@one_kind
def test_merge__plan_in_review__waits_for_it(session: Session, ada: Actor) -> None:
    make(session, ada, HYPOTHESIS, "twin")
    factories.make_experiment(session, ada, key="reviewed", hypothesis="twin")
    lifecycle.transition(session, "reviewed", Action.SUBMIT, ada, NOW)
    with pytest.raises(Conflict, match="in review"):
        backlog.merge(session, "twin", HYPOTHESIS, ada, NOW)


@one_kind
def test_order_park_merge__viewer__may_not(session: Session, ada: Actor) -> None:
    make(session, ada, "a")
    vic = factories.make_actor(session, "Vic", PersonRole.VIEWER)
    with pytest.raises(Forbidden):
        backlog.fix_place(session, "a", 1, vic, NOW)
    with pytest.raises(Forbidden):
        backlog.free_place(session, "a", vic, NOW)
    with pytest.raises(Forbidden):
        backlog.park(session, "a", "Why not.", vic, NOW)
    with pytest.raises(Forbidden):
        backlog.take_up(session, "a", vic, NOW)
    with pytest.raises(Forbidden):
        backlog.merge(session, "a", "a", vic, NOW)
