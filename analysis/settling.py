"""How many more customers would settle a question, and when none would: pure."""

import math
from statistics import NormalDist

from analysis.stats.estimate import Estimate, NotComputable, Outcome
from analysis.stats.sequential_power import conditional_power

FUTILE_POWER = 0.1
USUAL_POWER = 0.8


def customers_to_settle(outcome: Outcome, target: float, share: float) -> int | None:
    """Count the further customers that are sure to settle whether something changed.

    A range no wider than the change that matters either leaves out 0 or lies within
    that change, wherever its middle falls. Its width falls with the root of the number
    of customers.

    Args:
        outcome: of the metric so far.
        target: the change that matters, on the metric's scale.
        share: of all customers, those who are in one of the two groups, 0 to 1.

    Returns:
        Customers (accounts, where these are drawn) of all variants together; None
        where the range is settled already
        or cannot be computed.
    """
    width = closed_half_width(outcome)
    if width is None:
        return None
    return _more(outcome, (2 * width / target) ** 2, share)


def customers_to_clear(outcome: Outcome, margin: float, share: float) -> int | None:
    """Count the further customers that rule harm out with 80 % power, if there is none.

    Args:
        outcome: of the guardrail so far.
        margin: the largest harm that was agreed, on the metric's scale.
        share: of all customers, those who are in one of the two groups, 0 to 1.

    Returns:
        Customers of all variants together; None where there are enough already, so
        that more would hardly help, or where the range cannot be computed.
    """
    width = closed_half_width(outcome)
    if width is None or margin <= 0 or isinstance(outcome, NotComputable):
        return None
    room = 1 + NormalDist().inv_cdf(USUAL_POWER) / _z(outcome)
    return _more(outcome, (width * room / margin) ** 2, share)


def is_futile(estimate: Estimate, sign: int, target: float, done: float) -> bool:
    """Say whether going on to the planned size would hardly find what matters.

    Conditional power under the change that matters.

    Args:
        estimate: of the primary metric at a look, with its facts.
        sign: 1 when a rise is better for customers, -1 when a fall is.
        target: the change that matters, positive, on the metric's scale.
        done: share of the planned customers who are followed to the end.

    Returns:
        Whether the conditional power is below 10 %; never once the size is reached.
    """
    width = closed_half_width(estimate)
    if not width or not 0 < done < 1:
        return False
    error = estimate.facts.get("standard_error")
    last = estimate.facts.get("final_boundary")
    if not isinstance(error, float) or not isinstance(last, float):
        return False
    z = sign * estimate.effect / error
    drift = target / (error * math.sqrt(done))
    if drift < last:
        return False  # the plan was too small from the start; its end will say so
    return conditional_power(z, done, drift, last) < FUTILE_POWER


def closed_half_width(outcome: Outcome) -> float | None:
    """Half the width of an interval with two ends; None for any other outcome."""
    if isinstance(outcome, NotComputable):
        return None
    low, high = outcome.interval.low, outcome.interval.high
    return None if low is None or high is None else (high - low) / 2


def _more(outcome: Outcome, factor: float, share: float) -> int | None:
    if isinstance(outcome, NotComputable) or factor <= 1:
        return None
    arms = (outcome.control, outcome.treatment)
    accounts = [arm.n_accounts for arm in arms if arm.n_accounts is not None]
    if accounts:
        return math.ceil(sum(accounts) / share * (factor - 1))
    # Who did not answer was a customer too, and more of them are needed as well.
    customers = sum(arm.n + arm.n_missing for arm in arms) / share
    return math.ceil(customers * (factor - 1))


def _z(estimate: Estimate) -> float:
    return NormalDist().inv_cdf((1 + estimate.interval.level) / 2)
