"""The last exposures of each experiment, for whoever connects an app to it."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from experiments.exposures_view import LATEST, start_of
from experiments.models import Experiment, RecentExposure
from experiments.vocabulary import Environment

KEPT = timedelta(days=60)


def add(session: Session, exposures: pa.Table) -> None:
    """Keep the newest of new exposures in production.

    Args:
        session: the transaction in which their groups are marked as counted.
        exposures: rows of EVENT_SCHEMA without `day`, each once, in order of arrival.
    """
    live = pc.equal(exposures["environment"], Environment.PRODUCTION.value)
    rows = exposures.filter(live)
    if not rows.num_rows:
        return
    # A client may make names up: only experiments that are here have a page.
    named = [key for key in pc.unique(rows["experiment"]).to_pylist() if key]
    known = session.scalars(select(Experiment.key).where(Experiment.key.in_(named)))
    columns = ["variant", "source", "received_at", "customer"]
    for key in known.all():
        own = rows.filter(pc.equal(rows["experiment"], key)).select(columns)
        last = own.slice(max(0, own.num_rows - LATEST)).to_pylist()
        session.add_all([_row(key, found) for found in last])
        session.flush()
        _cut(session, key)


def _row(key: str, found: Mapping[str, object]) -> RecentExposure:
    customer = found["customer"]
    if not isinstance(customer, bytes):
        raise TypeError("an event has no customer")
    return RecentExposure(
        experiment=key,
        variant=found["variant"],
        source=found["source"],
        received_at=found["received_at"],
        customer_start=start_of(customer),
    )


def _cut(session: Session, key: str) -> None:
    """Keep the newest of an experiment only."""
    table = RecentExposure
    own = select(table.id).where(table.experiment == key)
    older = own.order_by(table.id.desc()).offset(LATEST)
    session.execute(
        delete(table).where(table.id.in_(session.scalars(older).all())),
        execution_options={"synchronize_session": False},
    )


def forget(session: Session, now: datetime) -> None:
    """Drop what was long ago."""
    table = RecentExposure
    session.execute(delete(table).where(table.received_at < now - KEPT))
