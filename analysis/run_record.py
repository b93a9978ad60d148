"""A run as it is stored: one row with all its parts, written at once or not at all.

What `counts` holds, in every phase, since none of it is an outcome:
    units, planned_units, mature_units: all variants together;
    segment_per_quarter: customers of the target segment, or null where not counted;
    exposed, mature: variant -> customers;
    two_variants, unknown_variants, only_outside, beyond_size: customers left out;
    wrongly_shown: customers who saw what their assignment was not, and
        only_wrongly_shown: those of them left out for it;
    undeclared: names of variants the plan does not have;
    by_day: [day, variant, customers] by first exposure;
    trail: how far customers came, or null; see analysis.trail;
    assigned: customers before the trail's end, about, or null where no door was asked;
        and places, [day, key, customers];
    late_events: since the run before, or null;
    has_times: false for an imported unit table;
    responses: survey metric -> variant -> {exposed, invited, answered};
    failed_metrics: metric keys.

What `summaries` holds: the tables the results were made from, one object for each
metric, variant and segment. While a plan is counting, between its looks, they are cut
to sample sizes: a table of outcomes would give an estimate to anybody with a
calculator.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from analysis import exploring, leases
from analysis.cells import Cell, Summaries
from analysis.details import details_of, traces_of
from analysis.estimating import Estimated
from analysis.exploring import Explored
from analysis.looks import traces_to_json
from analysis.outcome_json import outcome_to_json
from analysis.read_outs import ReadOuts, read_out_to_json
from analysis.readings import Judgement, MetricReading, Progress
from analysis.stats import clusters
from analysis.stats.amounts import Amounts
from analysis.stats.competing import CompetingTable
from analysis.stats.satisfaction import response_rates
from analysis.stats.spending import obrien_fleming
from analysis.stats.summary import (
    Funnel,
    Histogram,
    LifeTable,
    Moments,
    Successes,
    Summary,
)
from analysis.subject import Subject
from analysis.trail import to_json as trail_json
from experiments.assigned_view import Assigned
from experiments.db import transaction
from experiments.models import AnalysisRun, Chart, CheckResult, Look, Result
from experiments.plan import Plan
from experiments.vocabulary import (
    EVERYBODY,
    ResultPhase,
    Role,
    RunState,
    SentenceCase,
    Verdict,
)

if TYPE_CHECKING:
    from analysis.chart_drawn import DrawnChart

# Columns that differ between two runs of the same input.
OWN_TO_A_RUN = frozenset({"id", "run_id", "started_at", "finished_at"})


def counts_of(
    summaries: Summaries, progress: Progress, assigned: Assigned
) -> dict[str, Any]:
    """Write who is in and who is not; see the head of this module."""
    exposures = summaries.exposures
    responses: dict[str, dict[str, Any]] = {}
    for cell in summaries.cells:
        if isinstance(cell.summary, Histogram) and not cell.segment:
            rates = response_rates(cell.summary)
            responses.setdefault(cell.metric, {})[cell.variant] = {
                "exposed": rates.exposed,
                "invited": rates.invited,
                "answered": rates.answered,
            }
    return {
        "units": exposures.units,
        "planned_units": progress.planned_units,
        "mature_units": progress.mature_units,
        "segment_per_quarter": progress.segment_per_quarter,
        "exposed": dict(exposures.analysed),
        "mature": dict(exposures.mature),
        "two_variants": exposures.two_variants,
        "unknown_variants": exposures.unknown_variants,
        "wrongly_shown": exposures.wrongly_shown,
        "only_wrongly_shown": exposures.only_wrongly_shown,
        "only_outside": exposures.only_outside,
        "beyond_size": exposures.beyond_size,
        "earlier_phase": exposures.earlier_phase,
        "listed": exposures.listed,
        "opted_out": exposures.opted_out,
        "previewed": exposures.previewed,
        "customers": dict(exposures.customers),
        "moved": exposures.moved,
        "without_account": exposures.without_account,
        "undeclared": list(exposures.undeclared_names),
        "by_day": [[str(day), name, n] for day, name, n in exposures.by_day],
        "trail": None if summaries.trail is None else trail_json(summaries.trail),
        "assigned": {
            "customers": sum(assigned.by_variant.values()) or None,
            "places": [
                [str(day), key, n] for (day, key), n in assigned.by_place.items()
            ],
        },
        "late_events": summaries.late_event_count,
        "has_times": summaries.has_times,
        "responses": responses,
        "failed_metrics": sorted(summaries.failed),
    }


def summaries_of(summaries: Summaries, *, whole: bool) -> list[dict[str, Any]]:
    """Write the summary tables, or where nothing is looked at their sizes alone."""
    return [
        {
            "metric": cell.metric,
            "variant": cell.variant,
            "segment": cell.segment,
            "n_immature": cell.n_immature,
            **(_whole(cell) if whole else _size(cell)),
        }
        for cell in summaries.cells
    ]


def _whole(cell: Cell) -> dict[str, Any]:
    body = _table(cell.summary)
    if cell.amounts is not None:
        body["amounts"] = _amounts(cell.amounts)
    if cell.clusters is not None:
        body["clusters"] = clusters.to_json(cell.clusters)
    if cell.strata:
        body["strata"] = [
            {"segments": list(each.covariates), **_table(each.answers)}
            for each in cell.strata
        ]
    return body


def _table(summary: Summary) -> dict[str, Any]:
    if isinstance(summary, (LifeTable, CompetingTable)):
        return _life_table(summary)
    kinds = {
        Successes: "successes",
        Histogram: "histogram",
        Moments: "moments",
        Funnel: "funnel",
    }
    body = {"kind": kinds[type(summary)], **asdict(summary)}
    if isinstance(summary, Histogram):
        body["counts"] = [list(pair) for pair in summary.counts]
    if isinstance(summary, Funnel):
        body["reached"] = list(summary.reached)
    return body


def _amounts(amounts: Amounts) -> dict[str, Any]:
    accounts = amounts.accounts
    return {
        "vector": _table(amounts.vector),
        "raw": _table(amounts.raw),
        "cap": amounts.cap,
        "accounts": None if accounts is None else _table(accounts),
        "order": None if amounts.order is None else asdict(amounts.order),
    }


def _life_table(summary: LifeTable | CompetingTable) -> dict[str, Any]:
    days = [list(astuple(day)) for day in summary.days]
    kind = "life_table" if isinstance(summary, LifeTable) else "competing_table"
    body = {"kind": kind, "n": summary.n, "days": days}
    return body | ({"n_missing": summary.n_missing} if summary.n_missing else {})


def _size(cell: Cell) -> dict[str, Any]:
    """Say how many customers a summary is about, and nothing of what they did."""
    summary = cell.summary
    if isinstance(summary, Histogram):
        return {"kind": "sizes", "n": summary.n_exposed}
    # Who is missing from a number is something that customers did.
    return {"kind": "sizes", "n": summary.n + summary.n_missing}


def result_rows(
    plan: Plan,
    estimated: Sequence[Estimated],
    judgement: Judgement,
    beside: ReadOuts,
    explored: Mapping[str, Sequence[Explored]],
) -> list[Result]:
    """Write the readings with their sentences and what stands beside them."""
    rows = []
    for each in estimated:
        reading = each.reading
        case, sentence = judgement.cases.get(
            (reading.metric, reading.variant, reading.segment),
            (SentenceCase.TOO_EARLY, judgement.answer),
        )
        rows.append(
            Result(
                metric=reading.metric,
                metric_version=plan.metric(reading.metric).choice.version,
                role=reading.role.value,
                variant=reading.variant,
                segment=reading.segment,
                sentence_case=case.value,
                sentence=sentence,
                outcome=outcome_to_json(reading.outcome),
                details={
                    **details_of(each),
                    **_beside(reading, beside),
                    **_explored(reading, explored),
                },
            )
        )
    return rows


def _beside(reading: MetricReading, beside: ReadOuts) -> dict[str, Any]:
    found = beside.get((reading.metric, reading.variant))
    if found is None or reading.segment != EVERYBODY:
        return {}
    return read_out_to_json(found)


def _explored(
    reading: MetricReading, explored: Mapping[str, Sequence[Explored]]
) -> dict[str, Any]:
    found = explored.get(reading.variant)
    if not found or reading.role != Role.PRIMARY or reading.segment != EVERYBODY:
        return {}
    return {exploring.DETAIL: exploring.explored_to_json(found)}


def look_row(
    plan: Plan,
    plan_sha256: str,
    estimated: Sequence[Estimated],
    progress: Progress,
) -> Look | None:
    """Write the look that was taken; None where none was."""
    look = progress.look
    if look is None or not estimated or progress.as_of is None:
        return None
    decided = progress.phase == ResultPhase.FINAL
    alpha = plan.design.alpha
    return Look(
        plan_sha256=plan_sha256,
        number=look.number,
        as_of=progress.as_of,
        run_id=0,  # its run's, once that is stored
        mature_units=progress.mature_units,
        fraction=look.time,
        spent=2 * obrien_fleming(look.time, alpha / 2) if look.planned else alpha,
        ended=look.is_last or (bool(look.planned) and decided),
        readings=traces_to_json(traces_of(estimated)),
    )


def judgement_of(run: AnalysisRun) -> Judgement:
    """Read what a stored run was judged to say."""
    return Judgement(
        Verdict(run.verdict or Verdict.UNDECIDED),
        run.verdict_variant,
        run.clause or "",
        run.answer or "",
        {
            (row.metric, row.variant, row.segment): (
                SentenceCase(row.sentence_case),
                row.sentence,
            )
            for row in run.results
        },
    )


def repeated_rows(rows: Sequence[Result], judgement: Judgement) -> list[Result]:
    """Write what the last look found once more, with the sentences as they are now."""
    copies = []
    for row in rows:
        copy = Result(**_columns(row))
        key = (row.metric, row.variant, row.segment)
        case, copy.sentence = judgement.cases[key]
        copy.sentence_case = case.value
        copies.append(copy)
    return copies


def repeated_charts(rows: Sequence[Chart]) -> list[Chart]:
    """Write the charts of the last look once more."""
    return [Chart(**_columns(row)) for row in rows]


def chart_rows(charts: "Sequence[DrawnChart]") -> list[Chart]:
    """Write the drawn charts."""
    return [
        Chart(
            name=chart.name,
            title=chart.title,
            web_svg=chart.web_svg,
            print_svg=chart.print_svg,
            table=chart.table,
        )
        for chart in charts
    ]


def failed_run(
    subject: Subject, as_of: datetime, started_at: datetime, error: str
) -> AnalysisRun:
    """Make the row of a run that came to nothing; the last good one stays in force."""
    return AnalysisRun(
        experiment_id=subject.experiment_id,
        state=RunState.FAILED.value,
        phase=None,
        started_at=started_at,
        finished_at=started_at,
        as_of=as_of,
        plan_sha256=subject.plan_sha256,
        ruleset_revision=subject.ruleset_revision,
        code_version=code_version(),
        error=error[:500],
        counts={},
        summaries=[],
    )


def code_version() -> str:
    """Name the version of Abide that made a run."""
    return version("abide")[:60]


def store(
    sessions: sessionmaker[Session], run: AnalysisRun, lease: str, token: int
) -> int:
    """Store a run whole, or nothing of it.

    A run that says exactly what a stored one of the same time says is not stored
    again, so that repeating an interrupted analysis leaves one result.

    Args:
        sessions: the way to the database.
        run: with all its parts.
        lease: name of the lease that this process must still hold.
        token: of that lease.

    Returns:
        Id of the stored run.

    Raises:
        LeaseLost: another process took over; nothing was stored.
    """
    with transaction(sessions) as session:
        leases.check_token(session, lease, token)
        for former in session.scalars(
            select(AnalysisRun).where(
                AnalysisRun.experiment_id == run.experiment_id,
                AnalysisRun.as_of == run.as_of,
                AnalysisRun.state == RunState.DONE.value,
            )
        ):
            if content_of(former) == content_of(run):
                return former.id
        if run.look is not None:
            run.look.experiment_id = run.experiment_id
            if _is_taken(session, run.look):
                run.look = None  # a look is taken once
        session.add(run)
        session.flush()
        return run.id


def _is_taken(session: Session, look: Look) -> bool:
    return (
        session.scalar(
            select(Look.id).where(
                Look.experiment_id == look.experiment_id,
                Look.plan_sha256 == look.plan_sha256,
                Look.number == look.number,
            )
        )
        is not None
    )


def content_of(run: AnalysisRun) -> dict[str, Any]:
    """Read all that a run says, without what is its own by chance.

    Args:
        run: stored or not.

    Returns:
        Column -> value, and the same of each result, check and chart.
    """
    content = _columns(run)
    for part in ("results", "checks", "charts"):
        content[part] = [_columns(row) for row in getattr(run, part)]
    return content


def _columns(row: AnalysisRun | Result | CheckResult | Chart) -> dict[str, Any]:
    return {
        column.key: getattr(row, column.key)
        for column in row.__mapper__.column_attrs
        if column.key not in OWN_TO_A_RUN
    }
