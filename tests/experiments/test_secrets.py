import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from experiments.errors import ConfigurationFault
from experiments.secrets import load_or_create


def test_load_or_create__first_time__makes_it_for_the_owner_only(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "keys"
    secret = load_or_create(folder, "session")
    assert len(secret) == 32
    assert (folder.stat().st_mode & 0o777) == 0o700
    assert ((folder / "session").stat().st_mode & 0o777) == 0o600
    assert [p.name for p in folder.iterdir()] == ["session"]


def test_load_or_create__again__gives_the_same(tmp_path: Path) -> None:
    first = load_or_create(tmp_path, "a", size=16)
    assert load_or_create(tmp_path, "a", size=16) == first
    assert load_or_create(tmp_path, "b", size=16) != first


def test_load_or_create__many_at_once__agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: load_or_create(tmp_path, "s"), range(40)))
    assert len(made) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["s"]


def test_load_or_create__aside_left_by_a_crash__does_not_matter(
    tmp_path: Path,
) -> None:
    (tmp_path / f".s.{os.getpid()}").write_bytes(b"")
    assert len(load_or_create(tmp_path, "s")) == 32


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666])
def test_load_or_create__readable_by_others__is_refused(
    tmp_path: Path, mode: int
) -> None:
    load_or_create(tmp_path, "s")
    (tmp_path / "s").chmod(mode)
    with pytest.raises(ConfigurationFault, match="chmod 600"):
        load_or_create(tmp_path, "s")


@pytest.mark.parametrize("content", [b"", b"short"])
def test_load_or_create__damaged__is_refused_and_kept(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "s"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigurationFault, match="backup"):
        load_or_create(tmp_path, "s")
    assert path.read_bytes() == content
