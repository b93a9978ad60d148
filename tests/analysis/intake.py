"""Messages sent to a real inbox, and what the store then holds."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import select

from analysis.store import EventStore
from experiments.context import Context
from experiments.db import transaction
from experiments.inbox import Inbox
from experiments.models import EventSource, QuarantinedMessage
from tests.experiments.sent_messages import read


def send(context: Context, *messages: object, inbox: Inbox | None = None) -> None:
    """Send one request with these messages, received now."""
    own = inbox or Inbox.for_settings(context.settings)
    own.append(read(*messages, received_at=context.now()))
    if inbox is None:
        own.close()


def events(context: Context) -> list[dict[str, Any]]:
    """Read all stored events, in order of occurrence and name."""
    files = EventStore(context.settings).files()
    rows: list[dict[str, Any]] = table(files).to_pylist()
    return sorted(rows, key=lambda row: (row["occurred_at"], row["name"]))


def table(files: Sequence[str]) -> pa.Table:
    if not files:
        return pa.table({})
    return pa.concat_tables([pq.ParquetFile(file).read() for file in files])


def quarantined(context: Context) -> list[QuarantinedMessage]:
    order = (QuarantinedMessage.seq, QuarantinedMessage.position)
    with transaction(context.sessions) as session:
        return list(session.scalars(select(QuarantinedMessage).order_by(*order)))


def sources(context: Context) -> list[EventSource]:
    with transaction(context.sessions) as session:
        return list(session.scalars(select(EventSource)))
