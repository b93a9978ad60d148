"""The event doors as they are served, on a ruleset made here."""

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from werkzeug.test import Client, TestResponse

from analysis.compactor import compact_once
from api import doors, tracking
from api.doors import DoorGroup, Gate
from experiments import key_format
from experiments.context import Context
from experiments.inbox import Inbox
from experiments.privacy import load_pseudonymiser
from experiments.ruleset_files import RulesetFolder
from experiments.ruleset_reader import RulesetReader
from experiments.ruleset_values import PublishedKey, Ruleset
from experiments.vocabulary import Environment, KeyKind
from tests.analysis.intake import events


def make_key(
    kind: KeyKind, environment: Environment = Environment.PRODUCTION
) -> tuple[str, PublishedKey]:
    public_id, secret = key_format.make(kind, environment)
    digest = key_format.digest(secret)
    return secret, PublishedKey(public_id, digest, kind, environment, revoked=False)


WRITE, WRITE_KEY = make_key(KeyKind.WRITE)
SERVER, SERVER_KEY = make_key(KeyKind.SERVER)
DEVELOPMENT, DEVELOPMENT_KEY = make_key(KeyKind.WRITE, Environment.DEVELOPMENT)
CLIENT, CLIENT_KEY = make_key(KeyKind.CLIENT)
UNKNOWN, _ = make_key(KeyKind.WRITE)
KEYS = (WRITE_KEY, SERVER_KEY, DEVELOPMENT_KEY, CLIENT_KEY)


def door_client(context: Context, inbox: Inbox) -> Client:
    reader = RulesetReader(RulesetFolder(Path("nowhere")))
    reader.current = Ruleset(
        revision=1,
        published_at=datetime(2026, 3, 14, tzinfo=UTC),
        experiments={},
        together=(),
        silent={},
        keys={key.public_id: key for key in KEYS},
        attributes=frozenset({"plan", "email", "id"}),
    )
    hide = load_pseudonymiser(context.settings)
    routes = tracking.routes(reader, inbox, hide, context.now)
    group = DoorGroup(routes, tracking.BODY_CAP, at_once=4, accepts_gzip=True)

    def behind(_environ: object, _start: object) -> Iterator[bytes]:
        raise AssertionError

    mounted = doors.mount(
        behind, [group], trusted_hosts=["localhost"], app_gate=Gate(1)
    )
    return Client(mounted)


def basic(key: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}


def post(
    client: Client,
    path: str,
    body: object,
    headers: Mapping[str, str] | None = None,
) -> TestResponse:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(
        path, data=raw, headers=dict(basic(WRITE) if headers is None else headers)
    )


def message(number: int = 1, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "type": "track",
        "messageId": f"m{number}",
        "userId": "customer-1",
        "event": "App Opened",
        "timestamp": "2026-03-14T09:00:00Z",
        **changes,
    }


def stored(context: Context) -> list[dict[str, Any]]:
    compact_once(context)
    return events(context)
