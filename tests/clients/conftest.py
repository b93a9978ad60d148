"""One real server for all clients, and the released clients themselves."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from experiments.context import open_context
from experiments.db import transaction
from experiments.models import RulesetRow
from experiments.ruleset_files import checksum
from experiments.ruleset_values import Ruleset
from tests import rulesets
from tests.clients import shop as shops
from tests.servers import RunningServer, running_server

HERE = Path(__file__).parent
TOOLS = HERE.parent / "tools" / "node_modules"
Node = Callable[..., Any]


@pytest.fixture(scope="session")
def ruleset() -> Ruleset:
    return shops.ruleset()


@pytest.fixture(scope="session")
def shop(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[RunningServer]:
    """Run a whole Abide that serves the shop's experiments."""
    folder = tmp_path_factory.mktemp("shop") / "var"
    folder.mkdir(mode=0o700)
    shutil.copy(sqlite_template, folder / "abide.db")
    environ = {
        "ABIDE_DATA_DIR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / 'abide.db'}",
    }
    body = rulesets.body_of(shops.ENTRIES)
    context = open_context(environ)
    with transaction(context.sessions) as session:
        session.add(
            RulesetRow(
                revision=1,
                body=body.decode(),
                checksum=checksum(body),
                published_at=datetime.now(UTC),
            )
        )
    context.sessions.kw["bind"].dispose()
    with running_server(environ) as server:
        yield server


@pytest.fixture(scope="session")
def node() -> Node:
    """Run one of this folder's scripts: JSON in, JSON out."""
    program = shutil.which("node")
    if program is None or not (TOOLS / "@growthbook" / "growthbook").exists():
        message = "node and the clients are not installed (make tools)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)

    def run(script: str, question: object) -> Any:  # noqa: ANN401
        done = subprocess.run(  # noqa: S603  # our own script
            [program, str(HERE / script)],
            input=json.dumps(question),
            env={**os.environ, "NODE_PATH": str(TOOLS)},
            capture_output=True,
            text=True,
            timeout=1800 if os.environ.get("ABIDE_PROOF") else 120,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout)

    return run
