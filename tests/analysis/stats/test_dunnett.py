import math

import numpy as np
import pytest
from scipy import stats

from analysis.stats.dunnett import dunnett, many_to_one_p_value, many_to_one_value
from analysis.stats.estimate import NotComputable
from analysis.stats.intervals import normal_value, t_value
from analysis.stats.summary import Moments, moments_of
from experiments.vocabulary import Reason
from tests.analysis.stats.conftest import ends

EQUAL = math.sqrt(0.5)  # loading of a treatment as large as control


# The two-sided 5 % points of "New tables for multiple comparisons with a control"
# (Dunnett 1964, Biometrics 20, no. 3).
@pytest.mark.parametrize(
    ("treatments", "dof", "published"),
    [
        (2, 20, 2.38),
        (4, 20, 2.65),
        (9, 20, 2.95),
        (3, 5, 3.29),
        (2, math.inf, 2.21),
        (5, math.inf, 2.51),
    ],
)
def test_critical_value__dunnetts_table__published(
    treatments: int, dof: float, published: float
) -> None:
    loadings = np.full(treatments, EQUAL)

    assert many_to_one_value(loadings, dof) == pytest.approx(published, abs=0.006)


@pytest.mark.parametrize("loading", [0.001, EQUAL, 0.9999])
def test_critical_value__one_treatment__of_one_comparison(loading: float) -> None:
    one = np.array([loading])

    assert many_to_one_value(one, math.inf) == pytest.approx(
        normal_value(0.95), rel=1e-4
    )
    assert many_to_one_value(one, 12) == pytest.approx(t_value(0.95, 12), rel=1e-4)


def test_p_value__far_from_0__does_not_cancel() -> None:
    found = many_to_one_p_value(20.0, np.array([EQUAL]), math.inf)

    assert found == pytest.approx(2 * stats.norm.sf(20), rel=1e-2)


def test_dunnett__three_treatments__scipy_on_the_single_values() -> None:
    chance = np.random.default_rng(1)
    sizes = [(0.0, 20), (0.3, 15), (0.6, 30), (-0.5, 12)]
    values = [chance.normal(mean, 1, n).tolist() for mean, n in sizes]
    alone = stats.dunnett(*values[1:], control=values[0], rng=chance)

    control, *treatments = map(moments_of, values)
    found = dunnett(control, treatments)

    assert not isinstance(found, NotComputable)
    assert [each.statistic for each in found] == pytest.approx(
        list(alone.statistic), rel=1e-12
    )
    # scipy simulates: its p-values and intervals are good to about 3 digits.
    assert [each.p_value for each in found] == pytest.approx(
        list(alone.pvalue), abs=0.003
    )
    interval = alone.confidence_interval(0.95)
    assert [each.interval.low for each in found] == pytest.approx(
        list(interval.low), abs=0.01
    )
    assert ends(found[0].interval)[1] == pytest.approx(interval.high[0], abs=0.01)


@pytest.mark.parametrize(
    ("control", "treatment", "reason"),
    [
        (moments_of([]), moments_of([1.0, 2.0] * 9), Reason.EMPTY_ARM),
        (moments_of([1.0]), moments_of([1.0, 2.0] * 9), Reason.TOO_FEW_UNITS),
        (moments_of([1.0] * 20), moments_of([1.0] * 20), Reason.NO_VARIATION),
        (Moments(20, math.nan, 1.0), moments_of([1.0, 2.0] * 9), Reason.NON_FINITE),
        (Moments(20, 0.0, math.inf), moments_of([1.0, 2.0] * 9), Reason.NON_FINITE),
    ],
)
def test_dunnett__edges__typed_reason(
    control: Moments, treatment: Moments, reason: Reason
) -> None:
    usual = moments_of([float(k % 5) for k in range(50)])

    outcome = dunnett(control, [treatment])

    assert isinstance(outcome, NotComputable)
    assert outcome.reason is reason
    assert isinstance(dunnett(control, [usual, Moments(0, 0.0, 0.0)]), NotComputable)
