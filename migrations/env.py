"""Runs migrations on the connection that experiments.schema hands over."""

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection, text

from experiments.db import Base, UtcDateTime
from experiments.models import __all__ as all_models

assert all_models  # noqa: S101  # importing them is what fills the metadata

# Two processes that start together must not migrate at once; the number is Abide's.
LOCK_NUMBER = 4172339


def render_item(
    _kind: str, item: object, _autogen: AutogenContext
) -> str | Literal[False]:
    """Write our UTC type as the plain type it is in the database."""
    if isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def run(connection: Connection) -> None:
    """Migrate in one transaction, alone."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,  # SQLite cannot alter most things in place
        render_item=render_item,
        compare_type=True,
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK_NUMBER})"))
        context.run_migrations()


run(context.config.attributes["connection"])
