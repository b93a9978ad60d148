"""Sample ratio: did the variants get the shares of customers that were planned?

Health of the split comes before any effect: when it fails, the two groups are not
alike and no estimate can be trusted.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from scipy import special

from analysis.stats.estimate import NotComputable
from experiments.vocabulary import CheckState, Reason

ALARM_P_VALUE = 0.0005  # blocks the result
NOTICE_P_VALUE = 0.01  # shown beside it
MAX_LEAKED_SHARE = 0.01  # more in arms that should be empty blocks too
MIN_EXPECTED = 5  # customers; fewer in an arm and chi-square is not to be relied on
CONCENTRATION = 100.0  # weight of the plan in the sequential test, in customers


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """How the observed split compares with the planned one.

    `p_value` holds for one look, `anytime_p_value` however often one looks. Arms
    planned with share 0 take no part in either; who is found there has leaked.
    """

    state: CheckState
    observed: dict[str, int]
    expected: dict[str, float]  # customers by plan, of those in arms with a share
    leaked: dict[str, int]  # customers in arms planned with share 0, or not planned
    dof: int
    chi2: float | None
    p_value: float | None
    log_e_value: float | None  # natural logarithm, against the planned split
    anytime_p_value: float | None
    reason: Reason | None = None  # why the tests are not given


def sample_ratio(counts: Mapping[str, int], shares: Mapping[str, float]) -> SampleRatio:
    """Test the split once (Pearson) and for any number of looks (e-value).

    Alarm at p < .0005 or e-value >= 2000, notice at p < .01. The e-value is the
    Dirichlet-multinomial mixture of Lindon and Malek (2022), "Anytime-valid inference
    for multinomial count data", NeurIPS 35.

    Args:
        counts: customers found in each variant, 0 or more.
        shares: planned share of each variant, 0 or more; they need not add to 1.

    Returns:
        SampleRatio; both tests are None, with the reason, while there are too few
        customers or less than two arms to compare.

    Raises:
        ValueError: when a count is negative or a share no finite number from 0 up.
    """
    if any(count < 0 for count in counts.values()):
        raise ValueError("counts: a count is negative")
    if not all(0 <= share < math.inf for share in shares.values()):
        raise ValueError("shares: a share is not a finite number from 0 up")
    planned = {name: share for name, share in shares.items() if share > 0}
    observed = {name: int(counts.get(name, 0)) for name in planned}
    leaked = {
        name: int(count)
        for name, count in counts.items()
        if count and name not in planned
    }
    n, whole = sum(observed.values()), math.fsum(planned.values())
    weights = {name: share / whole for name, share in planned.items()}
    expected = {name: n * weight for name, weight in weights.items()}
    reason = _why_not(expected)
    chi2 = p_value = log_e = None
    if reason is None:
        chi2 = _pearson(observed, expected)
        p_value = float(special.chdtrc(len(planned) - 1, chi2))
        log_e = _log_e_value(observed, weights)
    return SampleRatio(
        state=_state(p_value, log_e, sum(leaked.values()), n),
        observed=observed,
        expected=expected,
        leaked=leaked,
        dof=max(0, len(planned) - 1),
        chi2=chi2,
        p_value=p_value,
        log_e_value=log_e,
        anytime_p_value=None if log_e is None else math.exp(min(0.0, -log_e)),
        reason=reason,
    )


def exact_p_value(count: int, of: int, share: float) -> float | NotComputable:
    """Test the split of few customers over two arms exactly: binomial, two-sided.

    Args:
        count: customers in the one arm.
        of: customers in both.
        share: planned share of the one arm among both, between 0 and 1.

    Returns:
        The p-value, or the reason where nobody is in either or the plan is no split.
    """
    if not 0 < share < 1 or not 0 <= count <= of:
        return NotComputable(Reason.OUT_OF_RANGE, {"field": "share"})
    if not of:
        return NotComputable(Reason.EMPTY_ARM)
    from scipy.stats import binomtest  # noqa: PLC0415  # loads much; rarely needed

    return float(binomtest(count, of, share).pvalue)


def _why_not(expected: Mapping[str, float]) -> Reason | None:
    if len(expected) < 2:  # noqa: PLR2004  # a ratio has two sides
        return Reason.NO_VARIATION
    if min(expected.values()) < MIN_EXPECTED:
        return Reason.TOO_FEW_UNITS
    return None


def _pearson(observed: Mapping[str, int], expected: Mapping[str, float]) -> float:
    return math.fsum(
        (observed[name] - by_plan) * (observed[name] - by_plan) / by_plan
        for name, by_plan in expected.items()
    )


def _log_e_value(observed: Mapping[str, int], weights: Mapping[str, float]) -> float:
    """Log of the mixture likelihood over the likelihood of the plan.

    Lindon and Malek (2022): a Dirichlet with mean at the plan mixes over the
    splits that might have been.
    """
    n = sum(observed.values())
    return math.fsum(
        [float(special.gammaln(CONCENTRATION) - special.gammaln(CONCENTRATION + n))]
        + [
            float(
                special.gammaln(CONCENTRATION * weight + observed[name])
                - special.gammaln(CONCENTRATION * weight)
                - observed[name] * math.log(weight)
            )
            for name, weight in weights.items()
        ]
    )


def _state(
    p_value: float | None, log_e_value: float | None, leaked: int, n: int
) -> CheckState:
    """Judge the split; an arm planned empty that is not is at least worth a notice."""
    leak_alarm = leaked > MAX_LEAKED_SHARE * (leaked + n)
    if p_value is None or log_e_value is None:
        if leaked:
            return CheckState.FAILED if leak_alarm else CheckState.NOTICE
        return CheckState.NOT_APPLICABLE
    if leak_alarm or p_value < ALARM_P_VALUE or log_e_value >= -math.log(ALARM_P_VALUE):
        return CheckState.FAILED
    if leaked or p_value < NOTICE_P_VALUE:
        return CheckState.NOTICE
    return CheckState.PASSED
