"""The other ids of customers who opted out: their choice is for all of them."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import pyarrow as pa
import structlog
from sqlalchemy.orm import Session

from analysis.erasing import stitched
from experiments import opt_outs
from experiments.context import Context
from experiments.db import transaction

QUICK_SECONDS = 1.0
REST = 5  # times as long as the search took, from its beginning

log = structlog.get_logger(__name__)


class KnownOptOuts:
    """Who opted out, read from the database when somebody has chosen."""

    def __init__(self) -> None:
        self.ids: Mapping[bytes, int] = {}
        self.visitors: Mapping[bytes, int] = {}
        self._revision = 0

    def refresh(self, session: Session) -> None:
        """Read what changed."""
        newest = opt_outs.revision(session)
        if newest != self._revision:
            self.ids = opt_outs.opted_out(session)
            self.visitors = opt_outs.visitors(session)
            self._revision = newest


class OtherIds:
    """Looks for the customers' other ids, and rests after a search that took long.

    A search reads two columns of the whole store, for a second or two in millions of
    events. At most a fifth of the compactor's time goes into that; who is not looked
    for in the round that tells of them is soon after.
    """

    def __init__(
        self, context: Context, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._context, self._clock = context, clock
        self._rests_until = float("-inf")

    def find(self, files: Sequence[str], arriving: pa.Table | None = None) -> int:
        """Do `find_other_ids`, or nothing while it rests."""
        began = self._clock()
        if began < self._rests_until:
            return 0
        count = find_other_ids(self._context, files, arriving)
        took = self._clock() - began
        if took > QUICK_SECONDS:
            self._rests_until = began + took * REST
        return count


def find_other_ids(
    context: Context, files: Sequence[str], arriving: pa.Table | None = None
) -> int:
    """Look for ids that were stitched to those which opted out since the last search.

    Args:
        context: settings, database and clock.
        files: Parquet files of events.
        arriving: events that are about to be stored or dropped.

    Returns:
        How many opt-outs were searched for.
    """
    with transaction(context.sessions) as session:
        waiting = opt_outs.unsearched(session)
        maybe = opt_outs.maybe_theirs(session, set(waiting.values()))
    if not waiting:
        return 0
    searched, known = set(waiting.values()), 0
    for own, linked in _groups(waiting, maybe):
        ids = stitched(files, own, linked, arriving)
        known += len(ids)
        with transaction(context.sessions) as session:
            opt_outs.found(session, set(own.values()), ids)
    log.info("opt-outs followed", opt_outs=len(searched), ids=known)
    return len(searched)


def _groups(
    waiting: Mapping[bytes, int], maybe: Mapping[bytes, int]
) -> Iterator[tuple[Mapping[bytes, int], Mapping[bytes, int]]]:
    """Put those apart who may share an id: each search gives an id to one customer."""
    shared = {row for one, row in maybe.items() if waiting.get(one, row) != row}
    alone = [{row} for row in sorted(shared)]
    for rows in [set(waiting.values()) - shared, *alone]:
        own, linked = (
            {one: row for one, row in ids.items() if row in rows}
            for ids in (waiting, maybe)
        )
        if own:
            yield own, linked
