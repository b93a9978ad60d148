"""When estimates are seen, in words: for the form, the plan and the page of results."""

from datetime import datetime

from analysis.wording import joined, percent
from experiments import catalog
from experiments.design import Design
from experiments.models import Experiment
from experiments.vocabulary import MonitoringMode, Status
from web.presenters.formats import day
from web.presenters.runs import Run

NOBODY = "Nobody has been counted in it: without customers there is no result."
# The prices are those of analysis.stats.sequential_power at 5 % and 80 % power.
CHOICES = {
    MonitoringMode.GROUP_SEQUENTIAL: (
        "At planned looks: a clear answer may come early, for about 2 % more customers"
        " at most."
    ),
    MonitoringMode.FIXED_END: (
        "Once, at the planned end: the fewest customers, and nothing to see until then."
    ),
    MonitoringMode.ALWAYS_VALID: (
        "On any day, without an end that is fixed: for about 90 % more customers."
    ),
}


def estimates_in_words(design: Design) -> str:
    """Say when a plan lets estimates be seen."""
    match design.monitoring_mode:
        case MonitoringMode.FIXED_END:
            return "Shown once, at the planned end (fixed end)"
        case MonitoringMode.GROUP_SEQUENTIAL:
            looks = joined([percent(look, 0) for look in design.planned_looks])
            return f"Shown at planned looks: {looks} of the planned size"
        case MonitoringMode.ALWAYS_VALID:
            return "Shown on any day, in ranges that allow for it (always valid)"


def seen_from(experiment: Experiment, run: Run | None, now: datetime) -> str:
    """Say of a running experiment when estimates are seen next.

    Args:
        experiment: that has started.
        run: its last good run, which holds no answer.
        now: aware UTC.

    Returns:
        One or two sentences that are true under the plan's way of looking.
    """
    design = catalog.to_design(experiment)
    if design.monitoring_mode == MonitoringMode.ALWAYS_VALID:
        return (
            "Estimates are shown on any day, once a week has passed and enough"
            " customers count."
        )
    if now >= experiment.planned_end_at:
        return (
            f"The planned end was {day(experiment.planned_end_at)}. The result follows"
            " once the last customer counts."
        )
    if len(design.planned_looks) == 1:
        return f"No estimate is shown before {day(experiment.planned_end_at)}."
    looks = joined([percent(look, 0) for look in design.planned_looks])
    said = f"Estimates are shown at looks only: {looks} of the planned size."
    if run is None or run.due_at is None or run.due_at <= now:
        return said
    return f"{said} The next is due about {day(run.due_at)}."


def waiting_in_words(experiment: Experiment, run: Run | None, now: datetime) -> str:
    """Say why a summary has no result yet, and when there is one.

    Args:
        experiment: that has started.
        run: its last good run, which holds no answer.
        now: aware UTC.

    Returns:
        Two or three sentences.
    """
    if experiment.status == Status.DECIDED.value:
        return "It was decided before there was a result."
    if experiment.status == Status.STOPPED.value:
        nobody = run is not None and not run.counts.get("units")
        follows = "The result follows once the last customer counts."
        said = f"It was stopped. {NOBODY if nobody else follows}"
    else:
        said = seen_from(experiment, run, now)
    return f"{said} There is nothing to decide yet."
