"""Comparing two amounts by accounts: the same means, with errors of accounts."""

from dataclasses import replace

from analysis.stats.amounts import Amounts
from analysis.stats.clusters import intra_account_correlation
from analysis.stats.estimate import ArmValue, NotComputable, Outcome
from analysis.stats.means import squared_error, welch
from analysis.stats.ratio import linearised
from analysis.stats.summary import Moments, VectorMoments
from experiments.vocabulary import Reason


def clustered_amounts(
    control: tuple[Moments, Amounts],
    treatment: tuple[Moments, Amounts],
    level: float = 0.95,
) -> Outcome:
    """Compare two means over customers, or two ratios, by accounts.

    The mean is what accounts have together over how many customers they have together:
    a ratio, whose error is by linearisation over accounts (Deng, Knoblich and Lu 2018,
    sec. 3.2). A ratio of two amounts has those of accounts above and below its line.

    Args:
        control: summary over customers, and the sums of accounts, of control.
        treatment: of the treatment.
        level: confidence level, 0 to 1.

    Returns:
        Estimate in the unit of the amount. Facts: as `welch`, with `control_accounts`,
        `treatment_accounts`, and where they can be told `design_effect` and `icc`. Or
        the reason why there is no estimate.
    """
    arms = [_over_accounts(*one) for one in (control, treatment)]
    found = welch(arms[0], arms[1], level)
    if isinstance(found, NotComputable):
        if found.reason == Reason.TOO_FEW_UNITS:
            return replace(found, reason=Reason.TOO_FEW_ACCOUNTS)
        return found
    facts = dict(found.facts)
    facts["control_accounts"], facts["treatment_accounts"] = arms[0].n, arms[1].n
    facts |= _likeness(arms, (control, treatment))
    return replace(
        found,
        method="clustered",
        control=_of_customers(found.control, control[0]),
        treatment=_of_customers(found.treatment, treatment[0]),
        facts=facts,
    )


def _over_accounts(summary: Moments, amounts: Amounts) -> Moments:
    accounts = amounts.accounts
    if accounts is None or not accounts.mean[1]:
        return Moments(0, 0.0, 0.0)
    return replace(
        linearised(accounts),
        n_missing=summary.n_missing,
        n_nonfinite=summary.n_nonfinite,
        n_immature=summary.n_immature,
    )


def _of_customers(arm: ArmValue, summary: Moments) -> ArmValue:
    return replace(arm, n=summary.n, n_accounts=arm.n)


def _likeness(
    arms: list[Moments], sides: tuple[tuple[Moments, Amounts], ...]
) -> dict[str, float]:
    """Design effect and ICC over both variants, weighed by their customers."""
    effects, sizes, customers = [], [], []
    for arm, (summary, amounts) in zip(arms, sides, strict=True):
        alone = squared_error(summary)
        if alone and amounts.accounts is not None:
            effects.append(squared_error(arm) / alone)
            sizes.append(_mean_size(amounts.accounts))
            customers.append(summary.n)
    if not customers:
        return {}
    total = sum(customers)
    effect = sum(e * n for e, n in zip(effects, customers, strict=True)) / total
    size = sum(s * n for s, n in zip(sizes, customers, strict=True)) / total
    icc = intra_account_correlation(effect, size)
    return {"design_effect": effect} | ({} if icc is None else {"icc": icc})


def _mean_size(accounts: VectorMoments) -> float:
    """Customers an account, as a customer sees it: sum of squares over the sum."""
    total = accounts.n * accounts.mean[1]
    return (accounts.m2[1][1] + total * accounts.mean[1]) / total if total else 0.0
