"""The library of what was learned: search in the address, cards, contradictions."""

import re
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
from tests.web.markup import main_form, text_of

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


def test_learnings__past_effects__are_drawn_and_written(visitor: Visitor) -> None:
    page = visitor.get("/learnings").text
    text = text_of(page).replace("\N{MINUS SIGN}", "-")
    assert (
        "Decided experiments moved this metric by -2.4 to +1.9 points (n = 2)." in text
    )
    # Clearer prices at Renewal: an average of the two, and each of them.
    assert "On average these 2 experiments changed Day-30 retention by" in text
    assert page.count('class="range-dot"') == 3
    # The histogram has every experiment in some bar, and a row for each of its bars.
    counts = re.findall(r'data-label="Experiments"[^>]*>\s*(\d+)', page)
    assert sum(int(each) for each in counts) == 2
    assert page.count('class="range-bar"') == sum(each != "0" for each in counts)


def test_add__after_the_decision__is_dated_and_found(visitor: Visitor) -> None:
    answer = visitor.post(
        "/learnings/spring/add",
        {"text": "By June most had left all the same.", "held": "no"},
        follow=True,
    )
    text = text_of(answer.text)
    assert "13 May 2026 By June most had left all the same." in text
    assert "Was the hypothesis right? No." in text
    assert "eve@example.com" in text
    assert "Spring nudge" in visitor.get("/learnings?q=june").text
    assert "Spring nudge" not in text_of(visitor.get("/learnings?q=july").text)


def test_cite__in_a_new_hypothesis__fills_it_in_and_is_kept(visitor: Visitor) -> None:
    opened = visitor.get("/hypotheses/new?cites=spring").text
    assert "The experiment &#34;Spring nudge&#34;: Day-30 retention rose" in opened
    sent = main_form(opened).sent(
        title="Again for others",
        change="The same",
        **dict.fromkeys(("if_up", "if_flat", "if_down"), "See."),
        expected_change="1",
        lift_low="0",
        lift_mid="1",
        lift_high="2",
        ship_probability="50",
    )
    answer = visitor.post("/hypotheses/new", sent, follow=True)
    text = text_of(answer.text)
    assert "The hypothesis is registered." in text
    assert "An earlier experiment Spring nudge : Day-30 retention rose" in text
    cited = text_of(visitor.get("/learnings/spring").text)
    assert "Hypotheses that build on it Again for others" in cited


def test_decide__decided_already__shows_what_was_decided(visitor: Visitor) -> None:
    page = visitor.get("/experiments/spring/decide").text
    text = text_of(page)
    assert "What was decided Ship nudge" in text
    assert "The rule says so." in text
    assert "Day-30 retention rose by 1.9 points" in text
    assert "Record the decision" not in text
