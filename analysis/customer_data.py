"""A copy of everything that is stored about one customer, as JSON."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import orjson
import pyarrow as pa
from sqlalchemy import func, select

from analysis.erasing import all_ids, rows_of
from analysis.store import EventStore
from analysis.unit_store import UnitStore
from experiments import held_bodies, import_records, opt_outs, survey_replies
from experiments.context import Context
from experiments.data_requests import pseudonym_of
from experiments.db import transaction
from experiments.models import EventSource, QuarantinedMessage
from experiments.privacy import Pseudonymiser
from experiments.vocabulary import IdKind

_EVENT_COLUMNS = (
    "kind",
    "name",
    "occurred_at",
    "received_at",
    "environment",
    "source",
    "experiment",
    "variant",
    "value",
    "scale",
    "properties",
)


def copy_of(
    context: Context, hide: Pseudonymiser, customer_id: str, id_kind: IdKind
) -> dict[str, Any]:
    """Read all that the store holds on a customer, under every id stitched to it.

    Args:
        context: settings and clock.
        hide: makes pseudonyms.
        customer_id: as the apps send it.
        id_kind: which id it is.

    Returns:
        JSON: `made_at`, `complete_through` (what arrived by then is in it; None before
        any event), `ids` (how many), `events` in order, `imported` outcomes, what
        was `set_aside`, the faults in `refused_rows` of imports, rows `uploaded` that
        wait for somebody to decide, of `surveys` who was asked and what was written,
        and as `opt_outs` when the customer took part in nothing.
    """
    # Read before the store: what is stored meanwhile only makes the copy better.
    through = _complete_through(context)
    own = pseudonym_of(hide, customer_id, id_kind)
    files = EventStore(context.settings).files()
    ids = all_ids(context, files, {own})
    return {
        "made_at": _text(context.now()),
        "complete_through": None if through is None else _text(through),
        "ids": len(ids),
        "events": _events(rows_of(files, ids)) if files else [],
        "imported": list(_imported(context, ids)),
        "set_aside": _set_aside(context, ids),
        "refused_rows": _refused_rows(context, ids),
        "uploaded": _uploaded(context, ids),
        "surveys": _surveys(context, ids),
        "opt_outs": _opt_outs(context, ids),
    }


def _complete_through(context: Context) -> datetime | None:
    """Up to when everything that live sources sent is stored."""
    is_live = EventSource.is_import.is_(False)
    with transaction(context.sessions) as session:
        return session.scalar(
            select(func.min(EventSource.complete_through)).where(is_live)
        )


def _events(rows: pa.Table) -> list[dict[str, Any]]:
    ordered = rows.sort_by([("occurred_at", "ascending"), ("name", "ascending")])
    return [_event(row) for row in ordered.select(_EVENT_COLUMNS).to_pylist()]


def _event(row: dict[str, Any]) -> dict[str, Any]:
    said = {name: value for name, value in row.items() if value is not None}
    for name in ("occurred_at", "received_at"):
        said[name] = _text(said[name])
    if "properties" in said:
        said["properties"] = orjson.loads(said["properties"])
    return said


def _imported(context: Context, ids: Iterable[bytes]) -> Iterable[dict[str, Any]]:
    ids = set(ids)
    for key, files in UnitStore(context.settings).files_by_experiment().items():
        columns = ["variant", "metric", "value", "attributes"]
        for row in rows_of(files, ids).select(columns).to_pylist():
            attributes = row.pop("attributes")
            row["attributes"] = orjson.loads(attributes) if attributes else {}
            yield {"experiment": key, **row}


def _set_aside(context: Context, ids: Iterable[bytes]) -> list[dict[str, Any]]:
    table = QuarantinedMessage
    with transaction(context.sessions) as session:
        rows = [
            *session.scalars(select(table).where(table.customer.in_(list(ids)))),
            *held_bodies.naming(session, context.settings, set(ids)),
        ]
        return [
            {
                "received_at": _text(row.received_at),
                "source": row.source,
                "reason": row.reason,
                "detail": row.detail,
            }
            for row in rows
        ]


def _refused_rows(context: Context, ids: Iterable[bytes]) -> list[dict[str, Any]]:
    with transaction(context.sessions) as session:
        data_dir = context.settings.data_dir
        return import_records.naming(session, data_dir, set(ids))


def _uploaded(context: Context, ids: Iterable[bytes]) -> list[dict[str, Any]]:
    with transaction(context.sessions) as session:
        data_dir = context.settings.data_dir
        return import_records.waiting_of(session, data_dir, set(ids))


def _surveys(context: Context, ids: Iterable[bytes]) -> list[dict[str, Any]]:
    with transaction(context.sessions) as session:
        kept = survey_replies.of_customer(session, list(ids))
    return [
        {
            name: _text(value) if isinstance(value, datetime) else value
            for name, value in one.items()
            if value is not None
        }
        for one in kept
    ]


def _opt_outs(context: Context, ids: Iterable[bytes]) -> list[dict[str, Any]]:
    with transaction(context.sessions) as session:
        times = opt_outs.times_out(session, list(ids))
    return [
        {
            "opted_out_at": _text(begin),
            "opted_in_at": None if end is None else _text(end),
        }
        for begin, end in times
    ]


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
