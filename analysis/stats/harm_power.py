"""Whether a plan can rule out the harm that a guardrail must not take.

A guardrail is judged by the lower end of the same two-sided interval as everything
else, against its margin: non-inferiority, at half of alpha, one-sided.
"""

import math
from statistics import NormalDist

from analysis.stats.estimate import NotComputable
from analysis.stats.power import Demand, SampleSize, size_for_means
from analysis.stats.ranges import outside


def size_to_rule_out(
    sd: float, margin: float, demand: Demand | None = None
) -> SampleSize | NotComputable:
    """Customers so that harm beyond a margin is ruled out, where there is none.

    Blackwelder (1982), "Proving the null hypothesis in clinical trials", Controlled
    Clinical Trials 3(4), with a true difference of 0: the size that detects the margin.

    Args:
        sd: standard deviation of one customer; sqrt(p (1 - p)) of a share p.
        margin: harm that is still accepted, in the same unit, above 0.
        demand: alpha and ratio, and as power the chance; guardrails are not adjusted
            for the number of treatments.

    Returns:
        SampleSize, or the reason with the field at fault in its facts.
    """
    refused = outside("margin", margin, 0, math.inf)
    return refused or size_for_means(sd, margin, demand)


def chance_to_rule_out(
    sd: float, margin: float, size: SampleSize, alpha: float = 0.05
) -> float | NotComputable:
    """Chance that a size rules out harm beyond a margin, where there is none.

    Args:
        sd: as in `size_to_rule_out`.
        margin: likewise.
        size: mature customers in control and in one treatment.
        alpha: two-sided.

    Returns:
        0 to 1, or the reason with the field at fault in its facts.
    """
    refused = (
        outside("sd", sd, 0, math.inf)
        or outside("margin", margin, 0, math.inf)
        or outside("size", min(size.control, size.treatment), 0, math.inf)
        or outside("alpha", alpha, 0, 1)
    )
    if refused:
        return refused
    normal = NormalDist()
    error = sd * math.sqrt(1 / size.control + 1 / size.treatment)
    return normal.cdf(margin / error + normal.inv_cdf(alpha / 2))
