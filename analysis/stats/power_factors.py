"""What makes a plan smaller or larger than customers drawn one by one need."""

import math
from statistics import NormalDist

from analysis.stats.estimate import NotComputable
from analysis.stats.ranges import outside


def adjusted_share(correlation: float) -> float | NotComputable:
    """Customers needed with adjustment, as a share of those without.

    Deng, Xu, Kohavi and Walker (2013), "Improving the sensitivity of online controlled
    experiments by utilizing pre-experiment data", WSDM: variance falls by rho^2.

    Args:
        correlation: of the outcome with what is adjusted for, -1 to 1.

    Returns:
        1 - rho^2, or the reason with the field at fault.
    """
    refused = outside("correlation", abs(correlation), 0, 1, low_allowed=True)
    return refused or 1 - correlation * correlation


def quantile_spread(sd: float, share: float) -> float | NotComputable:
    """Standard deviation of one customer's part in a quantile, where amounts lie so.

    The error of a sample quantile is sqrt(p (1 - p) / n) / f(x_p) (Serfling 1980,
    "Approximation theorems of mathematical statistics", sec. 2.3.3), with the density
    f of a bell curve: what can be said before any amount was seen. Amounts with a long
    tail take more customers for a high quantile.

    Args:
        sd: standard deviation of the amounts over customers, above 0.
        share: which quantile, 0 to 1.

    Returns:
        The number that takes the place of `sd` for the mean, or the reason.
    """
    refused = outside("sd", sd, 0, math.inf) or outside("quantile_share", share, 0, 1)
    if refused:
        return refused
    normal = NormalDist()
    return sd * math.sqrt(share * (1 - share)) / normal.pdf(normal.inv_cdf(share))
