"""An analysis in a process of its own that dies, or stops, at a chosen place.

Run by `multiprocessing` from tests/faults/test_analysis_faults.py.
"""

import os
import pkgutil
import signal
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import event

from analysis import leases, pipeline
from analysis.store import EventStore
from experiments.context import open_context
from tests.clock import FakeClock

LEASE_LOST = 3  # exit code


def analyse_and_die(environ: Mapping[str, str], moment: datetime, place: str) -> None:
    """Analyse "exp" as of `moment`, and get SIGKILL at `place`."""
    _analyse_with_signal(environ, moment, place, signal.SIGKILL)


def analyse_and_stop(environ: Mapping[str, str], moment: datetime, place: str) -> None:
    """Analyse "exp" as of `moment`, and get SIGSTOP at `place`."""
    _analyse_with_signal(environ, moment, place, signal.SIGSTOP)


def _analyse_with_signal(
    environ: Mapping[str, str], moment: datetime, place: str, number: signal.Signals
) -> None:
    context = open_context(environ, FakeClock(moment))

    def struck() -> None:
        os.kill(os.getpid(), number)

    kind, _, name = place.partition(" ")
    if kind in {"before", "after"}:
        _strike_at_call(kind, name, struck)
    else:
        _strike_at_statement(context.sessions.kw["bind"], name, struck)
    try:
        pipeline.analyse(context, EventStore(context.settings), "exp", moment)
    except leases.LeaseLost:
        sys.exit(LEASE_LOST)


def _strike_at_call(when: str, name: str, struck: Any) -> None:  # noqa: ANN401
    original = pkgutil.resolve_name(name)
    holder, _, attribute = name.rpartition(".")

    def call(*given: Any, **named: Any) -> Any:  # noqa: ANN401
        if when == "before":
            struck()
        result = original(*given, **named)
        if when == "after":
            struck()
        return result

    setattr(pkgutil.resolve_name(holder), attribute, call)


def _strike_at_statement(engine: Any, words: str, struck: Any) -> None:  # noqa: ANN401
    stored: list[str] = []

    def executed(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        stored.append(statement)
        if statement.startswith(words):
            struck()

    def committing(_connection: object) -> None:
        inserted = any(s.startswith("INSERT INTO analysis_run") for s in stored)
        if words == "COMMIT" and inserted:
            struck()

    event.listen(engine, "after_cursor_execute", executed)
    event.listen(engine, "commit", committing)
