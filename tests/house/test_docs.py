"""What the docs promise to list, they list."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_operations_page__settings__names_every_variable_read() -> None:
    code = (ROOT / "experiments" / "config.py").read_text()
    page = (ROOT / "docs" / "operations.md").read_text()
    read = set(re.findall(r'"((?:ABIDE|DATABASE)_[A-Z_]+)"', code))
    listed = set(re.findall(r"^\| `([A-Z_]+)`", page, re.MULTILINE))
    assert read == listed


def test_readme__length__is_at_most_150_lines() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


def test_decisions__dependencies__gives_each_a_reason() -> None:
    text = (ROOT / "docs" / "decisions" / "0001-dependencies.md").read_text()
    given = {"flask", "statsmodels", "sqlalchemy", "apscheduler", "marshmallow"}
    names = {
        re.split(r"[\[<>=~;! ]", line)[0].lower()
        for line in (ROOT / "requirements.in").read_text().splitlines()
        if line.strip() and not line.startswith("#")
    }
    missing = {
        name
        for name in names - given
        if name not in text and name.removesuffix("-python") not in text
    }
    assert missing - {"werkzeug", "sqlglot"} == set()


def test_makefile__targets__are_all_explained() -> None:
    text = (ROOT / "Makefile").read_text()
    for target in ("run", "test", "check", "bench", "proof", "help"):
        assert re.search(rf"^{target}:.*## ", text, re.MULTILINE), target
