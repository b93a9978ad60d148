import math

import numpy as np
import pytest
import statsmodels.api as sm

from analysis.stats.compressed import Cells, Fit, least_squares
from analysis.stats.estimate import NotComputable
from experiments.vocabulary import Reason


def cells(
    x: list[list[float]],
    n: list[int],
    mean: list[float],
    m2: list[float],
    cluster: list[int] | None = None,
) -> Cells:
    return Cells(
        np.array(x, float).reshape(len(n), 2),
        np.array(n),
        np.array(mean, float),
        np.array(m2, float),
        None if cluster is None else np.array(cluster),
    )


def test_least_squares__outcome_with_decimals__statsmodels_on_the_rows() -> None:
    chance = np.random.default_rng(8)
    x = np.column_stack([np.ones(400), chance.integers(0, 3, (400, 2))])
    cluster = chance.integers(0, 25, 400)
    y = 5 + x @ [0.0, 1.0, -2.0] + cluster / 9 + chance.normal(0, 1, 400)
    keys, places = np.unique(np.column_stack([x, cluster]), axis=0, return_inverse=True)
    groups = [y[places.ravel() == i] for i in range(len(keys))]
    counted = Cells(
        keys[:, :3],
        np.array([len(group) for group in groups]),
        np.array([group.mean() for group in groups]),
        np.array([((group - group.mean()) ** 2).sum() for group in groups]),
    )

    plain = least_squares(counted)
    by_cluster = least_squares(
        Cells(counted.x, counted.n, counted.mean, counted.m2, keys[:, 3].astype(int))
    )

    assert isinstance(plain, Fit)
    assert isinstance(by_cluster, Fit)
    rows = sm.OLS(y, x)
    hc1 = rows.fit(cov_type="HC1")
    cr1 = rows.fit(cov_type="cluster", cov_kwds={"groups": cluster})
    assert plain.coefficients == pytest.approx(hc1.params, rel=1e-9)
    assert plain.standard_errors == pytest.approx(hc1.bse, rel=1e-9)
    assert by_cluster.standard_errors == pytest.approx(cr1.bse, rel=1e-9)
    assert (by_cluster.n, by_cluster.clusters) == (400, 25)


@pytest.mark.parametrize(
    ("counted", "reason"),
    [
        (cells([], [], [], []), Reason.TOO_FEW_UNITS),
        (cells([[1, 0]], [1], [2], [0]), Reason.TOO_FEW_UNITS),
        (cells([[1, 0], [1, 0]], [5, 5], [2, 3], [1, 1]), Reason.NO_VARIATION),
        (cells([[1, 2], [2, 4]], [5, 5], [2, 3], [1, 1]), Reason.NO_VARIATION),
        (cells([[1, 0], [1, 1]], [5, 5], [math.nan, 3], [1, 1]), Reason.NON_FINITE),
        (
            cells([[1, 0], [1, 1]], [5, 5], [2, 3], [1, 1], [7, 7]),
            Reason.TOO_FEW_ACCOUNTS,
        ),
    ],
)
def test_least_squares__edges__typed_reason(counted: Cells, reason: Reason) -> None:
    found = least_squares(counted)

    assert isinstance(found, NotComputable)
    assert found.reason is reason


def test_cells__that_no_customers_could_have_made__refused() -> None:
    with pytest.raises(ValueError, match="one of each"):
        cells([[1, 0], [1, 1]], [5, 5], [2], [1, 1])
    with pytest.raises(ValueError, match="negative"):
        cells([[1, 0], [1, 1]], [5, -5], [2, 3], [1, 1])
