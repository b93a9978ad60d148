"""Assignments stay as they are, whatever happens around them.

20,000 pairs of customer and experiment here; 1,000,000 under `make proof`.
"""

import itertools
import os
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from experiments import catalog, journey, lifecycle, ruleset
from experiments.actors import Actor
from experiments.assignment import assign, assign_all, bucket
from experiments.buckets import BUCKET_COUNT
from experiments.context import Context
from experiments.db import make_engine, make_sessions, transaction
from experiments.errors import AbideError
from experiments.models import Experiment
from experiments.ruleset_files import CURRENT, PREVIOUS, RulesetFolder
from experiments.ruleset_mirror import RulesetMirror
from experiments.ruleset_reader import RulesetReader
from experiments.ruleset_values import Ruleset
from experiments.vocabulary import Action, AssignmentReason, PersonRole
from tests import factories
from tests.clock import FakeClock

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
IN_PROOF = bool(os.environ.get("ABIDE_PROOF"))
EXPERIMENTS = 20
BUSINESS = {"plan": "business"}
Pairs = dict[tuple[str, str], tuple[str | None, AssignmentReason]]


@pytest.fixture
def customers() -> list[str]:
    count = 50_000 if IN_PROOF else 1_000
    return [f"customer-{i:07d}-\u5f20\u00e9" for i in range(count)]


@pytest.fixture
def folder(context: Context) -> RulesetFolder:
    return RulesetFolder(context.settings.data_dir / "ruleset")


@pytest.fixture
def ada(sessions: sessionmaker[Session]) -> Actor:
    with transaction(sessions) as session:
        journey.seed(session)
        actor = factories.make_actor(session, "Ada", PersonRole.ADMIN)
        for i in range(EXPERIMENTS):
            factories.make_experiment(session, actor, key=f"e{i}", coverage=0.5)
            lifecycle.transition(session, f"e{i}", Action.START, actor, factories.NOW)
        return actor


def served(folder: RulesetFolder) -> Ruleset:
    """Serve from the file as a process does that has just started."""
    reader = RulesetReader(folder)
    reader.refresh()
    assert reader.current is not None
    return reader.current


def pairs(held: Ruleset, customers: list[str]) -> Pairs:
    found: Pairs = {}
    for who in customers:
        for given in assign_all(held.together, who, BUSINESS):
            found[given.experiment, who] = (given.variant, given.reason)
    return found


@pytest.mark.usefixtures("ada")
@SQLITE
def test_assignments__through_republication_loss_and_restart__are_identical(
    context: Context,
    sessions: sessionmaker[Session],
    folder: RulesetFolder,
    now: FakeClock,
    customers: list[str],
) -> None:
    mirror = RulesetMirror(sessions, folder)
    mirror.copy()
    first = pairs(served(folder), customers)
    assert len(first) == EXPERIMENTS * len(customers)
    # One by one as together.
    held = served(folder)
    for key in ("e0", "e19"):
        for who in customers[:200]:
            given = assign(held.experiments[key], who, BUSINESS)
            assert (given.variant, given.reason) == first[key, who]

    # Published anew, many times.
    for _ in range(3):
        with transaction(sessions) as session:
            ruleset.publish(session, now())
        mirror.copy()
    assert pairs(served(folder), customers) == first

    # The database is gone; the process is killed and starts again.
    nowhere = context.settings.data_dir / "no" / "such" / "folder.db"
    gone = RulesetMirror(make_sessions(make_engine(f"sqlite:///{nowhere}")), folder)
    gone.copy()
    assert gone.fault is not None
    assert pairs(served(folder), customers) == first

    # The file is damaged: the one before serves.
    (folder.path / CURRENT).write_bytes(b"damaged")
    assert (folder.path / PREVIOUS).exists()
    assert pairs(served(folder), customers) == first


@SQLITE
def test_assignments__through_attempts_to_edit__are_identical(
    sessions: sessionmaker[Session],
    folder: RulesetFolder,
    now: FakeClock,
    ada: Actor,
    customers: list[str],
) -> None:
    mirror = RulesetMirror(sessions, folder)
    mirror.copy()
    first = pairs(served(folder), customers)
    other_split = (
        factories.variant("control", is_control=True, share=0.1),
        factories.variant("nudge", share=0.9),
    )
    for changes in ({"coverage": 0.1}, {"variants": other_split}, {"name": "New"}):
        design = factories.design_value(key="e0", **changes)
        with pytest.raises(AbideError), transaction(sessions) as session:
            catalog.edit(session, design, 2, ada, now())
    with pytest.raises(AbideError), transaction(sessions) as session:
        lifecycle.transition(
            session, "e0", Action.RAISE_COVERAGE, ada, now(), coverage=0.4
        )
    with transaction(sessions) as session:
        ruleset.publish(session, now())
    mirror.copy()
    assert pairs(served(folder), customers) == first


@SQLITE
def test_assignments__through_a_ramp__nobody_who_is_in_moves(
    sessions: sessionmaker[Session],
    folder: RulesetFolder,
    now: FakeClock,
    ada: Actor,
    customers: list[str],
) -> None:
    mirror = RulesetMirror(sessions, folder)
    mirror.copy()
    before = pairs(served(folder), customers)
    for coverage in (0.6, 0.85, 1.0):
        with transaction(sessions) as session:
            for key in session.scalars(select(Experiment.key)).all():
                lifecycle.transition(
                    session, key, Action.RAISE_COVERAGE, ada, now(), coverage=coverage
                )
        mirror.copy()
        after = pairs(served(folder), customers)
        inside = {p for p, (_, r) in before.items() if r == AssignmentReason.SPLIT}
        assert all(after[pair] == before[pair] for pair in inside)
        grown = sum(r == AssignmentReason.SPLIT for _, r in after.values())
        # Of n pairs, within 5 standard deviations.
        n = len(after)
        assert abs(grown - n * coverage) <= 5 * (n * coverage * (1 - coverage)) ** 0.5
        before = after


def test_buckets__many_ids_and_salts__uniform_and_independent(
    record_property: Callable[[str, object], None],
) -> None:
    # Pearson's chi-square at p > .001: of fair hashes 99.9 % pass, and 99 % must.
    id_count, salt_count = (1_000_000, 100) if IN_PROOF else (20_000, 20)
    salts = [f"salt {i}" for i in range(salt_count)]
    found = np.empty((id_count, salt_count), np.int16)
    for i in range(id_count):
        found[i] = [bucket(salt, f"customer-{i}") for salt in salts]

    cells = found // (BUCKET_COUNT // 100)
    uniform = [
        stats.chisquare(np.bincount(cells[:, j], minlength=100)).pvalue > 0.001
        for j in range(salt_count)
    ]
    assert np.mean(uniform) >= 0.99

    tenths = found // (BUCKET_COUNT // 10)
    pairs_of_salts = list(itertools.combinations(range(salt_count), 2))
    independent = []
    for one, other in pairs_of_salts:
        table = np.bincount(tenths[:, one] * 10 + tenths[:, other], minlength=100)
        independent.append(stats.chisquare(table).pvalue > 0.001)
    assert np.mean(independent) >= 0.99
    record_property("salts uniform", f"{np.mean(uniform):.1%} of {salt_count}")
    share = f"{np.mean(independent):.2%} of {len(pairs_of_salts)}"
    record_property("pairs of salts independent", share)
