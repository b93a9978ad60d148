"""A database of the first version, with its rows, is brought to the newest schema.

The rows in `foundation.json` were written by the last version whose only migration was
the first: people, a hypothesis, an experiment that was started, analysed and paused,
its plan, its audit. With them, what the doors of that version gave 40 customers.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import (
    Connection,
    DateTime,
    Engine,
    LargeBinary,
    MetaData,
    Table,
    func,
    select,
)
from sqlalchemy.orm import Session

from analysis import results
from experiments import accounts, audit, catalog, lifecycle, schema
from experiments.assignment import assign
from experiments.context import Context, open_context
from experiments.db import make_engine, transaction
from experiments.models import AnalysisRun, ApiKey, RulesetRow
from experiments.preparing import prepare
from experiments.ruleset_values import parse
from experiments.vocabulary import Action, Status
from tests.clock import FakeClock

FIRST = "0001"
OLD: dict[str, Any] = json.loads(
    Path(__file__).with_name("foundation.json").read_text(encoding="utf-8")
)
EXPERIMENT = "exp"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, data_dir: Path) -> str:
    """Give a database that stands at the first migration and holds the old rows."""
    url = f"sqlite:///{data_dir / 'abide.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("empty_postgres")
    engine = make_engine(url)
    with engine.begin() as connection:
        command.upgrade(schema.alembic_config(connection), FIRST)
        _insert_old(connection)
    engine.dispose()
    return url


def _insert_old(connection: Connection) -> None:
    found = MetaData()
    found.reflect(connection)
    for table in found.sorted_tables:
        for row in OLD["tables"].get(table.name, ()):
            connection.execute(table.insert().values(_values(table, row)))
    if connection.dialect.name == "postgresql":
        # Rows that bring their ids do not move the counters on.
        for table in found.tables.values():
            if "id" in table.c and table.c.id.server_default is not None:
                newest = select(func.max(table.c.id)).scalar_subquery()
                counter = func.pg_get_serial_sequence(table.name, "id")
                connection.execute(select(func.setval(counter, newest)))


def _values(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    return {name: _value(table.c[name].type, value) for name, value in row.items()}


def _value(kind: object, value: Any) -> Any:  # noqa: ANN401  # of any column
    if isinstance(kind, DateTime) and isinstance(value, str):
        return datetime.fromisoformat(value)
    if isinstance(kind, LargeBinary) and isinstance(value, str):
        return bytes.fromhex(value)
    return value


def _moment(value: object) -> object:
    """SQLite forgets the time zone of what it keeps, so it is left out of both."""
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


def _stored(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    found = MetaData()
    with engine.connect() as connection:
        found.reflect(connection)
        return {
            table.name: [
                dict(row) for row in connection.execute(table.select()).mappings()
            ]
            for table in found.sorted_tables
            if table.name in OLD["tables"]
        }


def test_upgrade__from_the_first_version__leaves_every_row_as_it_was(
    database_url: str,
) -> None:
    engine = make_engine(database_url)
    schema.upgrade(engine)
    stored = _stored(engine)
    differences = schema.differences(engine)
    revision = schema.current_revision(engine)
    found = MetaData()
    found.reflect(engine)
    engine.dispose()

    assert differences == []
    assert revision == schema.newest_revision() != FIRST
    assert set(stored) == set(OLD["tables"])  # no table is gone
    for name, rows in OLD["tables"].items():
        assert len(stored[name]) == len(rows), name
        for old in (_values(found.tables[name], row) for row in rows):
            wanted = {column: _moment(value) for column, value in old.items()}
            kept = [{c: _moment(row.get(c)) for c in old} for row in stored[name]]
            assert wanted in kept, name


def test_upgrade__from_the_first_version__everything_can_be_read_and_goes_on(
    database_url: str, data_dir: Path
) -> None:
    now = FakeClock(datetime.fromisoformat("2026-03-01T00:00:00+00:00"))
    context = open_context(
        {"ABIDE_DATA_DIR": str(data_dir), "DATABASE_URL": database_url}, now
    )
    prepare(context)
    with transaction(context.sessions) as session:
        _read_all(session)
    _resume(context)
    with transaction(context.sessions) as session:
        assert audit.verify(session) == []
        newest = session.scalars(
            select(RulesetRow).order_by(RulesetRow.revision.desc())
        ).first()
        assert newest is not None
        ruleset = parse(newest.body.encode())
    design = ruleset.experiments[EXPERIMENT]
    given = {
        unit: [found.variant, found.reason.value]
        for unit in OLD["assignments"]
        for found in [assign(design, unit, {"plan": "business"})]
    }
    assert given == OLD["assignments"]
    keys = {row["public_id"] for row in OLD["tables"]["api_key"]}
    assert set(ruleset.keys) == keys
    context.sessions.kw["bind"].dispose()


def _read_all(session: Session) -> None:
    assert audit.verify(session) == []
    experiment = catalog.get(session, EXPERIMENT)
    assert experiment.status == Status.PAUSED
    design = catalog.to_design(experiment)
    assert [variant.name for variant in design.variants] == ["control", "treatment"]
    _, sha256 = lifecycle.locked_plan(session, experiment)
    assert sha256 == OLD["tables"]["plan"][0]["sha256"]
    run = results.latest(session, experiment)
    assert run is not None
    assert run.verdict == OLD["tables"]["analysis_run"][0]["verdict"]
    assert len(run.results) == len(OLD["tables"]["result"])
    assert len(run.checks) == len(OLD["tables"]["check_result"])
    assert set(results.charts_of(session, run)) == {"enrolment"}
    assert session.scalar(select(func.count(AnalysisRun.id))) == 1
    assert session.scalar(select(func.count(ApiKey.id))) == 1
    assert len(accounts.people(session)) == len(OLD["tables"]["person"])


def _resume(context: Context) -> None:
    with transaction(context.sessions) as session:
        owner = accounts.people(session)[0]
        lifecycle.transition(
            session,
            EXPERIMENT,
            Action.RESUME,
            accounts.actor_for(owner),
            context.now(),
        )
