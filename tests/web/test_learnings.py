"""The library of what was learned: search in the address, cards, contradictions."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from experiments import accounts, hypotheses, lifecycle
from experiments.context import Context
from experiments.db import transaction
from experiments.decisions import Recommendation
from experiments.models import Person
from experiments.vocabulary import Action, Decision, Lever, PersonRole, Verdict
from tests.analysis.run_examples import change, finish
from tests.clock import FakeClock
from tests.factories import HYPOTHESIS, NOW, hypothesis_value, start_experiment
from tests.web.conftest import Visitor
from tests.web.markup import text_of

SignIn = Callable[..., Visitor]
LATER = NOW + timedelta(days=60)


def decide(session: Session, key: str, name: str, effect: float) -> None:
    """Run an experiment whose primary metric moved by so much, and decide."""
    ada = accounts.actor_for(session.get_one(Person, 1))
    experiment = start_experiment(session, ada, key=key, name=name)
    run = finish(
        session, experiment, at=LATER, primary=change(effect, 0.011, control=0.701)
    )
    ships = effect > 0
    lifecycle.transition(
        session,
        key,
        Action.DECIDE,
        ada,
        LATER,
        decision=Decision.SHIP if ships else Decision.DO_NOT_SHIP,
        variant="nudge" if ships else None,
        reason="The rule says so.",
        recommendation=Recommendation(
            Verdict.SHIP if ships else Verdict.DO_NOT_SHIP,
            "nudge" if ships else None,
            run.id,
        ),
    )


@pytest.fixture
def visitor(signed_in: SignIn, now: FakeClock, context: Context) -> Visitor:
    signed_in(PersonRole.EDITOR)
    now.advance(days=60, hours=3)
    with transaction(context.sessions) as session:
        ada = accounts.actor_for(session.get_one(Person, 1))
        decide(session, "spring", "Spring nudge", 0.019)
        decide(session, "autumn", "Autumn nudge", -0.024)
        value = hypothesis_value(lever=Lever.PRICE_CLARITY)
        revision = hypotheses.get(session, HYPOTHESIS).revision
        hypotheses.update(session, value, revision, ada, LATER)
    return signed_in(PersonRole.EDITOR, "Eve")


def test_learnings__one_helped_and_one_harmed__stand_side_by_side(
    visitor: Visitor,
) -> None:
    page = text_of(visitor.get("/learnings").text)
    # Latest decision first, the failure as large as the gain.
    assert page.index("Autumn nudge") < page.index("Spring nudge")
    for words in (
        "Clearer prices at Renewal: the rule said to ship once, and not to ship once.",
        "Clearer prices Renewal 2 1 1 0",
        "Day-30 retention rose by 1.9 points",
        "Day-30 retention fell by 2.4 points",
    ):
        assert words in page, words


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("q=autumn", {"Autumn nudge"}),
        ("q=ROSE+retention", {"Spring nudge"}),
        ("decision=ship&lever=price_clarity&year=2026", {"Spring nudge"}),
        ("stage=advocacy", set()),
        ("q=quantum", set()),
        ("stage=no-such-stage&year=x&lever=%00", {"Autumn nudge", "Spring nudge"}),
    ],
)
def test_learnings__asked_in_the_address__shows_what_fits(
    visitor: Visitor, query: str, shown: set[str]
) -> None:
    page = text_of(visitor.get(f"/learnings?{query}").text)
    found = {name for name in ("Autumn nudge", "Spring nudge") if name in page}
    assert found == shown
    assert ("Nothing matches" in page) == (not shown)


def test_compare__with_the_later_one__is_shown_on_the_card(visitor: Visitor) -> None:
    answer = visitor.post(
        "/learnings/spring/compare",
        {"later": "autumn", "relation": "contradicted", "note": "In autumn."},
        follow=True,
    )
    assert 'Contradicted by "Autumn nudge". In autumn.' in text_of(answer.text)
    listing = text_of(visitor.get("/learnings").text)
    assert 'Contradicted by "Autumn nudge".' in listing
    again = visitor.post(
        "/learnings/spring/compare", {"later": "autumn", "relation": "replicated"}
    )
    assert again.status_code == 400
    assert "already" in text_of(again.text)


def test_learnings__nothing_decided__says_how_they_come(signed_in: SignIn) -> None:
    visitor = signed_in(PersonRole.VIEWER)
    assert "Decisions that you record show up here" in visitor.get("/learnings").text
    assert visitor.get("/learnings/nothing").status_code == 404
