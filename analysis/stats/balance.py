"""Whether variants were alike before the experiment began."""

import numpy as np
from scipy import special

from analysis.stats.covariates import Arm


def covariate_balance(control: Arm, treatment: Arm) -> dict[str, float]:
    """Test whether the covariates' means differ by more than chance.

    Hotelling (1931), "The generalization of Student's ratio": T^2 = d' S^-1 d n_c n_t /
    N with the covariance pooled within variants; T^2 (N - p - 1) / (p (N - 2)) is F.

    Args:
        control: moments of control, with independent covariates.
        treatment: of the treatment.

    Returns:
        `balance_p_value`, 0 to 1; nothing where there are too few customers to tell.
    """
    n, p = control.n + treatment.n, len(control.mean)
    rest = n - p - 1
    if not p or rest < 1:
        return {}
    spread = (control.spread + treatment.spread) / (n - 2)
    scale = np.sqrt(np.diag(spread))
    apart = (treatment.mean - control.mean) / scale
    squared = apart @ np.linalg.solve(spread / np.outer(scale, scale), apart)
    distance = float(squared) * control.n * (treatment.n / n)
    statistic = distance * rest / (p * (n - 2))
    return {"balance_p_value": float(special.fdtrc(p, rest, max(0.0, statistic)))}
