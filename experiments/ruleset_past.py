"""What the rules of an experiment were before, so that late exposures can be checked.

An exposure may arrive days after it happened. What decides who gets which variant can
change while an experiment runs: its coverage, its part of a layer, its holdouts. So
each entry of the ruleset says since when these hold, and what they were earlier in the
same phase.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

# Salt and shares are frozen at the start of a phase.
CHANGING = ("coverage", "layer", "holdouts")
SINCE, PAST = "since", "past"
MOST_KEPT = 50


def with_past(
    entries: Iterable[Mapping[str, Any]],
    before: Iterable[Mapping[str, Any]],
    now: datetime,
) -> list[dict[str, Any]]:
    """Add to each entry since when its rules hold, and the earlier ones of its phase.

    Args:
        entries: of the ruleset that is to be published.
        before: of the ruleset in force until then.
        now: time of publication.

    Returns:
        The entries, each with `since` (ISO 8601) and, where rules have changed, `past`:
        the earlier ones, oldest first, each with its own `since`.
    """
    known = {(entry["key"], entry["salt"]): entry for entry in before}
    found = []
    for entry in entries:
        earlier = known.get((entry["key"], entry["salt"]))
        found.append({**entry, **_times(entry, earlier, now)})
    return found


def _times(
    entry: Mapping[str, Any], earlier: Mapping[str, Any] | None, now: datetime
) -> dict[str, Any]:
    if earlier is None:
        return {SINCE: now.isoformat()}
    since = earlier.get(SINCE, now.isoformat())
    past = list(earlier.get(PAST, ()))
    if _rules(entry) != _rules(earlier):
        past.append({SINCE: since, **_rules(earlier)})
        since = now.isoformat()
    return {SINCE: since, PAST: past[-MOST_KEPT:]} if past else {SINCE: since}


def _rules(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: entry[name] for name in CHANGING if name in entry}
