import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from experiments.enrolled import (
    MAGIC,
    EnrolledFolder,
    EnrolledSet,
    file_name,
    read_set,
    write_set,
)


def hide(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:16]


def prefixes_of(units: set[str]) -> list[bytes]:
    return sorted({hide(unit)[:8] for unit in units})


@given(units=st.sets(st.text(max_size=3), max_size=40), others=st.sets(st.text()))
def test_enrolled_set__any_customers__has_those_and_no_other(
    tmp_path_factory: pytest.TempPathFactory, units: set[str], others: set[str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.1.bin"
    write_set(path, prefixes_of({u for u in units if u.isascii()}))
    enrolled = EnrolledSet(path, [hide])
    enrolled.refresh()

    for unit in units | others:
        if unit.isascii():
            assert enrolled.has(unit) is (unit in units)


def test_enrolled_set__no_file_yet__nobody_until_it_comes(tmp_path: Path) -> None:
    folder = EnrolledFolder(tmp_path / "enrolled")
    enrolled = folder.find("nudge", 1, [hide])
    assert not enrolled.has("ada")

    write_set(folder.path / file_name("nudge", 1), prefixes_of({"ada"}))
    folder.refresh()

    assert enrolled.has("ada")
    assert folder.find("nudge", 1, [hide]) is enrolled
    assert not folder.find("nudge", 2, [hide]).has("ada")
    assert repr(enrolled) == "EnrolledSet(nudge.1.bin, 1 customers)"


def test_enrolled_set__replaced__takes_the_new_file_at_the_next_look(
    tmp_path: Path,
) -> None:
    path = tmp_path / "nudge.1.bin"
    write_set(path, prefixes_of({"ada", "bob"}))
    enrolled = EnrolledSet(path, [hide])
    enrolled.refresh()

    write_set(path, prefixes_of({"bob", "eve"}))  # ada asked to be erased
    assert enrolled.has("ada")
    enrolled.refresh()

    assert [enrolled.has(who) for who in ("ada", "bob", "eve")] == [False, True, True]


@pytest.mark.parametrize(
    "content", [b"", b"abide", MAGIC + b"1234567", b"x" * 32, MAGIC[:-1] + b"2" * 9]
)
def test_enrolled_set__file_damaged__keeps_the_last_good_one(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "nudge.1.bin"
    write_set(path, prefixes_of({"ada"}))
    enrolled = EnrolledSet(path, [hide])
    enrolled.refresh()

    aside = tmp_path / "damaged"
    aside.write_bytes(content)
    aside.replace(path)
    enrolled.refresh()

    assert enrolled.has("ada")
    assert read_set(path) is None


@pytest.mark.parametrize("size", [0, 16, 39])
def test_enrolled_set__file_cut_short_in_place__goes_on_with_what_was_read(
    tmp_path: Path, size: int
) -> None:
    path = tmp_path / "nudge.1.bin"
    write_set(path, prefixes_of({"ada", "bob"}))
    enrolled = EnrolledSet(path, [hide])
    enrolled.refresh()

    os.truncate(path, size)

    assert enrolled.has("ada")  # by a look-up before the next look at the file
    with capture_logs() as logged:
        enrolled.refresh()
        enrolled.refresh()
    assert enrolled.has("ada")
    assert [(line["event"], line["kept"]) for line in logged] == [
        ("enrolled_set_damaged", 2)
    ]


def test_enrolled_set__one_byte_changed__is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "nudge.1.bin"
    write_set(path, prefixes_of({"ada", "bob"}))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)

    assert read_set(path) is None


def test_enrolled_set__id_with_half_a_surrogate_pair__is_nobody(tmp_path: Path) -> None:
    path = tmp_path / "nudge.1.bin"
    write_set(path, prefixes_of({"ada"}))
    enrolled = EnrolledSet(path, [hide])
    enrolled.refresh()
    assert not enrolled.has("\ud800")


def test_write_set__disk_full__file_in_force_stays(tmp_path: Path) -> None:
    path = tmp_path / "nudge.1.bin"
    write_set(path, prefixes_of({"ada"}))
    (tmp_path / "nudge.1.next").symlink_to("/dev/full")

    with pytest.raises(OSError, match="No space left"):
        write_set(path, prefixes_of({"ada", "bob"}))

    assert read_set(path) == b"".join(prefixes_of({"ada"}))
