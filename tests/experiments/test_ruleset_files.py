import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experiments.ruleset_files import PREVIOUS, RulesetFolder, open_file, seal
from experiments.ruleset_reader import POLL_SECONDS, RulesetReader
from experiments.ruleset_values import RulesetRefusedError, parse
from tests.waiting import wait_until


def body_of(revision: int, **changes: object) -> bytes:
    """Write a ruleset as `experiments.ruleset.publish` does."""
    experiment = {
        "key": "onboarding",
        "status": "running",
        "salt": "s",
        "phase": 1,
        "coverage": 1.0,
        "segment": {"key": "all", "version": 1, "condition": {"plan": "\u00e9t\u00e9"}},
        "control": "control",
        "decided_variant": None,
        "types": {},
        "variants": [
            {"name": name, "share": 0.5, "parameters": {}, "personalisation": []}
            for name in ("control", "short")
        ],
    }
    return orjson.dumps(
        {
            "format": 2,
            "revision": revision,
            "published_at": "2026-03-14T09:30:00+00:00",
            "experiments": [experiment],
            "silent": {"later": "not_started"},
            "keys": [],
            "attributes": ["plan"],
            **changes,
        }
    )


def write(folder: RulesetFolder, revision: int) -> bool:
    body = body_of(revision)
    return folder.write(parse(body), body)


@pytest.fixture
def folder(tmp_path: Path) -> RulesetFolder:
    return RulesetFolder(tmp_path / "ruleset")


# Files


def test_write__newer__replaces_and_keeps_the_one_before(folder: RulesetFolder) -> None:
    assert write(folder, 1)
    assert write(folder, 3)

    assert folder.read().revision == 3
    assert folder.read(PREVIOUS).revision == 1
    assert sorted(p.name for p in folder.path.iterdir()) == [
        "current.json",
        "lock",
        "previous.json",
    ]


@pytest.mark.parametrize("revision", [3, 2])
def test_write__as_old_or_older__changes_nothing(
    folder: RulesetFolder, revision: int
) -> None:
    write(folder, 3)

    assert not write(folder, revision)
    assert folder.read().revision == 3
    assert not (folder.path / PREVIOUS).exists()


def test_write__current_damaged__repaired_by_any_good_one(
    folder: RulesetFolder,
) -> None:
    write(folder, 5)
    (folder.path / "current.json").write_bytes(b"garbage")

    assert write(folder, 5)
    assert folder.read().revision == 5


def test_write__disk_full__current_stays_and_nothing_is_left_behind(
    folder: RulesetFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, 1)

    def full(_descriptor: int) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            write(folder, 2)

    assert folder.read().revision == 1
    assert not (folder.path / ".next").exists()
    assert write(folder, 2)


def test_write__many_writers_at_once__never_goes_backwards(
    folder: RulesetFolder,
) -> None:
    seen: list[int] = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            if folder.mark() is not None:
                seen.append(folder.read().revision)

    watcher = threading.Thread(target=watch)
    watcher.start()
    with ThreadPoolExecutor(8) as pool:
        # A folder object for each, as each process has its own.
        results = [
            pool.submit(write, RulesetFolder(folder.path), (i * 7) % 40 + 1)
            for i in range(40)
        ]
    done.set()
    watcher.join()

    assert any(result.result() for result in results)
    assert folder.read().revision == 40
    assert seen == sorted(seen)


SEALED = seal(body_of(7))


@settings(max_examples=1000)
@given(place=st.integers(0, len(SEALED) - 1), bit=st.integers(0, 7))
def test_open_file__any_bit_flipped__refused(place: int, bit: int) -> None:
    damaged = bytearray(SEALED)
    damaged[place] ^= 1 << bit

    with pytest.raises(RulesetRefusedError):
        parse(open_file(bytes(damaged)))


@settings(max_examples=300)
@given(st.integers(0, len(SEALED) - 1))
def test_open_file__truncated_anywhere__refused(length: int) -> None:
    with pytest.raises(RulesetRefusedError):
        parse(open_file(SEALED[:length]))


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_open_file__any_bytes__refused_in_words(content: bytes) -> None:
    for body in (content, seal(content)):
        with pytest.raises(RulesetRefusedError, match=r"\.$"):
            parse(open_file(body))


@pytest.mark.parametrize(
    "body",
    [
        body_of(1, format=1),
        body_of(1).replace(b'"revision":1', b'"revision":"x"'),
        body_of(1, published_at=3),
        body_of(1, experiments=[{"key": "a"}]),
        body_of(1, experiments={"a": 1}),
        body_of(1, silent={"a": "no such reason"}),
        body_of(1, keys=[{"public_id": "a", "kind": "owner"}]),
        b"[]",
        b"null",
        b"{}",
    ],
)
def test_parse__sealed_but_of_another_shape__refused(body: bytes) -> None:
    with pytest.raises(RulesetRefusedError, match=r"format|shape"):
        parse(open_file(seal(body)))


def test_open_file__of_a_later_version__says_which(folder: RulesetFolder) -> None:
    later = SEALED.replace(b'"format":2', b'"format":12', 1)

    with pytest.raises(RulesetRefusedError, match="format 12; this version reads 2"):
        open_file(later)
    with pytest.raises(RulesetRefusedError, match=r"current\.json cannot be read"):
        folder.read()


# Reader


@pytest.fixture
def reader(folder: RulesetFolder) -> RulesetReader:
    return RulesetReader(folder)


def test_reader__nothing_published__none_and_says_so(reader: RulesetReader) -> None:
    reader.refresh()

    assert reader.current is None
    assert "cannot be read" in str(reader.fault)


def test_reader__newer_file__takes_it_and_older_revision_stays_whole(
    folder: RulesetFolder, reader: RulesetReader
) -> None:
    write(folder, 1)
    reader.refresh()
    held = reader.current
    write(folder, 2)
    reader.refresh()

    assert held is not None
    assert held.revision == 1
    assert reader.current is not None
    assert reader.current.revision == 2
    assert reader.fault is None


@settings(
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(place=st.integers(0, len(SEALED) - 1), bit=st.integers(0, 7), cut=st.booleans())
def test_reader__file_damaged_while_serving__keeps_the_last_good(
    folder: RulesetFolder, place: int, bit: int, *, cut: bool
) -> None:
    damaged = bytearray(SEALED)
    damaged[place] ^= 1 << bit
    folder.path.mkdir(exist_ok=True)
    current = folder.path / "current.json"
    current.write_bytes(SEALED)
    reader = RulesetReader(folder)
    reader.refresh()

    current.unlink()
    current.write_bytes(damaged[: place if cut else None])
    reader.refresh()

    assert reader.current is not None
    assert reader.current.revision == 7
    assert str(reader.fault).endswith(".")


def test_reader__older_file_put_back__refused_and_newer_served(
    folder: RulesetFolder, reader: RulesetReader
) -> None:
    write(folder, 5)
    reader.refresh()
    (folder.path / "current.json").write_bytes(seal(body_of(4)))
    reader.refresh()

    assert reader.current is not None
    assert reader.current.revision == 5
    assert "revision 4, older than 5" in str(reader.fault)


def test_reader__cold_start_on_a_damaged_file__serves_the_previous(
    folder: RulesetFolder, reader: RulesetReader
) -> None:
    write(folder, 1)
    write(folder, 2)
    (folder.path / "current.json").write_bytes(b"")
    reader.refresh()

    assert reader.current is not None
    assert reader.current.revision == 1
    assert "damaged" in str(reader.fault)


def test_reader__file_vanishes__keeps_serving(
    folder: RulesetFolder, reader: RulesetReader
) -> None:
    write(folder, 1)
    reader.refresh()
    (folder.path / "current.json").unlink()
    reader.refresh()

    assert reader.current is not None
    assert "cannot be read" in str(reader.fault)


def test_reader__started__follows_the_file_until_stopped(
    folder: RulesetFolder, reader: RulesetReader
) -> None:
    write(folder, 1)
    reader.start()
    write(folder, 2)

    wait_until(lambda: reader.current is not None and reader.current.revision == 2)
    reader.stop()
    write(folder, 3)
    threading.Event().wait(2 * POLL_SECONDS)

    assert reader.current is not None
    assert reader.current.revision == 2
