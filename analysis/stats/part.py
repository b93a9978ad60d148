"""A part of one variant's customers: of one stratum, and of one fold."""

from dataclasses import dataclass

from analysis.stats.summary import VectorMoments


@dataclass(frozen=True, slots=True)
class Part:
    """What customers of one stratum and fold had.

    Attributes:
        stratum: what was known of them before the exposure; one for each customer.
        fold: drawn without a look at outcomes.
        vector: the outcome first, then covariates.
    """

    stratum: str
    fold: int
    vector: VectorMoments
