# ruff: noqa: ANN401  # JSON is any of its types
"""The door of connectors as it is served, on connectors of a real database."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from werkzeug.test import Client, TestResponse

from analysis.compactor import compact_once
from api import doors, hooks
from api.doors import DoorGroup, Gate
from experiments import connector_replay, connectors
from experiments.actors import SYSTEM
from experiments.connectors import NewConnector
from experiments.context import Context
from experiments.db import transaction
from experiments.inbox import Inbox
from experiments.models import Connector
from experiments.privacy import load_pseudonymiser
from experiments.quarantine import Replayed
from experiments.refused_hooks import Refusals
from experiments.ruleset_files import RulesetFolder
from experiments.ruleset_mirror import RulesetMirror
from experiments.ruleset_reader import RulesetReader
from experiments.sealing import load_sealer
from experiments.signatures import Scheme, sign
from experiments.vocabulary import ConnectorKind, Environment
from experiments.waiting_bodies import WaitingLimit

SECRET = "0123456789abcdef-shared"  # noqa: S105  # of tests


def register(
    context: Context, kind: ConnectorKind = ConnectorKind.GENERIC, **changes: Any
) -> Connector:
    """Register a connector whose secret is `SECRET`."""
    new = {
        "kind": kind,
        "environment": Environment.PRODUCTION,
        "name": "Support desk",
        "secret": SECRET,
        **changes,
    }
    with transaction(context.sessions) as session:
        row, _ = connectors.create(
            session,
            NewConnector(**new),
            load_sealer(context.settings),
            actor=SYSTEM,
            now=context.now(),
        )
        return row


class Hooks:
    """Sends signed webhooks to the door of one process."""

    def __init__(self, context: Context, inbox: Inbox) -> None:
        folder = RulesetFolder(context.settings.data_dir / "ruleset")
        self._mirror = RulesetMirror(context.sessions, folder)
        self._reader = RulesetReader(folder)
        self._now = context.now
        hide, sealer = (
            load_pseudonymiser(context.settings),
            load_sealer(context.settings),
        )
        waiting = WaitingLimit(folder.path)
        self.refusals = Refusals(inbox, context.now, hide.key_id)
        routes = hooks.routes(
            self._reader, inbox, hide, sealer, waiting, self.refusals, context.now
        )
        group = DoorGroup(routes, hooks.BODY_CAP, at_once=4)

        def behind(_environ: object, _start: object) -> Iterator[bytes]:
            raise AssertionError

        self.client = Client(
            doors.mount(behind, [group], trusted_hosts=["localhost"], app_gate=Gate(1))
        )

    def look(self) -> None:
        """Let the door see what was published."""
        self._mirror.copy()
        self._reader.refresh()

    def send(
        self,
        row: Connector,
        body: Any,
        *,
        secret: str = SECRET,
        headers: Mapping[str, str] | None = None,
    ) -> TestResponse:
        """Send a body, signed as the connector says."""
        self.look()
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = self.signed(row, raw, secret) if headers is None else dict(headers)
        return self.client.post(f"/hooks/{row.public_id}", data=raw, headers=given)

    def signed(self, row: Connector, raw: bytes, secret: str) -> dict[str, str]:
        scheme = Scheme(**row.signature)
        if not scheme.timestamp_header:
            return {scheme.header: sign(scheme, secret.encode(), raw)}
        stamp = self._now().isoformat()
        signed = f"{stamp}{scheme.separator}".encode() + raw
        return {
            scheme.header: sign(scheme, secret.encode(), signed),
            scheme.timestamp_header: stamp,
        }


def save_mapping(context: Context, row: Connector, mapping: Mapping[str, Any]) -> None:
    with transaction(context.sessions) as session:
        version = connectors.get(session, row.public_id).mapping_version
        connectors.save_mapping(
            session, row.public_id, mapping, version, actor=SYSTEM, now=context.now()
        )


def replay(context: Context, row: Connector) -> Replayed:
    """Read waiting bodies again, and take what they give into the store."""
    done = read_waiting(context, row)
    compact_once(context)
    return done


def read_waiting(context: Context, row: Connector) -> Replayed:
    """Read waiting bodies again; what they give is in the inbox then."""
    settings = context.settings
    with transaction(context.sessions) as session:
        return connector_replay.replay(
            session,
            settings,
            load_pseudonymiser(settings),
            load_sealer(settings),
            row.public_id,
            actor=SYSTEM,
            now=context.now(),
        )
