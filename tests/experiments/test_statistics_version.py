"""The number of the statistics: it follows the code, and nothing else."""

from pathlib import Path

import pytest

from experiments.statistics_version import SOURCES, statistics_version

CODE = '"""Means."""\n\ndef mean(x):\n    """The mean."""\n    return sum(x) / len(x)\n'


def version_of(folder: Path, **files: str) -> int:
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return statistics_version(folder)


def test_version__comments_words_and_layout_change__stays(tmp_path: Path) -> None:
    other = "def mean(x):\n    # As ever.\n    return (sum(x)\n        / len(x))\n"
    first = version_of(tmp_path / "a", means=CODE)
    assert version_of(tmp_path / "b", means=other) == first


@pytest.mark.parametrize(
    "files",
    [
        {"means": CODE.replace("len(x)", "(len(x) - 1)")},
        {"averages": CODE},
        {"means": CODE, "more": "Z = 1.96\n"},
    ],
    ids=["another formula", "another name", "one file more"],
)
def test_version__code_changes__changes(tmp_path: Path, files: dict[str, str]) -> None:
    first = version_of(tmp_path / "a", means=CODE)
    assert version_of(tmp_path / "b", **files) != first


def test_version__of_the_product__fits_its_column() -> None:
    assert (SOURCES / "proportions.py").is_file()
    assert 1 <= statistics_version() < 2**31


def test_version__without_code__is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        statistics_version(tmp_path)
