"""Reads what the portfolio shows of experiments, for the page and for the digest."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from analysis.portfolio import guardrails_harmed, kept_by_experiment
from analysis.stage_health import health_by_metric
from experiments import learnings
from experiments.models import Experiment, Learning
from web.presenters.home import Found
from web.presenters.runs import latest_runs

REMEMBERED = timedelta(days=28)  # a day to look again is said for so long


def found_of(
    database: Session, experiments: Sequence[Experiment], now: datetime
) -> Found:
    """Read what the analyses found of some experiments, and what is to be looked at.

    Args:
        database: any session.
        experiments: those that are shown.
        now: aware UTC.

    Returns:
        Everything by experiment.
    """
    runs = latest_runs(database, [e.id for e in experiments], only_failed=True)
    decided = [e for e in experiments if e.decided_at]
    return Found(
        runs=runs,
        kept=kept_by_experiment(database, decided, runs),
        harmed=guardrails_harmed(database, runs),
        health=health_by_metric(database),
        follow_ups=_follow_ups(database, now),
    )


def _follow_ups(database: Session, now: datetime) -> dict[int, Learning]:
    """Find whose day to look again has come, and nobody has compared since."""
    return {
        row.experiment_id: row
        for row in learnings.due(database, now)
        if row.follow_up_at is not None
        and now - row.follow_up_at < REMEMBERED
        and not row.links
    }
