"""Which exposures an analysis counts, and up to when its data are complete."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Bounds:
    """Which exposures count, and up to when customers were watched.

    Attributes:
        as_of: events received later do not exist for this analysis.
        data_cutoff: up to here the metrics' sources are complete (statistics 4.1).
        exposures_until: exposures from here on are not analysed; None has no end.
        breaks: pauses, in which everybody got control; None has not ended.
        earlier_from: who was exposed from here on and before the plan was locked
            was a customer of an earlier phase, and is left out; None for phase 1.
        listed: pseudonyms of who got a variant by hand or takes no part; left out.
        previews: whether somebody may have used a preview link; who did is left out.
        opted_out: pseudonyms of customers who take no part by their own choice.
        size: only the first so many customers are analysed, so that a result that was
            planned for this size stays what it was; None takes all.
    """

    as_of: datetime
    data_cutoff: datetime
    exposures_until: datetime | None = None
    breaks: tuple[tuple[datetime, datetime | None], ...] = ()
    size: int | None = None
    earlier_from: datetime | None = None
    listed: tuple[bytes, ...] = ()
    previews: bool = False
    opted_out: tuple[bytes, ...] = ()

    @property
    def whole_days_until(self) -> datetime:
        """The last midnight (UTC) that data are complete up to."""
        return self.data_cutoff.replace(hour=0, minute=0, second=0, microsecond=0)
