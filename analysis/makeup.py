"""How the customers of the variants are made up: what trust checks compare them by.

Counts of customers, never rows. None of it is an outcome of the experiment, except how
many customers were faster than a person can be.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from analysis.stats.prior_balance import TraitSums

# Upper ends, not included, of how long after it an exposure was received.
DELAYS = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 600, 3_600, 86_400))
LATE = 4  # place of the first class that is an hour or more
BEFORE = timedelta(days=28)  # of what customers did before their first exposure
PACE = 1_000  # events that metrics read, in one hour: no person is so fast

ByVariant = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Makeup:
    """Customers that are analysed, or accounts where these are drawn, by variant.

    An account is told by its first customer, for who else of it comes may be a result
    of the treatment.

    Attributes:
        by_segment: reported segment -> variant -> customers in it.
        by_source: source of the first exposure -> variant -> customers; None where
            there are no times.
        delays: variant -> customers by how long after it their first exposure was
            received: one count for each class of `DELAYS`, and one for later.
        traits: what is known of customers before their first exposure, named.
        before: variant -> sums of the traits.
        fast: variant -> customers (never accounts) with `PACE` events within an hour;
            None where that is not known.
        people: variant -> customers of all.
    """

    by_segment: Mapping[str, ByVariant] = field(default_factory=dict)
    by_source: Mapping[str, ByVariant] | None = None
    delays: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    traits: tuple[str, ...] = ()
    before: Mapping[str, TraitSums] = field(default_factory=dict)
    fast: ByVariant | None = None
    people: ByVariant = field(default_factory=dict)
