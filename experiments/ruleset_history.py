"""Which published rulesets are kept: each holds all rules in force."""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from experiments.models import AnalysisRun, RulesetRow

KEPT = 50
# A run names its ruleset when it ends: the one of its beginning must still stand.
KEPT_FOR = timedelta(days=7)


def forget_old(session: Session, now: datetime) -> int:
    """Delete old rulesets that nothing names.

    The last 50 stay, those of the last 7 days, and each that an analysis run names;
    plans freeze their rules themselves and name none.

    Args:
        session: the transaction.
        now: the time.

    Returns:
        How many were deleted.
    """
    newest = session.scalar(select(func.max(RulesetRow.revision))) or 0
    named = select(AnalysisRun.id).where(
        AnalysisRun.ruleset_revision == RulesetRow.revision
    )
    deleted = session.execute(
        delete(RulesetRow)
        .where(
            RulesetRow.revision <= newest - KEPT,
            RulesetRow.published_at < now - KEPT_FOR,
            ~named.exists(),
        )
        .returning(RulesetRow.revision)
        .execution_options(synchronize_session=False)
    )
    return len(deleted.all())
