"""What was erased leaves the files of PostgreSQL too, before it is said to be done."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from analysis.compactor import erase_once
from experiments import data_requests
from experiments.actors import SYSTEM
from experiments.context import Context
from experiments.db import make_engine, transaction
from experiments.errors import Unavailable
from experiments.models import SurveyComment
from experiments.vocabulary import Environment, ErasureState, IdKind
from tests.experiments.sent_messages import HIDE

CANARY = "zebracanary"

pytestmark = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


@pytest.fixture
def engine(context: Context) -> Engine:
    engine = context.sessions.kw["bind"]
    assert isinstance(engine, Engine)
    return engine


@pytest.fixture
def asked(context: Context) -> int:
    """A customer wrote a comment, and asks to be erased."""
    with transaction(context.sessions) as session:
        session.add(
            SurveyComment(
                survey="support",
                wave="w1",
                environment=Environment.PRODUCTION.value,
                customer=HIDE.customer("u1"),
                text=f"{CANARY} hello",
                written_at=context.now(),
            )
        )
    with transaction(context.sessions) as session:
        return data_requests.request_erasure(
            session, HIDE, "u1", IdKind.CUSTOMER, actor=SYSTEM, now=context.now()
        ).id


def is_in_files(engine: Engine, folder: Path) -> bool:
    """Search every file of this database, as a thief of the disk would."""
    with engine.connect() as connection:
        connection.execute(text("CHECKPOINT"))
        own = connection.scalar(
            text("SELECT oid FROM pg_database WHERE datname = current_database()")
        )
    files = [path for path in (folder / "base" / str(own)).iterdir() if path.is_file()]
    assert files
    return any(CANARY.encode() in path.read_bytes() for path in files)


def state(context: Context, number: int) -> str:
    with transaction(context.sessions) as session:
        return data_requests.get(session, number).state


def test_erasure__on_postgresql__leaves_no_byte_in_its_tables(
    context: Context, asked: int, engine: Engine, shared_tmp: Path
) -> None:
    folder = shared_tmp / "postgres"
    assert is_in_files(engine, folder)
    assert erase_once(context)
    assert state(context, asked) == ErasureState.DONE.value
    assert not is_in_files(engine, folder)


def test_erasure__while_a_table_is_in_use__is_not_done_and_comes_again(
    context: Context, asked: int, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analysis.scrubbing.WAIT", "SET lock_timeout = '50ms'")
    other = make_engine(engine.url.render_as_string(hide_password=False))
    with other.connect() as reader:
        reader.execute(text("SELECT * FROM quarantined_message"))
        with pytest.raises(Unavailable, match="in use"):
            erase_once(context)
        assert state(context, asked) == ErasureState.WAITING.value
    other.dispose()
    assert erase_once(context)
    assert state(context, asked) == ErasureState.DONE.value
