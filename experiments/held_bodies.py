"""Webhooks' bodies that gave no facts yet: kept sealed, shown masked, found by id.

They wait among what was set aside, as rows without a customer: whose they are is not
known before a mapping fits. An erasure therefore opens each and looks for the
customer's ids in it.
"""

import base64
import re
from collections.abc import Container, Iterator, Mapping
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from experiments.config import Settings
from experiments.errors import ConfigurationFault
from experiments.json_paths import text_of
from experiments.messages import MAX_ID
from experiments.models import QuarantinedMessage
from experiments.parcels import QuarantineRow
from experiments.privacy import Pseudonymiser, load_pseudonymiser, mask_text
from experiments.sealing import BODY_PURPOSE, Sealer, load_sealer
from experiments.vocabulary import QuarantineReason

# A body may name people, so it is kept for as long as mending a mapping takes.
KEPT = timedelta(days=30)
_SEALED, _NAMED = "sealed", "delivery"
_DEPTH, _ITEMS = 8, 40
_AT_ONCE = 500  # rows in memory
# Names of a vendor's fields, which mending a mapping needs; ids rarely look so.
_FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z_-]{0,39}\d{0,2}", re.ASCII)


def hold(
    sealer: Sealer,
    body: bytes,
    document: Mapping[str, Any] | None,
    reason: QuarantineReason,
    detail: str,
    delivery: str | None = None,
) -> QuarantineRow:
    """Write a body down so that it can be read again by a better mapping.

    Args:
        sealer: hides it.
        body: as it came.
        document: the same as JSON; None when it is none, which nothing will mend.
        reason: why it gives no facts.
        detail: the same in words, without any value of the body.
        delivery: fingerprint by which a repeat is known; None where the body is it.

    Returns:
        A row for the inbox.
    """
    if document is None:
        return QuarantineRow(reason.value, detail, {"body": f"{len(body)} bytes"})
    sealed = base64.b64encode(sealer.seal(body, BODY_PURPOSE)).decode()
    shape = _masked(document, _DEPTH)
    kept = {_SEALED: sealed}
    if delivery is not None:
        kept[_NAMED] = delivery
    return QuarantineRow(reason.value, detail, shape, kept)


def size_of(replay: Mapping[str, Any] | None) -> int | None:
    """How many bytes a held body takes as it is kept; None for other rows."""
    sealed = (replay or {}).get(_SEALED)
    return None if sealed is None else len(sealed)


def is_held() -> ColumnElement[bool]:
    """Tell held bodies from messages that were set aside, in a query."""
    table = QuarantinedMessage
    return and_(table.customer.is_(None), table.replay.is_not(None))


def body_of(sealer: Sealer, replay: Mapping[str, Any]) -> bytes:
    """Open a held body.

    Args:
        sealer: of this installation.
        replay: of its row.

    Returns:
        The body as it came.
    """
    return sealer.open(base64.b64decode(replay[_SEALED]), BODY_PURPOSE)


def delivery_of(replay: Mapping[str, Any]) -> str | None:
    """Give the fingerprint by which a repeat of a held body is known."""
    found = replay.get(_NAMED)
    return None if found is None else str(found)


class BodySearch:
    """Looks for customers in held bodies; keys are read only where there is one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keys: tuple[Sealer, Pseudonymiser] | None = None

    def finds(self, replay: Mapping[str, Any] | None, ids: Container[bytes]) -> bool:
        """Whether a held body holds one of these customers' ids, anywhere.

        Args:
            replay: of its row; other rows hold no body.
            ids: pseudonyms, of any kind.

        Returns:
            True when a value in it is such an id; also when it cannot be opened:
            what nobody can search cannot be said to be without the customer.
        """
        if replay is None or _SEALED not in replay:
            return False
        if self._keys is None:
            hide = load_pseudonymiser(self._settings)
            self._keys = load_sealer(self._settings), hide
        sealer, hide = self._keys
        try:
            document = orjson.loads(body_of(sealer, replay))
        except ConfigurationFault:
            return True
        return any(
            hide.customer(text) in ids or hide.anonymous(text) in ids
            for text in set(_texts(document))
        )


def naming(
    session: Session, settings: Settings, ids: Container[bytes]
) -> list[QuarantinedMessage]:
    """Find the held bodies that hold one of these customers' ids.

    Args:
        session: any session.
        settings: where the keys are.
        ids: pseudonyms, of any kind.

    Returns:
        Their rows.
    """
    search = BodySearch(settings)
    rows = session.scalars(select(QuarantinedMessage).where(is_held()))
    # There may be many, and few of them are the customer's.
    return [row for row in rows.yield_per(_AT_ONCE) if search.finds(row.replay, ids)]


def _texts(document: object) -> Iterator[str]:
    waiting = [document]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting += [*item, *item.values()]
        elif isinstance(item, list):
            waiting += item
        else:
            text = text_of(item)
            if text is not None and 0 < len(text) <= MAX_ID:
                yield text


def _masked(value: object, depth: int) -> Any:  # noqa: ANN401  # JSON
    """Keep a body's shape and the names of its fields, and nothing that it says."""
    if isinstance(value, (dict, list)) and depth == 0:
        return f"{len(value)} more inside"
    if isinstance(value, dict):
        return {
            _name(name): _masked(item, depth - 1)
            for name, item in list(value.items())[:_ITEMS]
        }
    if isinstance(value, list):
        return [_masked(item, depth - 1) for item in value[:_ITEMS]]
    if isinstance(value, str):
        return mask_text(value)
    return value if value is None or isinstance(value, bool) else 0


def _name(name: str) -> str:
    return name if _FIELD_NAME.fullmatch(name) else mask_text(name)
