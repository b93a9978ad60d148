"""One comparison at a look: how far its range reaches, and what it says at the end."""

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from analysis.looks import Look, PastLook, Trace, traces_from_json, traces_to_json
from analysis.repeated import (
    Asked,
    Compare,
    at_look,
    standard_error,
    treatments_at_look,
)
from analysis.stats.boundaries import boundaries
from analysis.stats.confidence_sequence import multiplier
from analysis.stats.estimate import ArmValue, Estimate, NotComputable, Outcome
from analysis.stats.intervals import normal_value
from analysis.stats.means import welch
from analysis.stats.proportions import newcombe, two_proportions
from analysis.stats.spending import obrien_fleming, pocock, spent_by
from analysis.stats.summary import Moments, Successes
from experiments.vocabulary import MonitoringMode, Reason

KEY = ("retained", "treatment", "")
ASKED = Asked(KEY, 0.05, decides=True)
QUARTERS = (0.25, 0.5, 0.75, 1.0)
AT = datetime(2026, 3, 1, tzinfo=UTC)


def look_at(
    number: int,
    past: Mapping[int, Mapping[tuple[str, str, str], Trace]] | None = None,
    mode: MonitoringMode = MonitoringMode.GROUP_SEQUENTIAL,
) -> Look:
    """The n-th of four looks at quarters, after those whose traces are given."""
    time = QUARTERS[number - 1]
    return Look(
        mode=mode,
        number=number,
        planned=4,
        fraction=time,
        time=time,
        is_last=number == 4,
        later=QUARTERS[number:],
        past=tuple(
            PastLook(n, AT, 100, QUARTERS[n - 1], 0.0, False, 1, traces)  # noqa: FBT003
            for n, traces in (past or {}).items()
        ),
    )


def shares(n: int, control: int, treatment: int) -> Compare:
    return lambda level: two_proportions(
        Successes(n, control), Successes(n, treatment), level
    )


def ranges(n: int, control: int, treatment: int) -> Compare:
    """Compare two shares by their interval alone, which is quick."""
    arms = Successes(n, control), Successes(n, treatment)
    values = ArmValue(n, control / n), ArmValue(n, treatment / n)
    effect = (treatment - control) / n
    none = NotComputable(Reason.BASELINE_NEAR_ZERO)
    return lambda level: Estimate(
        "newcombe", values[0], values[1], effect, newcombe(*arms, level), None, none
    )


def estimate(outcome: Outcome) -> Estimate:
    assert isinstance(outcome, Estimate)
    return outcome


def after(number: int, *comparisons: Compare, asked: Asked = ASKED) -> Look:
    """Take the looks before the n-th, one comparison each."""
    past: dict[int, dict[tuple[str, str, str], Trace]] = {}
    for n, compare in enumerate(comparisons, start=1):
        _, trace = at_look(look_at(n, past), asked, compare)
        assert trace is not None
        past[n] = {asked.key: trace}
    return look_at(number, past)


def test_at_look__first_of_four__range_as_wide_as_its_boundary() -> None:
    found = estimate(at_look(look_at(1), ASKED, shares(1000, 200, 230))[0])

    plain = estimate(shares(1000, 200, 230)(0.95))
    # gsDesign, sfLDOF, four equal looks: 4.3326 in place of 1.96.
    ours, usual = (
        (each.interval.high or 0) - (each.interval.low or 0) for each in (found, plain)
    )
    assert ours / usual == pytest.approx(4.3326 / 1.96, rel=0.01)
    assert found.interval.level == 0.95
    assert found.effect == plain.effect
    assert found.p_value is None
    assert found.graded == ()
    assert found.control == plain.control


@pytest.mark.parametrize("won", [250, 251, 262, 275, 300])
def test_at_look__last_one__range_p_and_boundary_agree(won: int) -> None:
    look = after(4, shares(250, 50, 53), shares(500, 100, 106), shares(750, 150, 158))
    found = estimate(at_look(look, ASKED, shares(1000, 200, won))[0])

    assert found.p_value is not None
    beyond = abs(float(found.facts["z"])) > float(found.facts["boundary"])
    assert (found.p_value <= 0.05) == beyond
    assert ((found.interval.low or 0) > 0) == beyond
    assert found.facts["adjusted_for_looks"] == 4
    assert found.effect <= float(found.facts["plain_effect"])
    assert [grade.level for grade in found.graded] == [0.5, 0.8]


def test_at_look__few_units__students_t_keeps_its_form() -> None:
    x, y = Moments(12, 10.0, 44.0), Moments(12, 11.0, 44.0)
    found = estimate(at_look(look_at(2), ASKED, lambda level: welch(x, y, level))[0])

    bound = boundaries([1.0], spent_by([0.5], 0.025, obrien_fleming)).upper[0]
    from scipy import stats  # noqa: PLC0415

    # By hand: variance 4 an arm, error sqrt(4/12 + 4/12), 22 degrees of freedom.
    half = stats.t.isf(stats.norm.sf(bound), 22) * math.sqrt(8 / 12)
    assert found.interval.high == pytest.approx(1 + half, rel=1e-6)
    assert standard_error(estimate(welch(x, y))) == pytest.approx(math.sqrt(8 / 12))


def test_at_look__guardrail__harm_is_found_earlier_than_safety() -> None:
    guard = replace(ASKED, decides=False, harm_sign=-1)  # a fall would be harm
    found = estimate(at_look(look_at(1), guard, shares(1000, 200, 190))[0])

    effect, low, high = found.effect, found.interval.low, found.interval.high
    assert low is not None
    assert high is not None
    harm, clear = (
        boundaries([1.0], spent_by([0.25], 0.025, spend), two_sided=False).upper[0]
        for spend in (pocock, obrien_fleming)
    )
    assert (effect - low) / (high - effect) == pytest.approx(clear / harm, rel=0.02)


def test_treatments_at_look__one_found__leaves_its_alpha_to_the_other() -> None:
    """Maurer and Bretz: Holm over looks."""
    names = ("a", "b")
    asked = {n: Asked(("m", n, ""), 0.05, decides=True, family=2) for n in names}
    wins = {"a": shares(4000, 800, 1100), "b": shares(4000, 800, 850)}
    found, traces = treatments_at_look(
        look_at(1), asked, lambda name, level: wins[name](level)
    )

    assert traces["a"].crossed
    assert not traces["b"].crossed
    assert estimate(found["a"]).interval.level == pytest.approx(0.975)
    assert estimate(found["b"]).interval.level == pytest.approx(0.95)


def test_at_look__any_day__width_of_the_sequence_then_narrowed() -> None:
    look = look_at(2, mode=MonitoringMode.ALWAYS_VALID)
    first, trace = at_look(look, ASKED, shares(5000, 1000, 1030))
    shown = estimate(first)
    error = standard_error(estimate(shares(5000, 1000, 1030)(0.95)))

    assert trace is not None
    assert error is not None
    assert (shown.interval.high or 0) - shown.effect == pytest.approx(
        multiplier(0.5, 0.05) * error, rel=0.01
    )
    later = look_at(3, {2: {KEY: trace}}, MonitoringMode.ALWAYS_VALID)
    second = estimate(at_look(later, ASKED, shares(5100, 1020, 950))[0])
    assert (second.interval.low or 0) >= (shown.interval.low or 0)
    assert second.effect >= (second.interval.low or 0)


def test_at_look__days_contradict__says_so() -> None:
    look = look_at(2, mode=MonitoringMode.ALWAYS_VALID)
    _, trace = at_look(look, ASKED, shares(5000, 1000, 1500))
    assert trace is not None
    later = look_at(3, {2: {KEY: trace}}, MonitoringMode.ALWAYS_VALID)

    found, _ = at_look(later, ASKED, shares(9000, 1800, 1500))

    assert isinstance(found, NotComputable)
    assert found.reason == Reason.RANGES_DISAGREE


EDGES = {
    "nobody": shares(0, 0, 0),
    "one": shares(1, 0, 1),
    "none stayed": shares(500, 0, 0),
    "all stayed": shares(500, 500, 500),
    "all of one": shares(500, 0, 500),
    "no variance": lambda level: welch(
        Moments(50, 1.0, 0.0), Moments(50, 1.0, 0.0), level
    ),
    "a billion": shares(10**9, 10**8, 10**8 + 10),
}


@pytest.mark.parametrize("mode", [*MonitoringMode][1:])
@pytest.mark.parametrize("edge", EDGES)
def test_at_look__edges__a_typed_status_and_finite_numbers(
    edge: str, mode: MonitoringMode
) -> None:
    past: dict[int, dict[tuple[str, str, str], Trace]] = {}
    trace: Trace | None = None
    for number in range(1, 5):
        for ask in (ASKED, replace(ASKED, decides=False, harm_sign=1)):
            outcome, trace = at_look(look_at(number, past, mode), ask, EDGES[edge])
            if isinstance(outcome, NotComputable):
                continue
            ends = (outcome.interval.low, outcome.interval.high)
            numbers = [outcome.effect, *(end for end in ends if end is not None)]
            assert all(math.isfinite(number) for number in numbers)
            assert ends != (0, 0)
            assert outcome.p_value != 1 or mode == MonitoringMode.ALWAYS_VALID
            assert trace is not None
        if trace is not None:
            past[number] = {KEY: trace}


def test_traces__written_and_read__are_the_same() -> None:
    _, trace = at_look(look_at(1), ASKED, shares(1000, 200, 230))
    assert trace is not None
    assert traces_from_json(traces_to_json({KEY: trace})) == {KEY: trace}


def test_looks__no_effect_small_groups__about_5_percent_are_alarms() -> None:
    """The whole way, with Newcombe's intervals: 300 experiments of 4 x 60 customers."""
    chance = np.random.default_rng(11)
    runs, alarms = 300, 0
    second = replace(ASKED, decides=False)  # the same test, without its reading
    for _ in range(runs):
        past: dict[int, dict[tuple[str, str, str], Trace]] = {}
        kept = chance.binomial(60, 0.3, (4, 2)).cumsum(0)
        for number in range(1, 5):
            control, treatment = (int(k) for k in kept[number - 1])
            compare = ranges(60 * number, control, treatment)
            _, trace = at_look(look_at(number, past), second, compare)
            assert trace is not None
            past[number] = {KEY: trace}
            if trace.crossed:
                alarms += 1
                break
    assert alarms / runs <= 0.05 + 3.3 * math.sqrt(0.05 * 0.95 / runs)
    assert alarms > 0


def test_at_look__only_look__as_without_looks() -> None:
    only = replace(look_at(4), number=1, past=())
    plain = shares(1000, 200, 230)(0.95)
    outcome, trace = at_look(only, ASKED, shares(1000, 200, 230))
    assert outcome == plain
    assert trace is not None
    assert trace.boundary == pytest.approx(normal_value(0.95))
