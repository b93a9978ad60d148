"""The read side of segment sizes: what was counted last, in words, and how old it is.

Fewer than ten customers are never told apart: who they are could be guessed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from analysis import wording
from experiments.conditions import attributes_of
from experiments.models import SegmentSize, SegmentVersion

SMALLEST = 10  # fewer customers are not told apart
WINDOW_DAYS = 91
DIGITS = 3  # of "about 22,100"
_WELL_KNOWN = 0.95  # share of customers; below, the page says how many it is
_MANY = 2  # times; below, the change is said in per cent
_STEADY = 0.02  # relative change of a size that people would call the same


@dataclass(frozen=True, slots=True)
class Overlap:
    """What a segment shares with one running experiment.

    Attributes:
        experiment: its key.
        shared: customers who are in that experiment's segment too.
        seen: customers who have been seen in it.
    """

    experiment: str
    shared: int
    seen: int


@dataclass(frozen=True, slots=True)
class Chart:
    """The stored drawing of a segment's past."""

    title: str
    web_svg: str
    print_svg: str
    table: dict[str, Any]
    sentence: str


@dataclass(frozen=True, slots=True)
class SizeView:
    """A segment's size as it was counted last.

    Attributes:
        version: of the segment's rule.
        measured_at: when.
        customers: seen in the 91 days before, and in the segment.
        everybody: seen in the 91 days before.
        known: of those, the customers of whom an attribute of the rule is known.
        taken: customers of the segment who have been seen in a running experiment.
        attributes: that the rule reads.
        overlaps: with each experiment that ran.
        chart: of its past; None before there is one.
    """

    version: int
    measured_at: datetime
    customers: int
    everybody: int
    known: int
    taken: int
    attributes: tuple[str, ...]
    overlaps: tuple[Overlap, ...]
    chart: Chart | None

    @property
    def is_known(self) -> bool:
        """Whether there is a size: somebody was seen, with an attribute of the rule."""
        return self.known > 0

    @property
    def sentence(self) -> str:
        """Say how large the segment is, as one sentence with a full stop."""
        names = wording.joined(list(self.attributes))
        if not self.everybody:
            return f"No customers have been seen in the last {WINDOW_DAYS} days."
        if not self.known:
            return (
                f"The size is not known: {names} {_has(self.attributes)} not been seen"
                f" of any customer in the last {WINDOW_DAYS} days."
            )
        if not self.customers:
            return (
                f"None of {_about(self.everybody)} customers seen in the last"
                f" {WINDOW_DAYS} days is in it."
            )
        if self.customers < SMALLEST:
            return (
                f"Fewer than {SMALLEST} of {_about(self.everybody)} customers seen in"
                f" the last {WINDOW_DAYS} days are in it."
            )
        is_all = self.taken == self.customers
        taken = "all" if is_all else share(self.taken, self.customers)
        others = f"; {taken} are in running experiments" if self.overlaps else ""
        return (
            f"{_about(self.customers).capitalize()} customers,"
            f" {share(self.customers, self.everybody)} of all, seen in the last"
            f" {WINDOW_DAYS} days{others}."
        )

    @property
    def short(self) -> str:
        """Say the size in a few words, for a list."""
        if not self.is_known:
            return "not known yet"
        if not self.customers:
            return "none"
        if self.customers < SMALLEST:
            return f"fewer than {SMALLEST}"
        return (
            f"{_about(self.customers)}, {share(self.customers, self.everybody)} of all"
        )

    @property
    def gap(self) -> str:
        """Say for whom the rule had nothing to go by; "" where that is nearly nobody.

        Returns:
            One sentence, or "".
        """
        if not self.is_known or self.known >= _WELL_KNOWN * self.everybody:
            return ""
        names = wording.joined(list(self.attributes))
        is_one = len(self.attributes) == 1
        known = names if is_one else f"At least one of {names}"
        return (
            f"{known[:1].upper()}{known[1:]} is known of"
            f" {share(self.known, self.everybody)} of all customers; of the others the"
            " rule decides as where an attribute is not known."
        )

    def part(self, customers: int) -> str:
        """Write some of the segment's customers as a share of it."""
        if self.customers < SMALLEST:
            return "too few to say"
        return share(customers, self.customers)


def latest(session: Session, versions: Iterable[SegmentVersion]) -> dict[int, SizeView]:
    """Read what was counted last.

    Args:
        session: any session.
        versions: of segments.

    Returns:
        Number of the version -> size; versions that were never counted are not in it.
    """
    wanted = {version.id: version for version in versions}
    query = select(SegmentSize).where(SegmentSize.segment_version_id.in_(wanted))
    return {
        row.segment_version_id: _view(wanted[row.segment_version_id], row)
        for row in session.scalars(query)
    }


def _view(version: SegmentVersion, row: SegmentSize) -> SizeView:
    return SizeView(
        version=version.version,
        measured_at=row.measured_at,
        customers=row.customers_count,
        everybody=row.everybody_count,
        known=row.known_count,
        taken=row.taken_count,
        attributes=tuple(sorted(attributes_of(version.condition))),
        overlaps=tuple(
            Overlap(o["experiment"], o["shared_count"], o["seen_count"])
            for o in row.overlaps
        ),
        chart=None if row.chart is None else Chart(**row.chart),
    )


def to_json(view: SizeView) -> dict[str, Any]:
    """Write a size as plain JSON values; counts from 1 to 9 are null.

    Args:
        view: from `latest`.

    Returns:
        The size with its sentence.
    """
    known = view.is_known
    return {
        "version": view.version,
        "measured_at": view.measured_at,
        "window_days": WINDOW_DAYS,
        "sentence": view.sentence,
        "customers_count": _shown(view.customers) if known else None,
        "everybody_count": _shown(view.everybody),
        "known_count": _shown(view.known),
        "in_running_experiments_count": _shown(view.taken) if known else None,
        "overlaps": [
            {
                "experiment": overlap.experiment,
                "shared_count": _shown(overlap.shared),
                "seen_count": _shown(overlap.seen),
            }
            for overlap in view.overlaps
        ],
    }


def trend(weeks: Sequence[tuple[datetime, int]]) -> str:
    """Say how a size changed.

    Args:
        weeks: moment and customers, oldest first, the last one now.

    Returns:
        One sentence; "" where there is no earlier size to compare with.
    """
    sizes = [(at, customers) for at, customers in weeks if customers >= SMALLEST]
    if len(sizes) < 2 or weeks[-1][1] < SMALLEST:  # noqa: PLR2004  # a first and a last
        return ""
    (began, first), (_, last) = sizes[0], sizes[-1]
    times = last / first
    was = f"On {wording.date(began)} there were {_about(first)}"
    if abs(times - 1) < _STEADY:
        return f"{was}; about as many now."
    if times >= _MANY:
        return f"{was}; there are {times:.1f} times as many now."
    more = "more" if times > 1 else "fewer"
    return f"{was}; there are {wording.percent(abs(times - 1), 0)} {more} now."


def size(customers: int) -> str:
    """Write a number of customers: "about 22,100", "none" or "fewer than 10"."""
    if customers < SMALLEST:
        return f"fewer than {SMALLEST}" if customers else "none"
    return _about(customers)


def share(part: int, whole: int) -> str:
    """Write a share without pretending: "31 %", "under 1 %", "over 99 %".

    Args:
        part: of the whole; fewer than ten customers are not told apart.
        whole: at least 10.

    Returns:
        Words that "of all" or "are in it" can follow.
    """
    if part < SMALLEST:
        return size(part)
    if part == whole:
        return "100 %"
    percent = part / whole * 100
    if percent < 1:
        return "under 1 %"
    return "over 99 %" if percent > 99 else f"{percent:.0f} %"  # noqa: PLR2004


def _about(customers: int) -> str:
    if customers < 10**DIGITS:
        return wording.count(customers)
    step = 10 ** (len(str(customers)) - DIGITS)
    return f"about {wording.count((customers + step // 2) // step * step)}"


def _shown(customers: int) -> int | None:
    return None if 0 < customers < SMALLEST else customers


def _has(names: Sequence[str]) -> str:
    return "has" if len(names) == 1 else "have"
