"""Whether two retention curves differ, where accounts are drawn.

The log-rank statistic is a sum over customers, each with what happened minus what was
to be expected. Customers of an account are no strangers, so their parts are added
before they are squared: the score test of Lee, Wei and Amato (1992), "Cox-type
regression analysis for large numbers of small groups of correlated failure time
observations", with the robust variance of Lin and Wei (1989), JASA 84(408).
"""

import math
from typing import NamedTuple

import numpy as np
from scipy import special

from analysis.stats.clusters import Clusters, Weights, weights_of
from analysis.stats.estimate import NotComputable
from analysis.stats.lifetable import Column, curve_of
from analysis.stats.refusals import MIN_UNITS
from analysis.stats.summary import LifeTable
from analysis.stats.survival import LogRank
from experiments.vocabulary import Reason


class _Days(NamedTuple):
    """Both variants together, one entry a day that any of them lists."""

    days: Column
    share: Column  # of those at risk, in the treatment
    hazard: Column  # events among those at risk


def clustered_logrank(
    control: tuple[LifeTable, Clusters], treatment: tuple[LifeTable, Clusters]
) -> LogRank | NotComputable:
    """Test whether two curves are the same, by accounts.

    Observed and expected events are those of `logrank`; the variance is the sum over
    accounts of the squared parts of their customers. Its root is compared with
    Student's t of accounts less two, so that few accounts do not find too much.

    Args:
        control: life table and clusters of control.
        treatment: of the treatment.

    Returns:
        LogRank, control first, or the reason why there is none.
    """
    arms = (control, treatment)
    accounts = [clusters.accounts for _, clusters in arms]
    if min(accounts) < MIN_UNITS:
        return NotComputable(Reason.TOO_FEW_ACCOUNTS, _facts(accounts))
    both = _together(control[0], treatment[0])
    spread = math.fsum(
        clusters.spread(_parts(both, clusters, in_treatment))
        for (_, clusters), in_treatment in zip(arms, (0.0, 1.0), strict=True)
    )
    if not spread > 0:
        return NotComputable(Reason.NO_VARIATION)
    observed = [float(curve_of(table).events.sum()) for table, _ in arms]
    at_risk = curve_of(treatment[0]).at_risk_on(both.days.astype(np.int64))
    expected = float(at_risk @ both.hazard)
    gap = observed[1] - expected
    statistic = gap * gap / spread
    dof = sum(accounts) - 2
    return LogRank(
        chi2=statistic,
        dof=1,
        p_value=float(2 * special.stdtr(dof, -math.sqrt(statistic))),
        observed=tuple(observed),
        expected=(math.fsum(observed) - expected, expected),
    )


def _facts(accounts: list[int]) -> dict[str, float | int | str]:
    control, treatment = accounts
    return {"control_n": control, "treatment_n": treatment, "needed": MIN_UNITS}


def _together(control: LifeTable, treatment: LifeTable) -> _Days:
    curves = [curve_of(control), curve_of(treatment)]
    days = np.unique(np.concatenate([curve.days for curve in curves]))
    ours, theirs = (curve.at_risk_on(days) for curve in curves)
    events = sum(curve.events_on(days) for curve in curves)
    n = ours + theirs
    none = np.zeros_like(n)
    return _Days(
        days.astype(np.float64),
        np.divide(theirs, n, out=none.copy(), where=n > 0),
        np.divide(events, n, out=none, where=n > 0),
    )


def _parts(both: _Days, clusters: Clusters, in_treatment: float) -> Weights:
    """Each outcome's part: the integral of (Z - share) by dN - Y d(hazard)."""
    lean = in_treatment - both.share
    expected = np.cumsum(lean * both.hazard)
    place = {day: i for i, day in enumerate(both.days.tolist())}

    def part(value: float, mark: int) -> float:
        i = place[value]
        return float((lean[i] if mark == 1 else 0.0) - expected[i])

    return weights_of(clusters, part)
