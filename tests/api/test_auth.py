"""Who may call what: deny by default, per role, keys in headers only."""

import re
from collections.abc import Callable

import pytest
from flask import Flask

from api.auth import PUBLIC_PATHS, needs_of
from experiments import accounts, hypotheses
from experiments.actors import SYSTEM
from experiments.context import Context
from experiments.db import transaction
from experiments.vocabulary import KeyKind, PersonRole
from tests import factories
from tests.api.conftest import Caller, metric_body, received

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

# What each endpoint asks for at least. A new endpoint fails until it stands here.
LEAST_ROLES = {
    ("GET", "/api/v1/audit"): "admin",
    ("POST", "/api/v1/customer-exports"): "admin",
    ("GET", "/api/v1/erasures"): "admin",
    ("POST", "/api/v1/erasures"): "admin",
    ("GET", "/api/v1/erasures/<int(max=2147483647):number>"): "admin",
    ("GET", "/api/v1/event-sources"): "viewer",
    ("GET", "/api/v1/quarantine"): "analyst",
    ("POST", "/api/v1/quarantine/replays"): "editor",
    ("GET", "/api/v1/experiments"): "viewer",
    ("POST", "/api/v1/experiments"): "editor",
    ("GET", "/api/v1/experiments/<key:key>"): "viewer",
    ("PUT", "/api/v1/experiments/<key:key>"): "editor",
    ("GET", "/api/v1/experiments/<key:key>/plan"): "viewer",
    ("GET", "/api/v1/experiments/<key:key>/results"): "viewer",
    ("GET", "/api/v1/experiments/<key:key>/runs"): "viewer",
    ("GET", "/api/v1/experiments/<key:key>/listed"): "editor",
    ("POST", "/api/v1/experiments/<key:key>/listed"): "editor",
    (
        "DELETE",
        "/api/v1/experiments/<key:key>/listed/<int(max=2147483647):row_id>",
    ): "editor",
    ("GET", "/api/v1/experiments/<key:key>/steps"): "viewer",
    ("POST", "/api/v1/experiments/<key:key>/steps"): "editor",
    (
        "DELETE",
        "/api/v1/experiments/<key:key>/steps/<int(max=2147483647):step_id>",
    ): "editor",
    ("GET", "/api/v1/experiments/<key:key>/exposures"): "viewer",
    ("GET", "/api/v1/exposures"): "viewer",
    ("GET", "/api/v1/hypotheses"): "viewer",
    ("POST", "/api/v1/hypotheses"): "editor",
    ("GET", "/api/v1/hypotheses/<key:key>"): "viewer",
    ("PUT", "/api/v1/hypotheses/<key:key>"): "editor",
    ("PUT", "/api/v1/hypotheses/<key:key>/place"): "editor",
    ("POST", "/api/v1/hypotheses/<key:key>/park"): "editor",
    ("DELETE", "/api/v1/hypotheses/<key:key>/park"): "editor",
    ("POST", "/api/v1/hypotheses/<key:key>/merge"): "editor",
    ("GET", "/api/v1/backlog"): "viewer",
    ("GET", "/api/v1/learnings"): "viewer",
    ("GET", "/api/v1/learnings/<key:key>"): "viewer",
    ("POST", "/api/v1/learnings/<key:key>/notes"): "editor",
    ("GET", "/api/v1/past-effects"): "viewer",
    ("GET", "/api/v1/journey-stages"): "viewer",
    ("PUT", "/api/v1/journey-stages/<key:key>"): "editor",
    ("GET", "/api/v1/journey-stages/<key:key>/health"): "viewer",
    ("GET", "/api/v1/keys"): "admin",
    ("POST", "/api/v1/keys"): "admin",
    ("DELETE", "/api/v1/keys/<key:public_id>"): "admin",
    ("GET", "/api/v1/holdouts"): "viewer",
    ("POST", "/api/v1/holdouts"): "approver",
    ("DELETE", "/api/v1/holdouts/<key:key>"): "approver",
    ("GET", "/api/v1/layers"): "viewer",
    ("POST", "/api/v1/layers"): "editor",
    ("GET", "/api/v1/layers/<key:key>"): "viewer",
    ("POST", "/api/v1/layers/<key:key>/reservations"): "editor",
    (
        "DELETE",
        "/api/v1/layers/<key:key>/reservations/<int(max=2147483647):range_id>",
    ): "editor",
    ("GET", "/api/v1/connectors"): "editor",
    ("POST", "/api/v1/connectors"): "admin",
    ("GET", "/api/v1/connectors/<key:public_id>"): "editor",
    ("DELETE", "/api/v1/connectors/<key:public_id>"): "admin",
    ("PUT", "/api/v1/connectors/<key:public_id>/secret"): "admin",
    ("PUT", "/api/v1/connectors/<key:public_id>/mapping"): "admin",
    ("POST", "/api/v1/connectors/<key:public_id>/tests"): "editor",
    ("GET", "/api/v1/connectors/<key:public_id>/held"): "editor",
    ("POST", "/api/v1/connectors/<key:public_id>/replays"): "editor",
    ("DELETE", "/api/v1/connectors/<key:public_id>/held"): "admin",
    ("GET", "/api/v1/experiments/<key:key>/previews"): "editor",
    ("POST", "/api/v1/experiments/<key:key>/previews"): "editor",
    (
        "DELETE",
        "/api/v1/experiments/<key:key>/previews/<int(max=2147483647):row_id>",
    ): "editor",
    ("GET", "/api/v1/experiments/<key:key>/reconciliation"): "viewer",
    ("GET", "/api/v1/experiments/<key:key>/looks"): "viewer",
    ("GET", "/api/v1/experiments/<key:key>/customer-words"): "viewer",
    ("PUT", "/api/v1/experiments/<key:key>/customer-words"): "editor",
    ("GET", "/api/v1/imports"): "analyst",
    ("POST", "/api/v1/imports"): "analyst",
    ("GET", "/api/v1/imports/<key:public_id>"): "analyst",
    ("POST", "/api/v1/imports/<key:public_id>/store"): "analyst",
    ("POST", "/api/v1/imports/<key:public_id>/discard"): "analyst",
    ("GET", "/api/v1/imports/<key:public_id>/rejects"): "analyst",
    ("GET", "/api/v1/opt-outs"): "viewer",
    ("POST", "/api/v1/opt-outs/links"): "editor",
    ("GET", "/api/v1/metrics"): "viewer",
    ("POST", "/api/v1/metrics"): "analyst",
    ("GET", "/api/v1/metrics/<key:key>"): "viewer",
    ("PUT", "/api/v1/metrics/<key:key>"): "analyst",
    ("GET", "/api/v1/metrics/<key:key>/certificates"): "viewer",
    ("POST", "/api/v1/metrics/<key:key>/certificates"): "analyst",
    ("POST", "/api/v1/metrics/<key:key>/versions"): "analyst",
    ("POST", "/api/v1/power"): "viewer",
    ("GET", "/api/v1/surveys"): "viewer",
    ("POST", "/api/v1/surveys"): "editor",
    ("GET", "/api/v1/surveys/<key:key>"): "viewer",
    ("PUT", "/api/v1/surveys/<key:key>"): "editor",
    ("POST", "/api/v1/surveys/<key:key>/links"): "editor",
    ("GET", "/api/v1/segments"): "viewer",
    ("POST", "/api/v1/segments"): "analyst",
    ("GET", "/api/v1/segments/<key:key>"): "viewer",
    ("POST", "/api/v1/segments/<key:key>/versions"): "analyst",
}
ACTIONS = "/api/v1/experiments/<key:key>/actions/"


def endpoints(app: Flask) -> list[tuple[str, str, object]]:
    """List (method, rule, view) of all that the app answers."""
    return [
        (method, rule.rule, app.view_functions[rule.endpoint])
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD"})
    ]


def concrete(rule: str) -> str:
    """Put values into a rule."""
    for part in ("<key:key>", "<key:public_id>"):
        rule = rule.replace(part, "some-key")
    rule = re.sub("<int[^>]*>", "1", rule)
    if rule.startswith(ACTIONS.replace("<key:key>", "some-key")):
        rule = rule.partition("<")[0] + "start"
    return rule


def test_endpoints__all__ask_for_the_role_of_the_table(api_app: Flask) -> None:
    asked = {}
    for method, rule, view in endpoints(api_app):
        if rule.startswith(ACTIONS):
            rule = ACTIONS  # noqa: PLW2901  # its list of actions is the vocabulary's
        needs = needs_of(view)
        if rule not in PUBLIC_PATHS | {"/static/<path:filename>"}:
            assert needs is not None, rule
            asked[method, rule] = needs.role.value
    assert asked == LEAST_ROLES | {("POST", ACTIONS): "editor"}


def test_endpoints__without_key__are_refused_unless_public(
    api_app: Flask, nobody: Caller
) -> None:
    for method, rule, _view in endpoints(api_app):
        path = concrete(rule)
        if not path.startswith("/api/"):
            continue
        answer = received(nobody.client.open(path, method=method))
        assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    for path in PUBLIC_PATHS:
        assert nobody.client.get(path).status_code == 200


def test_endpoints__every_role__are_open_from_their_role_on(
    api_app: Flask, as_role: Callable[..., Caller]
) -> None:
    ranks = list(PersonRole)
    for role in ranks:
        caller = as_role(role)
        for method, rule, view in endpoints(api_app):
            needs = needs_of(view)
            if needs is None:
                continue
            answer = caller.client.open(
                concrete(rule),
                method=method,
                json=None if method in {"GET", "DELETE"} else {},
                headers={"Authorization": f"Bearer {caller.key}"},
            )
            enough = ranks.index(role) >= ranks.index(needs.role)
            assert (answer.status_code != 403) is enough, (role, method, rule)
            assert answer.status_code < 500


@pytest.mark.parametrize("kind", [KeyKind.SERVER, KeyKind.CLIENT, KeyKind.WRITE])
def test_key__of_another_kind__opens_nothing(
    as_role: Callable[..., Caller], kind: KeyKind
) -> None:
    answer = as_role(PersonRole.ADMIN, kind).get("/experiments")
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
    assert kind.value in answer.json["message"]


def test_key__in_either_header__is_taken(api: Caller) -> None:
    client, key = api.client, api.key or ""
    for headers in (
        {"X-API-Key": key},
        {"Authorization": f"bearer {key}"},
        {"X-API-Key": key, "Authorization": f"Bearer {key}"},
    ):
        assert client.get("/api/v1/metrics", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic YTpi"},
        {"X-API-Key": "abide_admin_prod_aaaaaaaaaaaa_" + "A" * 43},
        {"X-API-Key": "\xe4\xf6"},
        {"X-API-Key": "a" * 10_000},
        {"X-API-Key": "a", "Authorization": "Bearer b"},
    ],
)
def test_key__absent_or_unknown__is_unauthenticated(
    nobody: Caller, headers: dict[str, str]
) -> None:
    answer = nobody.get("/metrics", headers=headers)
    assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")


def test_key__in_the_address__is_not_looked_at(api: Caller, nobody: Caller) -> None:
    assert nobody.get(f"/metrics?api_key={api.key}").status_code == 401


def test_key__altered_secret__is_unauthenticated(api: Caller) -> None:
    key = api.key or ""
    other = "A" if key[-1] != "A" else "B"
    assert Caller(api.client, key[:-1] + other).get("/metrics").status_code == 401


def test_key__owner_disabled__is_unauthenticated(
    api: Caller, as_role: Callable[..., Caller], context: Context
) -> None:
    caller = as_role(PersonRole.EDITOR)
    assert caller.get("/metrics").status_code == 200
    with transaction(context.sessions) as session:
        person = accounts.person_by_email(session, "editor-admin@example.com")
        accounts.set_active(
            session, person.id, active=False, actor=SYSTEM, now=factories.NOW
        )
    assert caller.get("/metrics").status_code == 401
    assert api.get("/metrics").status_code == 200


def test_view__that_declares_nothing__is_closed(api_app: Flask, api: Caller) -> None:
    api_app.add_url_rule("/api/v1/forgotten", view_func=lambda: "secret")
    answer = api.get("/forgotten")
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")


def test_plan__own__cannot_be_approved_by_its_writers_key(
    api: Caller, context: Context
) -> None:
    with transaction(context.sessions) as session:
        ada = accounts.actor_for(accounts.person_by_email(session, "ada@example.com"))
        factories.make_experiment(session, ada)
        factories.make_person(session, "Bo", PersonRole.APPROVER)
    path = f"/experiments/{factories.EXPERIMENT}/actions"
    early = api.post(f"{path}/start")
    assert (early.status_code, early.json["code"]) == (409, "conflict")
    assert api.post(f"{path}/submit").json["status"] == "in_review"
    answer = api.post(f"{path}/approve")
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")


def test_refused__body_and_rights_wrong__says_rights_and_stores_nothing(
    as_role: Callable[..., Caller], context: Context
) -> None:
    answer = as_role(PersonRole.VIEWER).post("/metrics", metric_body(unknown=1))
    assert answer.status_code == 403
    assert "define metrics" in answer.json["message"]
    with transaction(context.sessions) as session:
        assert hypotheses.listing(session) == []
