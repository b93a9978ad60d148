"""A stored result as its page shows it: words and rows, nothing computed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from analysis import glossary
from analysis.results import ChartView, CheckShown, RunView
from experiments.models import AmendmentRow
from experiments.plan import Plan
from experiments.vocabulary import EVERYBODY, CheckState, Role
from web.presenters.analyst_rows import AnalystRow, analyst_row
from web.presenters.answers import SurveyReadings, survey_readings
from web.presenters.exploring import ExploredRow, explored_rows
from web.presenters.hazards import hazard_notes
from web.presenters.metric_rows import (
    MetricRow,
    SegmentRow,
    metric_row,
    segment_rows,
)
from web.presenters.personalising import personalising_notes
from web.presenters.read_outs import beliefs, segment_notes
from web.presenters.responses import ResponseRow, response_check, response_rows
from web.presenters.result_facts import result_facts


@dataclass(frozen=True, slots=True)
class Trust:
    """The strip above everything else."""

    sentence: str  # "7 of 8 checks passed; 1 to note."
    failed: tuple[CheckShown, ...]
    noted: tuple[CheckShown, ...]
    rest: tuple[CheckShown, ...]  # passed, or not applicable


@dataclass(frozen=True, slots=True)
class ResultsPage:
    """Everything on the page of a result, top to bottom."""

    verdict: str  # "Ship nudge"
    trust: Trust
    rows: tuple[MetricRow, ...]  # primary first, then guardrails, then secondary
    responses: tuple[ResponseRow, ...]
    response_check: CheckShown | None  # whether groups answered equally often
    segments: tuple[SegmentRow, ...]
    segment_notes: tuple[str, ...]  # whether they differ, whether one got worse
    explored: tuple[ExploredRow, ...]  # by segments that nobody declared
    analyst: tuple[AnalystRow, ...]
    beliefs: tuple[str, ...]  # what the changes probably are, for the analyst
    hazards: tuple[str, ...]  # of times: Cox's ratio and its check, for the analyst
    forest: ChartView | None
    splits: tuple[ChartView, ...]  # the metric that decides, by segment
    curves: tuple[ChartView, ...]
    funnels: tuple[ChartView, ...]
    answers: tuple[ChartView, ...]
    readings: tuple[SurveyReadings, ...]
    difference: ChartView | None
    facts: tuple[tuple[str, str], ...]
    tabs: tuple[str, ...]  # treatments with a page of their own; () where there is one
    chosen: str | None  # the treatment whose page it is; None for all together

    @property
    def several(self) -> bool:
        """Whether rows must say which variant they are of."""
        return bool(self.tabs) and self.chosen is None

    @property
    def primary(self) -> tuple[MetricRow, ...]:
        """The metric that decides, once for each treatment."""
        return tuple(row for row in self.rows if row.role == Role.PRIMARY)


def results_page(
    run: RunView,
    plan: Plan,
    charts: Mapping[str, ChartView],
    amendments: Sequence[AmendmentRow],
    chosen: str | None = None,
) -> ResultsPage:
    """Lay a run out as its page.

    Args:
        run: as far as it may be shown.
        plan: the locked plan it was judged by.
        charts: stored with the run.
        amendments: to the plan.
        chosen: the treatment to hold against control; None for all of them.

    Returns:
        The page in words.
    """
    names = tuple(treatment.name for treatment in plan.design.treatments)
    if chosen is not None:
        own = (result for result in run.results if result.variant == chosen)
        run = replace(run, results=tuple(own))
    rows = [
        (result, metric_row(plan, result))
        for result in run.results
        if result.segment == EVERYBODY and result.outcome is not None
    ]
    rows.sort(key=lambda pair: _ORDER[pair[0].role])
    return ResultsPage(
        verdict=verdict_title(run),
        trust=trust_of(run),
        rows=tuple(row for _, row in rows),
        responses=tuple(response_rows(run, plan)),
        response_check=response_check(run),
        segments=tuple(segment_rows(run, plan)),
        segment_notes=(*segment_notes(run, plan), *personalising_notes(run, plan)),
        explored=tuple(explored_rows(run, plan)),
        beliefs=tuple(beliefs(run, plan)),
        hazards=tuple(hazard_notes(run.results, plan)),
        analyst=tuple(analyst_row(plan, result) for result, _ in rows),
        forest=charts.get(f"forest:{chosen}" if chosen else "forest"),
        splits=tuple(
            chart
            for chart in _named(charts, "segments:")
            if chosen in {None, chart.name.partition(":")[2]}
        ),
        curves=_named(charts, "retention:"),
        funnels=_named(charts, "funnel:"),
        answers=_named(charts, "csat:"),
        readings=survey_readings(run, plan) if run.shows_estimates else (),
        difference=next(iter(_named(charts, "difference:")), None),
        facts=tuple(result_facts(run, plan, amendments)),
        tabs=names if len(names) > 1 and run.shows_estimates else (),
        chosen=chosen,
    )


_ORDER = {Role.PRIMARY: 0, Role.GUARDRAIL: 1, Role.SECONDARY: 2}


def verdict_title(run: RunView) -> str:
    """Write the verdict, with the variant where there is one."""
    word = glossary.VERDICT_WORDS[run.verdict]
    return f"{word} {run.variant}" if run.variant else word


def trust_of(run: RunView) -> Trust:
    """Count the checks, the failed ones first."""
    by_state = {
        state: tuple(check for check in run.checks if check.state == state)
        for state in CheckState
    }
    passed, noted = by_state[CheckState.PASSED], by_state[CheckState.NOTICE]
    failed = by_state[CheckState.FAILED]
    sentence = (
        f"{len(passed)} of {len(passed) + len(noted) + len(failed)} checks passed"
    )
    if failed:
        sentence += f"; {len(failed)} failed"
    if noted:
        sentence += f"; {len(noted)} to note"
    rest = passed + by_state[CheckState.NOT_APPLICABLE]
    return Trust(f"{sentence}.", failed, noted, rest)


def _named(charts: Mapping[str, ChartView], prefix: str) -> tuple[ChartView, ...]:
    return tuple(chart for name, chart in charts.items() if name.startswith(prefix))
