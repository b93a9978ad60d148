"""Trust checks by simulation: how often they alarm for nothing, and what they find.

Customers come over thirty days through three sources; nothing is wrong with them but
what a test plants. Quick here, long in `make proof`.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.cells import Cell, Summaries
from analysis.cutoff import Cutoff
from analysis.exposure_counts import ExposureCounts
from analysis.health import Check, Circumstances, check
from analysis.makeup import DELAYS, Makeup
from analysis.stats.prior_balance import TraitSums
from analysis.stats.summary import LifeDay, LifeTable
from experiments.vocabulary import CheckState, HealthCheck
from tests.analysis.event_files import at, plan_of, retention, time_to_churn
from tests.simulations.stats.conftest import Note, chance, note, runs

__all__ = ["chance", "note"]  # fixtures

pytestmark = pytest.mark.simulation

CUSTOMERS, DAYS, HORIZON = 12_000, 30, 10
SOURCES, NAMES = ("app", "mail", "web"), ("control", "treatment")
PLAN = plan_of(
    {"r": retention(), "t": time_to_churn()}, breakdowns={"new": {"plan": "new"}}
)
# What each check promises for one look (docs/statistics.md); of alike_before and
# sample_ratio the notice, which is the looser of their two limits.
LEVELS = {
    HealthCheck.SAMPLE_RATIO: 0.01,
    # By the e-value, or for one look where the whole is in doubt.
    HealthCheck.SPLIT_BY_SEGMENT: 0.02,
    HealthCheck.SPLIT_BY_DAY: 0.01,
    HealthCheck.SPLIT_BY_SOURCE: 0.02,
    HealthCheck.EXPOSURE_DELAY: 0.001,
    HealthCheck.MACHINES: 0.001,
    HealthCheck.ALIKE_BEFORE: 0.001,
    HealthCheck.FOLLOWED_ALIKE: 0.001,
}
# These hold over all nights together.
ALWAYS = {HealthCheck.SPLIT_BY_DAY: 0.01}

Flags = NDArray[np.bool_]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class World:
    """Customers, one entry each."""

    treated: Whole
    day: Whole
    source: Whole
    is_new: Flags
    opened: Whole  # levels of what was before
    bought: Whole
    delay: Whole
    fast: Flags
    churns_on: Whole

    def of(self, who: Flags) -> "World":
        """Keep some customers."""
        return World(
            **{each.name: getattr(self, each.name)[who] for each in fields(self)}
        )


def a_world(chance: np.random.Generator) -> World:
    """Make customers who differ in everything but not by variant."""
    n = CUSTOMERS
    keen = chance.normal(0, 1.5, n)
    return World(
        treated=chance.integers(0, 2, n),
        day=chance.integers(0, DAYS, n),
        source=chance.choice(3, n, p=[0.5, 0.2, 0.3]),
        is_new=chance.random(n) < 0.3,
        opened=np.ceil(np.log2(chance.poisson(np.exp(keen)) + 1)).astype(np.int64),
        bought=np.ceil(np.log2(chance.poisson(np.exp(keen - 2)) + 1)).astype(np.int64),
        delay=chance.choice(len(DELAYS) + 1, n, p=[0.8, 0.1, 0.04, 0.03, 0.02, 0.01]),
        fast=chance.random(n) < 0.005,
        churns_on=chance.geometric(0.05, n),
    )


def checks_of(world: World, night: int = DAYS) -> dict[HealthCheck, Check]:
    """Check what is there when so many days are over."""
    world = world.of(world.day < night)
    arms = {name: world.of(world.treated == i) for i, name in enumerate(NAMES)}
    sizes = {name: len(arm.day) for name, arm in arms.items()}
    by_day = tuple(
        ((at() + timedelta(days=day)).date(), name, int(n))
        for name, arm in arms.items()
        for day, n in enumerate(np.bincount(arm.day, minlength=night))
    )
    makeup = Makeup(
        by_segment={"new": {name: int(a.is_new.sum()) for name, a in arms.items()}},
        by_source={
            source: {name: int((a.source == i).sum()) for name, a in arms.items()}
            for i, source in enumerate(SOURCES)
        },
        delays={
            name: tuple(np.bincount(a.delay, minlength=len(DELAYS) + 1).tolist())
            for name, a in arms.items()
        },
        traits=("Opened before", "Bought before", "segment new"),
        before={name: _traits(arm) for name, arm in arms.items()},
        fast={name: int(arm.fast.sum()) for name, arm in arms.items()},
        people=sizes,
    )
    cells = tuple(
        Cell("t", name, "", _life_table(arm, night), 0) for name, arm in arms.items()
    )
    exposures = ExposureCounts(sizes, sizes, by_day=by_day)
    summaries = Summaries(cells, exposures, makeup=makeup)
    around = Circumstances(
        plan_is_intact=True, cutoff=Cutoff(at(night)), needed_at=None, as_of=at(night)
    )
    return {each.name: each for each in check(PLAN, summaries, around)}


def _traits(arm: World) -> TraitSums:
    rows = np.column_stack([arm.opened, arm.bought, arm.is_new.astype(np.int64)])
    products = rows.T @ rows
    return TraitSums(
        len(rows),
        tuple(int(x) for x in rows.sum(axis=0)),
        tuple(int(products[i, j]) for i in range(3) for j in range(i, 3)),
    )


def _life_table(arm: World, night: int) -> LifeTable:
    last = np.minimum(night - arm.day, HORIZON)
    had = arm.churns_on <= last
    ended = np.where(had, arm.churns_on, last)
    events = np.bincount(ended[had], minlength=HORIZON + 1)
    lost = np.bincount(ended[~had], minlength=HORIZON + 1)
    days = tuple(
        LifeDay(day, int(events[day]), int(lost[day])) for day in range(1, HORIZON + 1)
    )
    return LifeTable(len(ended), days)


def is_off(found: Check) -> bool:
    return found.state in {CheckState.NOTICE, CheckState.FAILED}


def test_checks__nothing_wrong__alarm_no_oftener_than_they_state(
    chance: np.random.Generator, note: Note
) -> None:
    size = runs(150, full=10_000)
    off: Counter[HealthCheck] = Counter()
    blocked = 0

    for _ in range(size):
        found = checks_of(a_world(chance))
        off.update(name for name, each in found.items() if is_off(each))
        blocked += any(each.state == CheckState.FAILED for each in found.values())

    for name, level in LEVELS.items():
        note(f"{name} alarms", off[name] / size)
        assert off[name] / size <= level + 3.3 * np.sqrt(level * (1 - level) / size)
    # Two checks may block here: each at .0005.
    note("blocked", blocked / size)
    assert blocked / size <= 0.001 + 3.3 * np.sqrt(0.001 / size)


def test_checks__nothing_wrong_for_thirty_nights__days_cry_no_wolf(
    chance: np.random.Generator, note: Note
) -> None:
    size = runs(12, full=2_000)
    nights = range(1, DAYS + 1) if size > 12 else range(3, DAYS + 1, 9)
    off: Counter[HealthCheck] = Counter()
    blocked = 0

    for _ in range(size):
        world = a_world(chance)
        told = [checks_of(world, night) for night in nights]
        off.update({n for found in told for n, each in found.items() if is_off(each)})
        blocked += any(
            each.state == CheckState.FAILED for f in told for each in f.values()
        )

    for name in LEVELS:
        note(f"{name} alarms in some night", off[name] / size)
    note("blocked in some night", blocked / size)
    for name, level in ALWAYS.items():
        assert off[name] / size <= level + 3.3 * np.sqrt(level * (1 - level) / size)


Fault = Callable[[World, np.random.Generator], World]


def redirect_loss(world: World, chance: np.random.Generator) -> World:
    """A redirect on the web loses one in six of the treatment before they are seen."""
    gone = (world.treated == 1) & (world.source == 2)
    return world.of(~(gone & (chance.random(len(gone)) < 1 / 6)))


def bot_filter(world: World, chance: np.random.Generator) -> World:
    """Bots, 3 % of all, look like machines in one variant's pages only: filtered."""
    bots = chance.random(len(world.day)) < 0.03
    world = replace(world, fast=world.fast | bots)
    return world.of(~(bots & (world.treated == 1)))


def source_drops_variant(world: World, _: np.random.Generator) -> World:
    """From day 20 on the app sends nothing of the treatment."""
    return world.of(~((world.source == 0) & (world.treated == 1) & (world.day >= 20)))


def keen_only(world: World, chance: np.random.Generator) -> World:
    """The treatment is reported where it is used, so that the keen are seen more."""
    rare = (world.treated == 1) & (world.opened < 2)
    return world.of(~(rare & (chance.random(len(rare)) < 0.2)))


def late_batches(world: World, chance: np.random.Generator) -> World:
    """The treatment's page sends a tenth of its exposures much later."""
    late = (world.treated == 1) & (chance.random(len(world.day)) < 0.1)
    return replace(world, delay=np.where(late, 4, world.delay))


USUALLY_FOUND = 0.9
# By theory, not by trial: of so many customers, alike but for this fault, the test of
# three means at once (chi-square with 3 degrees of freedom at .001) has a
# non-centrality of 25.3, with which it alarms in 88.9 of 100 worlds.
LEAST_FOUND: dict[Fault, float] = {keen_only: 0.889}


@pytest.mark.parametrize(
    ("plant", "names", "words"),
    [
        (redirect_loss, {HealthCheck.SPLIT_BY_SOURCE}, "web"),
        (bot_filter, {HealthCheck.MACHINES}, "not split as planned"),
        (
            source_drops_variant,
            {HealthCheck.SPLIT_BY_SOURCE, HealthCheck.SPLIT_BY_DAY},
            "app",
        ),
        (keen_only, {HealthCheck.SAMPLE_RATIO, HealthCheck.ALIKE_BEFORE}, "Opened"),
        (late_batches, {HealthCheck.EXPOSURE_DELAY}, "late or later"),
        (
            source_drops_variant,
            {HealthCheck.SAMPLE_RATIO, HealthCheck.FOLLOWED_ALIKE},
            "groups are followed",
        ),
    ],
)
def test_checks__a_planted_fault__is_found_and_named(
    plant: Fault,
    names: set[HealthCheck],
    words: str,
    chance: np.random.Generator,
    note: Note,
) -> None:
    size = runs(15, full=1_000)
    found, least = 0, LEAST_FOUND.get(plant, USUALLY_FOUND)

    for _ in range(size):
        told = checks_of(plant(a_world(chance), chance))
        said = " ".join(told[name].sentence for name in names)
        found += all(is_off(told[name]) for name in names) and words in said

    note("found", found / size)
    assert found / size >= least - 3.3 * np.sqrt(least * (1 - least) / size)
