"""The API against its own document: generated requests, good and bad.

Seeded and bounded, for every run: the examples and edges of every schema, then a few
random cases for each operation.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import negative_data_rejection

from api import (
    assignments,
    doors,
    explain,
    hooks,
    ofrep,
    plugin_track,
    sdk_payload,
    tracking,
)
from api.app import register
from api.doors import DoorGroup, Gate
from experiments import keys
from experiments.config import Settings
from experiments.context import Context, utc_now
from experiments.db import make_engine, make_sessions, transaction
from experiments.inbox import Inbox
from experiments.privacy import load_pseudonymiser
from experiments.refused_hooks import Refusals
from experiments.ruleset_files import RulesetFolder
from experiments.ruleset_mirror import RulesetMirror
from experiments.ruleset_reader import RulesetReader
from experiments.sealing import load_sealer
from experiments.vocabulary import Environment, KeyKind, PersonRole
from experiments.waiting_bodies import WaitingLimit
from tests import factories
from tests.api.conftest import Caller, make_key

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

KEY = "annual"
CONFIG = {
    "generation": {
        "deterministic": True,
        "max-examples": 8,
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


HOT = {"assignments", "openfeature", "growthbook", "events"}


class Relay:
    """Hands requests on to the app of the test that runs.

    pytest collects one test for each operation before any database is there.
    """

    def __init__(self) -> None:
        self.app: WSGIApplication | None = None

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
# A file is bytes, whatever stands in them.
schemathesis.serializer.alias(
    "application/vnd.apache.parquet", "application/octet-stream"
)
schema = schemathesis.openapi.from_dict(
    written_document(), config=schemathesis.Config.from_dict(CONFIG)
)
schema.app = relay
# One-letter addresses are the same doors once more.
operations = schema.exclude(path_regex=r"^/v1/.$")


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


@pytest.fixture
def client_key(context: Context) -> str:
    """Make the key that SDKs put into the address."""
    with transaction(context.sessions) as session:
        admin = factories.make_actor(session, "Di", PersonRole.ADMIN)
        _, text = keys.create_key(
            session,
            kind=KeyKind.CLIENT,
            environment=Environment.PRODUCTION,
            name="App",
            actor=admin,
            now=factories.NOW,
            may_read_rules=True,
        )
    return text


@pytest.fixture
def whole(
    api: Caller, context: Context, one_of_each: str, client_key: str
) -> Iterator[Caller]:
    """Put the hot doors in front of the app, as one process serves them."""
    assert one_of_each
    folder = RulesetFolder(context.settings.data_dir / "ruleset")
    with transaction(context.sessions) as session:
        server_key = make_key(session, "Cy", PersonRole.EDITOR, KeyKind.SERVER)
    assert client_key
    RulesetMirror(context.sessions, folder).copy()
    reader = RulesetReader(folder)
    reader.refresh()
    inbox = Inbox.for_settings(context.settings)
    pseudonymiser = load_pseudonymiser(context.settings)
    tracked = {
        **tracking.routes(reader, inbox, pseudonymiser, context.now),
        **plugin_track.routes(reader, inbox, pseudonymiser, context.now),
    }
    sealer = load_sealer(context.settings)
    waiting = WaitingLimit(folder.path)
    refusals = Refusals(inbox, context.now, pseudonymiser.key_id)
    hooked = hooks.routes(
        reader, inbox, pseudonymiser, sealer, waiting, refusals, context.now
    )
    relay.app = doors.mount(
        api.client.application,
        [
            *(
                DoorGroup(door.routes(reader), door.BODY_CAP, 8, wording=door.word)
                for door in (assignments, ofrep, sdk_payload)
            ),
            DoorGroup(explain.routes(reader, utc_now), explain.BODY_CAP, 8),
            DoorGroup(tracked, 500_000, 8, accepts_gzip=True),
            DoorGroup(hooked, hooks.BODY_CAP, 8),
        ],
        trusted_hosts=context.settings.trusted_hosts,
        app_gate=Gate(1_000),  # answers here are closed late
    )
    yield Caller(api.client, server_key)
    inbox.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@operations.parametrize()
# All requests to one operation meet the same database, as they do in life.
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_operation__generated_requests__answer_as_documented(
    case: schemathesis.Case[Any], api: Caller, whole: Caller, client_key: str
) -> None:
    tags = case.operation.tags or []
    caller = whole if HOT & set(tags) else api
    if "client_key" in case.path_parameters:
        case.path_parameters["client_key"] = client_key
    if "client_key" in case.query:
        case.query["client_key"] = client_key
    case.call_and_validate(
        headers={"Authorization": f"Bearer {caller.key}"},
        # A message that is not as documented is set aside, and its batch taken.
        excluded_checks=[negative_data_rejection] if "events" in tags else [],
    )
