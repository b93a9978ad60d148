"""What was learned: kept at the decision, found by its words, compared by people."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from experiments import hypotheses, learnings, lifecycle
from experiments.actors import Actor
from experiments.db import transaction
from experiments.errors import Conflict, Forbidden, InvalidInput, NotFound
from experiments.learnings import Wanted
from experiments.lessons import Lessons, searchable
from experiments.lookups import Place
from experiments.models import HypothesisRow
from experiments.vocabulary import (
    Action,
    Decision,
    Evidence,
    HypothesisHeld,
    LearningRelation,
    Lever,
    PersonRole,
)
from tests import factories
from tests.factories import EXPERIMENT, HYPOTHESIS, NOW

LATER = NOW + timedelta(days=40)


@pytest.fixture
def session(sessions: sessionmaker[Session]) -> Iterator[Session]:
    with transaction(sessions) as session:
        yield session


LESSONS = Lessons(
    held=HypothesisHeld.PARTLY,
    surprise="Cafés asked for the monthly price.",
    next_step="Show both prices.",
    next_hypothesis="Both prices side by side keep cafés",
    follow_up_at=LATER + timedelta(days=90),
)


def decided(
    session: Session,
    key: str = EXPERIMENT,
    lessons: Lessons | None = LESSONS,
    by: Actor | None = None,
) -> Actor:
    ada = by or factories.make_actor(session, "Ada", PersonRole.EDITOR)
    factories.start_experiment(session, ada, key=key)
    lifecycle.transition(
        session,
        key,
        Action.DECIDE,
        ada,
        LATER,
        decision=Decision.DO_NOT_SHIP,
        reason="Nothing changed.",
        lessons=lessons,
    )
    return ada


def found(session: Session, **wanted: object) -> list[str]:
    rows = learnings.page(session, Place(falling=True), 50, Wanted(**wanted))  # type: ignore[arg-type]  # each its type
    return [row.experiment.key for row in rows]


def test_decide__with_lessons__keeps_them_and_the_next_hypothesis(
    session: Session,
) -> None:
    decided(session)
    row = learnings.get(session, EXPERIMENT)
    assert (row.held, row.surprise, row.next_step) == (
        "partly",
        "Cafés asked for the monthly price.",
        "Show both prices.",
    )
    assert row.follow_up_at == LESSONS.follow_up_at
    following = row.next_hypothesis
    assert following is not None
    assert following.key == f"{HYPOTHESIS}-2"
    value = hypotheses.to_value(following)
    assert value.evidence == Evidence.EARLIER_EXPERIMENT
    assert "Annual plan nudge" in value.evidence_text
    assert (value.title, value.forecast) == (LESSONS.next_hypothesis, None)
    assert (value.segment, value.metric) == (
        factories.SEGMENT,
        factories.RETENTION,
    )


def test_decide__second_person_confirms__keeps_what_the_first_had_written(
    session: Session,
) -> None:
    bo = factories.make_actor(session, "Bo", PersonRole.APPROVER)
    ada = factories.make_actor(session, "Ada", PersonRole.EDITOR)
    factories.start_experiment(session, ada)
    lifecycle.transition(
        session,
        EXPERIMENT,
        Action.DECIDE,
        ada,
        LATER,
        decision=Decision.SHIP,
        variant="nudge",
        reason="Prices change in May, so we ship it now and measure again.",
        lessons=LESSONS,
    )
    assert learnings.of_experiment(session, EXPERIMENT) is None
    lifecycle.transition(session, EXPERIMENT, Action.CONFIRM_DECISION, bo, LATER)
    row = learnings.get(session, EXPERIMENT)
    assert (row.surprise, row.follow_up_at) == (
        LESSONS.surprise,
        LESSONS.follow_up_at,
    )


def test_decide__follow_up_in_the_past__is_refused_by_field(session: Session) -> None:
    with pytest.raises(InvalidInput) as refused:
        decided(session, lessons=Lessons(follow_up_at=LATER))
    assert set(refused.value.fields) == {"lessons.follow_up_at"}


def test_decide__nothing_learned__is_in_the_library_all_the_same(
    session: Session,
) -> None:
    decided(session, lessons=None)
    assert found(session) == [EXPERIMENT]
    assert session.scalars(select(HypothesisRow.key)).all() == [HYPOTHESIS]


SEARCHES: tuple[tuple[dict[str, object], bool], ...] = (
    ({"text": "cafes MONTHLY"}, True),
    ({"text": "caf"}, True),
    ({"text": "saving 100%"}, False),
    ({"text": "nudge kept"}, False),
    ({"text": "___ , %"}, True),  # no word in it: everything
    ({"stage": "renewal"}, True),
    ({"stage": "advocacy"}, False),
    ({"segment": factories.SEGMENT, "metric": factories.RETENTION}, True),
    ({"metric": factories.CSAT}, False),
    ({"lever": Lever.OTHER.value}, True),
    ({"lever": Lever.REMINDER.value}, False),
    ({"decision": "do_not_ship", "year": 2026}, True),
    ({"decision": "ship"}, False),
    ({"year": 2025}, False),
)


def test_page__asked_for__finds_what_fits(session: Session) -> None:
    decided(session)
    for wanted, is_found in SEARCHES:
        assert found(session, **wanted) == ([EXPERIMENT] if is_found else []), wanted


def test_searchable__accents_and_signs__become_plain_words() -> None:
    # By hand: NFKD splits the accents off, casefold writes the sharp s as ss.
    assert searchable(["Été, 2026!", "GROẞE_Straße"]) == " ete 2026 grosse strasse "


def test_due__day_has_come__is_listed(session: Session) -> None:
    decided(session)
    when = LESSONS.follow_up_at
    assert when is not None
    assert learnings.due(session, when - timedelta(days=1)) == []
    assert len(learnings.due(session, when)) == 1


def test_mark__a_later_one__says_so_once(session: Session) -> None:
    ada = decided(session, lessons=None)
    decided(session, "again", lessons=None, by=ada)
    args = (EXPERIMENT, "again", LearningRelation.CONTRADICTED, "Other month.", ada)
    learnings.mark(session, *args, LATER)
    session.expire_all()
    (link,) = learnings.get(session, EXPERIMENT).links
    assert (link.relation, link.later.experiment.key) == ("contradicted", "again")
    with pytest.raises(Conflict, match="already"):
        learnings.mark(session, *args, LATER)


def test_mark__not_a_later_one__is_refused(session: Session) -> None:
    ada, again = decided(session), LearningRelation.REPLICATED
    for later in ("", EXPERIMENT):
        with pytest.raises(InvalidInput) as refused:
            learnings.mark(session, EXPERIMENT, later, again, "", ada, LATER)
        assert set(refused.value.fields) == {"later"}


def test_mark__viewer__may_not(session: Session) -> None:
    decided(session)
    vic = factories.make_actor(session, "Vic", PersonRole.VIEWER)
    with pytest.raises(Forbidden):
        learnings.mark(
            session, EXPERIMENT, "x", LearningRelation.REPLICATED, "", vic, LATER
        )


def test_get__not_decided__is_not_found(session: Session) -> None:
    ada = factories.make_actor(session, "Ada", PersonRole.EDITOR)
    factories.start_experiment(session, ada)
    with pytest.raises(NotFound):
        learnings.get(session, EXPERIMENT)
