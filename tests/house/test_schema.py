"""The migrations and the models say the same, on both databases."""

import re
from pathlib import Path

from experiments.context import Context
from experiments.schema import current_revision, differences, newest_revision, upgrade

VERSIONS = Path(__file__).parents[2] / "migrations" / "versions"


def test_schema__after_migration__has_no_difference_to_models(
    context: Context,
) -> None:
    engine = context.sessions.kw["bind"]
    assert current_revision(engine) == newest_revision()
    assert differences(engine) == []


def test_schema__upgraded_twice__stays_as_it_is(context: Context) -> None:
    engine = context.sessions.kw["bind"]
    upgrade(engine)
    assert current_revision(engine) == newest_revision()


def test_migrations__files__are_numbered_without_gap_and_named() -> None:
    names = sorted(p.name for p in VERSIONS.glob("[0-9]*.py"))
    numbers = [int(name[:4]) for name in names]
    assert numbers == list(range(1, len(names) + 1))
    assert all(re.fullmatch(r"\d{4}_[a-z0-9_]+\.py", name) for name in names)
