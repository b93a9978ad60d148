"""Retention over time from daily life tables: curves, difference, days retained.

Units that leave sight before their event are censored, never counted as failures.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

import numpy as np
from scipy import special

from analysis.stats.estimate import (
    ArmValue,
    Estimate,
    Interval,
    Lift,
    NotComputable,
    Outcome,
)
from analysis.stats.intervals import (
    GRADES,
    normal_interval,
    normal_p_value,
    normal_value,
)
from analysis.stats.lifetable import Column, Curve, curve_of
from analysis.stats.lift import fieller, log_ratio
from analysis.stats.merging import merge
from analysis.stats.refusals import MIN_UNITS, finite, unvaried
from analysis.stats.summary import LifeTable
from experiments.vocabulary import Reason

MIN_AT_RISK = 10  # below it the end of a curve is a handful of customers


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
    refused = _too_few([table])
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
    refused = _too_few(tables) or too_short(tables, day)
    if refused:
        return refused
    curves = [curve_of(table) for table in tables]
    c, t = (_Side(curve.n, *curve.at(day)) for curve in curves)
    points = [_point(curve, day, level) for curve in curves]
    return _difference(
        "km_difference",
        (c, _arm(c, points[0].interval)),
        (t, _arm(t, points[1].interval)),
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
    refused = _too_few(tables) or too_short(tables, tau)
    if refused:
        return refused
    c, t = (_days_retained(table, tau) for table in tables)
    return _difference(
        "rmst_difference",
        (c, _arm(c, _days_interval(c, tau, level))),
        (t, _arm(t, _days_interval(t, tau, level))),
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
    refused = _too_few([table]) or too_short([table], tau)
    if refused:
        return refused
    side = _days_retained(table, tau)
    return _arm(side, _days_interval(side, tau, level))


def largest_tau(tables: Sequence[LifeTable]) -> int | NotComputable:
    """Largest day at whose start every variant still has ten units at risk.

    Args:
        tables: life tables of all variants that will be compared.

    Returns:
        Day since exposure, at least 1, or the reason why there is none.
    """
    refused = _too_few(tables)
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
    refused = _too_few([_merged(variant) for variant in zip(*strata, strict=True)])
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


class _Side(NamedTuple):
    """One variant's value with the squared standard error of it."""

    n: int
    value: float
    variance: float


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


def log_log_interval(share: float, variance: float, level: float) -> Interval | None:
    """Interval of S on the scale of log(-log S), which keeps it within 0 and 1."""
    if not 0 < share < 1:
        return Interval(1.0, 1.0, level) if share else None
    reach = normal_value(level) * math.sqrt(variance) / (share * -math.log(share))
    return Interval(share ** math.exp(reach), share ** math.exp(-reach), level)


def _days_retained(table: LifeTable, tau: int) -> _Side:
    return _Side(table.n, *curve_of(table).restricted_mean(tau))


def _days_interval(side: _Side, tau: int, level: float) -> Interval:
    return _within(normal_interval(side.value, math.sqrt(side.variance), level), 0, tau)


def _arm(side: _Side, interval: Interval | None) -> ArmValue:
    return ArmValue(side.n, side.value, interval if side.variance > 0 else None)


def _difference(
    method: str,
    control: tuple[_Side, ArmValue],
    treatment: tuple[_Side, ArmValue],
    lift: Lift | NotComputable,
    facts: dict[str, float | int | str],
    level: float,
    largest: float,
) -> Outcome:
    """Compare two values that are normal with known errors, within +-largest."""
    (c, control_arm), (t, treatment_arm) = control, treatment
    refused = unvaried(c.n, c.variance, t.n, t.variance)
    if refused:
        return refused
    effect = t.value - c.value
    standard_error = math.sqrt(c.variance + t.variance)
    z = effect / standard_error
    interval, *graded = (
        _within(normal_interval(effect, standard_error, each), -largest, largest)
        for each in (level, *GRADES)
    )
    return finite(
        Estimate(
            method=method,
            control=control_arm,
            treatment=treatment_arm,
            effect=effect,
            interval=interval,
            p_value=normal_p_value(z),
            lift=lift,
            graded=tuple(graded),
            facts={**facts, "z": z, "standard_error": standard_error},
        )
    )


def _within(interval: Interval, lowest: float, highest: float) -> Interval:
    low, high = interval.low, interval.high
    return Interval(
        None if low is None else max(low, lowest),
        None if high is None else min(high, highest),
        interval.level,
    )


def _merged(tables: Iterable[LifeTable]) -> LifeTable:
    return reduce(merge, tables, LifeTable(0, ()))


def _too_few(tables: Sequence[LifeTable]) -> NotComputable | None:
    smallest = min((table.n for table in tables), default=0)
    if smallest >= MIN_UNITS:
        return None
    reason = Reason.TOO_FEW_UNITS if smallest else Reason.EMPTY_ARM
    return NotComputable(reason, {"smallest_n": int(smallest), "needed": MIN_UNITS})


def too_short(tables: Sequence[LifeTable], day: int) -> NotComputable | None:
    """Refuse a day that too few units of some variant were followed to.

    Units that had their event before are known to the end; so a curve that lost
    nobody from sight is a plain share, however few are left.
    """
    followed = min(
        int(curve.at_risk_on(np.array([day]))[0])
        if curve.censored_before(day)
        else MIN_AT_RISK
        for curve in map(curve_of, tables)
    )
    if followed >= MIN_AT_RISK and day >= 1:
        return None
    return NotComputable(
        Reason.FOLLOW_UP_TOO_SHORT,
        {"day": int(day), "followed": followed, "needed": MIN_AT_RISK},
    )
