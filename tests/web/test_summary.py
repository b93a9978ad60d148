# ruff: noqa: RUF001  # the minus of the house is U+2212
"""The leadership summary: one page of words that hold, and none that need a course."""

from collections.abc import Callable
from datetime import timedelta

import pypdfium2
import pytest
from flask import Flask
from sqlalchemy.orm import Session

from experiments import accounts, catalog, lifecycle, summary_links
from experiments.context import Context
from experiments.db import transaction
from experiments.decisions import Recommendation
from experiments.design import Design
from experiments.design_parts import SegmentRef
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
from tests.factories import (
    EXPERIMENT,
    NOW,
    external_design,
    make_hypothesis,
    make_segment,
    start_experiment,
)
from tests.web.conftest import Visitor
from tests.web.markup import form_to, text_of
from tests.web.test_results import RESULTS, SUMMARY
from web import pdf
from web.presenters.summary import shortened

SignIn = Callable[..., Visitor]
LATER = NOW + timedelta(days=60)


@pytest.fixture
def visitor(signed_in: SignIn, now: FakeClock) -> Visitor:
    signed_in(PersonRole.EDITOR)
    now.advance(days=60, hours=3)
    return signed_in(PersonRole.VIEWER)


def start(session: Session, design: Design | None = None) -> Experiment:
    owner = accounts.actor_for(session.get_one(Person, 1))
    return start_experiment(session, owner, design)


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


def test_summary__as_pdf__says_the_same_on_one_sheet_also_by_link(
    signed_in: SignIn, now: FakeClock, context: Context, app: Flask
) -> None:
    editor = signed_in(PersonRole.EDITOR)
    now.advance(days=60, hours=3)
    editor = signed_in(PersonRole.EDITOR, "Eve")
    with transaction(context.sessions) as session:
        finish(session, start(session), at=LATER)
        _, token = summary_links.make(
            session,
            EXPERIMENT,
            days=1,
            actor=accounts.actor_for(session.get_one(Person, 1)),
            now=context.now(),
        )
    assert f'href="{SUMMARY}.pdf"' in editor.get(SUMMARY).text
    answer = editor.get(f"{SUMMARY}.pdf")
    assert answer.content_type == "application/pdf"
    document = pypdfium2.PdfDocument(answer.data)
    assert len(document) == 1
    words = " ".join(document[0].get_textpage().get_text_bounded().split())
    document.close()
    for said in (
        "Ship nudge, for Business customers",
        "Of every 1,000 customers, 19 more stayed (6 to 32).",
        "We can rule out harm to CSAT",
        "Size reached 100 %",
        "What next Show it to everybody. Owner: Editor.",
    ):
        assert said in words, said

    stranger = Visitor(app.test_client())
    there = f"/shared/{token}"
    assert f'href="{there}/summary.pdf"' in stranger.get(there).text
    shared = stranger.get(f"{there}/summary.pdf")
    assert shared.data == answer.data
    assert shared.headers["Cache-Control"] == "no-store"
    assert shared.headers["Referrer-Policy"] == "no-referrer"
    assert stranger.get(f"{SUMMARY}.pdf").status_code == 302
    assert stranger.get("/shared/abs_x/summary.pdf").status_code == 404


def test_summary__where_no_pdf_can_be_made__offers_print_and_says_why(
    visitor: Visitor, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "maker", pdf.Maker(["sh", "-c", "exit 3"]))
    with transaction(context.sessions) as session:
        finish(session, start(session), at=LATER)
    answer = visitor.get(f"{SUMMARY}.pdf")
    assert answer.status_code == 503
    page = text_of(answer.text)
    assert "There is no PDF now" in page
    assert "Print this page instead. Whoever runs Abide can install: libpango" in page
    page = text_of(visitor.get(SUMMARY).text)
    assert "Print this page: it fits one A4 or Letter page." in page
    assert "PDF, A4" not in page


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


def test_summary__events_after_the_decision__do_not_move_it(
    signed_in: SignIn, now: FakeClock, context: Context
) -> None:
    signed_in(PersonRole.EDITOR)
    now.advance(days=60, hours=3)
    with transaction(context.sessions) as session:
        finish(session, start(session), at=LATER)
    editor = signed_in(PersonRole.EDITOR, "Eve")
    answer = editor.post(
        f"/experiments/{EXPERIMENT}/decide",
        {
            "decision": "ship",
            "variant": "nudge",
            "reason": "It keeps customers.",
            "held": "yes",
            "surprise": "Few asked for the monthly price.",
            "next_hypothesis": "A quarterly price keeps more",
            "follow_up": "2026-09-01",
        },
        follow=True,
    )
    page = text_of(answer.text)
    for words in (
        "What was learned Was the hypothesis right? Yes",
        "What surprised Few asked for the monthly price.",
        "The next hypothesis A quarterly price keeps more",
        "To be looked at again 1 Sep 2026",
    ):
        assert words in page, words
    with transaction(context.sessions) as session:
        experiment = catalog.get(session, EXPERIMENT)
        later = change(-0.014, 0.011, control=0.701)
        finish(session, experiment, at=LATER + timedelta(days=2), primary=later)
    page = text_of(editor.get(SUMMARY).text)
    assert "Day-30 retention rose by 1.9 points" in page
    assert "As of 13 May 2026, 09:30 UTC." in page


@pytest.mark.parametrize(
    ("effect", "half", "words"),
    [
        (-0.014, 0.011, ("Do not ship", "14 fewer stayed", "Take it out and ask")),
        (
            0.004,
            0.012,
            ("Undecided", "cannot be said what it is worth", "it is open which"),
        ),
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


def test_summary__nobody_forecast__says_nothing_of_a_forecast(
    visitor: Visitor, context: Context
) -> None:
    with transaction(context.sessions) as session:
        owner = accounts.actor_for(session.get_one(Person, 1))
        make_hypothesis(session, owner, forecast=None)
        finish(session, start(session), at=LATER)
    page = text_of(visitor.get(SUMMARY).text)
    assert "What next" in page
    assert "orecast" not in page
    assert "we expected" not in page
    hypothesis = text_of(visitor.get("/hypotheses/annual-nudge").text)
    assert "Forecast Nobody made one." in hypothesis


def test_pages__not_planned_beforehand__do_not_say_that_anything_was(
    visitor: Visitor, context: Context
) -> None:
    with transaction(context.sessions) as session:
        refs = (SegmentRef("bakeries", 1),)
        make_segment(session, "bakeries", name="Bakeries", condition={"a": "b"})
        experiment = start(session, external_design(breakdowns=refs))
        assert not experiment.pre_registered
        finish(session, experiment, at=LATER)
    page = text_of(visitor.get(SUMMARY).text)
    assert "Planned beforehand no" in page
    assert "Before the start" not in page
    assert "The forecast was locked only after the start" in page
    results = text_of(visitor.get(RESULTS).text)
    assert "before the start" not in results
    assert "The rule, set after the start: Ship if" in results
    assert "These segments were declared after the start." in results


@pytest.mark.parametrize(
    ("effect", "guardrail", "words"),
    [
        # A strong gain that harms customers: "if it stays" is not what happened.
        (0.072, -0.53, "Keep control: harm to CSAT is more than was agreed."),
        (0.001, -0.53, "Keep control: harm to CSAT is more than was agreed."),
        (0.072, -0.03, "The gain alone does not decide: harm elsewhere is not ruled"),
        (0.001, 0.01, "Take it out again."),
    ],
)
def test_summary__what_next__fits_what_happened(
    visitor: Visitor, context: Context, effect: float, guardrail: float, words: str
) -> None:
    with transaction(context.sessions) as session:
        finish(
            session,
            start(session),
            at=LATER,
            primary=change(effect, 0.008, control=0.701),
            guardrail=change(guardrail, 0.033, control=4.12),
        )
    page = text_of(visitor.get(SUMMARY).text)
    assert words in page.partition("What next")[2]
    assert ("Take it out again." in page) == (words == "Take it out again.")


def test_summary__decided_against_the_rule__promises_nothing(
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
            decision=Decision.DO_NOT_SHIP,
            reason="It keeps customers, and it costs more than they bring.",
        )
    page = text_of(visitor.get(SUMMARY).text)
    assert "Show it to everybody." not in page
    assert "The decision differs from the rule" in page


def test_summary__decided_against_an_undecided_rule__says_so_on_one_sheet(
    signed_in: SignIn, now: FakeClock, context: Context
) -> None:
    signed_in(PersonRole.EDITOR)
    now.advance(days=60, hours=3)
    ada = signed_in(PersonRole.EDITOR, "Ada")
    grace = signed_in(PersonRole.APPROVER, "Grace")
    with transaction(context.sessions) as session:
        primary = change(0.004, 0.012, control=0.701)
        finish(session, start(session), at=LATER, primary=primary)
    step = "Tell every customer of the yearly price, " * 40
    own = f"/experiments/{EXPERIMENT}"
    typed = {
        "decision": "ship",
        "variant": "nudge",
        "reason": "The law asks for it from June, whatever it does.",
        "next_step": step,
        "next_hypothesis": "A quarterly price keeps more " * 6,
        "follow_up": "2026-09-01",
    }
    assert ada.post(f"{own}/decide", typed).status_code == 302
    confirm = form_to(grace.get(own).text, f"{own}/confirm-decision")
    assert grace.post(confirm.action, confirm.sent()).status_code == 302
    page = text_of(ada.get(SUMMARY).text)
    assert "Against the rule (Undecided); confirmed by Grace." in page
    following = page.partition("What next")[2]
    assert following.startswith(" Tell every customer of the yearly price")
    for words in ("Next hypothesis: A quarterly", "looked at again on 1 Sep 2026."):
        assert words in following, words
    assert "it is open which" not in page
    for path in ("/", "/experiments"):
        assert ", against the rule" in text_of(ada.get(path).text), path
    document = pypdfium2.PdfDocument(ada.get(f"{SUMMARY}.pdf").data)
    assert len(document) == 1
    words = " ".join(document[0].get_textpage().get_text_bounded().split())
    document.close()
    assert "confirmed by Grace." in words


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
    # Enrolment is open until the planned end on 11 May; who comes then takes 31 days.
    assert "an answer is due about 11 June" in page
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
