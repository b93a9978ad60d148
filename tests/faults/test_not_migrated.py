"""A database that nobody brought to this version: every door says what to run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from werkzeug.test import Client

from abide import create_flask_app, main
from api import front
from experiments import key_format
from experiments.context import open_context
from experiments.ruleset_mirror import RulesetMirror
from experiments.vocabulary import Environment, KeyKind

COMMAND = "abide db upgrade"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty(request: pytest.FixtureRequest, data_dir: Path) -> dict[str, str]:
    url = f"sqlite:///{data_dir / 'abide.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("empty_postgres")
    return {"ABIDE_DATA_DIR": str(data_dir), "DATABASE_URL": url}


@pytest.fixture
def served(empty: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    # Its thread would go on asking when the test is over.
    monkeypatch.setattr(RulesetMirror, "start", RulesetMirror.copy)
    context = open_context(empty)
    yield Client(front.build(context, create_flask_app(context), doors_too=True))
    context.sessions.kw["bind"].dispose()


def test_page__not_migrated__says_what_to_run(served: Client) -> None:
    served.set_cookie("abide", "x" * 43)
    answer = served.get("/experiments")
    assert answer.status_code == 503
    assert "The database is not ready" in answer.text
    assert COMMAND in answer.text
    assert "does not answer" not in answer.text


def test_api__not_migrated__has_a_code_of_its_own(served: Client) -> None:
    _, key = key_format.make(KeyKind.ADMIN, Environment.PRODUCTION)
    headers = {"Authorization": f"Bearer {key}"}
    answer = served.get("/api/v1/experiments", headers=headers)
    assert answer.status_code == 503
    assert answer.get_json()["code"] == "not_migrated"
    assert COMMAND in answer.get_json()["message"]
    assert answer.headers["Retry-After"] == "60"


def test_readyz__not_migrated__says_what_to_run(served: Client) -> None:
    answer = served.get("/readyz")
    assert answer.status_code == 503
    assert COMMAND in answer.get_json()["message"]


def test_command__not_migrated__says_what_to_run(data_dir: Path) -> None:
    (data_dir / "abide.db").touch()
    empty = {"ABIDE_DATA_DIR": str(data_dir), "DATABASE_URL": ""}
    typed = ["key", "create", "shop", "--owner", "ada@example.com"]
    result = CliRunner().invoke(main, typed, env=empty)
    assert result.exit_code == 1
    assert COMMAND in result.output
    assert "Traceback" not in result.output
