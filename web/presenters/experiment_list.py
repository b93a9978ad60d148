"""Experiments in a list: how far each is, whether it can be trusted, what it shares."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from analysis.segment_sizes import SizeView
from experiments.experiment_list import LIVE, Live
from experiments.models import Experiment
from experiments.vocabulary import AssignedBy, CheckState
from web.presenters.experiments import Progress, day_of, progress
from web.presenters.formats import count, day
from web.presenters.runs import Run, is_final
from web.presenters.timeline_bars import Bar, Scale

DAY = timedelta(days=1)
COLUMNS = (
    "key",
    "name",
    "stage",
    "segment",
    "state",
    "owner",
    "started_at",
    "stopped_at",
    "planned_end_at",
    "planned_units",
    "units",
    "checks",
    "verdict",
    "decision",
    "decided_at",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One experiment of the list.

    Attributes:
        experiment: as read.
        days: "day 12 of 35", or how long it ran.
        progress: customers against the plan; None before the first run.
        checks: the worst CheckState of the last run; None before there is one.
        verdict: of a run that holds the plan's answer.
        sharing: with which live experiments it shares its segment, in sentences.
        dates: from when to when, in words.
        bar: its time on the page's scale; None before it starts.
    """

    experiment: Experiment
    days: str
    progress: Progress | None
    checks: CheckState | None
    verdict: str | None
    sharing: tuple[str, ...]
    dates: str
    bar: Bar | None


def rows(
    experiments: Sequence[Experiment],
    runs: Mapping[int, Run],
    sizes: Mapping[int, SizeView],
    live: Mapping[str, Live],
    now: datetime,
) -> tuple[list[Row], Scale | None]:
    """Lay experiments out.

    Args:
        experiments: of one page of the list.
        runs: the last good run of each, by number of the experiment.
        sizes: of their segments, by number of the version.
        live: every experiment that runs or pauses, by key.
        now: aware UTC.

    Returns:
        A row for each, and the scale of their bars; None where none has started.
    """
    scale = Scale.over([_span(e, now) for e in experiments if e.started_at], now)
    return [
        Row(
            experiment=each,
            days=_days(each, now),
            progress=progress(each, runs.get(each.id)),
            checks=_checks(runs.get(each.id)),
            verdict=_verdict(runs.get(each.id)),
            sharing=tuple(_sharing(each, sizes, live)),
            dates=_dates(each),
            bar=None
            if scale is None or each.started_at is None
            else scale.bar(*_span(each, now), now),
        )
        for each in experiments
    ], scale


def cells(row: Row) -> list[object]:
    """Give an experiment as a line of a CSV file, in the order of COLUMNS."""
    each = row.experiment
    return [
        each.key,
        each.name,
        each.hypothesis.journey_stage.name,
        each.segment_version.segment.name,
        each.status,
        each.owner.name,
        _iso(each.started_at),
        _iso(each.stopped_at),
        _iso(each.planned_end_at),
        each.planned_units,
        None if row.progress is None else row.progress.units,
        None if row.checks is None else row.checks.value,
        row.verdict,
        each.decision,
        _iso(each.decided_at),
    ]


def _iso(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()


def _verdict(run: Run | None) -> str | None:
    return run.verdict if run is not None and is_final(run) else None


def _checks(run: Run | None) -> CheckState | None:
    states = set() if run is None else {check.state for check in run.checks}
    worst_first = (CheckState.FAILED, CheckState.NOTICE, CheckState.PASSED)
    return next((state for state in worst_first if state.value in states), None)


def _began(experiment: Experiment) -> datetime | None:
    return experiment.exposures_from or experiment.started_at


def _ended(experiment: Experiment) -> datetime | None:
    """Tell when it ended; what ran elsewhere did so by its own dates."""
    ended = experiment.stopped_at or experiment.decided_at
    if experiment.assigned_by == AssignedBy.EXTERNAL.value:
        return None if ended is None else min(ended, experiment.planned_end_at)
    return ended


def _span(experiment: Experiment, now: datetime) -> tuple[datetime, datetime]:
    began, ended = _began(experiment) or now, _ended(experiment)
    if ended is None:
        is_elsewhere = experiment.assigned_by == AssignedBy.EXTERNAL.value
        planned = experiment.planned_end_at
        ended = planned if is_elsewhere else max(planned, now)
    return began, max(began, ended)


def _days(experiment: Experiment, now: datetime) -> str:
    began, ended = _began(experiment), _ended(experiment)
    if experiment.open_tasks:
        return "not planned yet"
    if experiment.started_at is None or began is None:
        return "not started"
    if ended is not None:
        passed = max(1, (ended - began) // DAY)
        return "1 day" if passed == 1 else f"{count(passed)} days"
    passed, planned = day_of(experiment, now)
    if now >= experiment.planned_end_at:
        return f"all {count(planned)} days over"
    return f"day {count(passed)} of {count(planned)}"


def _dates(experiment: Experiment) -> str:
    if experiment.open_tasks:
        return "Not planned yet"
    if experiment.started_at is None:
        return f"Not started; planned until {day(experiment.planned_end_at)}"
    until = day(_ended(experiment) or experiment.planned_end_at)
    return f"{day(_began(experiment))} to {until}"


def _sharing(
    experiment: Experiment,
    sizes: Mapping[int, SizeView],
    live: Mapping[str, Live],
) -> Iterator[str]:
    """Say with whom an experiment shares customers, while both are live."""
    size = sizes.get(experiment.segment_version_id)
    if size is None or experiment.status not in LIVE:
        return
    for overlap in size.overlaps:
        other = live.get(overlap.experiment)
        if other is None or other.key == experiment.key or not overlap.shared:
            continue
        if experiment.layer and experiment.layer == other.layer:
            continue  # one layer gives each customer to one of them
        if experiment.segment_version_id == other.segment_version_id:
            yield f"Same segment as {other.name}."
        else:
            share = size.part(overlap.shared)
            yield f"Shares {share} of its segment with {other.name}."
