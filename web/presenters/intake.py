"""How fresh the data are, in one sentence."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from analysis.wording import age
from experiments.intake_view import Band, SourceView
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
