"""Every route needs a key or a session, unless a list in one place names it."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import Client

from api import front
from api.auth import PUBLIC_PATHS
from experiments.context import Context
from experiments.ruleset_mirror import RulesetMirror
from web.access import PUBLIC

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_routes__without_key_or_session__are_closed_unless_listed(
    app: Flask, client: FlaskClient
) -> None:
    opened = []
    for rule in app.url_map.iter_rules():
        if rule.endpoint in PUBLIC or rule.rule in PUBLIC_PATHS:
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            answer = client.open(_path(rule), method=method)
            if not _is_closed(answer.status_code, answer.location):
                opened.append((method, rule.rule, answer.status_code))
    assert opened == []


@pytest.mark.parametrize(
    "path",
    ["/api//v1/keys", "/api/v1/./keys", "/api/v1/keys/", "/API/v1/keys", "/x/../keys"],
)
def test_routes__odd_spelling__opens_nothing(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code in {302, 308, 401, 403, 404}


def test_routes__public_lists__name_only_what_exists(app: Flask) -> None:
    rules = list(app.url_map.iter_rules())
    assert {r.endpoint for r in rules} >= PUBLIC
    assert {r.rule for r in rules} >= PUBLIC_PATHS


def test_routes__untrusted_host__is_refused(client: FlaskClient) -> None:
    answer = client.get("/sign-in", headers={"Host": "evil.example"})
    assert answer.status_code == 400


def test_routes__every_answer__carries_the_security_headers(
    client: FlaskClient,
) -> None:
    for path in ("/sign-in", "/nothing-here", "/api/v1/keys", "/openapi.json", "/docs"):
        headers = client.get(path).headers
        assert "default-src" in headers["Content-Security-Policy"], path
        assert "unsafe-inline" not in headers["Content-Security-Policy"], path
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert "Referrer-Policy" in headers, path


def test_routes__of_pages__are_not_hidden_by_a_door(
    app: Flask, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Doors answer first: a page at the path of a door could never be opened."""
    monkeypatch.setattr(RulesetMirror, "start", RulesetMirror.copy)
    reached: list[str] = []

    def behind(
        environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        reached.append(environ["PATH_INFO"])
        start_response("204 No Content", [])
        return []

    caller = Client(front.build(context, behind, doors_too=True))
    for rule in app.url_map.iter_rules():
        for method in sorted(rule.methods or set()):
            reached.clear()
            caller.open(_path(rule), method=method, buffered=True)
            assert reached, f"a door answers {method} {rule.rule}"


def _path(rule: Rule) -> str:
    """Fill in the rule: the first of a fixed list of words, else "1"."""
    path = re.sub(r"<any\(([^,)]+)[^)]*\):[^>]+>", r"\1", rule.rule)
    return re.sub(r"<[^>]+>", "1", path)


def _is_closed(status: int, location: str | None) -> bool:
    if status in {302, 303}:
        return "/sign-in" in (location or "")
    return status in {401, 403}
