"""Splits that nobody planned, in the lines of a table: ideas, and no more than that."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from analysis import wording
from analysis.estimate_words import EstimateWords
from analysis.outcome_json import outcome_from_json
from analysis.results import ResultView, RunView
from analysis.stats.estimate import Estimate, Interval
from experiments.plan import Plan
from experiments.vocabulary import EVERYBODY, Role
from web.presenters.metric_rows import MetricRow, metric_row, why_hidden


@dataclass(frozen=True, slots=True)
class ExploredRow:
    """The metric that decides in one segment; `hidden` says why it shows no numbers."""

    segment: str
    row: MetricRow
    pulled: str  # the change once luck is taken out; "" where that cannot be told
    pulled_range: str
    hidden: str


def explored_rows(run: RunView, plan: Plan) -> Iterator[ExploredRow]:
    """Write the splits of the metric that decides by segments outside the plan.

    Args:
        run: as far as it may be shown.
        plan: the locked plan.

    Yields:
        One for each treatment and segment that was tried.
    """
    for result in run.results:
        if result.role == Role.PRIMARY and result.segment == EVERYBODY:
            for found in result.details.get("exploring", ()):
                yield _row(plan, result, found)


def _row(plan: Plan, result: ResultView, found: Mapping[str, Any]) -> ExploredRow:
    split = replace(
        result,
        segment=found["segment"],
        outcome=outcome_from_json(found["outcome"]),
        details={},
    )
    pulled, between = "", ""
    if isinstance(split.outcome, Estimate) and found["pulled"] is not None:
        measure = wording.measure_of(plan.metric(result.metric).definition)
        words = EstimateWords(measure, split.outcome)
        value = measure.shown(found["pulled"]["value"])
        pulled = measure.written(wording.signed(value, words.decimals))
        between = f"({words.signed_range(Interval(**found['pulled']['interval']))})"
    return ExploredRow(
        segment=found["name"],
        row=metric_row(plan, split),
        pulled=pulled,
        pulled_range=between,
        hidden=why_hidden(plan, split),
    )
