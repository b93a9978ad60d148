"""Retention over time from daily life tables: curves, difference, days retained.

Units that leave sight before their event are censored, never counted as failures.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from scipy import special

from analysis.stats.curve_values import (
    MIN_AT_RISK,
    Side,
    arm_value,
    difference,
    log_log_interval,
    too_few,
    too_short,
    within,
)
from analysis.stats.estimate import ArmValue, Interval, NotComputable, Outcome
from analysis.stats.intervals import normal_interval
from analysis.stats.lifetable import Column, Curve, curve_of
from analysis.stats.lift import fieller, log_ratio
from analysis.stats.merging import merge
from analysis.stats.summary import LifeTable
from experiments.vocabulary import Reason


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A variant's retention just after the events of one day."""

    day: int
    survival: float  # share retained, 0 to 1
    standard_error: float  # Greenwood
    interval: Interval | None  # log-log; None where nobody is left
    at_risk: int  # units still in sight and retained as the day began


@dataclass(frozen=True, slots=True)
class LogRank:
    """Whether the whole curves of two or more variants differ."""

    chi2: float
    dof: int
    p_value: float
    observed: tuple[float, ...]  # events of each variant
    expected: tuple[float, ...]  # as many if all variants shared one curve


def kaplan_meier(
    table: LifeTable, level: float = 0.95
) -> tuple[CurvePoint, ...] | NotComputable:
    """Retention curve of one variant, with Greenwood errors and log-log intervals.

    Kaplan and Meier (1958), JASA 53(282); Greenwood (1926); interval on the scale of
    log(-log S), Kalbfleisch and Prentice (2002), "The statistical analysis of failure
    time data", 2nd ed., sec. 1.4.

    Args:
        table: life table of the variant.
        level: confidence level of each point, 0 to 1.

    Returns:
        One point for day 0 and for each day listed, or the reason why there is none.
    """
    refused = too_few([table])
    if refused:
        return refused
    curve = curve_of(table)
    return tuple(_point(curve, day, level) for day in sorted({0, *curve.days.tolist()}))


def km_difference(
    control: LifeTable, treatment: LifeTable, day: int, level: float = 0.95
) -> Outcome:
    """Compare the shares retained at one day, with Greenwood's errors.

    Args:
        control: life table of control.
        treatment: life table of treatment.
        day: day since exposure.
        level: confidence level, 0 to 1.

    Returns:
        Estimate of S_treatment(day) - S_control(day); the lift is on the scale of
        retention, not churn. Facts: `day`, `z`, `standard_error`, `control_at_risk`,
        `treatment_at_risk`. Or the reason why there is no estimate.
    """
    tables = [control, treatment]
    refused = too_few(tables) or too_short(tables, day)
    if refused:
        return refused
    curves = [curve_of(table) for table in tables]
    c, t = (
        Side(curve.n, *curve.at(day), table.n_missing)
        for curve, table in zip(curves, tables, strict=True)
    )
    points = [_point(curve, day, level) for curve in curves]
    return difference(
        "km_difference",
        (c, arm_value(c, points[0].interval)),
        (t, arm_value(t, points[1].interval)),
        fieller(c.value, c.variance, t.value, t.variance, level),
        {
            "day": day,
            "control_at_risk": points[0].at_risk,
            "treatment_at_risk": points[1].at_risk,
        },
        level,
        largest=1,
    )


def rmst_difference(
    control: LifeTable, treatment: LifeTable, tau: int, level: float = 0.95
) -> Outcome:
    """Compare the days retained within the first `tau` days: "extra days retained".

    Restricted mean survival time, Uno et al. (2014), "Moving beyond the hazard
    ratio", J Clin Oncol 32(22); it needs no proportional hazards.

    Args:
        control: life table of control.
        treatment: life table of treatment.
        tau: horizon in days since exposure, fixed in the plan; see `largest_tau`.
        level: confidence level, 0 to 1.

    Returns:
        Estimate of treatment minus control in days. Facts: `tau`, `z`,
        `standard_error`. Or the reason why there is no estimate.
    """
    tables = [control, treatment]
    refused = too_few(tables) or too_short(tables, tau)
    if refused:
        return refused
    c, t = (_days_retained(table, tau) for table in tables)
    return difference(
        "rmst_difference",
        (c, arm_value(c, _days_interval(c, tau, level))),
        (t, arm_value(t, _days_interval(t, tau, level))),
        log_ratio(c.value, c.variance, t.value, t.variance, level),
        {"tau": tau},
        level,
        largest=tau,
    )


def rmst(table: LifeTable, tau: int, level: float = 0.95) -> ArmValue | NotComputable:
    """Days retained within the first `tau` days by one variant.

    Args:
        table: life table of the variant.
        tau: horizon in days since exposure.
        level: confidence level, 0 to 1.

    Returns:
        Restricted mean in days with its interval, or the reason why there is none.
    """
    refused = too_few([table]) or too_short([table], tau)
    if refused:
        return refused
    side = _days_retained(table, tau)
    return arm_value(side, _days_interval(side, tau, level))


def largest_tau(tables: Sequence[LifeTable]) -> int | NotComputable:
    """Largest day at whose start every variant still has ten units at risk.

    Args:
        tables: life tables of all variants that will be compared.

    Returns:
        Day since exposure, at least 1, or the reason why there is none.
    """
    refused = too_few(tables)
    if refused:
        return refused
    tau = min(
        int(curve.days[curve.at_risk >= MIN_AT_RISK].max(initial=0))
        for curve in map(curve_of, tables)
    )
    if tau < 1:
        return NotComputable(Reason.FOLLOW_UP_TOO_SHORT, {"day": 1})
    return tau


def logrank(tables: Sequence[LifeTable]) -> LogRank | NotComputable:
    """Test whether two or more curves are the same.

    Mantel (1966); covariance as in Kalbfleisch and Prentice (2002). From
    daily life tables it equals the test on single customers.

    Args:
        tables: life tables, one a variant.

    Returns:
        LogRank with variants in the order given, or the reason why there is none.
    """
    return stratified_logrank([tables])


def stratified_logrank(
    strata: Sequence[Sequence[LifeTable]],
) -> LogRank | NotComputable:
    """Test whether curves are the same within strata, such as segments.

    Args:
        strata: for each stratum the life tables of the variants, in one order.

    Returns:
        LogRank over all strata, or the reason why there is none.
    """
    refused = too_few([_merged(variant) for variant in zip(*strata, strict=True)])
    if refused:
        return refused
    parts = [_logrank_sums(tables) for tables in strata]
    observed = np.sum([part[0] for part in parts], axis=0)
    expected = np.sum([part[1] for part in parts], axis=0)
    covariance = np.sum([part[2] for part in parts], axis=0)
    # The last variant follows from the others; one that was never at risk when
    # something happened adds no degree of freedom.
    part = covariance[:-1, :-1]
    dof = int(np.linalg.matrix_rank(part)) if part.size else 0
    if not dof:
        return NotComputable(Reason.NO_VARIATION)
    gap = (observed - expected)[:-1]
    chi2 = max(0.0, float(gap @ np.linalg.pinv(part) @ gap))
    return LogRank(
        chi2=chi2,
        dof=dof,
        p_value=float(special.chdtrc(dof, chi2)),
        observed=tuple(observed.tolist()),
        expected=tuple(expected.tolist()),
    )


def _logrank_sums(tables: Sequence[LifeTable]) -> tuple[Column, Column, Column]:
    """Events, expected events, and the covariance of their gaps, of one stratum."""
    curves = [curve_of(table) for table in tables if table.n]
    held = [i for i, table in enumerate(tables) if table.n]
    observed, expected = np.zeros(len(tables)), np.zeros(len(tables))
    covariance = np.zeros((len(tables), len(tables)))
    if not curves:
        return observed, expected, covariance
    days = np.unique(np.concatenate([curve.days for curve in curves]))
    at_risk = np.array([curve.at_risk_on(days) for curve in curves])
    events = np.array([curve.events_on(days) for curve in curves])
    n, d = at_risk.sum(axis=0), events.sum(axis=0)
    share = np.divide(at_risk, n, out=np.zeros_like(at_risk), where=n > 0)
    spread = np.divide(d * (n - d), n - 1, out=np.zeros_like(n), where=n > 1)
    observed[held] = events.sum(axis=1)
    expected[held] = (share * d).sum(axis=1)
    covariance[np.ix_(held, held)] = np.diag((spread * share).sum(axis=1)) - (
        (spread * share) @ share.T
    )
    return observed, expected, covariance


def _point(curve: Curve, day: int, level: float) -> CurvePoint:
    share, variance = curve.at(day)
    return CurvePoint(
        day=int(day),
        survival=share,
        standard_error=math.sqrt(variance),
        interval=log_log_interval(share, variance, level),
        at_risk=int(curve.at_risk_on(np.array([day]))[0]),
    )


def _days_retained(table: LifeTable, tau: int) -> Side:
    value, variance = curve_of(table).restricted_mean(tau)
    return Side(table.n, value, variance, table.n_missing)


def _days_interval(side: Side, tau: int, level: float) -> Interval:
    return within(normal_interval(side.value, math.sqrt(side.variance), level), 0, tau)


def _merged(tables: Iterable[LifeTable]) -> LifeTable:
    return reduce(merge, tables, LifeTable(0, ()))
