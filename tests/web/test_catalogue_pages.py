"""Segments, metrics, hypotheses and people by their forms, and odd requests."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from analysis.plan_basis import Basis
from experiments import accounts, metrics, segments
from experiments.context import Context
from experiments.db import transaction
from experiments.metric_templates import TEMPLATES
from experiments.models import Person, SegmentSize
from experiments.vocabulary import Direction, MetricKind, PersonRole
from tests.baselines import keep_baseline
from tests.factories import (
    EXPERIMENT,
    RETENTION,
    make_experiment,
    make_hypothesis,
    make_metric,
    make_person,
    make_segment,
)
from tests.web.conftest import BASE, Visitor
from tests.web.markup import main_form
from web import catalogue
from web.app import register

SignIn = Callable[..., Visitor]


def send(visitor: Visitor, path: str, **typed: str) -> str:
    """Fill in a form as it is shown, send it, and tell where it leads."""
    form = main_form(visitor.get(path).text)
    sent = form.sent(action="save", **typed)
    answer = visitor.client.post(path, data=sent, base_url=BASE)
    assert answer.status_code == 302, answer.text[:3000]
    return answer.headers["Location"]


def test_segment__by_its_form__gets_versions(
    signed_in: SignIn, context: Context
) -> None:
    visitor = signed_in(PersonRole.ANALYST)
    typed = {"rules-0-attribute": "plan", "rules-0-value": "pro"}
    assert send(visitor, "/segments/new", name="Pro", **typed) == "/segments/pro"
    assert "Plan is pro." in visitor.get("/segments/pro").text
    sent = {"json": '{"plan": "business"}'}
    assert send(visitor, "/segments/pro/rule", **sent) == "/segments/pro"
    with transaction(context.sessions) as session:
        versions = segments.get(session, "pro").versions
    assert [v.condition for v in versions] == [{"plan": "pro"}, {"plan": "business"}]


def counted(context: Context, key: str, **changes: object) -> None:
    """Store a size as the analysis does: 40 of 80 customers, 4 of them taken."""
    with transaction(context.sessions) as session:
        columns = {
            "measured_at": context.now() - timedelta(hours=3),
            "store_version": 1,
            "customers_count": 40,
            "everybody_count": 80,
            "known_count": 80,
            "taken_count": 10,
            "overlaps": [{"experiment": "nudge", "shared_count": 20, "seen_count": 10}],
            "chart": None,
        }
        version = segments.get(session, key).versions[-1]
        size = {"segment_version_id": version.id, **columns, **changes}
        session.add(SegmentSize(**size))


def test_segment__counted_by_an_analysis__size_age_and_overlap_are_shown(
    signed_in: SignIn, context: Context
) -> None:
    visitor = signed_in(PersonRole.EDITOR)
    with transaction(context.sessions) as session:
        make_segment(session)
    new = visitor.get("/segments/business").text
    assert "Not counted yet" in new
    counted(context, "business")
    page = visitor.get("/segments/business").text
    # By hand: 40 of 80, 10 of 40, 20 of 40.
    assert "40 customers, 50 % of all, seen in the last 91 days; 25 % are in" in page
    assert "Counted 3 hours ago." in page
    assert re.search(r"nudge</a></th>\s*<td[^>]*>50 %</td>\s*<td[^>]*>25 %</td>", page)
    assert "40, 50 % of all" in visitor.get("/segments").text


def test_segment__of_which_nothing_is_known__page_says_what_to_send(
    signed_in: SignIn, context: Context
) -> None:
    visitor = signed_in(PersonRole.VIEWER)
    with transaction(context.sessions) as session:
        make_segment(session)
    counted(context, "business", known_count=0, customers_count=0, taken_count=0)
    page = visitor.get("/segments/business").text
    assert "plan has not been seen of any customer" in page
    assert "&#34;traits&#34;: {&#34;plan&#34;: &#34;...&#34;}" in page
    assert "not known yet" in visitor.get("/segments").text


def test_plan_form__segment_chosen__its_size_stands_beside(
    signed_in: SignIn, context: Context
) -> None:
    visitor = signed_in(PersonRole.EDITOR)
    with transaction(context.sessions) as session:
        make_experiment(session, accounts.actor_for(session.get_one(Person, 1)))
    counted(context, "business")
    page = visitor.get(f"/experiments/{EXPERIMENT}/plan/segment").text
    assert "Business customers (40, 50 % of all)" in page
    assert "40 customers, 50 % of all" in page
    assert "nudge</a>: 50 % are in its segment too, 25 % seen in it so far." in page


def test_segment__whose_rule_stays__is_refused_in_words(
    signed_in: SignIn, context: Context
) -> None:
    visitor = signed_in(PersonRole.ANALYST)
    with transaction(context.sessions) as session:
        make_segment(session)
    form = main_form(visitor.get("/segments/business/rule").text)
    sent = form.sent(action="save")
    answer = visitor.client.post("/segments/business/rule", data=sent, base_url=BASE)
    assert answer.status_code == 400
    assert "has this rule already" in answer.text


def test_segment__with_a_rule_that_cannot_be_used__is_refused_at_the_rows(
    signed_in: SignIn,
) -> None:
    visitor = signed_in(PersonRole.ANALYST)
    form = main_form(visitor.get("/segments/new").text)
    typed = {"rules-0-attribute": "age", "rules-0-test": "less"}
    typed["rules-0-value"] = "many"
    sent = form.sent(action="save", name="Young", **typed)
    answer = visitor.client.post("/segments/new", data=sent, base_url=BASE)
    assert 'href="#rules">At age.$lt: give a number' in answer.text
    more = form.sent(action="add_rule")
    again = visitor.client.post("/segments/new", data=more, base_url=BASE)
    assert "rules-3-attribute" in again.text


def test_metric__by_its_form__gets_versions(
    signed_in: SignIn, context: Context
) -> None:
    visitor = signed_in(PersonRole.ANALYST)
    typed = {"name": "Churn by day 60", "kind": "churn", "day": "60"}
    typed |= {"events": "App Opened\n\nInvoice Sent", "gap_days": "21"}
    assert send(visitor, "/catalogue/new", **typed) == "/catalogue/churn-by-day-60"
    path = "/catalogue/churn-by-day-60/definition"
    assert send(visitor, path, gap_days="28") == "/catalogue/churn-by-day-60"
    with transaction(context.sessions) as session:
        versions = metrics.get(session, "churn-by-day-60").versions
        first, second = (metrics.definition_of(v) for v in versions)
    assert first.kind == MetricKind.CHURN
    assert first.direction == Direction.DECREASE
    assert first.events == ("App Opened", "Invoice Sent")
    assert (first.day, first.gap_days, second.gap_days) == (60, 21, 28)


def test_metric__its_entry__is_changed_in_points_and_its_page_says_it(
    signed_in: SignIn, context: Context
) -> None:
    visitor = signed_in(PersonRole.ANALYST)
    with transaction(context.sessions) as session:
        make_metric(session)
    keep_baseline(context, RETENTION, Basis(0.632))
    path = f"/catalogue/{RETENTION}/edit"
    typed = {"owner": "Team Growth", "default_margin": "1.5"}
    assert send(visitor, path, **typed) == f"/catalogue/{RETENTION}"
    with transaction(context.sessions) as session:
        stored = metrics.get(session, RETENTION)
    assert (stored.owner, stored.default_margin) == ("Team Growth", 0.015)
    assert len(stored.versions) == 1
    page = visitor.get(f"/catalogue/{RETENTION}").text
    assert "Team Growth" in page
    assert "1.5 points" in page
    assert "By your own data, it stands at 63.2 %: of 812 customers" in page
    assert "Team Growth" in visitor.get("/catalogue").text
    values = dict(main_form(visitor.get(path).text).values)
    assert values["default_margin"] == "1.5"


def test_metric_templates__each_as_it_fills_the_form__is_what_it_says(
    signed_in: SignIn, context: Context
) -> None:
    visitor = signed_in(PersonRole.ANALYST)
    assert "Start from" in visitor.get("/catalogue/new").text
    for each in TEMPLATES:
        each.definition.check()
        path = f"/catalogue/new?from={each.key}"
        address = send(visitor, path, key=each.key)
        with transaction(context.sessions) as session:
            stored = metrics.get(session, each.key)
        assert stored.name == each.name
        assert stored.description == each.meaning
        assert metrics.definition_of(stored.versions[-1]) == each.definition
        assert "Missing data:" in visitor.get(address).text
    assert "Start from" in visitor.get("/catalogue/new?from=nothing").text


def test_hypothesis__by_its_form__is_changed_by_it(
    signed_in: SignIn, context: Context
) -> None:
    visitor = signed_in(PersonRole.EDITOR)
    with transaction(context.sessions) as session:
        make_segment(session)
        make_metric(session)
    form = main_form(visitor.get("/hypotheses/new").text)
    assert form.sent()["metric"] == [""]
    refused = visitor.client.post(
        "/hypotheses/new", data=form.sent(action="save"), base_url=BASE
    )
    assert 'href="#segment">Choose a segment.' in refused.text
    assert 'href="#metric">Choose a metric.' in refused.text
    with transaction(context.sessions) as session:
        owner = accounts.actor_for(session.get_one(Person, 1))
        make_hypothesis(session, owner)
    path = "/hypotheses/annual-nudge/edit"
    leads_to = send(visitor, path, expected_change="2.5", lift_low="-3")
    page = visitor.get(leads_to).text
    assert "will rise by at least 2.5 points." in page
    assert "in 8 of 10 cases from \N{MINUS SIGN}3 % to +5 %" in page


def test_hypothesis__without_a_forecast__is_not_asked_for_one_afterwards(
    signed_in: SignIn, context: Context
) -> None:
    visitor = signed_in(PersonRole.EDITOR)
    with transaction(context.sessions) as session:
        owner = accounts.actor_for(session.get_one(Person, 1))
        make_hypothesis(session, owner, forecast=None)
    leads_to = send(visitor, "/hypotheses/annual-nudge/edit", title="Shorter")
    page = visitor.get(leads_to).text
    assert "Shorter" in page
    assert "Nobody made one." in page


def test_person__managed_by_an_administrator__changes_role_and_access(
    signed_in: SignIn, context: Context
) -> None:
    visitor = signed_in(PersonRole.ADMIN)
    with transaction(context.sessions) as session:
        number = make_person(session, "Bob", PersonRole.VIEWER).id
    token = {"csrf_token": visitor.token("/")}
    path = f"/settings/people/{number}"
    assert visitor.post(f"{path}/role", {**token, "role": "analyst"}).status_code == 302
    assert "Bob has another role now" in visitor.get("/settings/people").text
    assert "Sign-in link for Bob" in visitor.post(f"{path}/link", token).text
    assert visitor.post(f"{path}/active", {**token, "active": "no"}).status_code == 302
    assert "Bob is signed out and cannot sign in." in visitor.get("/settings").text
    assert visitor.post(f"{path}/link", token).status_code == 409
    assert visitor.post(f"{path}/active", {**token, "active": "yes"}).status_code == 302
    with transaction(context.sessions) as session:
        bob = session.get_one(Person, number)
    assert bob.active
    assert bob.role == PersonRole.ANALYST


def test_list_to_choose_from__longer_than_a_page__is_whole(context: Context) -> None:
    names = [f"segment-{number:03}" for number in range(205)]
    with transaction(context.sessions) as session:
        for name in names:
            make_segment(session, name, condition={})
    with transaction(context.sessions) as session:
        assert [key for key, _ in catalogue.read(session).segments] == names


def test_host__that_we_do_not_answer_to__gets_a_plain_400(app: Flask) -> None:
    for path in ("/", "/sign-in", "/static/abide.css", "/nothing"):
        answer = app.test_client().get(path, base_url="http://evil.example")
        assert answer.status_code == 400, path
        assert "evil.example" not in answer.text


def test_form__of_half_a_megabyte_in_one_field__is_refused_in_words(
    signed_in: SignIn,
) -> None:
    visitor = signed_in()
    sent = {"csrf_token": visitor.token("/"), "name": "x" * 600_000}
    answer = visitor.client.post("/settings/stages/new", data=sent, base_url=BASE)
    assert answer.status_code == 400
    assert "Name: use at most 100 characters, not 600000." in answer.text


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PROPFIND"])
def test_method__that_is_odd__opens_nothing_without_a_session(
    app: Flask, method: str
) -> None:
    answer = app.test_client().open("/experiments", method=method, base_url=BASE)
    assert answer.status_code in {302, 405}
    assert b"New experiment" not in answer.data


@pytest.mark.parametrize("path", ["//", "/./", "/%2e%2e/", "/experiments/", "/;", "/%"])
def test_path__that_is_odd__opens_nothing_without_a_session(
    app: Flask, path: str
) -> None:
    answer = app.test_client().get(path, base_url=BASE)
    assert answer.status_code in {302, 308, 404}


def test_static_file__under_its_full_address__is_kept_for_a_year(
    visitor: Visitor,
) -> None:
    page = visitor.get("/sign-in").text
    address = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    with visitor.get(address) as answer:
        assert "immutable" in answer.headers["Cache-Control"]
        assert "Set-Cookie" not in answer.headers
    with visitor.get("/static/abide.css") as answer:
        assert "immutable" not in answer.headers.get("Cache-Control", "")


def test_app__without_a_secret__is_refused(context: Context) -> None:
    with pytest.raises(RuntimeError, match="SECRET_KEY"):
        register(Flask("bare"), context)
