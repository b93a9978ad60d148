"""How many customers an experiment has, by what their exposures say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class ExposureCounts:
    """Customers by what their exposures say.

    Attributes:
        analysed: customers of each declared variant that are analysed.
        mature: those of them that are old enough for the metrics that decide.
        two_variants: seen in more than one declared variant; left out.
        unknown_variants: seen in a variant that the plan does not have; left out only
            when seen in no declared one.
        only_outside: seen only before `exposures_from`, after the end or in a pause.
        beyond_size: came after the planned size was reached.
        earlier_phase: were customers of an earlier phase; left out.
        listed: on a list by hand; left out.
        wrongly_shown: saw what their assignment at the time was not; such exposures
            are not analysed, and who has no other is left out.
        only_wrongly_shown: those of them who have no other.
        unchecked: have exposures that could not be compared with an assignment.
        contradicting: all whose exposures no assignment explains: wrongly shown, in
            two variants, or in one that the plan does not have.
        previewed: used a preview link of the experiment; left out.
        opted_out: customers who opted out of experiments; left out.
        opted_out_by: variant -> those of them who were analysed otherwise.
        by_day: (day, variant, customers) of the analysed, by first exposure.
        first_at: the first exposure that is analysed.
        last_at: the last first exposure that is analysed.
        undeclared_names: the variants that the plan does not have, most seen first.
        everybody: all customers with an exposure within the bounds.
        customers: where accounts are drawn, the customers analysed of each variant;
            then all the counts above are of accounts.
        moved: customers of analysed accounts who are left out, being seen in another
            variant with another account.
        without_account: customers whose exposures tell no account; left out.
    """

    analysed: dict[str, int]
    mature: dict[str, int]
    two_variants: int = 0
    unknown_variants: int = 0
    only_outside: int = 0
    beyond_size: int = 0
    earlier_phase: int = 0
    listed: int = 0
    wrongly_shown: int = 0
    only_wrongly_shown: int = 0
    unchecked: int = 0
    contradicting: int = 0
    previewed: int = 0
    opted_out: int = 0
    opted_out_by: Mapping[str, int] = field(default_factory=dict)
    by_day: tuple[tuple[date, str, int], ...] = ()
    first_at: datetime | None = None
    last_at: datetime | None = None
    undeclared_names: tuple[str, ...] = ()
    everybody: int = 0
    customers: Mapping[str, int] = field(default_factory=dict)
    moved: int = 0
    without_account: int = 0

    @property
    def units(self) -> int:
        """All customers that are analysed."""
        return sum(self.analysed.values())
