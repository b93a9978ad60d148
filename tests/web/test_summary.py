# ruff: noqa: RUF001  # the minus of the house is U+2212
"""The leadership summary: one page of words that hold, and none that need a course."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from experiments import accounts, lifecycle
from experiments.context import Context
from experiments.db import transaction
from experiments.decisions import Recommendation
from experiments.models import Experiment, Person
from experiments.vocabulary import (
    Action,
    Decision,
    PersonRole,
    ResultPhase,
    Verdict,
)
from tests.analysis.run_examples import (
    BAD_SPLIT,
    PASSED_CHECKS,
    change,
    finish,
)
from tests.clock import FakeClock
from tests.factories import EXPERIMENT, NOW, start_experiment
from tests.web.conftest import Visitor
from tests.web.test_results import SUMMARY, text_of
from web.presenters.summary import shortened

SignIn = Callable[..., Visitor]
LATER = NOW + timedelta(days=60)


@pytest.fixture
def visitor(signed_in: SignIn, now: FakeClock) -> Visitor:
    signed_in(PersonRole.EDITOR)
    now.advance(days=60, hours=3)
    return signed_in(PersonRole.VIEWER)


def start(session: Session) -> Experiment:
    owner = accounts.actor_for(session.get_one(Person, 1))
    return start_experiment(session, owner)


def test_summary__ship__has_the_boxes_and_how_sure_it_is(
    visitor: Visitor, context: Context
) -> None:
    with transaction(context.sessions) as session:
        finish(session, start(session), at=LATER)
    raw = visitor.get(SUMMARY).text
    page = text_of(raw)
    for words in (
        "Naming the yearly saving keeps business customers",
        "Ship nudge, for Business customers",
        "This is what the rule says. Nobody has decided yet.",
        "What we changed Show the yearly saving on the plan page.",
        "What happened Day-30 retention rose by 1.9 points (95 % CI 0.6 to 3.2).",
        "What it is worth Of every 1,000 customers, 19 more stayed (6 to 32).",
        "We can rule out harm to CSAT beyond",
        "Planned beforehand yes Reviewed yes Size reached 100 % Checks passed 3 of 4",
        "Before the start we expected +2.0 % (−1.0 % to +5.0 %), and thought it 40 %",
        "It came out at +2.7 % (+0.9 % to +4.6 %), inside the forecast.",
        "What next Show it to everybody. Owner: Editor.",
        f"As of 13 May 2026, 09:30 UTC. Experiment {EXPERIMENT}.",
    ):
        assert words in page, words
    assert "p-value" not in page
    assert "p =" not in page
    assert "chart-primary-outcome-print" in raw


def test_summary__decided__says_what_and_why(
    visitor: Visitor, context: Context
) -> None:
    with transaction(context.sessions) as session:
        experiment = start(session)
        finish(session, experiment, at=LATER)
        lifecycle.transition(
            session,
            EXPERIMENT,
            Action.DECIDE,
            accounts.actor_for(session.get_one(Person, 1)),
            LATER,
            decision=Decision.SHIP,
            variant="nudge",
            reason="It keeps customers and harms nobody.",
            recommendation=Recommendation(Verdict.SHIP, "nudge"),
        )
    page = text_of(visitor.get(SUMMARY).text)
    assert "Shipped: nudge, for Business customers" in page
    assert "Decided on 13 May 2026. It keeps customers and harms nobody." in page


@pytest.mark.parametrize(
    ("effect", "half", "words"),
    [
        (-0.014, 0.011, ("Do not ship", "14 fewer stayed", "Take it out and ask")),
        (0.004, 0.012, ("Undecided", "cannot be said what it is worth", "Take it out")),
    ],
)
def test_summary__no_gain__says_so_as_plainly(
    visitor: Visitor, context: Context, effect: float, half: float, words: list[str]
) -> None:
    with transaction(context.sessions) as session:
        primary = change(effect, half, control=0.701)
        finish(session, start(session), at=LATER, primary=primary)
    page = text_of(visitor.get(SUMMARY).text)
    for each in words:
        assert each in page


def test_summary__forecast__is_held_against_the_outcome(
    visitor: Visitor, context: Context
) -> None:
    # +6 points on 70.1 % is +8.6 %, above the 90 % end of +5 %.
    with transaction(context.sessions) as session:
        primary = change(0.06, 0.013, control=0.701)
        finish(session, start(session), at=LATER, primary=primary)
    assert "above the forecast" in text_of(visitor.get(SUMMARY).text)


def test_summary__failed_check__shows_only_the_warning(
    visitor: Visitor, context: Context
) -> None:
    with transaction(context.sessions) as session:
        checks = [BAD_SPLIT, *PASSED_CHECKS[1:]]
        finish(session, start(session), at=LATER, checks=checks)
    page = text_of(visitor.get(SUMMARY).text)
    assert "Do not use these results 51.9 % of customers got nudge" in page
    for word in ("rose", " 1.9", "What happened", "worth"):
        assert word not in page


def test_summary__counting__says_when_an_answer_is_due(
    visitor: Visitor, context: Context
) -> None:
    with transaction(context.sessions) as session:
        finish(session, start(session), at=LATER, phase=ResultPhase.COUNTING)
    page = text_of(visitor.get(SUMMARY).text)
    assert "Too early to say." in page
    assert "an answer is due about 12 May" in page
    for word in ("rose", "What happened", "worth", "95 % CI"):
        assert word not in page


def test_shortened__long_text__ends_at_a_word() -> None:
    text = "one two three " * 40
    short = shortened(text)
    assert len(short) <= 182
    assert short.endswith("\N{HORIZONTAL ELLIPSIS}")
    assert short[:-2].split()[-1] in {"one", "two", "three"}
    assert shortened("  Short\n text. ") == "Short text."
    assert len(shortened("x" * 500)) <= 182
