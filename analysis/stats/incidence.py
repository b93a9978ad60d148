"""Who had the event by when: cumulative incidence, also beside competing causes.

F(t) is the share of all units that had the event by day t. A unit that left by another
cause (a failed payment, where the metric is about customers who cancel) can have it no
more; it is not censored. F is the estimator of Aalen and Johansen (1978), "An empirical
transition matrix for non-homogeneous Markov chains based on censored observations",
Scand J Stat 5(3); without competing causes it is one minus Kaplan-Meier.

Errors are those of the delta method over each day's shares of events, which are
multinomial: Dinse and Larson (1986), "A note on semi-Markov models for partially
censored data", Biometrika 73(2); Marubini and Valsecchi (1995), eq. 10.12. Without
competing causes they are Greenwood's.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from analysis.stats.competing import CompetingDay, CompetingTable
from analysis.stats.curve_values import (
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
from analysis.stats.lifetable import Column, curve_of
from analysis.stats.lift import fieller, log_ratio
from analysis.stats.proportions import two_proportions
from analysis.stats.summary import LifeDay, LifeTable, Successes

Table = LifeTable | CompetingTable
NEGLIGIBLE = 1e-12  # far below one unit of a billion: a rounding, not a share


@dataclass(frozen=True, slots=True)
class IncidencePoint:
    """A variant's cumulative incidence just after the events of one day."""

    day: int
    share: float  # had the event by then, 0 to 1
    standard_error: float
    interval: Interval | None  # None before the first event and once all have had it
    others: float  # left by a competing cause by then, 0 to 1
    at_risk: int  # units still in sight with neither as the day began


class Flow(NamedTuple):
    """One variant's table as columns, with what each event of a day moves."""

    days: Column
    at_risk: Column
    events: Column
    others: Column
    before: Column  # share with neither as the day begins


def incidence_difference(
    control: Table, treatment: Table, day: int, level: float = 0.95
) -> Outcome:
    """Compare the shares that had the event by one day.

    Where nobody was lost from sight before the day, these are plain shares, and are
    compared as such (Newcombe, score test), which holds for few events too.

    Args:
        control: life table of control, with or without competing causes.
        treatment: of the treatment.
        day: day since exposure.
        level: confidence level, 0 to 1.

    Returns:
        Estimate of F_treatment(day) - F_control(day); the lift is Fieller's. Facts:
        `day`, `z`, `standard_error`, `control_at_risk`, `treatment_at_risk`. Or the
        reason why there is no estimate.
    """
    tables = [competing(control), competing(treatment)]
    refused = _refused(tables, day)
    if refused:
        return refused
    plain = [_plain_share(table, day) for table in tables]
    if plain[0] is not None and plain[1] is not None:
        return two_proportions(plain[0], plain[1], level)
    c, t = (_incidence(table, day) for table in tables)
    at_risk = [
        int(curve_of(all_causes(table)).at_risk_on(np.array([day]))[0])
        for table in tables
    ]
    return difference(
        "incidence_difference",
        (c, arm_value(c, share_interval(c.value, c.variance, level))),
        (t, arm_value(t, share_interval(t.value, t.variance, level))),
        fieller(c.value, c.variance, t.value, t.variance, level),
        {"day": day, "control_at_risk": at_risk[0], "treatment_at_risk": at_risk[1]},
        level,
        largest=1,
    )


def days_free_difference(
    control: Table, treatment: Table, tau: int, level: float = 0.95
) -> Outcome:
    """Compare the days before the event within the first `tau` days.

    tau less the area under F: the restricted mean time that is not lost to the event
    (Andersen 2013, "Decomposition of number of life years lost according to causes of
    death", Stat Med 32(30)). Days after another cause count as not lost to this one.
    Without competing causes it is the restricted mean survival time.

    Args:
        control: life table of control, with or without competing causes.
        treatment: of the treatment.
        tau: horizon in days since exposure.
        level: confidence level, 0 to 1.

    Returns:
        Estimate of treatment minus control in days. Facts: `tau`, `z`,
        `standard_error`. Or the reason why there is no estimate.
    """
    tables = [competing(control), competing(treatment)]
    refused = _refused(tables, tau)
    if refused:
        return refused
    c, t = (_days_free(table, tau) for table in tables)
    return difference(
        "days_free_difference",
        (c, _days_arm(c, tau, level)),
        (t, _days_arm(t, tau, level)),
        log_ratio(c.value, c.variance, t.value, t.variance, level),
        {"tau": tau},
        level,
        largest=tau,
    )


def incidence_curve(
    table: Table, level: float = 0.95
) -> tuple[IncidencePoint, ...] | NotComputable:
    """Cumulative incidence of one variant with its errors.

    Args:
        table: of the variant.
        level: confidence level of each point, 0 to 1.

    Returns:
        One point for day 0 and for each day listed, or the reason why there is none.
    """
    held = competing(table)
    refused = too_few([all_causes(held)])
    if refused:
        return refused
    curve = curve_of(all_causes(held))
    points = []
    for day in sorted({0, *curve.days.tolist()}):
        share, variance = _weighted(held, (curve.days <= day).astype(np.float64))
        neither, _ = curve.at(day)
        points.append(
            IncidencePoint(
                day=int(day),
                share=share,
                standard_error=math.sqrt(variance),
                interval=share_interval(share, variance, level),
                others=max(0.0, 1 - neither - share),
                at_risk=int(curve.at_risk_on(np.array([day]))[0]),
            )
        )
    return tuple(points)


def competing(table: Table) -> CompetingTable:
    """Read a plain life table as one in which no other cause ever came."""
    if isinstance(table, CompetingTable):
        return table
    days = (CompetingDay(d.day, d.events, 0, d.censored) for d in table.days)
    return CompetingTable(table.n, tuple(days), table.n_missing)


def all_causes(table: CompetingTable) -> LifeTable:
    """Take every cause as the event."""
    days = (LifeDay(d.day, d.events + d.others, d.censored) for d in table.days)
    return LifeTable(table.n, tuple(days), table.n_missing)


def one_cause(table: CompetingTable) -> LifeTable:
    """Take who left by another cause as out of sight: for the cause's own hazard."""
    days = (LifeDay(d.day, d.events, d.others + d.censored) for d in table.days)
    return LifeTable(table.n, tuple(days), table.n_missing)


def other_causes(table: CompetingTable) -> CompetingTable:
    """Change places: what competed becomes the event, and the event competes."""
    days = (CompetingDay(d.day, d.others, d.events, d.censored) for d in table.days)
    return CompetingTable(table.n, tuple(days), table.n_missing)


def flow_of(table: CompetingTable) -> Flow:
    """Lay a table with competing causes out as columns.

    Args:
        table: of one variant with at least one unit.

    Returns:
        Columns with one entry a listed day, days rising.
    """
    curve = curve_of(all_causes(table))
    rows = table.days or (CompetingDay(0, 0, 0, 0),)
    return Flow(
        days=curve.days.astype(np.float64),
        at_risk=curve.at_risk,
        events=np.array([row.events for row in rows], dtype=np.float64),
        others=np.array([row.others for row in rows], dtype=np.float64),
        before=np.concatenate(([1.0], curve.survival[:-1])),
    )


def pulls_of(flow: Flow, weights: Column) -> tuple[Column, Column, Column]:
    """Work out what a day's events add to a weighted incidence, and what they take.

    The value is the sum over days of S(before) x h x weight, h being the day's share
    of events among those at risk. A change of h adds S(before) x weight, and takes
    from every later day, for fewer are left: that sum over the share left today.

    Args:
        flow: of one variant.
        weights: of each day.

    Returns:
        Each day's part of the value; what h adds; what leaving by any cause takes.
    """
    adds = flow.before * weights
    share = np.divide(
        flow.events, flow.at_risk, out=np.zeros_like(adds), where=flow.at_risk > 0
    )
    gains = adds * share
    later = np.cumsum(gains[::-1])[::-1] - gains
    left = flow.at_risk - flow.events - flow.others
    # later / (1 - all causes' share), written so that nobody left is no division.
    takes = np.divide(
        later * flow.at_risk, left, out=np.zeros_like(adds), where=left > 0
    )
    return gains, adds, takes


def share_interval(share: float, variance: float, level: float) -> Interval | None:
    """Interval of an incidence, on the scale of log(-log(1 - F))."""
    if not NEGLIGIBLE < share < 1 - NEGLIGIBLE:
        return None
    left = log_log_interval(1 - share, variance, level)
    if left is None or left.low is None or left.high is None:
        return None
    return Interval(1 - left.high, 1 - left.low, level)


def _weighted(table: CompetingTable, weights: Column) -> tuple[float, float]:
    """Sum of the incidence of each day times its weight, and its squared error."""
    flow = flow_of(table)
    gains, adds, takes = pulls_of(flow, weights)
    n = np.where(flow.at_risk > 0, flow.at_risk, 1.0)
    mine, any_cause = flow.events / n, (flow.events + flow.others) / n
    terms = (
        adds * adds * mine * (1 - mine)
        + takes * takes * any_cause * (1 - any_cause)
        - 2 * adds * takes * mine * (1 - any_cause)
    ) / n
    return math.fsum(gains), max(0.0, math.fsum(terms))


def _incidence(table: CompetingTable, day: int) -> Side:
    days = flow_of(table).days
    share, variance = _weighted(table, (days <= day).astype(np.float64))
    return Side(table.n, share, variance, table.n_missing)


def _days_free(table: CompetingTable, tau: int) -> Side:
    days = flow_of(table).days
    lost, variance = _weighted(table, np.maximum(0.0, tau - days))
    return Side(table.n, tau - lost, variance, table.n_missing)


def _days_arm(side: Side, tau: int, level: float) -> ArmValue:
    interval = normal_interval(side.value, math.sqrt(side.variance), level)
    return arm_value(side, within(interval, 0, tau))


def _plain_share(table: CompetingTable, day: int) -> Successes | None:
    """Count who had the event, where nobody was lost from sight before the day."""
    if curve_of(all_causes(table)).censored_before(day):
        return None
    events = sum(each.events for each in table.days if each.day <= day)
    return Successes(table.n, events, n_missing=table.n_missing)


def _refused(tables: Sequence[CompetingTable], day: int) -> NotComputable | None:
    whole = [all_causes(table) for table in tables]
    return too_few(whole) or too_short(whole, day)
