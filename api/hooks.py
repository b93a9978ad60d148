"""POST /hooks/{connector}: signed webhooks, as survey and support tools send them.

200 once what the body holds is durable: its facts, or the body itself, sealed, until
a mapping fits it. A body that cannot be read is never refused: the sender could not
mend it, and would send it again for hours. When too many wait already it is, with 429,
so that the sender keeps it for us. A wrong signature is, without saying which
part of it is wrong.
"""

import functools
import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from api import hooks_openapi
from api.door_values import Door, Request, Response
from experiments.connector_bodies import MAX_BODY, take
from experiments.errors import (
    ConfigurationFault,
    Unauthenticated,
    Unavailable,
)
from experiments.events import Sender
from experiments.held_bodies import size_of
from experiments.inbox import Inbox
from experiments.parcels import Parcel, QuarantineRow
from experiments.privacy import Pseudonymiser
from experiments.refused_hooks import Refusals
from experiments.ruleset_reader import RulesetReader
from experiments.ruleset_values import PublishedConnector
from experiments.sealing import SECRET_PURPOSE, Sealer
from experiments.signatures import STANDARD_ID, Scheme, is_signed
from experiments.vocabulary import SignatureStyle
from experiments.waiting_bodies import WaitingLimit

PATH = "/hooks/{connector}"
BODY_CAP = MAX_BODY
_DONE = Response(200, [("Content-Type", "application/json")], b'{"success":true}')
# Checked when there is no such connector, so that both take about the same time.
_NO_SCHEME, _NO_SECRET = Scheme("X-Abide-Signature"), b"\0" * 32

_LOST = (
    "The secret of this connector cannot be opened. Restore keys/sealing in the data"
    " folder, or enter the secret again."
)
_STARTING = "Abide has just started. Try again soon."
_LOST_RETRY = 300  # seconds; it takes a person

OPENAPI_PATHS: dict[str, Any] = hooks_openapi.paths(PATH, BODY_CAP)


def routes(
    reader: RulesetReader,
    inbox: Inbox,
    pseudonymiser: Pseudonymiser,
    sealer: Sealer,
    waiting: WaitingLimit,
    refusals: Refusals,
    now: Callable[[], datetime],
) -> dict[tuple[str, str], Door]:
    """List the doors of this file.

    Args:
        reader: knows connectors and the attributes that may be stored.
        inbox: makes events durable.
        pseudonymiser: hides ids.
        sealer: opens secrets, and hides bodies that have to wait.
        waiting: says when too many wait.
        refusals: counts what is refused.
        now: the clock.

    Returns:
        (method, path) -> door.
    """

    @functools.lru_cache(100)
    def opened(sealed: bytes) -> bytes | None:
        try:
            return sealer.open(sealed, SECRET_PURPOSE)
        except ConfigurationFault:
            return None  # another one may hold

    def receive(request: Request) -> Response:
        received_at = now()
        ruleset = reader.current
        if ruleset is None:
            raise Unavailable(_STARTING)
        connector = ruleset.connectors.get(request.name)
        sealed = [] if connector is None else connector.secrets_at(received_at)
        scheme = _NO_SCHEME if connector is None else connector.scheme
        secrets = [found for one in sealed if (found := opened(one)) is not None]
        if sealed and not secrets:
            raise Unavailable(_LOST, _LOST_RETRY)
        signed = is_signed(
            scheme, secrets or [_NO_SECRET], request.headers, request.body, received_at
        )
        if connector is not None and not signed:
            refusals.note(connector.public_id)
        if connector is None or not secrets or not signed:
            raise Unauthenticated(
                "The signature of this request does not fit. Check the address, the"
                " secret, and that both clocks are right."
            )
        parcel = take(
            request.body,
            connector.mapping,
            _sender(connector, ruleset.attributes),
            received_at,
            pseudonymiser,
            sealer,
            _delivery(scheme, request),
        )
        _ask_for_room(waiting, parcel)
        if parcel.message_count:
            inbox.append(parcel)
        return _DONE

    return {("POST", PATH): receive, ("GET", PATH): _greet}


def _greet(_request: Request) -> Response:
    """Answer Intercom's HEAD, by which it checks an address.

    The same for every address: whether there is a connector is nobody's business who
    cannot sign for it.
    """
    return _DONE


def _delivery(scheme: Scheme, request: Request) -> str | None:
    """Name a delivery as its sender does, where that is signed with the body."""
    given = request.headers.get(STANDARD_ID)
    if scheme.style != SignatureStyle.STANDARD_WEBHOOKS or not given:
        return None
    return hashlib.sha256(given.encode("utf-8", "surrogateescape")).hexdigest()


def _ask_for_room(waiting: WaitingLimit, parcel: Parcel) -> None:
    for fields in parcel.quarantined:
        size = size_of(QuarantineRow(*fields).replay)
        if size is not None:
            waiting.let_in(parcel.source, size)


def _sender(connector: PublishedConnector, attributes: frozenset[str]) -> Sender:
    return Sender(connector.public_id, connector.environment, attributes)
