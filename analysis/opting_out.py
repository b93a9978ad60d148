"""The other ids of customers who opted out: their choice is for all of them."""

from collections.abc import Mapping, Sequence

import structlog
from sqlalchemy.orm import Session

from analysis.erasing import stitched
from experiments import opt_outs
from experiments.context import Context
from experiments.db import transaction

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


def find_other_ids(context: Context, files: Sequence[str]) -> int:
    """Look for ids that were stitched to those which opted out since the last search.

    Args:
        context: settings, database and clock.
        files: Parquet files of events.

    Returns:
        How many opt-outs were searched for.
    """
    with transaction(context.sessions) as session:
        waiting = opt_outs.unsearched(session)
        maybe = opt_outs.maybe_theirs(session, set(waiting.values()))
    if not waiting:
        return 0
    ids = stitched(files, waiting, maybe)
    searched = set(waiting.values())
    with transaction(context.sessions) as session:
        opt_outs.found(session, searched, ids)
    log.info("opt-outs followed", opt_outs=len(searched), ids=len(ids))
    return len(searched)
