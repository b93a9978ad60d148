"""The read side of looks: what each of them showed, and nothing of the time between."""

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from analysis.results import ChartView, chart_view
from experiments.models import Chart, Experiment, Look, PlanRow

PREFIX = "looks:"  # begins the names of their charts


def look_charts(session: Session, experiment: Experiment) -> dict[str, ChartView]:
    """Read the charts of the looks that were taken, up to the newest one.

    What a look showed stays to be seen; they hold nothing of the time since.

    Args:
        session: any session.
        experiment: whose looks.

    Returns:
        Name -> chart; none before the first look.
    """
    newest = (
        select(Look.run_id)
        .where(Look.experiment_id == experiment.id, *_looks_of_phase(experiment))
        .order_by(Look.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = session.scalars(
        select(Chart)
        .where(Chart.run_id == newest, Chart.name.startswith(PREFIX))
        .order_by(Chart.id)
    )
    return {row.name: chart_view(row) for row in rows}


def looks_of(session: Session, experiment: Experiment) -> list[Look]:
    """List the looks that were taken in the present phase, in their order."""
    return list(
        session.scalars(
            select(Look)
            .where(Look.experiment_id == experiment.id, *_looks_of_phase(experiment))
            .order_by(Look.number)
        )
    )


def _looks_of_phase(experiment: Experiment) -> list[ColumnElement[bool]]:
    plan = select(PlanRow.sha256).where(
        PlanRow.experiment_id == experiment.id, PlanRow.phase == experiment.phase
    )
    return [Look.plan_sha256.in_(plan)]
