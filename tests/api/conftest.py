# ruff: noqa: ANN401  # JSON is any of its types
"""The API alone, with a caller of each role."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from api.app import register
from experiments import accounts, journey, keys
from experiments.actors import SYSTEM
from experiments.context import Context
from experiments.db import transaction
from experiments.plan import definition_to_json, to_plain
from experiments.vocabulary import Environment, KeyKind, PersonRole
from tests import factories


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status_code: int
    headers: Headers
    data: bytes

    @property
    def text(self) -> str:
        return self.data.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.data)


def received(response: TestResponse) -> Answer:
    return Answer(response.status_code, response.headers, response.data)


@dataclass(frozen=True)
class Caller:
    """Calls the API with one key."""

    client: FlaskClient
    key: str | None

    def __call__(self, method: str, path: str, **request: Any) -> Answer:
        headers = dict(request.pop("headers", {}))
        if self.key is not None:
            headers["Authorization"] = f"Bearer {self.key}"
        return received(
            self.client.open(
                f"/api/v1{path}", method=method, headers=headers, **request
            )
        )

    def get(self, path: str, **request: Any) -> Answer:
        return self("GET", path, **request)

    def post(self, path: str, body: Any = None, **request: Any) -> Answer:
        return self("POST", path, json=body, **request)

    def put(self, path: str, body: Any, **request: Any) -> Answer:
        return self("PUT", path, json=body, **request)


@pytest.fixture
def api_app(context: Context) -> Flask:
    app = Flask("abide-api")
    register(app, context)
    return app


def make_key(
    session: Session,
    name: str,
    role: PersonRole,
    kind: KeyKind = KeyKind.ADMIN,
) -> str:
    """Store a person of this role, with a key that acts for them."""
    person = factories.make_person(session, name, PersonRole.ADMIN)
    _, text = keys.create_key(
        session,
        kind=kind,
        environment=Environment.PRODUCTION,
        name="Tests",
        actor=accounts.actor_for(person),
        now=factories.NOW,
    )
    if role != PersonRole.ADMIN:
        accounts.set_role(session, person.id, role, actor=SYSTEM, now=factories.NOW)
    return text


@pytest.fixture
def api(api_app: Flask, context: Context) -> Caller:
    """An admin's calls, on an installation that has its journey."""
    with transaction(context.sessions) as session:
        journey.seed(session)
        key = make_key(session, "Ada", PersonRole.ADMIN)
    return Caller(api_app.test_client(), key)


@pytest.fixture
def nobody(api: Caller) -> Caller:
    """Calls without a key."""
    return Caller(api.client, None)


@pytest.fixture
def as_role(api: Caller, context: Context) -> Callable[..., Caller]:
    """Make somebody else's calls: of a role, or with another kind of key."""

    def call_as(role: PersonRole, kind: KeyKind = KeyKind.ADMIN) -> Caller:
        with transaction(context.sessions) as session:
            key = make_key(session, f"{role}-{kind}", role, kind)
        return Caller(api.client, key)

    return call_as


def segment_body(**changes: Any) -> dict[str, Any]:
    return {
        "key": factories.SEGMENT,
        "name": "Business customers",
        "description": "",
        "condition": {"plan": "business"},
        **changes,
    }


def metric_body(**changes: Any) -> dict[str, Any]:
    return {
        "key": factories.RETENTION,
        "name": "Day-30 retention",
        "description": "",
        "definition": definition_to_json(factories.definition()),
        **changes,
    }


def csat_body(**changes: Any) -> dict[str, Any]:
    definition = definition_to_json(factories.csat_definition())
    return metric_body(
        key=factories.CSAT, name="CSAT", definition=definition, **changes
    )


def hypothesis_body(**changes: Any) -> dict[str, Any]:
    return {**to_plain(factories.hypothesis_value()), **changes}


def design_body(**changes: Any) -> dict[str, Any]:
    return {**to_plain(factories.design_value()), **changes}


@pytest.fixture
def drafted(api: Caller) -> dict[str, Any]:
    """An experiment as a draft, with all it names, made over JSON."""
    for path, body in (
        ("/segments", segment_body()),
        ("/metrics", metric_body()),
        ("/metrics", csat_body()),
        ("/hypotheses", hypothesis_body()),
    ):
        made = api.post(path, body)
        assert made.status_code == 201, made.text
    made = api.post("/experiments", design_body())
    assert made.status_code == 201, made.text
    shown: dict[str, Any] = made.json
    return shown
