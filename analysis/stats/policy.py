"""What a rule that gives different customers different variants would be worth.

The best rule found in some data looks better in these data than it is, for it was
chosen for its luck there too. So the value of a learned rule is only ever taken from
customers who had no part in learning it, and it is held against the best single
variant, chosen the same way: "is personalisation worth it?".
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analysis.stats.estimate import Interval, NotComputable
from analysis.stats.intervals import normal_interval, normal_p_value
from analysis.stats.refusals import MIN_UNITS
from experiments.vocabulary import Reason

Floats = NDArray[np.float64]
Choices = NDArray[np.int64]

MIN_EFFECTIVE = 10.0  # customers' worth of overlap below which a value is a few people


@dataclass(frozen=True, slots=True)
class PolicyValue:
    """What a rule is worth per customer.

    Attributes:
        value: mean outcome under the rule.
        standard_error: of the value.
        interval: normal.
        matched: customers who got what the rule would give them.
        effective: Kish's effective number of them, after weighing.
        largest_weight: of one customer; a large one means that few decide.
    """

    value: float
    standard_error: float
    interval: Interval
    matched: int
    effective: float
    largest_weight: float


@dataclass(frozen=True, slots=True)
class AddedValue:
    """A learned rule against the best single variant, both from held-out customers.

    Attributes:
        rule: value of the rule.
        uniform: value of the best single variant.
        added: rule minus uniform, per customer, paired over customers.
        standard_error: of what is added.
        interval: of what is added.
        p_value: two-sided, of nothing added.
        share_changed: customers to whom the rule gives something else than the best
            single variant, 0 to 1.
    """

    rule: PolicyValue
    uniform: PolicyValue
    added: float
    standard_error: float
    interval: Interval
    p_value: float
    share_changed: float


def weighted_values(
    outcomes: Floats, weights: Floats | None, level: float = 0.95
) -> tuple[PolicyValue, PolicyValue] | NotComputable:
    """Value of a policy from logs of another one, by importance weights.

    Horvitz and Thompson (1952) and Hajek (1971): IPS is the mean of w y; SNIPS divides
    by the mean of w, which costs a little bias and takes most of the noise. w is the
    policy's probability of what was done over that of the policy that did it.

    Args:
        outcomes: of each logged decision.
        weights: of each, at least 0; None where nobody recorded how likely each
            decision was. Then there is no value: guessed probabilities are a model of
            the log, and adaptive logs (bandits) bias even the plain means.
        level: confidence level, 0 to 1.

    Returns:
        IPS and SNIPS, or the reason why there is none.
    """
    if weights is None:
        return NotComputable(Reason.NO_PROPENSITIES)
    refused = _wrong_log(outcomes, weights)
    if refused:
        return refused
    products, mean_weight = weights * outcomes, float(weights.mean())
    normalised = float(products.mean()) / mean_weight
    residuals = weights * (outcomes - normalised) / mean_weight
    plain = _value(products, weights, level)
    error = math.sqrt(float(residuals @ residuals)) / len(outcomes)
    if not (plain.standard_error > 0 and error > 0):
        return NotComputable(Reason.NO_VARIATION)
    return plain, replace(
        plain,
        value=normalised,
        standard_error=error,
        interval=normal_interval(normalised, error, level),
    )


def _wrong_log(outcomes: Floats, weights: Floats) -> NotComputable | None:
    n = len(outcomes)
    if n < MIN_UNITS:
        return NotComputable(Reason.TOO_FEW_UNITS, {"n": n, "needed": MIN_UNITS})
    if not (np.isfinite(outcomes).all() and np.isfinite(weights).all()):
        return NotComputable(Reason.NON_FINITE)
    if (weights < 0).any():
        return NotComputable(Reason.OUT_OF_RANGE, {"field": "weights"})
    return None if weights.any() else NotComputable(Reason.NO_OVERLAP)


def has_overlap(value: PolicyValue) -> bool:
    """Tell whether enough was done of what the policy would do to value it."""
    return value.effective >= MIN_EFFECTIVE


def doubly_robust_scores(
    outcomes: Floats, given: Choices, covariates: Floats, propensities: Floats
) -> Floats | NotComputable:
    """Score each customer under each variant, for rules that were fixed beforehand.

    Robins, Rotnitzky and Zhao (1994): the model's prediction, plus the residual over
    the probability for the variant that the customer got. With known probabilities the
    mean over customers is right in large samples even where the model is wrong. The
    model is least squares in each variant. For a rule learned from the same customers
    use `worth_of_personalising`.

    Args:
        outcomes: one a customer.
        given: which variant each got, 0 to k - 1.
        covariates: known before the exposure; one row a customer.
        propensities: probability of each variant, drawn from.

    Returns:
        Scores, customers x variants; or the reason why there are none.
    """
    refused = _refused(outcomes, given, covariates, propensities)
    if refused:
        return refused
    x = _with_constant(covariates)
    slopes = _slopes(outcomes, given, x, len(propensities))
    if slopes is None:
        return NotComputable(Reason.TOO_FEW_UNITS, {"needed": x.shape[1] + 1})
    return _scores(outcomes, given, x @ slopes, propensities)


def value_of(
    scores: Floats,
    chosen: Choices,
    given: Choices,
    propensities: Floats,
    level: float = 0.95,
) -> PolicyValue:
    """Value of a rule from doubly robust scores.

    Args:
        scores: of each customer under each variant.
        chosen: which variant the rule gives each; learned from other customers, or
            fixed beforehand.
        given: which variant each got.
        propensities: probability of each variant.
        level: confidence level, 0 to 1.

    Returns:
        Its value per customer.
    """
    weights = np.where(given == chosen, 1 / propensities[chosen], 0.0)
    return _value(scores[np.arange(len(chosen)), chosen], weights, level)


def difference(
    scores: Floats, chosen: Choices, other: Choices, level: float = 0.95
) -> tuple[float, float, Interval]:
    """Difference of two rules' values, paired over customers.

    Args:
        scores: of each customer under each variant.
        chosen: what the one rule gives each.
        other: what the other gives each.
        level: confidence level, 0 to 1.

    Returns:
        Difference per customer, its standard error (0 where the rules are one) and
        interval.
    """
    everyone = np.arange(len(chosen))
    apart = scores[everyone, chosen] - scores[everyone, other]
    value = float(apart.mean())
    error = float(apart.std(ddof=1)) / math.sqrt(len(apart))
    return value, error, normal_interval(value, error, level)


def worth_of_personalising(
    outcomes: Floats,
    given: Choices,
    covariates: Floats,
    propensities: Floats,
    folds: Choices,
    level: float = 0.95,
) -> AddedValue | NotComputable:
    """Learn who should get what, and value it on customers who taught nothing.

    The folds are taken in turn: what the folds before it say chooses the rule and the
    best single variant, and both are valued in the fold with doubly robust scores. The
    first fold only teaches. (Luedtke and van der Laan 2016, "Statistical inference for
    the mean outcome under a possibly non-unique optimal treatment strategy", Ann Stat
    44(2).) Folds that taught each other would not do where variants are about equal: a
    rule of noise works in each of two folds exactly when it works in the other, so
    their errors add, and intervals held the truth in 88 % of simulations. What the rule
    would have been worth among those who chose it is never given: it is too high by
    construction.

    Args:
        outcomes: one a customer, higher is better.
        given: which variant each got, 0 to k - 1.
        covariates: known before the exposure; one row a customer.
        propensities: probability of each variant, drawn from.
        folds: of each customer, at least two, drawn without a look at outcomes.
        level: confidence level, 0 to 1.

    Returns:
        What personalising adds per customer, or the reason why it cannot be told.
    """
    refused = _refused(outcomes, given, covariates, propensities)
    if refused:
        return refused
    order = np.unique(folds)
    if len(order) < 2:  # noqa: PLR2004  # somebody learns, somebody tells
        return NotComputable(Reason.OUT_OF_RANGE, {"field": "folds"})
    x = _with_constant(covariates)
    parts = []
    for fold in order[1:]:
        before, held = folds < fold, folds == fold
        slopes = _slopes(outcomes[before], given[before], x[before], len(propensities))
        if slopes is None:
            return NotComputable(Reason.TOO_FEW_UNITS, {"needed": x.shape[1] + 1})
        predicted = x[held] @ slopes
        single = int(np.argmax((x[before] @ slopes).mean(axis=0)))
        parts.append(
            (
                _scores(outcomes[held], given[held], predicted, propensities),
                np.argmax(predicted, axis=1),
                np.full(len(predicted), single),
                given[held],
            )
        )
    scores, chosen, uniform, got = (
        np.concatenate(each) for each in zip(*parts, strict=True)
    )
    if (chosen == uniform).all():
        return NotComputable(Reason.ONE_FOR_ALL)
    added, error, interval = difference(scores, chosen, uniform, level)
    if not error > 0:
        return NotComputable(Reason.NO_VARIATION)
    return AddedValue(
        rule=value_of(scores, chosen, got, propensities, level),
        uniform=value_of(scores, uniform, got, propensities, level),
        added=added,
        standard_error=error,
        interval=interval,
        p_value=normal_p_value(added / error),
        share_changed=float((chosen != uniform).mean()),
    )


def _value(parts: Floats, weights: Floats, level: float) -> PolicyValue:
    value = float(parts.mean())
    error = float(parts.std(ddof=1)) / math.sqrt(len(parts))
    total = float(weights.sum())
    squares = float((weights * weights).sum())
    return PolicyValue(
        value=value,
        standard_error=error,
        interval=normal_interval(value, error, level),
        matched=int((weights > 0).sum()),
        effective=total * total / squares if squares else 0.0,
        largest_weight=float(weights.max(initial=0.0)),
    )


def _with_constant(covariates: Floats) -> Floats:
    return np.column_stack([np.ones(len(covariates)), covariates])


def _scores(
    outcomes: Floats, given: Choices, predicted: Floats, propensities: Floats
) -> Floats:
    scores, everyone = predicted.copy(), np.arange(len(outcomes))
    left = outcomes - predicted[everyone, given]
    scores[everyone, given] += left / propensities[given]
    return scores


def _slopes(outcomes: Floats, given: Choices, x: Floats, k: int) -> Floats | None:
    """Coefficients of each variant's regression, in columns."""
    columns = []
    for variant in range(k):
        rows = given == variant
        if rows.sum() <= x.shape[1]:
            return None
        columns.append(np.linalg.lstsq(x[rows], outcomes[rows], rcond=None)[0])
    return np.column_stack(columns)


def _refused(
    outcomes: Floats, given: Choices, covariates: Floats, propensities: Floats
) -> NotComputable | None:
    if len(outcomes) < MIN_UNITS:
        facts = {"n": len(outcomes), "needed": MIN_UNITS}
        return NotComputable(Reason.TOO_FEW_UNITS, {**facts})
    if not (np.isfinite(outcomes).all() and np.isfinite(covariates).all()):
        return NotComputable(Reason.NON_FINITE)
    if not ((propensities > 0) & (propensities <= 1)).all():
        return NotComputable(Reason.NO_PROPENSITIES)
    if given.min() < 0 or given.max() >= len(propensities):
        return NotComputable(Reason.OUT_OF_RANGE, {"field": "given"})
    return None
