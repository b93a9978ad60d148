"""How fresh the data are, in one sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from analysis.wording import age
from experiments.intake_view import Band, HourCount, SourceView
from experiments.vocabulary import Environment
from web.presenters.formats import count

SILENT = timedelta(hours=24)


def freshness(sources: Sequence[SourceView], now: datetime) -> str:
    """Say in one sentence how fresh the data are.

    Args:
        sources: of `intake_view.sources`.
        now: aware UTC.

    Returns:
        The sentence that leads the page; empty before the first event.
    """
    live = [
        view
        for view in sources
        if not view.is_import and view.environment == Environment.PRODUCTION
    ]
    times = [v.last_received_at for v in live if v.last_received_at is not None]
    if not times:
        return ""
    ago = age((now - max(times)).total_seconds())
    silent = [
        view.name
        for view in live
        if view.last_received_at is None or now - view.last_received_at > SILENT
    ]
    unusual = [view.name for view in live if not view.is_usual]
    if silent:
        lead = f"Nothing has come from {', '.join(silent)} for more than a day."
    elif unusual:
        lead = f"The last hour was not as usual for {', '.join(unusual)}."
    else:
        lead = "All data is fresh."
    return f"{lead} Last event {ago} ago."


def band(usual: Band | None) -> str:
    """Write what an hour usually brings."""
    if usual is None:
        return "not known yet"
    return f"{count(usual.low)} to {count(usual.high)}"


@dataclass(frozen=True, slots=True)
class HourChart:
    """Bars of a week, one an hour, in a box as wide as there are hours and 100 high.

    Attributes:
        bars: (place, height, whether it was as usual).
        band: corners of what was usual, as an SVG polygon has them; "" when unknown.
        top: events that fill the height.
        sentence: what the drawing shows, in words.
    """

    bars: tuple[tuple[int, float, bool], ...]
    band: str
    top: int
    sentence: str


def hour_chart(hours: Sequence[HourCount], *, is_import: bool) -> HourChart:
    """Draw a source's week.

    Args:
        hours: oldest first.
        is_import: whether it came from a file.

    Returns:
        The drawing; bars and band have one scale.
    """
    known = [hour.usual for hour in hours if hour.usual is not None]
    top = max([1, *(hour.count for hour in hours), *(band.high for band in known)])
    odd = [hour for hour in hours if not hour.is_usual]
    total = sum(hour.count for hour in hours)
    if is_import:
        words = "An import has no usual hours."
    elif not known:
        words = "What is usual is not known yet: that takes three days."
    elif odd:
        words = f"{count(len(odd))} of {count(len(hours))} hours were not as usual."
    else:
        words = "Every hour was as usual."
    return HourChart(
        tuple(
            (place, 100 * hour.count / top, hour.is_usual)
            for place, hour in enumerate(hours)
            if hour.count
        ),
        _corners(hours, top),
        top,
        f"{count(total)} events within seven days. {words}",
    )


def _corners(hours: Sequence[HourCount], top: int) -> str:
    """Go along the upper edge of the band, and back along the lower."""
    held = [(n, h.usual) for n, h in enumerate(hours) if h.usual is not None]
    upper = [(x, band.high) for n, band in held for x in (n, n + 1)]
    lower = [(x, band.low) for n, band in held for x in (n, n + 1)]
    return " ".join(f"{x},{100 - 100 * y / top:.1f}" for x, y in upper + lower[::-1])
