"""From the first exposure to an outcome: how far customers came, by day and source.

Everybody who was exposed is counted once, on the day (UTC) and with the source of the
first exposure: as with an outcome, as analysed without one and why, or as left out and
what for. So the counts add up. Variants are never told apart, for who has an outcome
may be the result itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from experiments.vocabulary import Reached

_ALL = tuple(Reached)
ANALYSED = _ALL[: _ALL.index(Reached.TWO_VARIANTS)]
LEFT_OUT = _ALL[_ALL.index(Reached.TWO_VARIANTS) :]
WITHOUT_OUTCOME = ANALYSED[1:]


class Place(NamedTuple):
    """Where the first exposure came: on which day (UTC), with which source."""

    day: date
    source: str


class Step(NamedTuple):
    """How many customers of one place came so far."""

    place: Place
    reached: Reached
    customers: int


@dataclass(frozen=True, slots=True)
class Trail:
    """How far customers came who were exposed before `until`.

    Attributes:
        until: a midnight (UTC): only what happened before is counted.
        steps: in order of day, source and reason; accounts where these are drawn.
    """

    until: datetime
    steps: tuple[Step, ...] = ()

    @property
    def exposed(self) -> int:
        """All of them."""
        return sum(step.customers for step in self.steps)

    @property
    def analysed(self) -> int:
        """Those who are not left out."""
        return self.of(*ANALYSED)

    @property
    def with_outcome(self) -> int | None:
        """Those with an event that a metric reads; None where nobody counted them."""
        if self.of(Reached.NOT_COUNTED):
            return None
        return self.of(Reached.WITH_OUTCOME)

    @property
    def differences(self) -> dict[Reached, int]:
        """Tell why others were left out or have no outcome; only what was found."""
        found = {reached: self.of(reached) for reached in (*LEFT_OUT, *WITHOUT_OUTCOME)}
        return {reached: n for reached, n in found.items() if n}

    def of(self, *reached: Reached) -> int:
        """Count those who came exactly so far, or were left out for this."""
        return sum(step.customers for step in self.steps if step.reached in reached)

    def by_place(self) -> dict[Place, "Trail"]:
        """Take it apart by place, each a trail of its own."""
        found: dict[Place, list[Step]] = {}
        for step in self.steps:
            found.setdefault(step.place, []).append(step)
        return {place: Trail(self.until, tuple(rows)) for place, rows in found.items()}


def to_json(trail: Trail) -> dict[str, Any]:
    """Write a trail for a stored run."""
    return {
        "until": trail.until.isoformat(),
        "steps": [
            [str(step.place.day), step.place.source, step.reached.value, step.customers]
            for step in trail.steps
        ],
    }


def from_json(body: Mapping[str, Any]) -> Trail:
    """Read what `to_json` wrote."""
    steps: Sequence[tuple[str, str, str, int]] = body["steps"]
    return Trail(
        datetime.fromisoformat(body["until"]).astimezone(UTC),
        tuple(
            Step(Place(date.fromisoformat(day), source), Reached(reached), n)
            for day, source, reached, n in steps
        ),
    )
