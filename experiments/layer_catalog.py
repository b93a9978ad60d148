"""Layers by key: made, found and listed."""

import secrets
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from experiments import audit
from experiments.actors import Actor
from experiments.errors import Conflict
from experiments.field_faults import Faults, check_key
from experiments.lookups import row_by_key, rows_after
from experiments.models import Layer
from experiments.vocabulary import PersonRole

SEED_BYTES = 16


def create(
    session: Session,
    *,
    key: str,
    name: str,
    description: str,
    actor: Actor,
    now: datetime,
) -> Layer:
    """Make a layer, all of it free.

    Args:
        session: open transaction.
        key: immutable.
        name: as people read it.
        description: which experiments belong in it; may be empty.
        actor: an editor.
        now: aware UTC.

    Returns:
        The layer.

    Raises:
        Conflict: the key is taken.
    """
    actor.require(PersonRole.EDITOR, "make layers")
    faults = Faults()
    check_key(faults, "key", key)
    faults.text("name", name, 200, "a name")
    faults.optional_text("description", description, 2000)
    faults.raise_if_any("This layer cannot be made yet.")
    audit.take_turn(session)
    if session.scalar(select(Layer.id).where(Layer.key == key)) is not None:
        raise Conflict(
            f'There is a layer "{key}" already. Choose another key.',
            {"key": "This key is taken."},
        )
    layer = Layer(
        key=key,
        name=name.strip(),
        description=description,
        seed=secrets.token_hex(SEED_BYTES),
        created_at=now,
        ranges=[],
    )
    session.add(layer)
    session.flush()
    after = {"name": layer.name, "description": description}
    audit.record(session, actor, "layer.create", "layer", key, None, after, now)
    return layer


def get(session: Session, key: str) -> Layer:
    """Find a layer with its ranges.

    Args:
        session: any session.
        key: of the layer.

    Returns:
        The layer.

    Raises:
        NotFound: there is none.
    """
    query = select(Layer).options(selectinload(Layer.ranges))
    return row_by_key(session, query, Layer.key, key, "layer")


def listing(
    session: Session, *, after_key: str | None = None, limit: int = 50
) -> list[Layer]:
    """List layers by key, each with its ranges.

    Args:
        session: any session.
        after_key: continue after a page that ended with this key.
        limit: at most this many, up to 200.

    Returns:
        The layers.
    """
    query = select(Layer).options(selectinload(Layer.ranges))
    return rows_after(session, query, Layer.key, after_key, limit)
