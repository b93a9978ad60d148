"""The results of a run as a table for spreadsheets: what its page shows, row by row."""

import csv
import io
from collections.abc import Iterable

from analysis.results import ResultView, RunView
from analysis.stats.estimate import ADJUSTED_BY, Estimate, Interval, Lift
from experiments.plan import Plan

SMALL_CELL = 10  # fewer customers in a group could tell who they are
COLUMNS = (
    "experiment",
    "as_of",
    "metric",
    "metric_name",
    "role",
    "variant",
    "segment",
    "case",
    "method",
    "control_n",
    "control_value",
    "variant_n",
    "variant_value",
    "change",
    "low",
    "high",
    "level",
    "p_value",
    "relative_change",
    "relative_low",
    "relative_high",
    "adjusted_by",
    "sentence",
)
_NUMBERS = len(COLUMNS) - COLUMNS.index("method") - 1


def is_small(outcome: Estimate) -> bool:
    """Whether a group is so small that its numbers could tell who is in it."""
    return min(outcome.control.n, outcome.treatment.n) < SMALL_CELL


def to_csv(run: RunView, plan: Plan) -> str:
    """Write the results of a run as CSV (RFC 4180).

    Args:
        run: as far as it may be shown.
        plan: the locked plan it was judged by.

    Returns:
        A line of names, then one line for each metric, variant and segment ("" is
        everybody). Numbers are empty where they may not be shown, cannot be computed,
        or are of fewer than 10 customers.
    """
    text = io.StringIO()
    write = csv.writer(text)
    write.writerow(COLUMNS)
    for result in run.results:
        write.writerow([_cell(value) for value in _row(run, plan, result)])
    return text.getvalue()


def _cell(value: object) -> object:
    # A spreadsheet would take such a text for a formula and work it out.
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        return f"'{value}"
    return value


def _row(run: RunView, plan: Plan, result: ResultView) -> Iterable[object]:
    yield from (run.experiment, run.as_of.isoformat(), result.metric)
    yield from (plan.metric(result.metric).name, result.role.value, result.variant)
    yield result.segment
    outcome = result.outcome
    if not isinstance(outcome, Estimate) or is_small(outcome):
        hidden = isinstance(outcome, Estimate)
        yield "" if hidden else result.case.value
        yield from [""] * _NUMBERS
        yield (
            f"Hidden: fewer than {SMALL_CELL} in a group."
            if hidden
            else (result.sentence)
        )
        return
    yield from (result.case.value, outcome.method)
    for arm in (outcome.control, outcome.treatment):
        yield from (arm.n, arm.value)
    yield outcome.effect
    yield from (*_ends(outcome.interval), outcome.interval.level, outcome.p_value)
    lift = outcome.lift
    yield from (
        (lift.value, *_ends(lift.interval)) if isinstance(lift, Lift) else ("", "", "")
    )
    yield outcome.facts.get(ADJUSTED_BY, "")
    yield result.sentence


def _ends(interval: Interval) -> tuple[float | None, float | None]:
    return interval.low, interval.high
