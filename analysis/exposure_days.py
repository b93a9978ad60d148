"""Which experiments and variants exposures name, day by day and source by source.

What they name may be unknown here: it is counted all the same, so that somebody can see
it. Dropping it silently could itself unbalance the groups.
"""

from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from experiments.exposure_messages import AGREEMENT_TEXT
from experiments.models import ExposureDay
from experiments.vocabulary import Agreement

KEPT = timedelta(days=60)
MOST_ROWS = 20_000  # a client may make names up
_KEY = ["source", "environment", "experiment", "variant", "day"]


def add(session: Session, exposures: pa.Table) -> None:
    """Count new exposures.

    Args:
        session: the transaction in which their groups are marked as counted.
        exposures: rows of EVENT_SCHEMA without `day`, each once.
    """
    if not exposures.num_rows:
        return
    days = pc.floor_temporal(exposures["received_at"], unit="day")
    wrong = pc.equal(exposures["properties"], AGREEMENT_TEXT[Agreement.CONTRADICTS])
    rows = exposures.append_column("wrong", pc.fill_null(wrong, fill_value=False))
    grouped = rows.append_column("day", days).group_by(_KEY)
    room = MOST_ROWS - (session.scalar(select(func.count(ExposureDay.day_at))) or 0)
    for found in grouped.aggregate(
        [("received_at", "max"), ("wrong", "sum"), ([], "count_all")]
    ).to_pylist():
        place = tuple(found[name] for name in _KEY)
        row = session.get(ExposureDay, place)
        if row is None:
            if room <= 0:
                continue
            room -= 1
            row = _new(place, found["received_at_max"])
            session.add(row)
        row.exposure_count += found["count_all"]
        row.contradicting_count += found["wrong_sum"]
        row.last_at = max(row.last_at, found["received_at_max"])


def _new(place: tuple[object, ...], last_at: datetime) -> ExposureDay:
    source, environment, experiment, variant, day_at = place
    return ExposureDay(
        source=source,
        environment=environment,
        experiment=experiment,
        variant=variant,
        day_at=day_at,
        exposure_count=0,
        contradicting_count=0,
        last_at=last_at,
    )


def forget(session: Session, now: datetime) -> None:
    """Drop the counts of days that are long ago."""
    session.execute(delete(ExposureDay).where(ExposureDay.day_at < now - KEPT))
