"""Certificates on pages: in the catalogue, and wherever a metric decides."""

from collections.abc import Callable
from datetime import timedelta

from experiments import accounts, certificates
from experiments.actors import SYSTEM
from experiments.context import Context
from experiments.db import transaction
from experiments.models import Person
from experiments.vocabulary import CertificateState, PersonRole, Unit
from tests import factories
from tests.analysis import run_examples
from tests.clock import FakeClock
from tests.web.conftest import Visitor
from web.presenters.certificates import doubt, mark, uncertified

SignIn = Callable[..., Visitor]
SETTING = {
    "setting": "planned_looks",
    "comparisons": 1000,
    "said": 47,
    "refused": 0,
    "reason": None,
    "planted": 250,
    "found": 200,
    "expected": 50.0,
    "usual": [33, 69],
    "false_alarms": [0.047, 0.0347, 0.0620],
    "power": [0.8, 0.745, 0.848],
}


def finish(context: Context, *, is_certified: bool = True) -> None:
    with transaction(context.sessions) as session:
        row = certificates.ask(
            session, factories.RETENTION, actor=SYSTEM, now=factories.NOW
        )
        row.state = CertificateState.DONE.value
        row.finished_at = factories.NOW
        row.is_certified, row.is_simulated = is_certified, False
        row.customer_count = 20_000
        row.entered_from = factories.NOW - timedelta(days=90)
        row.entered_to = factories.NOW - timedelta(days=40)
        row.findings = {"settings": [SETTING, SETTING | {"power": None}]}
        row.sentences = "Of 1,000 comparisons of two equal groups, 47 said so."


def test_catalogue__metric_tried_or_not__says_so(
    context: Context, signed_in: SignIn
) -> None:
    browser = signed_in(PersonRole.ANALYST)
    with transaction(context.sessions) as session:
        factories.make_metric(session)
        factories.make_metric(session, factories.CSAT)
    finish(context)
    page = browser.get("/catalogue").text
    assert "Certified" in page
    assert "4.7 % false alarms in 1,000, 14 Mar 2026" in page
    assert "Not certified yet" in page
    shown = browser.get(f"/catalogue/{factories.RETENTION}").text
    assert "Of 1,000 comparisons of two equal groups, 47 said so." in shown
    assert "80.0 % (74.5 % to 84.8 %)" in shown
    assert "20,000 customers of this project" in shown


def test_metric_page__asked_for_a_certificate__says_that_it_waits(
    context: Context, signed_in: SignIn
) -> None:
    browser = signed_in(PersonRole.ANALYST)
    with transaction(context.sessions) as session:
        factories.make_metric(session)
    path = f"/catalogue/{factories.RETENTION}"
    assert "Ask for a certificate" in browser.get(path).text
    asked = browser.post(f"{path}/certificates", follow=True)
    assert "Asked for." in asked.text
    assert "Waits to be worked out" in asked.text
    assert "Ask for a certificate" not in asked.text
    with transaction(context.sessions) as session:
        [row] = certificates.listing(session, factories.RETENTION)
        row.state, row.done_count = CertificateState.RUNNING.value, 430
    # A quarter as many as 1,000 have a difference planted.
    assert "430 of 1,250 comparisons done" in browser.get(path).text
    again = browser.post(f"{path}/certificates", follow=True)
    assert "worked out already" in again.text
    with transaction(context.sessions) as session:
        assert len(certificates.listing(session, factories.RETENTION)) == 1


def test_review__primary_without_certificate__is_marked_until_it_has_one(
    context: Context, signed_in: SignIn
) -> None:
    browser = signed_in(PersonRole.EDITOR)
    with transaction(context.sessions) as session:
        factories.make_experiment(session, factories.make_actor(session))
    path = f"/experiments/{factories.EXPERIMENT}/review"
    assert "it is not certified yet" in browser.get(path).text
    form = browser.get(f"/experiments/{factories.EXPERIMENT}/plan/metrics").text
    assert "Not certified: CSAT and Day-30 retention." in form
    finish(context)
    assert "certified" not in browser.get(path).text
    form = browser.get(f"/experiments/{factories.EXPERIMENT}/plan/metrics").text
    assert "Not certified: CSAT." in form


def test_started__mark_stands_on_page_summary_and_in_json_until_it_is_certified(
    context: Context, signed_in: SignIn, now: FakeClock
) -> None:
    signed_in(PersonRole.EDITOR)  # owns what the viewer reads
    now.advance(days=60)
    browser = signed_in(PersonRole.VIEWER)
    with transaction(context.sessions) as session:
        owner = accounts.actor_for(session.get_one(Person, 1))
        experiment = factories.start_experiment(session, owner)
        run_examples.finish(session, experiment, at=now())
    page = f"/experiments/{factories.EXPERIMENT}"

    def said() -> tuple[bool, str, bool]:
        summary = browser.get(f"{page}/summary").text
        return (
            "it is not certified yet" in browser.get(page).text,
            browser.get(f"{page}/results.json").get_json()["primary_certificate"],
            "<dt>Metric certified</dt><dd>not tried</dd>" in summary,
        )

    assert said() == (True, "none", True)
    finish(context)
    assert said() == (False, "certified", False)


def test_words__each_standing__is_said(context: Context) -> None:
    with transaction(context.sessions) as session:
        metric = factories.make_metric(session)
        version = metric.versions[-1]
        none = certificates.standings(session, [version])[version.id]
    finish(context, is_certified=False)
    with transaction(context.sessions) as session:
        refused = certificates.standings(session, [version])[version.id]
    assert mark(none).word == "Not certified yet"
    assert mark(refused).word == "Not certified"
    assert "erred more often" in (doubt("Churn", refused) or "")
    assert "over accounts" in (doubt("Churn", refused, Unit.ACCOUNT) or "")
    assert uncertified([]) == ""
    seven = uncertified([f"M{i}" for i in range(7)])
    assert "M0, M1, M2, M3, M4 and 2 more" in seven
