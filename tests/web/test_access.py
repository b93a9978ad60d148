"""Who may open what, and that nothing is done without a token: promises S2 and S6."""

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.routing import Rule

from experiments import accounts
from experiments.context import Context
from experiments.db import Base, transaction
from experiments.models import Connector, Person
from experiments.vocabulary import PersonRole
from tests.api.hook_doors import register
from tests.factories import make_experiment, start_experiment
from tests.surveys import make_survey
from tests.web.conftest import BASE, Visitor
from web.access import PUBLIC, TOKENLESS, safe_next

SignIn = Callable[..., Visitor]
ROLES = list(PersonRole)
VIEWER, ANALYST, EDITOR, APPROVER, ADMIN = ROLES
# The permission matrix: a new page without a line here fails.
LEAST_ROLE = {
    "web.home.show": VIEWER,
    "web.hypotheses.listing": VIEWER,
    "web.hypotheses.new": EDITOR,
    "web.hypotheses.show": VIEWER,
    "web.hypotheses.edit": EDITOR,
    "web.hypotheses.park": EDITOR,
    "web.hypotheses.take_up": EDITOR,
    "web.hypotheses.merge": EDITOR,
    "web.backlog.order": EDITOR,
    "web.backlog.move": EDITOR,
    "web.backlog.compare": VIEWER,
    "web.segments.listing": VIEWER,
    "web.segments.new": ANALYST,
    "web.segments.show": VIEWER,
    "web.segments.new_rule": ANALYST,
    "web.metrics.certify": ANALYST,
    "web.metrics.edit": ANALYST,
    "web.metrics.listing": VIEWER,
    "web.metrics.new": ANALYST,
    "web.metrics.show": VIEWER,
    "web.metrics.new_definition": ANALYST,
    "web.experiments.file": VIEWER,
    "web.experiments.listing": VIEWER,
    "web.experiments.show": VIEWER,
    "web.explain.show": ANALYST,
    "web.previews.make": EDITOR,
    "web.previews.revoke": EDITOR,
    "web.lists.show": EDITOR,
    "web.lists.remove": EDITOR,
    "web.opt_outs.show": EDITOR,
    "web.opt_outs.words": EDITOR,
    "web.experiments.pause": EDITOR,
    "web.experiments.resume": EDITOR,
    "web.experiments.stop_enrolment": EDITOR,
    "web.experiments.stop": EDITOR,
    "web.experiments.decide": EDITOR,
    "web.experiments.confirm_decision": APPROVER,
    "web.experiments.decline_decision": EDITOR,
    "web.ramps.coverage": EDITOR,
    "web.ramps.new_phase": EDITOR,
    "web.ramps.steps": EDITOR,
    "web.ramps.cancel": EDITOR,
    "web.plan.new": EDITOR,
    "web.plan.tasks": VIEWER,
    "web.plan.task": EDITOR,
    "web.planning.review": VIEWER,
    "web.planning.step": EDITOR,
    "web.results.show": VIEWER,
    "web.results.download": VIEWER,
    "web.results.table": VIEWER,
    "web.results.reproduce": VIEWER,
    "web.digest.show": ADMIN,
    "web.digest.test": ADMIN,
    "web.digest.remove": ADMIN,
    "web.review.show": VIEWER,
    "web.review.print_out": VIEWER,
    "web.summary.show": VIEWER,
    "web.summary.print_out": VIEWER,
    "web.sharing.links": EDITOR,
    "web.sharing.revoke": EDITOR,
    "web.learnings.listing": VIEWER,
    "web.learnings.show": VIEWER,
    "web.learnings.compare": EDITOR,
    "web.learnings.add": EDITOR,
    "web.settings.show": VIEWER,
    "web.account.show": VIEWER,
    "web.account.set_password": VIEWER,
    "web.data.show": VIEWER,
    "web.data.exposures": VIEWER,
    "web.data.hours": VIEWER,
    "web.imports.listing": ANALYST,
    "web.imports.new": ANALYST,
    "web.imports.show": ANALYST,
    "web.imports.store": ANALYST,
    "web.imports.discard": ANALYST,
    "web.imports.rejects": ANALYST,
    "web.data.pile": ANALYST,
    "web.data.replay": EDITOR,
    "web.surveys.listing": VIEWER,
    "web.surveys.others": ANALYST,
    "web.surveys.new": EDITOR,
    "web.surveys.show": VIEWER,
    "web.surveys.edit": EDITOR,
    "web.surveys.texts": EDITOR,
    "web.surveys.links": EDITOR,
    "web.surveys.try_out": EDITOR,
    "web.privacy.show": ADMIN,
    "web.privacy.erase": ADMIN,
    "web.privacy.copy": ADMIN,
    "web.people.listing": ADMIN,
    "web.people.invite": ADMIN,
    "web.people.show": ADMIN,
    "web.people.set_role": ADMIN,
    "web.people.set_signs_for": ADMIN,
    "web.people.make_link": ADMIN,
    "web.people.set_active": ADMIN,
    "web.keys.listing": EDITOR,
    "web.keys.create": ADMIN,
    "web.keys.revoke": ADMIN,
    "web.connectors.listing": EDITOR,
    "web.connectors.create": ADMIN,
    "web.connectors.show": EDITOR,
    "web.connectors.mapping": EDITOR,
    "web.connectors.secret": ADMIN,
    "web.connectors.replay": EDITOR,
    "web.connectors.discard": ADMIN,
    "web.connectors.end": ADMIN,
    "web.stage.show": VIEWER,
    "web.stages.listing": VIEWER,
    "web.stages.new": EDITOR,
    "web.stages.edit": EDITOR,
    "web.stages.remove": EDITOR,
    "web.layers.show": VIEWER,
    "web.layers.create": EDITOR,
    "web.layers.reserve": EDITOR,
    "web.layers.free": EDITOR,
    "web.layers.begin_holdout": APPROVER,
    "web.layers.end_holdout": APPROVER,
    "web.audit.listing": ANALYST,
    "web.audit.verify": ADMIN,
    "web.sign_in.sign_out": VIEWER,
}
VALUES = {
    "web.segments": "business",
    "web.metrics": "csat",
    "web.hypotheses": "annual-nudge",
    "web.backlog": "annual-nudge",
    "web.stage": "renewal",
    "web.stages": "renewal",
    "web.surveys": "support",
    "web.results": "runs",
    "web.summary": "runs",
    "web.sharing": "runs",
}


# Of a link, hours, an import, a result and a learning that are not stored here.
NOT_THERE_YET = {
    "web.digest.ask",
    "web.sharing.read",
    "web.sharing.print_out",
    "web.data.hours",
    "web.imports.show",
    "web.imports.rejects",
    "web.results.table",
    "web.results.reproduce",
    "web.learnings.show",
    "web.learnings.compare",
    "web.learnings.add",
}


def rules_of(app: Flask) -> list[Rule]:
    return [r for r in app.url_map.iter_rules() if r.endpoint.startswith("web.")]


def path_of(rule: Rule) -> str:
    blueprint = rule.endpoint.rpartition(".")[0]
    values = {
        "key": VALUES.get(blueprint, "annual-plan-nudge"),
        "number": "1",
        "public_id": "abcdefghijkl",
        "name": "abide.css",
        "environment": "production",
        "reason": "invalid_score",
        "language": "de",
    }
    if blueprint == "web.plan":
        values["name"] = "segment"
    built = rule.rule
    for name in rule.arguments:
        built = re.sub(rf"<(?:[^<>]*:)?{name}>", values.get(name, "1"), built)
    return built


def requests_of(app: Flask) -> Iterator[tuple[str, str, str]]:
    """List endpoint, method and address of everything that can be asked for."""
    for rule in rules_of(app):
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule.endpoint, method, path_of(rule)


def dump(context: Context) -> dict[str, list[tuple[object, ...]]]:
    """Read the whole database, but for when sessions were last seen."""
    found = {}
    with transaction(context.sessions) as session:
        for table in Base.metadata.sorted_tables:
            columns = [c for c in table.columns if c.name != "seen_at"]
            found[table.name] = [
                tuple(row) for row in session.execute(select(*columns))
            ]
    return found


@pytest.fixture
def filled(context: Context, signed_in: SignIn) -> Visitor:
    visitor = signed_in(ADMIN)
    row = register(context)
    with transaction(context.sessions) as session:
        owner = accounts.actor_for(session.get_one(Person, 1))
        session.get_one(Connector, row.id).public_id = "abcdefghijkl"
        make_experiment(session, owner)
        start_experiment(session, owner, key="runs")
        make_survey(session, owner, context.now())
    return visitor


def test_matrix__against_the_url_map__is_complete(app: Flask) -> None:
    declared = {rule.endpoint for rule in rules_of(app)}
    assert declared == set(LEAST_ROLE) | PUBLIC
    for endpoint, role in LEAST_ROLE.items():
        assert vars(app.view_functions[endpoint])["least_role"] == role, endpoint


def test_public_pages__are_these_and_no_more(app: Flask) -> None:
    assert not PUBLIC & set(LEAST_ROLE)
    for endpoint in PUBLIC:
        assert not hasattr(app.view_functions[endpoint], "least_role")


@pytest.mark.usefixtures("filled")
def test_every_page__without_a_session__asks_to_sign_in(
    app: Flask, context: Context
) -> None:
    before = dump(context)
    for endpoint, method, path in requests_of(app):
        if endpoint in PUBLIC:
            continue
        answer = app.test_client().open(path, method=method, base_url=BASE)
        if method == "GET":
            assert answer.status_code == 302, path
            assert answer.headers["Location"].startswith("/sign-in"), path
        else:
            assert answer.status_code == 401, path
    assert dump(context) == before


@pytest.mark.parametrize("role", ROLES[:-1])
@pytest.mark.usefixtures("filled")
def test_every_page__below_its_role__is_refused(
    app: Flask, signed_in: SignIn, role: PersonRole
) -> None:
    visitor = signed_in(role)
    token = visitor.token("/")
    for endpoint, method, path in requests_of(app):
        if endpoint in PUBLIC or ROLES.index(LEAST_ROLE[endpoint]) <= ROLES.index(role):
            continue
        answer = visitor.client.open(
            path, method=method, data={"csrf_token": token}, base_url=BASE
        )
        assert answer.status_code == 403, (endpoint, method)


def test_every_change__without_a_token__is_refused(
    app: Flask, filled: Visitor, context: Context
) -> None:
    before = dump(context)
    for endpoint, method, path in requests_of(app):
        if method == "GET":
            continue
        answer = filled.client.open(path, method=method, base_url=BASE)
        # A customer's link is the way in to these, and "1" is none.
        refused = 404 if endpoint in TOKENLESS else 403
        assert answer.status_code == refused, endpoint
        text = filled.client.open(
            path, method=method, json={"a": 1}, content_type="text/plain", base_url=BASE
        )
        assert text.status_code == refused, endpoint
    assert dump(context) == before


def test_every_change__with_anothers_token__is_refused(
    app: Flask, filled: Visitor, signed_in: SignIn, context: Context
) -> None:
    token = signed_in(EDITOR).token("/")
    before = dump(context)
    for endpoint, method, path in requests_of(app):
        if method == "GET":
            continue
        answer = filled.client.open(
            path, method=method, data={"csrf_token": token}, base_url=BASE
        )
        refused = 404 if endpoint in TOKENLESS else 403
        assert answer.status_code == refused, endpoint
    assert dump(context) == before


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_every_change__from_another_site__is_refused(
    app: Flask, filled: Visitor, context: Context, headers: dict[str, str]
) -> None:
    token = filled.token("/")
    before = dump(context)
    for endpoint, method, path in requests_of(app):
        if method == "GET":
            continue
        answer = filled.client.open(
            path,
            method=method,
            data={"csrf_token": token},
            headers=headers,
            base_url=BASE,
        )
        assert answer.status_code == 403, endpoint
    assert dump(context) == before


def test_every_get__by_an_admin__changes_nothing(
    app: Flask, filled: Visitor, context: Context
) -> None:
    before = dump(context)
    for endpoint, method, path in requests_of(app):
        if method != "GET":
            continue
        with filled.get(path) as answer:
            # Of a customer's link, a source and an import, which nobody has here.
            nothing = endpoint.startswith(("web.asking.", "web.choosing."))
            nothing = nothing or endpoint in NOT_THERE_YET
            there = {404} if nothing else {200, 302}
            assert answer.status_code in there, endpoint
    assert dump(context) == before


def test_view__that_names_no_role__is_refused(app: Flask, signed_in: SignIn) -> None:
    visitor = signed_in(ADMIN)
    app.view_functions["web.settings.show"] = lambda: "no role"
    assert visitor.get("/settings").status_code == 403


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https:evil.example",
        "https://evil.example/",
        "/%2F/evil.example",
        "/%5Cevil.example",
        "javascript:alert(1)",
        "/a\nb",
        "/a%0d%0aSet-Cookie:x",
        " /home",
        "",
        None,
        "/" + "a" * 3000,
    ],
)
def test_next__to_anywhere_else__is_dropped(target: str | None) -> None:
    assert safe_next(target) is None


@pytest.mark.parametrize("target", ["/", "/experiments?status=draft", "/a/b%20c"])
def test_next__within_the_site__is_kept(target: str) -> None:
    assert safe_next(target) == target
