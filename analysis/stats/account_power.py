"""How many accounts a plan needs where whole accounts are drawn.

Customers of an account are alike, so each says less than a customer on their own: the
size for customers is multiplied by the design effect, and given in accounts.
"""

import math
from dataclasses import dataclass

from analysis.stats.estimate import NotComputable
from analysis.stats.power import MIN_PER_ARM, Demand, SampleSize
from analysis.stats.ranges import outside
from experiments.vocabulary import Reason

MOST_CUSTOMERS = 1e6  # an account
MOST_CV = 100.0
MOST_ACCOUNTS = 1e10
_ROUNDS = 50  # each comes closer; two or three are enough


@dataclass(frozen=True, slots=True)
class Accounts:
    """How customers lie in accounts, and how alike those of one account are.

    Attributes:
        customers: of an account on average, of those who reach the change.
        cv: coefficient of variation of that: standard deviation over mean.
        icc: intra-account correlation of the outcome, 0 to 1.
    """

    customers: float
    cv: float
    icc: float

    @property
    def size_seen(self) -> float:
        """Customers of an account as a customer sees it: (CV^2 + 1) times the mean."""
        return (self.cv * self.cv + 1) * self.customers


@dataclass(frozen=True, slots=True)
class AccountSize:
    """What is needed in control and in each treatment."""

    accounts: SampleSize
    customers: SampleSize  # those that so many accounts bring
    design_effect: float


def design_effect(accounts: Accounts) -> float | NotComputable:
    """How many times the customers that would do if each were drawn alone.

    1 + ((CV^2 + 1) m - 1) ICC: Eldridge, Ashby and Kerry (2006), "Sample size for
    cluster randomized trials: effect of coefficient of variation of cluster size and
    analysis method", Int J Epidemiol 35(5).

    Args:
        accounts: as planned.

    Returns:
        The design effect, or the reason with the field at fault in its facts.
    """
    refused = (
        outside(
            "account_customers",
            accounts.customers,
            1,
            MOST_CUSTOMERS,
            low_allowed=True,
            high_allowed=True,
        )
        or outside("account_cv", accounts.cv, 0, MOST_CV, low_allowed=True)
        or outside("icc", accounts.icc, 0, 1, low_allowed=True, high_allowed=True)
    )
    if refused:
        return refused
    return 1 + (accounts.size_seen - 1) * accounts.icc


def size_in_accounts(
    size: SampleSize | NotComputable, accounts: Accounts, demand: Demand | None = None
) -> AccountSize | NotComputable:
    """Accounts that a comparison of customers needs.

    The test by accounts has Student's t with the degrees of freedom of accounts; where
    they are few, some more are needed than the design effect alone says.

    Args:
        size: customers needed were each drawn alone, from `analysis.stats.power`.
        accounts: as planned.
        demand: that the size was worked out for; the usual one when None.

    Returns:
        AccountSize, or the reason with the field at fault in its facts.
    """
    if isinstance(size, NotComputable):
        return size
    effect = design_effect(accounts)
    if isinstance(effect, NotComputable):
        return effect
    plain = [n * effect / accounts.customers for n in (size.control, size.treatment)]
    more = _for_few(sum(plain), demand or Demand())
    control, treatment = (math.ceil(n * more * (1 - 1e-12)) for n in plain)
    if max(control, treatment) > MOST_ACCOUNTS:
        return NotComputable(Reason.UNREACHABLE, {"field": "effect"})
    needed = SampleSize(max(MIN_PER_ARM, control), max(MIN_PER_ARM, treatment))
    return AccountSize(
        accounts=needed,
        customers=SampleSize(
            math.ceil(needed.control * accounts.customers),
            math.ceil(needed.treatment * accounts.customers),
        ),
        design_effect=effect,
    )


def _for_few(accounts: float, demand: Demand) -> float:
    """How many times as many, since t reaches further than the normal."""
    from scipy import special  # noqa: PLC0415  # as in analysis.stats.power

    more = 1.0
    for _ in range(_ROUNDS):
        dof = max(2 * MIN_PER_ARM, accounts * more) - 2
        reach = special.stdtrit(dof, demand.power) - special.stdtrit(
            dof, demand.alpha_each / 2
        )
        last, more = more, float(reach / demand.reach) ** 2
        if abs(more - last) < 1e-9:  # noqa: PLR2004  # a billionth of an account
            break
    return more
