"""Comparing two variants by accounts: the same values, with errors of accounts.

Each function gives the value that its sibling for customers gives, and takes the error
from what the accounts' customers add to; so a large account counts with all its
customers, and as one witness. Student's t has the degrees of freedom of accounts
(Welch-Satterthwaite over both variants).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from analysis.stats.clusters import (
    Clusters,
    Weights,
    design_effect,
    intra_account_correlation,
    mean_size,
    ratio,
    weights_of,
)
from analysis.stats.curve_values import log_log_interval, too_short
from analysis.stats.estimate import (
    ArmValue,
    Estimate,
    Interval,
    NotComputable,
    Outcome,
)
from analysis.stats.lifetable import Curve, curve_of
from analysis.stats.means import squared_error, welch
from analysis.stats.satisfaction import (
    ResponseBalance,
    requests_are_known,
    response_rates,
)
from analysis.stats.summary import Histogram, LifeTable, Moments, Successes
from analysis.stats.survival import CurvePoint
from experiments.vocabulary import Reason


@dataclass(frozen=True, slots=True)
class Limits:
    """What a variant's own value cannot leave; a difference has twice the room."""

    low: float
    high: float


SHARE = Limits(0.0, 1.0)


NPS = Limits(-100.0, 100.0)


@dataclass(frozen=True, slots=True)
class _Arm:
    """One variant: its value over accounts, and the customers behind it."""

    moments: Moments
    customers: int
    effect: float | None
    size: float


def clustered_share(
    control: tuple[Successes, Clusters],
    treatment: tuple[Successes, Clusters],
    level: float = 0.95,
) -> Outcome:
    """Compare two shares of customers, by accounts.

    Args:
        control: summary and clusters of control.
        treatment: of the treatment.
        level: confidence level, 0 to 1.

    Returns:
        Estimate of treatment minus control as a share. Facts: as `welch`, with
        `control_accounts`, `treatment_accounts`, `design_effect` and, where accounts
        have more than one customer, `icc`. Or the reason why there is no estimate.
    """
    arms = [
        _mean(clusters, lambda value: value, summary.n_missing, summary.n_immature)
        for summary, clusters in (control, treatment)
    ]
    return _compare(arms[0], arms[1], level, SHARE)


def clustered_answers(
    control: tuple[Histogram, Clusters],
    treatment: tuple[Histogram, Clusters],
    score: Callable[[float], float],
    level: float = 0.95,
    limits: Limits | None = None,
) -> Outcome:
    """Compare the means of what survey answers score, by accounts.

    Args:
        control: summary and clusters of control.
        treatment: of the treatment.
        score: what an answer counts: itself, 1 for a satisfied one, +-100 for NPS.
        level: confidence level, 0 to 1.
        limits: of the score, where intervals end; None leaves them.

    Returns:
        Estimate of treatment minus control in the score's unit, facts as
        `clustered_share`. Or the reason why there is no estimate.
    """
    arms = [
        _mean(
            clusters,
            score,
            summary.n_exposed - summary.answered - summary.n_nonfinite,
            summary.n_immature,
        )
        for summary, clusters in (control, treatment)
    ]
    return _compare(arms[0], arms[1], level, limits)


def clustered_balance(
    control: tuple[Histogram, Clusters],
    treatment: tuple[Histogram, Clusters],
    level: float = 0.95,
) -> ResponseBalance:
    """Compare how often customers answered, by accounts.

    Args:
        control: summary and clusters of control.
        treatment: of the treatment.
        level: confidence level, 0 to 1.

    Returns:
        As `response_balance`, with errors of accounts.
    """
    known = all(requests_are_known(arm) for arm, _ in (control, treatment))
    exposed = [_answered(clusters, asked=False) for _, clusters in (control, treatment)]
    invited = [_answered(clusters, asked=True) for _, clusters in (control, treatment)]
    return ResponseBalance(
        control=response_rates(control[0]),
        treatment=response_rates(treatment[0]),
        of_exposed=_compare(exposed[0], exposed[1], level, SHARE),
        of_invited=_compare(invited[0], invited[1], level, SHARE)
        if known
        else NotComputable(Reason.NO_REQUESTS),
    )


def clustered_days(
    control: tuple[LifeTable, Clusters],
    treatment: tuple[LifeTable, Clusters],
    tau: int,
    level: float = 0.95,
) -> Outcome:
    """Compare the days retained within the first `tau` days, by accounts.

    The value is that of `rmst_difference`. Each customer's part in it is the integral
    of the martingale of the curve against the area still to come; parts of an account
    are added before they are squared (Lee, Wei and Amato 1992; Lin 1994, for curves).
    With one customer an account it is Greenwood's error times G/(G-1).

    Args:
        control: life table and clusters of control.
        treatment: of the treatment.
        tau: horizon in days since exposure.
        level: confidence level, 0 to 1.

    Returns:
        Estimate in days, facts as `clustered_share` with `tau`. Or the reason why not.
    """
    refused = too_short([control[0], treatment[0]], tau)
    if refused:
        return refused
    arms = [_days(table, clusters, tau) for table, clusters in (control, treatment)]
    found = _compare(arms[0], arms[1], level, Limits(0.0, float(tau)))
    return _with_fact(found, "tau", tau)


def clustered_retained(
    control: tuple[LifeTable, Clusters],
    treatment: tuple[LifeTable, Clusters],
    day: int,
    level: float = 0.95,
) -> Outcome:
    """Compare the shares retained at one day, by accounts.

    Args:
        control: life table and clusters of control.
        treatment: of the treatment.
        day: day since exposure.
        level: confidence level, 0 to 1.

    Returns:
        Estimate of S_treatment(day) - S_control(day), facts as `clustered_share` with
        `day`. Or the reason why there is no estimate.
    """
    refused = too_short([control[0], treatment[0]], day)
    if refused:
        return refused
    arms = [_retained(table, clusters, day) for table, clusters in (control, treatment)]
    return _with_fact(_compare(arms[0], arms[1], level, SHARE), "day", day)


def clustered_curve(
    table: LifeTable, clusters: Clusters, level: float = 0.95
) -> tuple[CurvePoint, ...]:
    """Retention curve of one variant whose errors are those of accounts.

    Args:
        table: life table of the variant, with at least one customer.
        clusters: of the same customers.
        level: confidence level of each point, 0 to 1.

    Returns:
        One point for day 0 and for each day listed.
    """
    curve = curve_of(table)
    points = []
    for day in sorted({0, *curve.days.tolist()}):
        arm = _retained(table, clusters, day)
        moments = arm.moments
        variance = squared_error(moments) if moments.n > 1 else 0.0
        points.append(
            CurvePoint(
                day=int(day),
                survival=moments.mean,
                standard_error=math.sqrt(variance),
                interval=log_log_interval(moments.mean, variance, level),
                at_risk=int(curve.at_risk_on(np.array([day]))[0]),
            )
        )
    return tuple(points)


def _mean(
    clusters: Clusters, score: Callable[[float], float], missing: int, immature: int
) -> _Arm:
    top = weights_of(clusters, lambda value, _: score(value))
    bottom = clusters.answers
    return _arm(clusters, top, bottom, clusters.answering, missing, immature)


def _answered(clusters: Clusters, *, asked: bool) -> _Arm:
    marks = [float(mark == 1 or not asked) for _, mark in clusters.categories]
    bottom = np.array(marks, np.float64)
    accounts = clusters.noted if asked else clusters.accounts
    return _arm(clusters, clusters.answers * bottom, bottom, accounts)


def _arm(
    clusters: Clusters,
    top: Weights,
    bottom: Weights,
    accounts: int,
    missing: int = 0,
    immature: int = 0,
) -> _Arm:
    moments = ratio(clusters, top, bottom, accounts)
    return _Arm(
        moments=replace(moments, n_missing=missing, n_immature=immature),
        customers=int(bottom @ clusters.totals),
        effect=design_effect(clusters, top, bottom),
        size=mean_size(clusters),
    )


def _days(table: LifeTable, clusters: Clusters, tau: int) -> _Arm:
    curve = curve_of(table)
    within = curve.days < tau
    value, _ = curve.restricted_mean(tau)
    # The area under the curve from each day to tau.
    edges = np.append(curve.days[within], tau)
    areas = curve.survival[within] * np.diff(edges)
    reach = np.zeros(len(curve.days))
    reach[within] = np.cumsum(areas[::-1])[::-1]
    return _survived(curve, clusters, value, reach)


def _retained(table: LifeTable, clusters: Clusters, day: int) -> _Arm:
    curve = curve_of(table)
    value, _ = curve.at(day)
    return _survived(curve, clusters, value, np.where(curve.days <= day, value, 0.0))


def _survived(curve: Curve, clusters: Clusters, value: float, reach: Weights) -> _Arm:
    """Make an arm of a value of the curve; `reach` is what an event of a day takes."""
    parts = _parts(curve, clusters, reach)
    accounts = clusters.answering  # those of which somebody was followed
    spread = clusters.spread(parts)
    alone = float((parts * parts) @ clusters.totals)
    # The parts add to the value's own error, so in terms of a mean over accounts each
    # counts `accounts` times.
    moments = Moments(accounts, value, max(0.0, spread) * accounts * accounts)
    effect = spread / alone if alone > 0 else None
    followed = int(clusters.answers @ clusters.totals)
    return _Arm(moments, followed, effect, mean_size(clusters))


def _parts(curve: Curve, clusters: Clusters, reach: Weights) -> Weights:
    """Each outcome's part in the error: minus the integral of reach by dM / (Y - d)."""
    left = curve.at_risk - curve.events
    pull = np.divide(reach, left, out=np.zeros_like(reach), where=left > 0)
    hazard = np.divide(
        curve.events, curve.at_risk, out=np.zeros_like(reach), where=curve.at_risk > 0
    )
    expected = np.cumsum(pull * hazard)
    days = curve.days.tolist()
    place = {day: i for i, day in enumerate(days)}

    def part(value: float, mark: int) -> float:
        i = place[int(value)]
        return float(expected[i] - (pull[i] if mark == 1 else 0.0))

    return weights_of(clusters, part)


def _compare(
    control: _Arm, treatment: _Arm, level: float, limits: Limits | None
) -> Outcome:
    found = welch(control.moments, treatment.moments, level)
    if isinstance(found, NotComputable):
        if found.reason == Reason.TOO_FEW_UNITS:
            return replace(found, reason=Reason.TOO_FEW_ACCOUNTS)
        return found
    facts = dict(found.facts)
    facts["control_accounts"] = control.moments.n
    facts["treatment_accounts"] = treatment.moments.n
    facts |= _likeness(control, treatment)
    found = replace(
        found,
        method="clustered",
        control=_shown(found.control, control, limits),
        treatment=_shown(found.treatment, treatment, limits),
        facts=facts,
    )
    if limits is None:
        return found
    room = limits.high - limits.low
    return replace(
        found,
        interval=_within(found.interval, -room, room),
        graded=tuple(_within(each, -room, room) for each in found.graded),
    )


def _likeness(control: _Arm, treatment: _Arm) -> dict[str, float]:
    """Design effect and ICC over both variants, weighed by their customers."""
    known = [
        (arm.effect, arm.size, arm.customers)
        for arm in (control, treatment)
        if arm.effect is not None
    ]
    customers = sum(n for _, _, n in known)
    if not customers:
        return {}
    effect = math.fsum(each * n for each, _, n in known) / customers
    size = math.fsum(each * n for _, each, n in known) / customers
    icc = intra_account_correlation(effect, size)
    return {"design_effect": effect} | ({} if icc is None else {"icc": icc})


def _shown(value: ArmValue, arm: _Arm, limits: Limits | None) -> ArmValue:
    interval = value.interval
    if interval is not None and limits is not None:
        interval = _within(interval, limits.low, limits.high)
    return replace(value, n=arm.customers, n_accounts=arm.moments.n, interval=interval)


def _within(interval: Interval, lowest: float, highest: float) -> Interval:
    low, high = interval.low, interval.high
    return replace(
        interval,
        low=None if low is None else max(low, lowest),
        high=None if high is None else min(high, highest),
    )


def _with_fact(found: Outcome, name: str, value: int) -> Outcome:
    if not isinstance(found, Estimate):
        return found
    return replace(found, facts={**found.facts, name: value})
