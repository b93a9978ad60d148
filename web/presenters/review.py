"""The review of a month: every decision of it, misses as well as gains."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from analysis.portfolio import total_sentence
from experiments.errors import NotFound
from experiments.models import Experiment
from experiments.vocabulary import Decision
from web.presenters.formats import count
from web.presenters.home import Decided, Found, decided_in_words
from web.presenters.quality import Quality, quality_of

_MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month, UTC."""

    begin: datetime

    @classmethod
    def named(cls, text: str | None, now: datetime) -> "Month":
        """Read a month as in "2026-11"; without one, take the last that is over.

        Args:
            text: as it stands in the address.
            now: aware UTC.

        Returns:
            The month.

        Raises:
            NotFound: it is none.
        """
        if not text:
            return cls(_first(now)).before
        found = _MONTH.fullmatch(text)
        if found is None:
            raise NotFound("There is no such month.")
        return cls(datetime(int(found[1]), int(found[2]), 1, tzinfo=UTC))

    @property
    def key(self) -> str:
        """Name it in an address."""
        return f"{self.begin:%Y-%m}"

    @property
    def name(self) -> str:
        """Name it for people."""
        return f"{self.begin:%B %Y}"

    @property
    def end(self) -> datetime:
        """Tell when the next one begins."""
        return _first(self.begin + timedelta(days=31))

    @property
    def before(self) -> "Month":
        """Give the month before."""
        return Month(_first(self.begin - timedelta(days=1)))

    def holds(self, at: datetime | None) -> bool:
        """Whether a time is in it."""
        return at is not None and self.begin <= at < self.end


def _first(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


@dataclass(frozen=True, slots=True)
class Review:
    """The whole page."""

    month: Month
    following: Month | None  # None for the month that is not over
    sentence: str
    decided: Sequence[Decided]  # in the order of the decisions
    total: str
    quality: Quality


def review_of(
    experiments: Sequence[Experiment], found: Found, month: Month, now: datetime
) -> Review:
    """Lay a month out as one page.

    Args:
        experiments: all of them.
        found: what was read of them.
        month: which.
        now: aware UTC.

    Returns:
        The page in words.
    """
    decided = [e for e in experiments if month.holds(e.decided_at)]
    decided.sort(key=lambda e: e.decided_at or now)
    following = Month(month.end)
    return Review(
        month=month,
        following=following if following.begin <= now else None,
        sentence=_sentence(decided, month),
        decided=[decided_in_words(e, found) for e in decided],
        total=total_sentence(
            [e for e in experiments if e.decided_at], found.kept, decided
        ),
        quality=quality_of(experiments, found.runs, now),
    )


def _sentence(decided: Sequence[Experiment], month: Month) -> str:
    if not decided:
        return f"Nothing was decided in {month.name}."
    shipped = sum(e.decision == Decision.SHIP.value for e in decided)
    noun = "experiment was" if len(decided) == 1 else "experiments were"
    return (
        f"{count(len(decided))} {noun} decided in {month.name}:"
        f" {count(shipped)} shipped, {count(len(decided) - shipped)} not."
    )
