"""The migrations and the models say the same, on both databases."""

import re
from pathlib import Path

from alembic import command
from sqlalchemy import inspect

from experiments.context import Context
from experiments.db import transaction
from experiments.hypotheses import forecast_of
from experiments.models import HypothesisRow
from experiments.schema import (
    alembic_config,
    current_revision,
    differences,
    newest_revision,
    upgrade,
)
from tests.factories import hypothesis_value, make_actor, make_experiment

VERSIONS = Path(__file__).parents[2] / "migrations" / "versions"


def test_schema__after_migration__has_no_difference_to_models(
    context: Context,
) -> None:
    engine = context.sessions.kw["bind"]
    assert current_revision(engine) == newest_revision()
    assert differences(engine) == []


def test_schema__upgraded_twice__stays_as_it_is(context: Context) -> None:
    engine = context.sessions.kw["bind"]
    upgrade(engine)
    assert current_revision(engine) == newest_revision()


def test_migrations__files__are_numbered_without_gap_and_named() -> None:
    names = sorted(p.name for p in VERSIONS.glob("[0-9]*.py"))
    numbers = [int(name[:4]) for name in names]
    assert numbers == list(range(1, len(names) + 1))
    assert all(re.fullmatch(r"\d{4}_[a-z0-9_]+\.py", name) for name in names)


def test_schema__forecasts_may_be_missing__keeps_those_there_are(
    context: Context,
) -> None:
    """On SQLite a column is replaced by another, under the eyes of foreign keys."""
    engine = context.sessions.kw["bind"]
    with transaction(context.sessions) as session:
        before = make_experiment(session, make_actor(session)).hypothesis.id
    with engine.connect() as connection, connection.begin():
        command.downgrade(alembic_config(connection), "0008")
    with engine.connect() as connection:
        columns = inspect(connection).get_columns("hypothesis")
    assert not any(c["nullable"] for c in columns if "forecast" in c["name"])
    upgrade(engine)
    with transaction(context.sessions) as session:
        row = session.get_one(HypothesisRow, before)
        assert forecast_of(row) == hypothesis_value().forecast
    assert differences(engine) == []
