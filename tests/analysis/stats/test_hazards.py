import math

import numpy as np
import pytest
from statsmodels.duration.hazard_regression import PHReg

from analysis.stats.estimate import NotComputable
from analysis.stats.hazards import HazardRatio, hazard_ratio
from analysis.stats.summary import LifeDay, LifeTable, life_table_of
from experiments.vocabulary import Reason


def found(control: LifeTable, treatment: LifeTable) -> HazardRatio:
    ratio = hazard_ratio(control, treatment)
    assert isinstance(ratio, HazardRatio)
    return ratio


def leaving(hazards: list[float], n: int, seed: int) -> list[tuple[int, bool]]:
    """Draw days until somebody leaves, by the hazard of each day; then censored."""
    chance = np.random.default_rng(seed)
    times = []
    for _ in range(n):
        left = chance.random(len(hazards)) < hazards
        day = int(left.argmax()) + 1 if left.any() else len(hazards)
        times.append((day, bool(left.any())))
    return times


def test_hazard_ratio__many_ties__as_statsmodels_on_rows() -> None:
    # Independent: statsmodels' PHReg with Efron's ties, and its own residuals.
    c, t = leaving([0.05] * 30, 300, 1), leaving([0.03] * 30, 280, 2)
    days, ended = np.array([*c, *t]).T
    arm = np.repeat([0.0, 1.0], [300, 280])
    theirs = PHReg(days, arm[:, None], status=ended, ties="efron").fit()

    ratio = found(life_table_of(c), life_table_of(t))

    assert ratio.log_ratio == pytest.approx(theirs.params[0], rel=1e-7)
    assert ratio.standard_error == pytest.approx(theirs.bse[0], rel=1e-6)
    assert ratio.p_value == pytest.approx(theirs.pvalues[0], rel=1e-5)
    assert ratio.is_proportional


def test_hazard_ratio__hazards_that_cross__not_in_proportion() -> None:
    early, late = [0.08] * 15 + [0.01] * 15, [0.01] * 15 + [0.08] * 15

    ratio = found(
        life_table_of(leaving(early, 500, 3)), life_table_of(leaving(late, 500, 4))
    )

    assert ratio.proportion_p_value is not None
    assert ratio.proportion_p_value < 1e-6
    assert not ratio.is_proportional


def test_hazard_ratio__arms_swapped__inverted() -> None:
    c = life_table_of(leaving([0.05] * 20, 200, 5))
    t = life_table_of(leaving([0.08] * 20, 200, 6))

    one, other = found(c, t), found(t, c)

    assert other.ratio == pytest.approx(1 / one.ratio, rel=1e-9)
    assert other.p_value == pytest.approx(one.p_value, rel=1e-6)


def test_hazard_ratio__more_events_a_day_than_are_counted_singly__same_ratio() -> None:
    # Ten times the customers of each kind change the error only, by sqrt(10): nothing
    # but the share of ties decides the ratio, and blocks must not move it.
    def table(times: int, left: int) -> LifeTable:
        return LifeTable(
            20_000 * times, (LifeDay(1, left * times, 0), LifeDay(2, left * times, 0))
        )

    few, many = (found(table(k, 1800), table(k, 1500)) for k in (1, 10))

    assert many.log_ratio == pytest.approx(few.log_ratio, abs=2e-4)
    assert many.standard_error == pytest.approx(
        few.standard_error / math.sqrt(10), rel=1e-3
    )


@pytest.mark.parametrize(
    ("control", "treatment", "reason"),
    [
        (LifeTable(0, ()), LifeTable(50, ()), Reason.EMPTY_ARM),
        (LifeTable(9, ()), LifeTable(50, ()), Reason.TOO_FEW_UNITS),
        (LifeTable(50, ()), LifeTable(50, ()), Reason.NO_VARIATION),
        (
            LifeTable(50, (LifeDay(9, 0, 50),)),
            LifeTable(50, (LifeDay(3, 20, 30),)),
            Reason.NOT_CONVERGED,
        ),
    ],
)
def test_hazard_ratio__nothing_to_compare__reason(
    control: LifeTable, treatment: LifeTable, reason: Reason
) -> None:
    ratio = hazard_ratio(control, treatment)

    assert isinstance(ratio, NotComputable)
    assert ratio.reason is reason


def test_hazard_ratio__one_event_among_a_billion__says_nothing_of_ten_others() -> None:
    ratio = hazard_ratio(
        LifeTable(10**9, (LifeDay(3, 1, 0), LifeDay(9, 0, 10**9 - 1))),
        LifeTable(10, (LifeDay(9, 0, 10),)),
    )
    assert ratio == NotComputable(Reason.NO_VARIATION)
