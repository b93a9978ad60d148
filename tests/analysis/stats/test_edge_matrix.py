"""A18: every estimator with every edge: numbers that mean something, or a reason.

Never an exception, a NaN, an infinity, a p-value of 1 by default or a range (0, 0).
Each edge is compared with usual customers, they with it, and it with itself.
"""

import dataclasses
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
import pytest

from analysis.glossary import because
from analysis.repeated import Asked, at_look
from analysis.stats.adjustment import cuped, lin
from analysis.stats.beta_binomial import believe_shares
from analysis.stats.clustered import (
    NPS,
    clustered_answers,
    clustered_balance,
    clustered_days,
    clustered_retained,
    clustered_share,
)
from analysis.stats.clustered_amounts import clustered_amounts
from analysis.stats.clustered_logrank import clustered_logrank
from analysis.stats.dunnett import dunnett
from analysis.stats.estimate import Estimate, Interval, NotComputable, Outcome
from analysis.stats.extremes import influence
from analysis.stats.follow_up import follow_up_balance
from analysis.stats.hazards import hazard_ratio
from analysis.stats.heterogeneity import heterogeneity
from analysis.stats.incidence import days_free_difference, incidence_difference
from analysis.stats.many_to_one import together
from analysis.stats.means import welch
from analysis.stats.medians import median_difference
from analysis.stats.no_segment_worse import no_segment_worse
from analysis.stats.nonresponse import lee_bounds, tipping_point
from analysis.stats.ordinal import proportional_odds, superiority
from analysis.stats.policy import worth_of_personalising
from analysis.stats.policy_parts import worth_by_stratum
from analysis.stats.proportions import two_proportions
from analysis.stats.quantiles import quantile_difference
from analysis.stats.rates import poisson_rates
from analysis.stats.ratio import ratio_difference
from analysis.stats.response_weighting import inverse_weighted
from analysis.stats.satisfaction import (
    csat_mean,
    csat_share,
    net_promoter,
    response_balance,
)
from analysis.stats.standard_error import error_of
from analysis.stats.stratified import post_stratified, with_strata
from analysis.stats.surprise import surprise
from analysis.stats.survival import (
    kaplan_meier,
    km_difference,
    logrank,
    rmst_difference,
    stratified_logrank,
)
from experiments.vocabulary import MonitoringMode, Reason
from tests.analysis.stats import edge_customers as of
from tests.analysis.stats.edge_customers import EDGES, HORIZON, USUAL, Arm
from tests.analysis.test_repeated import KEY, look_at

Compare = Callable[[Arm, Arm, float], object]
ALONE = 1e-9  # relative room for the rounding of an end


def _segments(c: Arm, t: Arm, level: float) -> list[tuple[str, float, float]]:
    found = []
    for name, (ours, theirs) in of.strata(c, t).items():
        outcome = welch(ours, theirs, level)
        if isinstance(outcome, Estimate):
            found.append((name, outcome.effect, error_of(outcome)))
    return found


def _worth(c: Arm, t: Arm, level: float) -> object:
    outcomes, given, before, fold = of.rows_of(c, t)
    return worth_of_personalising(
        np.array(outcomes, float),
        np.array(given, np.int64),
        np.array(before, float).reshape(-1, 1),
        np.full(2, 0.5),
        np.array(fold, np.int64),
        level,
    )


def _surprises(c: Arm, t: Arm, level: float) -> object:
    found = welch(of.means(c), of.means(t), level)
    return surprise(found, 0.1) if isinstance(found, Estimate) else found


def _influence(c: Arm, t: Arm, level: float) -> object:
    found = welch(of.means(c), of.means(t), level)
    if not isinstance(found, Estimate):
        return found
    return influence((of.means(c), of.means(t)), error_of(found))


COMPARED: dict[str, Callable[[Arm, Arm, float], Outcome]] = {
    "shares": lambda c, t, at: two_proportions(of.shares(c), of.shares(t), at),
    "means": lambda c, t, at: welch(of.means(c), of.means(t), at),
    "Lin": lambda c, t, at: lin(of.vectors(c), of.vectors(t), at),
    "CUPED": lambda c, t, at: cuped(of.vectors(c), of.vectors(t), at),
    "ratio": lambda c, t, at: ratio_difference(of.vectors(c), of.vectors(t), at),
    "median": lambda c, t, at: quantile_difference(
        of.median_of(c), of.median_of(t), at
    ),
    "rates": lambda c, t, at: poisson_rates(of.events(c), of.events(t), at),
    "strata": lambda c, t, at: post_stratified(of.strata(c, t), at),
    "CSAT": lambda c, t, at: csat_mean(of.answers(c), of.answers(t), at),
    "satisfied": lambda c, t, at: csat_share(of.answers(c), of.answers(t), 4, at),
    "NPS": lambda c, t, at: net_promoter(of.answers(c), of.answers(t), at),
    "silent weighed": lambda c, t, at: inverse_weighted(
        of.strata_of_answers(c), of.strata_of_answers(t), at
    ),
    "retained": lambda c, t, at: km_difference(of.lives(c), of.lives(t), HORIZON, at),
    "days": lambda c, t, at: rmst_difference(of.lives(c), of.lives(t), HORIZON, at),
    "cancelled": lambda c, t, at: incidence_difference(
        of.causes(c), of.causes(t), HORIZON, at
    ),
    "days before": lambda c, t, at: days_free_difference(
        of.causes(c), of.causes(t), HORIZON, at
    ),
    "median days": lambda c, t, at: median_difference(
        of.lives(c), of.lives(t), HORIZON, at
    ),
    "shares by account": lambda c, t, at: clustered_share(
        of.yes_by_account(c), of.yes_by_account(t), at
    ),
    "answers by account": lambda c, t, at: clustered_answers(
        of.answers_by_account(c), of.answers_by_account(t), float, at
    ),
    "NPS by account": lambda c, t, at: clustered_answers(
        of.answers_by_account(c), of.answers_by_account(t), float, at, NPS
    ),
    "amounts by account": lambda c, t, at: clustered_amounts(
        of.amounts_by_account(c), of.amounts_by_account(t), at
    ),
    "days by account": lambda c, t, at: clustered_days(
        of.lives_by_account(c), of.lives_by_account(t), HORIZON, at
    ),
    "retained by account": lambda c, t, at: clustered_retained(
        of.lives_by_account(c), of.lives_by_account(t), HORIZON, at
    ),
}
BESIDE: dict[str, Compare] = {
    "Lin within strata": lambda c, t, at: (
        lin(*with_strata(pairs), level=at)
        if (pairs := of.vector_strata(c, t))
        else NotComputable(Reason.EMPTY_ARM)
    ),
    "Dunnett": lambda c, t, at: dunnett(
        of.means(c), [of.means(t), of.means(USUAL)], at
    ),
    "together": lambda c, t, at: together(
        [welch(of.means(c), of.means(each), at) for each in (t, USUAL)], at
    ),
    "superiority": lambda c, t, at: superiority(of.answers(c), of.answers(t), at),
    "odds": lambda c, t, at: proportional_odds(of.answers(c), of.answers(t), at),
    "responses": lambda c, t, at: response_balance(of.answers(c), of.answers(t), at),
    "responses by account": lambda c, t, at: clustered_balance(
        of.answers_by_account(c), of.answers_by_account(t), at
    ),
    "Lee": lambda c, t, at: lee_bounds(of.answers(c), of.answers(t), at),
    "tipping point": lambda c, t, at: tipping_point(
        of.answers(c), of.answers(t), (1, 5), at
    ),
    "curve": lambda c, _, at: kaplan_meier(of.lives(c), at),
    "log-rank": lambda c, t, _: logrank([of.lives(c), of.lives(t)]),
    "log-rank within strata": lambda c, t, _: stratified_logrank(
        [[of.lives(c), of.lives(t)], [of.lives(USUAL), of.lives(USUAL)]]
    ),
    "log-rank by account": lambda c, t, _: clustered_logrank(
        of.lives_by_account(c), of.lives_by_account(t)
    ),
    "hazards": lambda c, t, at: hazard_ratio(of.lives(c), of.lives(t), at),
    "followed alike": lambda c, t, _: follow_up_balance([of.lives(c), of.lives(t)]),
    "belief in shares": lambda c, t, at: believe_shares(
        of.shares(c), of.shares(t), 0.01, at
    ),
    "segments": lambda c, t, at: heterogeneity(_segments(c, t, at), at),
    "no segment worse": lambda c, t, at: no_segment_worse(_segments(c, t, at), 0.1),
    "personalising": _worth,
    "personalising by stratum": lambda c, t, at: worth_by_stratum(
        [of.parts(c), of.parts(t)], (0.5, 0.5), 1, at
    ),
    "who weighs": _influence,
    "too good": _surprises,
}
# Looks at which ranges are wider: how each is asked, and by which boundary.
LOOKS = {
    "first look": (look_at(1), Asked(KEY, 0.05, decides=True)),
    "last look": (look_at(4), Asked(KEY, 0.05, decides=True)),
    "guardrail": (look_at(2), Asked(KEY, 0.05, harm_sign=-1)),
    "any day": (
        look_at(2, mode=MonitoringMode.ALWAYS_VALID),
        Asked(KEY, 0.05, decides=True),
    ),
}


def assert_means_something(found: object) -> None:
    """Walk through all that an estimator says."""
    if isinstance(found, NotComputable):
        words = because(found)
        assert words
        assert "{" not in words
    elif dataclasses.is_dataclass(found) and not isinstance(found, type):
        if isinstance(found, Interval):
            assert_range(found)
        for field in dataclasses.fields(found):
            assert_means_something(getattr(found, field.name))
    elif isinstance(found, dict):
        for each in found.values():
            assert_means_something(each)
    elif isinstance(found, (tuple, list)):
        for each in found:
            assert_means_something(each)
    elif isinstance(found, float):
        assert math.isfinite(found)


def assert_range(found: Interval) -> None:
    if found.low is not None and found.high is not None:
        assert found.low <= found.high
        assert (found.low, found.high) != (0.0, 0.0)


def assert_tested(found: Outcome) -> None:
    """A p-value of 1 says that the groups are alike, never that nothing was tested."""
    if isinstance(found, Estimate):
        low, high = found.interval.low, found.interval.high
        if low is not None and high is not None:
            room = ALONE * max(abs(low), abs(high))
            assert low - room <= found.effect <= high + room
            assert low < high
        if found.p_value is not None and found.p_value >= 1:
            assert abs(found.effect) <= ALONE * abs((high or 0) - (low or 0))


def each_pair() -> Iterator[tuple[str, Arm, Arm]]:
    for name, edge in EDGES.items():
        yield f"{name} as control", edge, USUAL
        yield f"{name} as treatment", USUAL, edge
        yield f"{name} as both", edge, edge


@pytest.mark.parametrize("estimator", COMPARED)
def test_comparison__every_edge__numbers_or_a_reason_with_a_sentence(
    estimator: str,
) -> None:
    for case, control, treatment in each_pair():
        with naming(case):
            found = COMPARED[estimator](control, treatment, 0.95)
            assert_means_something(found)
            assert_tested(found)


@pytest.mark.parametrize("read_out", BESIDE)
def test_read_out__every_edge__numbers_or_a_reason_with_a_sentence(
    read_out: str,
) -> None:
    for case, control, treatment in each_pair():
        with naming(case):
            assert_means_something(BESIDE[read_out](control, treatment, 0.95))


@pytest.mark.parametrize("look", LOOKS)
def test_look__every_estimator_and_edge__numbers_or_a_reason_with_a_sentence(
    look: str,
) -> None:
    taken, asked = LOOKS[look]
    for name, compare in COMPARED.items():
        usual = compare(USUAL, USUAL, 0.95)
        for edge, customers in EDGES.items():
            if compare(USUAL, customers, 0.95) == usual:
                continue  # an edge of what this estimator does not read
            with naming(f"{name}, {edge}"):
                outcome, trace = at_look(
                    taken, asked, partial(compare, USUAL, customers)
                )
                assert_means_something(outcome)
                assert_means_something(trace)


@contextmanager
def naming(case: str) -> Iterator[None]:
    """Say of a fault where it was."""
    try:
        yield
    except Exception as fault:
        raise AssertionError(case) from fault
