"""What is known of one numeric outcome of one variant, beside its summary."""

from dataclasses import dataclass

from analysis.stats.quantiles import OrderStatistics
from analysis.stats.summary import Moments, VectorMoments


@dataclass(frozen=True, slots=True)
class Amounts:
    """A numeric outcome as it is estimated, as it was, and with its covariates.

    Attributes:
        vector: over customers: the outcome, capped where there is a cap; then what is
            below a ratio's line, or the covariates: the amount before exposure, and 1
            where that is not known (the amount is 0 there).
        raw: the outcome as it was, without a cap.
        cap: the amount above which an outcome counts as that; None where nothing is
            capped.
        accounts: where accounts are drawn, over accounts: what an account's customers
            have together, and how many they are (of a ratio: above and below the line).
        order: of a quantile, the order statistics that tell it and its error.
        top_share: share of the sum over all variants, before the cap, that the 0.1 %
            of customers with the most bring; None where that is not told.
    """

    vector: VectorMoments
    raw: Moments
    cap: float | None = None
    accounts: VectorMoments | None = None
    order: OrderStatistics | None = None
    top_share: float | None = None
