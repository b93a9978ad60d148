"""What people write down when they decide, with the rules it must keep; searchable."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from experiments.field_faults import Faults
from experiments.vocabulary import HypothesisHeld

LONGEST = 2000
LONGEST_TITLE = 200  # of the next hypothesis: it heads every page about it
_BREAKS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Lessons:
    """What was learned; every part may be left out.

    Attributes:
        held: whether the hypothesis was right.
        surprise: what nobody had expected.
        next_step: what comes next.
        next_hypothesis: in one line; it goes into the backlog.
        follow_up_at: when to look again, as at what a holdout says by then.
    """

    held: HypothesisHeld | None = None
    surprise: str = ""
    next_step: str = ""
    next_hypothesis: str = ""
    follow_up_at: datetime | None = None

    def check(self, faults: Faults, now: datetime) -> None:
        """Note what cannot be kept.

        Args:
            faults: of the decision; fields are named "lessons.surprise" and so on.
            now: aware UTC.
        """
        faults.optional_text("lessons.surprise", self.surprise, LONGEST)
        faults.optional_text("lessons.next_step", self.next_step, LONGEST)
        faults.optional_text(
            "lessons.next_hypothesis", self.next_hypothesis, LONGEST_TITLE
        )
        if self.follow_up_at is not None and self.follow_up_at <= now:
            faults.add("lessons.follow_up_at", "Choose a day that is still to come.")

    def to_json(self) -> dict[str, Any]:
        """Write them for the column that keeps them until a decision is confirmed."""
        at = self.follow_up_at
        when = None if at is None else at.astimezone(UTC).isoformat()
        return {**asdict(self), "follow_up_at": when}

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> "Lessons":
        """Read them back."""
        held, at = body["held"], body["follow_up_at"]
        return cls(
            **{
                **body,
                "held": None if held is None else HypothesisHeld(held),
                "follow_up_at": None if at is None else datetime.fromisoformat(at),
            }
        )


def searchable(texts: Iterable[str]) -> str:
    """Write texts as words that a search compares: small letters, no accents.

    Args:
        texts: as people wrote them.

    Returns:
        Words with one space between, before and behind; "Été, 2026" is " ete 2026 ".
    """
    plain = unicodedata.normalize("NFKD", " ".join(texts)).casefold()
    bare = "".join(c for c in plain if not unicodedata.combining(c))
    return f" {' '.join(_BREAKS.sub(' ', bare).split())} "
