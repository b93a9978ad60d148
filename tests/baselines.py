"""Baselines as the schedule would have stored them."""

import dataclasses
from datetime import UTC, datetime

from analysis.baselines import Baseline, baseline_to_json
from analysis.plan_basis import Basis, Source
from analysis.stats.arrivals import Arrivals, steady
from experiments import metrics
from experiments.context import Context
from experiments.db import transaction
from experiments.models import MetricBaseline

SINCE, UNTIL = datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 2, 2, tzinfo=UTC)


def keep_baseline(
    context: Context,
    metric: str,
    basis: Basis,
    *,
    weekly: float = 5800,
    arrivals: Arrivals | None = None,
    segment: str = "",
    version: int = 0,
    seen: int = 1000,
) -> None:
    """Store what is known of a metric, of 812 customers; every week has new ones."""
    source = Source(812, SINCE, UNTIL, segment)
    now = context.now()
    basis = dataclasses.replace(basis, source=source)
    known = Baseline(basis, now, seen, arrivals or steady(weekly))
    with transaction(context.sessions) as session:
        newest = metrics.get(session, metric).versions[-1]
        row = session.get(MetricBaseline, newest.id)
        found = {} if row is None else dict(row.found)
        found[segment] = baseline_to_json(known, version)
        session.merge(
            MetricBaseline(
                metric_version_id=newest.id,
                measured_at=now,
                store_version=0,
                found=found,
            )
        )
