"""Work in a process of its own: what it loads and gathers is free when it has ended.

The scheduler lives for months and stays small; statistics, data frames and drawings
live as long as one analysis. A process that is killed, as by a machine short of
memory, takes nobody with it: its work is tried once more, and then said to have failed.
The right to write is not inherited: each process asks for the lease itself, so that
one that was forgotten cannot overwrite anything (see `leases`).
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from experiments import logs, processes
from experiments.context import Context, open_context
from experiments.db import transaction
from experiments.errors import AbideError, Unavailable
from experiments.models import AnalysisRun

# What is asked for is loaded by the process that does it, not by the one that asks.

PATIENCE = timedelta(minutes=30)  # for an analysis that somebody else started
TRIES = 2
REFUSED = 3  # exit code: the first line of the answer says why
ANALYSE, NOTE_FAILURE, MEASURE = "analyse", "note-failure", "measure"
CERTIFY = "certify"
BASELINES = "baselines"
WEEKS = "weeks"
STORE_UPLOAD = "store-upload"

log = structlog.get_logger(__name__)


_running: set["subprocess.Popen[str]"] = set()
_halting = threading.Event()


class EndedEarly(Unavailable):
    """The process was killed, or came to grief, before its work was done."""


class HaltedError(Exception):
    """The work was given up because this process ends; it is no failure."""


def halt() -> None:
    """End the work under way, and begin none until `resume`.

    What it has not stored is lost, and done anew by whoever works next. Waiting for it
    would keep the lease, and with it all planned steps, for as long as it takes.
    """
    _halting.set()
    for process in tuple(_running):
        process.terminate()


def resume() -> None:
    """Let work begin again."""
    _halting.clear()


def analyse(key: str) -> str | None:
    """Analyse an experiment in a process of its own, and store the run.

    Args:
        key: of the experiment.

    Returns:
        None, or what the stored run says went wrong.

    Raises:
        AbideError: it was refused, or its process ended early each time; that is
            stored too, so that pages can tell.
    """
    try:
        return _run(ANALYSE, key)
    except EndedEarly as error:
        _run(NOTE_FAILURE, key, error.message)
        raise


def measure(due_at: datetime) -> None:
    """Count the segments that are due in a process of its own.

    Args:
        due_at: when all were due last.

    Raises:
        AbideError: it was refused, or its process ended early each time.
    """
    _run(MEASURE, due_at.isoformat())


def certify() -> None:
    """Work out the certificate that waits longest, in a process of its own.

    Raises:
        EndedEarly: its process was killed each time.
    """
    _run(CERTIFY)


def read_baselines(due_at: datetime) -> None:
    """Read the baselines of metrics that are due in a process of its own.

    Args:
        due_at: when all were due last.

    Raises:
        AbideError: it was refused, or its process ended early each time.
    """
    _run(BASELINES, due_at.isoformat())


def read_weeks() -> None:
    """Read the weeks of stages' metrics that are due in a process of its own.

    Raises:
        AbideError: it was refused, or its process ended early each time.
    """
    _run(WEEKS)


def store_upload(public_id: str) -> None:
    """Store an upload that somebody decided about, in a process of its own.

    Args:
        public_id: of the import.

    Raises:
        AbideError: it cannot be stored now, or its process ended early each time.
    """
    _run(STORE_UPLOAD, public_id)


def command(*work: str) -> list[str]:
    """Give the command line of a process that does some work."""
    return [sys.executable, "-m", "analysis.apart", *work]


def _run(*work: str) -> str | None:
    """Do work apart, once more if its process ends early; give what it answers."""
    code = 0
    for _ in range(TRIES):
        code, answer = _once(work)
        if code == 0:
            return answer or None
        if code == REFUSED:
            raise Unavailable(answer)
        log.warning("work_ended_early", work=work[0], about=work[1:], code=code)
    raise EndedEarly(_words(code))


def _once(work: Sequence[str]) -> tuple[int, str]:
    """Do work apart; give the exit code and what it answers."""
    environ = os.environ | {processes.PARENT: str(os.getpid())}
    with subprocess.Popen(  # noqa: S603  # our own command
        command(*work), stdout=subprocess.PIPE, text=True, env=environ
    ) as process:
        _running.add(process)
        try:
            if _halting.is_set():  # perhaps before it was among those that run
                process.terminate()
            answer, _ = process.communicate()
        finally:
            _running.discard(process)
    if process.returncode != 0 and _halting.is_set():
        raise HaltedError
    return process.returncode, answer.strip()


def _words(code: int) -> str:
    if code < 0:
        name = signal.Signals(-code).name
        return (
            f"The process that worked this out was killed ({name}), twice. The usual"
            " cause is a machine that is short of memory."
        )
    return (
        f"The process that worked this out ended early (exit code {code}), twice. The"
        " log says why."
    )


def _analyse(context: Context, key: str) -> str | None:
    from analysis import pipeline  # noqa: PLC0415  # see above
    from analysis.store import EventStore  # noqa: PLC0415

    store = EventStore(context.settings)
    run_id = pipeline.analyse(context, store, key, patience=PATIENCE)
    with transaction(context.sessions) as session:
        return session.get_one(AnalysisRun, run_id).error


def _note_failure(context: Context, key: str, error: str) -> None:
    from analysis import pipeline  # noqa: PLC0415  # see above

    pipeline.note_failure(context, key, error, patience=PATIENCE)


def _measure(context: Context, due_at: str) -> None:
    from analysis import segment_measuring  # noqa: PLC0415  # see above

    segment_measuring.measure_due(context, datetime.fromisoformat(due_at))


def _certify(context: Context) -> None:
    from analysis.certificates import certify as certifying  # noqa: PLC0415  # see above
    from analysis.store import EventStore  # noqa: PLC0415

    certifying.certify_next(context, EventStore(context.settings))


def _read_baselines(context: Context, due_at: str) -> None:
    from analysis import baseline_measuring  # noqa: PLC0415  # see above

    baseline_measuring.measure_due(context, datetime.fromisoformat(due_at))


def _read_weeks(context: Context) -> None:
    from analysis import week_measuring  # noqa: PLC0415  # see above

    week_measuring.measure_due(context)


def _store_upload(context: Context, public_id: str) -> None:
    from analysis import import_carrying  # noqa: PLC0415  # see above

    import_carrying.carry_out(context, public_id)


WORK: Mapping[str, Callable[..., str | None]] = {
    ANALYSE: _analyse,
    NOTE_FAILURE: _note_failure,
    MEASURE: _measure,
    CERTIFY: _certify,
    BASELINES: _read_baselines,
    WEEKS: _read_weeks,
    STORE_UPLOAD: _store_upload,
}


def main(name: str, *about: str) -> int:
    """Do the work that the command line names; the answer goes to standard output."""
    processes.die_with_parent(signal.SIGTERM)
    # Ctrl-C reaches the whole group; who started this decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    context = open_context()
    logs.configure(context.settings.log_level)
    try:
        answer = WORK[name](context, *about)
    except AbideError as error:
        answer = error.message
        sys.stdout.write(answer)
        return REFUSED
    sys.stdout.write(answer or "")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
