"""A decision that waits for a second person: declined, or taken back, with why."""

from collections.abc import Callable

import pytest

from experiments import accounts
from experiments.context import Context
from experiments.db import transaction
from experiments.models import Person
from experiments.vocabulary import PersonRole
from tests.analysis.run_examples import change, finish
from tests.clock import FakeClock
from tests.factories import EXPERIMENT, start_experiment
from tests.web.conftest import Visitor
from tests.web.markup import form_to, text_of

SignIn = Callable[..., Visitor]
PAGE = f"/experiments/{EXPERIMENT}"
WAITS = "The decision waits for confirmation by a second person."
ASKED = {
    "decision": "ship",
    "variant": "nudge",
    "reason": "The law asks for it from June, whatever it does.",
}
WHY = "The law was put off until next year."


@pytest.fixture
def ada(signed_in: SignIn, context: Context, now: FakeClock) -> Visitor:
    """Let Ada decide against an undecided rule."""
    signed_in(PersonRole.EDITOR, "Root")
    with transaction(context.sessions) as session:
        owner = accounts.actor_for(session.get_one(Person, 1))
        experiment = start_experiment(session, owner)
        now.advance(days=60, hours=3)
        undecided = change(0.004, 0.012, control=0.701)
        finish(session, experiment, at=now(), primary=undecided)
    author = signed_in(PersonRole.EDITOR, "Ada")
    assert author.post(f"{PAGE}/decide", ASKED).status_code == 302
    return author


def test_waiting_decision__is_said_everywhere_and_lets_no_other_be_recorded(
    ada: Visitor,
) -> None:
    for path in ("/", PAGE, f"{PAGE}/summary"):
        assert WAITS in text_of(ada.get(path).text), path
    for path in (f"{PAGE}/results", "/experiments"):
        assert "waits for confirmation" in text_of(ada.get(path).text), path
    assert ada.get(f"{PAGE}/decide").headers["Location"] == PAGE
    late = ada.post(f"{PAGE}/decide", {**ASKED, "decision": "undecided"})
    assert late.status_code == 400
    assert "has to be confirmed or declined" in text_of(late.text)


def test_waiting_decision__declined__tells_why_until_somebody_decides_again(
    ada: Visitor, signed_in: SignIn
) -> None:
    grace = signed_in(PersonRole.APPROVER, "Grace")
    assert "Decline it" in text_of(grace.get(PAGE).text)
    form = f"{PAGE}/decline-decision"
    assert "Ada decided: ship nudge." in text_of(grace.get(form).text)
    empty = grace.post(form, {"reason": ""})
    assert empty.status_code == 400
    assert 'href="#reason">Enter a reason.' in empty.text
    assert grace.post(form, {"reason": WHY}).status_code == 302
    page = text_of(ada.get(PAGE).text)
    assert f"Ada decided: ship nudge. Grace declined it: {WHY}" in page
    assert "Decision declined" in page  # in its history
    due = "Grace declined the decision. Somebody has to decide again."
    for path in ("/", PAGE):
        assert due in text_of(ada.get(path).text), path
    # Whoever comes late is led to where it is said.
    assert grace.get(form).headers["Location"] == PAGE
    assert "No decision waits" in text_of(grace.post(form, {"reason": WHY}).text)
    other = {"decision": "undecided", "reason": "It is open."}
    assert ada.post(f"{PAGE}/decide", other).status_code == 302
    assert "declined it" not in text_of(ada.get(PAGE).text)


def test_waiting_decision__by_its_author_or_a_stranger__is_taken_back_or_kept(
    ada: Visitor, signed_in: SignIn
) -> None:
    eve = signed_in(PersonRole.EDITOR, "Eve")
    page = text_of(eve.get(PAGE).text)
    assert "Decline it" not in page
    assert "Take it back" not in page
    form = f"{PAGE}/decline-decision"
    assert eve.post(form, {"reason": WHY}).status_code == 403
    assert "Take it back" in text_of(ada.get(PAGE).text)
    assert ada.post(form, {"reason": "The wrong variant."}).status_code == 302
    page = text_of(ada.get(PAGE).text)
    assert "Ada took it back: The wrong variant." in page
    assert "Ada took the decision back. Somebody has to decide again." in page


def test_form_to_confirm__another_decision_waits_by_now__confirms_nothing(
    ada: Visitor, signed_in: SignIn
) -> None:
    grace, joan = (signed_in(PersonRole.APPROVER, name) for name in ("Grace", "Joan"))
    read = form_to(grace.get(PAGE).text, f"{PAGE}/confirm-decision")
    assert joan.post(f"{PAGE}/decline-decision", {"reason": WHY}).status_code == 302
    other = ASKED | {"reason": "The law was passed after all, and in a hurry."}
    assert ada.post(f"{PAGE}/decide", other).status_code == 302
    late = grace.post(read.action, read.sent())
    assert late.status_code == 409
    assert "nothing was confirmed" in text_of(late.text)
    page = grace.get(PAGE).text
    assert WAITS in text_of(page)
    now = form_to(page, f"{PAGE}/confirm-decision")
    assert grace.post(now.action, now.sent()).status_code == 302
