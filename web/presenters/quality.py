"""How well experiments are run: asked before how many there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from experiments.models import AnalysisRun, Experiment
from experiments.vocabulary import CheckState, HealthCheck
from web.presenters.formats import count, percent
from web.presenters.runs import is_final

YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Quality:
    """Of the experiments that began in the last year: what, and how it stands."""

    rows: tuple[tuple[str, str], ...]
    started: int


def quality_of(
    experiments: Sequence[Experiment], runs: Mapping[int, AnalysisRun], now: datetime
) -> Quality:
    """Judge how the experiments of the last year were run.

    Args:
        experiments: all of them.
        runs: the last good run of each, by number.
        now: aware UTC.

    Returns:
        Shares as "5 of 6 (83 %)"; a dash where there is nothing to take a share of.
    """
    begun = [e for e in experiments if e.started_at and now - e.started_at < YEAR]
    final = [
        (e, run) for e in begun if (run := runs.get(e.id)) is not None and is_final(run)
    ]
    analysed = [runs[e.id] for e in begun if e.id in runs]
    full = sum((run.counts.get("units") or 0) >= e.planned_units for e, run in final)
    # What ran elsewhere began with its exposures, long before it was written down here.
    days = [
        (e.decided_at - began).days
        for e in begun
        if e.decided_at and (began := e.exposures_from or e.started_at)
    ]
    return Quality(
        rows=(
            ("Plan locked before the start", _share(_locked(begun), len(begun))),
            ("Reached the planned size", _share(full, len(final))),
            ("Split not as planned", _share(_wrong(analysed), len(analysed))),
            ("Start to decision, median", _days(days)),
        ),
        started=len(begun),
    )


def _locked(begun: Sequence[Experiment]) -> int:
    return sum(e.pre_registered for e in begun)


def _wrong(runs: Sequence[AnalysisRun]) -> int:
    return sum(
        any(
            check.name == HealthCheck.SAMPLE_RATIO.value
            and check.state == CheckState.FAILED.value
            for check in run.checks
        )
        for run in runs
    )


def _share(part: int, whole: int) -> str:
    if not whole:
        return "\N{EN DASH}"
    return f"{count(part)} of {count(whole)} ({percent(round(part / whole, 2))})"


def _days(days: Sequence[int]) -> str:
    if not days:
        return "\N{EN DASH}"
    middle = round(median(days))
    return f"{middle} {'day' if middle == 1 else 'days'}"
