"""What works behind the pages, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from analysis.background import COMPACTOR, SCHEDULER, Background, JobView, Worker
from analysis.wording import age
from web.presenters.formats import day

JOBS = {
    "daily_analysis": "Results of all experiments",
    "hourly_count": "Counts of experiments without a result yet",
    "daily_upkeep": "Tidying up",
    "segment_sizes": "Sizes of segments",
    "certificates": "Certificates of metrics",
    "metric_baselines": "Baselines for planning",
    "stage_weeks": "Weeks of the metrics of stages",
    "weekly_digest": "Mails of the weekly digest",
}
WORKERS = {
    COMPACTOR: "Taking events from the inbox into the store",
    SCHEDULER: "Doing the jobs below at their times",
}
_KB = 1000
_MINUTE = 60  # seconds


@dataclass(frozen=True, slots=True)
class JobLine:
    """One row of the table of jobs."""

    title: str
    began_at: datetime | None
    took: str
    next_at: datetime
    failed: str  # empty when it went well


@dataclass(frozen=True, slots=True)
class WorkerLine:
    """One row of the table of who works."""

    title: str
    who: str
    is_missing: bool


@dataclass(frozen=True, slots=True)
class BackgroundPage:
    """The part of the page of data that tells of work in the background."""

    sentence: str
    is_well: bool
    workers: Sequence[WorkerLine]
    jobs: Sequence[JobLine]
    failing: Sequence[tuple[str, str]]  # experiment, sentence
    stored: str


def background_in_words(view: Background) -> BackgroundPage:
    """Word how the work behind the pages goes, what is wrong first."""
    workers = [_worker(one) for one in view.workers]
    jobs = [_job(one) for one in view.jobs]
    failing = [
        (one.experiment, f"{_times(one.failure_count)}: {one.error}")
        for one in view.failing
    ]
    faults = [
        *(f"Nobody does this now: {w.title.lower()}." for w in workers if w.is_missing),
        *(f"{job.title} failed last time." for job in jobs if job.failed),
        *_unsent(view),
    ]
    if failing:
        name = "experiment has" if len(failing) == 1 else "experiments have"
        faults.append(f"{len(failing)} {name} no new result, since analysing failed.")
    stored = view.stored
    files = "1 file" if stored.file_count == 1 else f"{stored.file_count:,} files"
    return BackgroundPage(
        " ".join(faults) or "Everything behind the pages works.",
        not faults,
        workers,
        jobs,
        failing,
        f"Events take {size(stored.byte_count)} in {files};"
        f" {size(stored.free_bytes)} of the disk are free.",
    )


def _unsent(view: Background) -> list[str]:
    if view.unsent is None:
        return []
    mails = "1 mail" if view.unsent.count == 1 else f"{view.unsent.count:,} mails"
    return [f"Not sent of the last digest: {mails}. {view.unsent.error}"]


def size(count: int) -> str:
    """Write a number of bytes for people, as in "1.2 MB"."""
    value, unit = float(count), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < _KB:
            break
        value, unit = value / _KB, larger
    return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"


def _worker(one: Worker) -> WorkerLine:
    if one.holder is not None:
        return WorkerLine(WORKERS[one.name], one.holder, is_missing=False)
    since = "" if one.seen_at is None else f" since {day(one.seen_at)}"
    return WorkerLine(WORKERS[one.name], f"nobody{since}", is_missing=True)


def _job(one: JobView) -> JobLine:
    failed = ""
    if one.error is not None:
        failed = f"{_times(one.failure_count)}: {one.error}"
    return JobLine(JOBS[one.name], one.began_at, _took(one.took), one.next_at, failed)


def _took(took: timedelta | None) -> str:
    if took is None:
        return ""
    seconds = took.total_seconds()
    return f"{max(seconds, 0.1):.1f} s" if seconds < _MINUTE else age(seconds)


def _times(count: int) -> str:
    return "Failed" if count <= 1 else f"Failed {count:,} times in a row"
