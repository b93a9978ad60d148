"""`abide up` as an operator meets it: where it listens, and how it refuses."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from experiments import installation, processes
from experiments.config import Settings
from experiments.errors import ConfigurationFault
from tests.servers import free_port, running_server

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@on_sqlite
def test_up__listening_everywhere__still_says_how_to_get_in(
    environ: dict[str, str],
) -> None:
    everywhere = {**environ, "ABIDE_HOST": "0.0.0.0"}  # noqa: S104
    with running_server(everywhere) as server:
        server.wait_printed("Sign in once", 15)


def test_up__database_that_refuses__says_so_without_a_traceback(
    postgres_url: str, tmp_path: Path
) -> None:
    nobody = postgres_url.replace("://postgres:@", "://nobody-known:@")
    assert nobody != postgres_url
    found = subprocess.run(
        [sys.executable, "-m", "abide", "up"],
        env={
            **os.environ,
            "DATABASE_URL": nobody,
            "ABIDE_DATA_DIR": str(tmp_path / "var"),
            "ABIDE_PORT": str(free_port()),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 1
    assert "Traceback" not in found.stderr
    assert "(DATABASE_URL) cannot be used" in found.stderr
    assert 'role "nobody-known" does not exist' in found.stderr


def test_folder__held_by_another__is_refused_in_words_until_it_ends(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation, "FORMER_SECONDS", 0.2)
    with (
        installation.alone_here(settings),
        pytest.raises(ConfigurationFault, match="Another Abide runs on the folder"),
        installation.alone_here(settings),
    ):
        pass
    with installation.alone_here(settings):
        pass


def test_port__held_by_another__is_refused_in_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(processes, "PORT_PATIENCE_SECONDS", 0.2)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        with pytest.raises(ConfigurationFault, match="taken by another program"):
            processes.require_free_port("127.0.0.1", holder.getsockname()[1])
