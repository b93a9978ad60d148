"""The database schema: bring it to the newest state, or say where it differs."""

from importlib.resources import files
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from experiments import models
from experiments.db import Base
from experiments.errors import DatabaseAway

# Naming the package of tables keeps its import, which fills the metadata.
TABLES = models.__all__


def alembic_config(connection: Connection | None = None) -> Config:
    """Configure Alembic for the migrations that ship with Abide."""
    config = Config()
    config.set_main_option("script_location", str(files("migrations")))
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine) -> None:
    """Bring the database to the newest schema; does nothing when it is there.

    Args:
        engine: of the database.

    Raises:
        DatabaseAway: nobody can be reached there, or not with this account.
    """
    try:
        connection = engine.connect()
    except OperationalError as error:
        url = engine.url.render_as_string(hide_password=True)
        words = str(error.orig).strip().splitlines()
        raise DatabaseAway(
            f"The database at {url} (DATABASE_URL) cannot be used: {words[0]}"
        ) from error
    with connection, connection.begin():
        command.upgrade(alembic_config(connection), "head")


def current_revision(engine: Engine) -> str | None:
    """Read which migration the database stands at, or None when it is empty."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str | None:
    """Tell the newest migration that ships with this version."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head()


def differences(engine: Engine) -> list[Any]:
    """List where the database and the models differ; empty when they agree."""
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "render_as_batch": True}
        )
        return list(compare_metadata(context, Base.metadata))
