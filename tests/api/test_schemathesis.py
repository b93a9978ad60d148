"""The API against its own document: generated requests, good and bad.

Seeded and bounded, for every run: the examples and edges of every schema, then a few
random cases for each operation.
"""

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, settings

from api.app import register
from experiments.config import Settings
from experiments.context import Context, utc_now
from experiments.db import make_engine, make_sessions, transaction
from tests import factories
from tests.api.conftest import Caller

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

KEY = "annual"
CONFIG = {
    "generation": {
        "deterministic": True,
        "max-examples": 10,
        # Every request carries the one good key; test_auth.py has the bad ones.
        "with-security-parameters": False,
    },
    # One key for each kind of thing there is, so that paths find something.
    "parameters": {"path.key": KEY},
    "checks": {
        # The rules refuse much that fits the shapes: that is their work.
        "positive_data_acceptance": {"enabled": False},
    },
}


class Relay:
    """Hands requests on to the app of the test that runs.

    pytest collects one test for each operation before any database is there.
    """

    def __init__(self) -> None:
        self.app: Flask | None = None

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        assert self.app is not None
        return self.app(environ, start_response)


def written_document() -> dict[str, Any]:
    """Write the document, for which no database is asked."""
    app = Flask("abide-api")
    sessions = make_sessions(make_engine("sqlite://"))
    register(app, Context(Settings(Path(), "sqlite://"), sessions, utc_now))
    document: dict[str, Any] = app.test_client().get("/openapi.json").get_json()
    return document


relay = Relay()
schema = schemathesis.openapi.from_dict(
    written_document(), config=schemathesis.Config.from_dict(CONFIG)
)
schema.app = relay


@pytest.fixture
def one_of_each(context: Context) -> str:
    """Store one thing of each kind, all under one key, by somebody else."""
    with transaction(context.sessions) as session:
        bo = factories.make_actor(session, "Bo")
        factories.make_segment(session, KEY)
        factories.make_metric(session, KEY)
        factories.make_hypothesis(session, bo, key=KEY, segment=KEY, metric=KEY)
        primary, guardrail = factories.design_value().metrics
        metrics = (dataclasses.replace(primary, metric=KEY), guardrail)
        factories.make_experiment(
            session, bo, key=KEY, hypothesis=KEY, segment=KEY, metrics=metrics
        )
    return KEY


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@schema.parametrize()
# All requests to one operation meet the same database, as they do in life.
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_operation__generated_requests__answer_as_documented(
    case: schemathesis.Case[Any], api: Caller, one_of_each: str
) -> None:
    assert one_of_each
    relay.app = api.client.application
    case.call_and_validate(headers={"Authorization": f"Bearer {api.key}"})
