"""Events put into a real store, as the compactor leaves them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pyarrow as pa
from sqlalchemy.orm import Session, sessionmaker

from analysis.delta import write_file
from analysis.event_table import by_day
from analysis.store import EVENT_LAYOUT, EVENT_SCHEMA, EventStore
from experiments.db import transaction
from experiments.models import EventSource


def put(store: EventStore, rows: Iterable[dict[str, Any]]) -> None:
    """Commit rows of `EventFile` to the store."""
    schema = pa.schema([f for f in EVENT_SCHEMA if f.name != "day"])
    table = pa.Table.from_pylist(list(rows), schema=schema)
    writer = store.writer()
    files = [
        write_file(store.path, EVENT_LAYOUT, {"day": day.isoformat()}, part)
        for day, part in by_day(table).items()
    ]
    writer.commit(files, {})


def source_seen(
    sessions: sessionmaker[Session],
    complete_through: datetime,
    *event_names: str,
    last_received_at: datetime | None = None,
) -> None:
    """Tell how far the source "app" is known."""
    with transaction(sessions) as session:
        session.merge(
            EventSource(
                source="app",
                environment="production",
                is_import=False,
                complete_through=complete_through,
                last_event_at=None,
                last_received_at=last_received_at or complete_through,
                event_count=1,
                duplicate_count=0,
                event_names=list(event_names),
            )
        )
