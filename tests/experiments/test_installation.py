"""What commands in a second terminal know of the Abide that runs here."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest
from click.testing import CliRunner

from abide import main
from experiments.config import DEFAULT_BASE_URL
from experiments.context import Context
from experiments.installation import address_noted, address_of, wait_in_force
from experiments.preparing import prepare
from experiments.ruleset_files import RulesetFolder
from experiments.ruleset_mirror import RulesetMirror
from experiments.ruleset_reader import RulesetReader
from experiments.serving import ServingBoard
from tests.company import found_company

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def mirror(context: Context) -> Iterator[RulesetMirror]:
    prepare(context)
    folder = RulesetFolder(context.settings.data_dir / "ruleset")
    mirror = RulesetMirror(context.sessions, folder)
    mirror.copy()
    yield mirror
    mirror.stop()


@pytest.mark.parametrize(
    "command",
    [
        ["key", "create", "shop", "--owner", "ada@example.com"],
        ["user", "link", "ada@example.com"],
        ["analyse", "x"],
        ["demo"],
    ],
)
def test_command__data_folder_is_empty__says_where_it_looked(
    command: list[str], tmp_path: object
) -> None:
    environ = {"ABIDE_DATA_DIR": str(tmp_path), "DATABASE_URL": ""}
    found = CliRunner().invoke(main, command, env=environ)
    assert found.exit_code == 1
    assert f"Nothing is set up in the folder {tmp_path}." in found.output
    assert "ABIDE_DATA_DIR=" in found.output


@on_sqlite
def test_address__of_a_running_server__counts_until_it_stops(context: Context) -> None:
    running = replace(context.settings, base_url="http://127.0.0.1:8931")
    asking = replace(context.settings, base_url=DEFAULT_BASE_URL)
    told = replace(context.settings, base_url="https://abide.example.com")
    with address_noted(running):
        assert address_of(asking) == "http://127.0.0.1:8931"
        assert address_of(told) == "https://abide.example.com"
    assert address_of(asking) == DEFAULT_BASE_URL


@on_sqlite
def test_waiting__for_a_publication__ends_when_the_server_has_it(
    context: Context, mirror: RulesetMirror, environ: dict[str, str]
) -> None:
    folder = RulesetFolder(context.settings.data_dir / "ruleset")
    board = ServingBoard(context.settings.data_dir)
    reader = RulesetReader(folder, join=partial(board.join, "all-1"))
    reader.start()
    assert reader.current is not None
    before = reader.current.revision
    found_company(environ)
    late = threading.Timer(0.3, mirror.copy)
    late.start()
    wait_in_force(context)
    assert reader.current.revision > before
    late.join()
    reader.stop()


@on_sqlite
def test_waiting__without_a_server__ends_at_once(context: Context) -> None:
    started = time.monotonic()
    wait_in_force(context)
    assert time.monotonic() - started < 2
