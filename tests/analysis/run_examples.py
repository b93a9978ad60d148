"""Stored runs as the pipeline stores them: judged, worded and drawn for real."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy.orm import Session

from analysis import charts, exploring
from analysis.answer_readings import answer_readings, readings_to_json
from analysis.cells import Cell
from analysis.chart_drawn import DrawnChart
from analysis.exploring import Explored, explored_to_json
from analysis.outcome_json import outcome_to_json, response_to_json
from analysis.read_outs import ReadOuts, read_out_to_json, read_outs
from analysis.readings import CheckView, MetricReading, Progress
from analysis.silence import silence_of, silence_to_json
from analysis.stats.clustered import clustered_share
from analysis.stats.clusters import Clusters, clusters_of
from analysis.stats.estimate import (
    ArmValue,
    Estimate,
    Interval,
    Lift,
    NotComputable,
    Outcome,
)
from analysis.stats.heterogeneity import Shrunk
from analysis.stats.satisfaction import ResponseBalance, response_balance
from analysis.stats.summary import Histogram, LifeDay, LifeTable, Successes
from analysis.stats.survival import CurvePoint, kaplan_meier
from analysis.verdict import judge
from experiments import plan_lock
from experiments.models import AnalysisRun, Chart, CheckResult, Experiment, Result
from experiments.plan import Plan, PlannedSegment
from experiments.vocabulary import (
    CheckState,
    HealthCheck,
    Reason,
    ResultPhase,
    Role,
    RunState,
    SentenceCase,
)

Points = tuple[CurvePoint, ...]
GOOD, BAD = CheckState.PASSED, CheckState.FAILED
PASSED_CHECKS = (
    CheckView(HealthCheck.SAMPLE_RATIO, GOOD, "Customers were split as planned."),
    CheckView(HealthCheck.TWO_VARIANTS, GOOD, "No customer was seen in two variants."),
    CheckView(HealthCheck.PLAN_INTACT, GOOD, "The plan is as it was locked."),
    CheckView(
        HealthCheck.NOT_REVIEWED,
        CheckState.NOTICE,
        "Not reviewed: nobody but its author has approved the plan.",
    ),
    CheckView(
        HealthCheck.FRESHNESS,
        CheckState.NOT_APPLICABLE,
        "The data come from a file; they do not grow old.",
    ),
)
BAD_SPLIT = CheckView(
    HealthCheck.SAMPLE_RATIO,
    BAD,
    "51.9 % of customers got nudge where 50.0 % was planned."
    " Find the cause and restart.",
)


def change(
    effect: float,
    half: float,
    *,
    control: float,
    n: int = 9_400,
    n_missing: int = 0,
    lift: bool = True,
) -> Estimate:
    """Estimate with an interval of a half-width, graded as the estimators do."""
    wide = Interval(effect - half, effect + half)
    graded = tuple(
        Interval(effect - half * part, effect + half * part, level)
        for level, part in ((0.5, 0.344), (0.8, 0.654))
    )
    arms = [
        ArmValue(n, value, Interval(value - half, value + half), n_missing=n_missing)
        for value in (control, control + effect)
    ]
    relative = Lift(
        effect / control,
        Interval((effect - half) / control, (effect + half) / control),
        "koopman",
    )
    return Estimate(
        method="newcombe",
        control=arms[0],
        treatment=arms[1],
        effect=effect,
        interval=wide,
        p_value=0.0041,
        lift=relative if lift else NotComputable(Reason.BASELINE_NEAR_ZERO),
        graded=graded,
        facts={"z": 2.87},
    )


def clustered() -> Estimate:
    """Compare twice 20 accounts of 2 or 6 customers, alike within: half of each stay.

    By hand: 4 customers on average, CV 0.5, ICC 1; a customer sees 2 or 6 with weights
    as large, so the design effect is 40 / 8 = 5.
    """
    found = clustered_share(_accounts(), _accounts())
    assert isinstance(found, Estimate)
    return found


def _accounts() -> tuple[Successes, Clusters]:
    sizes = [2, 6] * 10
    stays = [account % 4 < 2 for account in range(20)]
    clusters = clusters_of(
        (account, (float(stay), 0), size)
        for account, (size, stay) in enumerate(zip(sizes, stays, strict=True))
    )
    return Successes(80, 40), clusters


def answers(*counts: int, exposed: int = 9_400, invited: int = 6_000) -> Histogram:
    """Answers from 1 upwards."""
    given = tuple((float(score), n) for score, n in enumerate(counts, start=1))
    return Histogram(given, n_exposed=exposed, n_invited=invited)


@cache
def curve(per_day: int, customers: int = 9_400, days: int = 45) -> Points:
    """Retention curve that loses the same number each day, some out of sight."""
    rows = tuple(
        LifeDay(day, per_day, 0 if day < 31 else 150) for day in range(1, days + 1)
    )
    points = kaplan_meier(LifeTable(customers, rows))
    if isinstance(points, NotComputable):
        raise TypeError("the example has too few customers")
    return points


def readings_of(
    plan: Plan,
    outcomes: Mapping[tuple[str, str, str], Outcome],
    responses: Mapping[tuple[str, str], ResponseBalance] | None = None,
) -> list[MetricReading]:
    """Lay outcomes, keyed (metric, variant, segment), out as readings."""
    balances = responses or {}
    return [
        MetricReading(
            metric=metric,
            variant=variant,
            segment=segment,
            role=plan.metric(metric).choice.role,
            outcome=outcome,
            response=balances.get((metric, variant)),
        )
        for (metric, variant, segment), outcome in outcomes.items()
    ]


def store_run(  # noqa: PLR0913  # what a run can hold, each by name
    session: Session,
    experiment: Experiment,
    readings: Sequence[MetricReading] = (),
    *,
    at: datetime,
    checks: Sequence[CheckView] = PASSED_CHECKS,
    phase: ResultPhase = ResultPhase.FINAL,
    curves: Mapping[str, Mapping[str, Points]] | None = None,
    histograms: Mapping[str, Mapping[str, Histogram]] | None = None,
    tried: Sequence[Explored] = (),
    **progress: Any,  # noqa: ANN401  # any field of it
) -> AnalysisRun:
    """Judge, draw and store one good run of a started experiment.

    `tried` are segments outside the plan, the same for every treatment.
    """
    plan, sha256 = plan_lock.locked_plan(session, experiment)
    names = [variant.name for variant in plan.design.variants]
    planned = plan.design.planned_units
    counting = phase == ResultPhase.COUNTING
    units = planned // 3 if counting else planned
    values: dict[str, Any] = {
        "units_so_far": units,
        "planned_units": planned,
        "mature_units": units // 2 if counting else planned,
        "due_at": plan.design.planned_end_at + timedelta(days=31),
        "phase": phase,
        "as_of": at,
    }
    state = Progress(**(values | progress))
    judgement = judge(plan, readings, checks, state)
    each = state.units_so_far // len(names)
    by_day = [
        (date(2026, 2, 1) + timedelta(days=day), name, each // 14)
        for day in range(14)
        for name in names
    ]
    drawn = charts.draw_enrolment(plan, by_day)
    if not counting and all(check.state != BAD for check in checks):
        drawn += _drawn(plan, readings, curves or {}, histograms or {})
    beside = read_outs(plan, readings, {})
    run = AnalysisRun(
        experiment_id=experiment.id,
        state=RunState.DONE.value,
        phase=phase.value,
        started_at=at,
        finished_at=at,
        as_of=at,
        data_cutoff=at - timedelta(hours=1),
        due_at=state.due_at,
        plan_sha256=sha256,
        ruleset_revision=7,
        store_version=3,
        code_version="0.1.0",
        verdict=judgement.verdict.value,
        verdict_variant=judgement.variant,
        clause=judgement.clause,
        answer=judgement.answer,
        counts={
            "units": state.units_so_far,
            "planned_units": planned,
            "mature_units": state.mature_units,
            "exposed": dict.fromkeys(names, each),
            "mature": dict.fromkeys(names, each // 2 if counting else each),
            "two_variants": 2,
            "unknown_variants": 0,
            "only_outside": 5,
            "beyond_size": 0,
            "by_day": [[str(day), name, n] for day, name, n in by_day],
            "late_events": 3,
            "has_times": True,
            "responses": {
                metric: {
                    name: {
                        "exposed": each.n_exposed,
                        "invited": each.n_invited,
                        "answered": each.answered,
                    }
                    for name, each in by_variant.items()
                }
                for metric, by_variant in (histograms or {}).items()
            },
        },
        summaries=[],
        results=[
            _beside(
                _result(plan, reading, judgement.cases, histograms or {}), beside, tried
            )
            for reading in readings
        ],
        checks=[
            CheckResult(
                name=check.name.value,
                state=check.state.value,
                sentence=check.sentence,
                facts={"p_value": 0.4},
            )
            for check in checks
        ],
        charts=[_chart(chart) for chart in drawn],
    )
    session.add(run)
    session.flush()
    return run


_DRAWN: dict[str, list[DrawnChart]] = {}


def _drawn(
    plan: Plan,
    readings: Sequence[MetricReading],
    curves: Mapping[str, Mapping[str, Points]],
    histograms: Mapping[str, Mapping[str, Histogram]],
) -> list[DrawnChart]:
    """Draw, or take what was drawn of the very same before: drawing takes a second."""
    key = repr((plan.metrics, plan.design.variants, readings, curves, histograms))
    if key not in _DRAWN:
        _DRAWN[key] = charts.draw(plan, readings, curves, histograms)
    return _DRAWN[key]


def store_failure(
    session: Session, experiment: Experiment, *, at: datetime
) -> AnalysisRun:
    """Store a run that came to nothing."""
    run = AnalysisRun(
        experiment_id=experiment.id,
        state=RunState.FAILED.value,
        phase=None,
        started_at=at,
        finished_at=at,
        as_of=at,
        plan_sha256="0" * 64,
        code_version="0.1.0",
        error="The store does not answer.",
        counts={},
        summaries=[],
    )
    session.add(run)
    session.flush()
    return run


def _beside(row: Result, beside: ReadOuts, tried: Sequence[Explored]) -> Result:
    found = beside.get((row.metric, row.variant))
    if found is not None and not row.segment:
        row.details = {**row.details, **read_out_to_json(found)}
    if tried and row.role == Role.PRIMARY and not row.segment:
        row.details = {**row.details, exploring.DETAIL: explored_to_json(tried)}
    return row


def explored_splits() -> tuple[Explored, ...]:
    """Two segments that nobody declared, and one of so few that it is withheld."""
    shown = change(0.041, 0.03, control=0.64, n=3_100)
    few = NotComputable(Reason.TOO_FEW_UNITS)
    pulled = Shrunk(0.024, 0.01, Interval(0.004, 0.044))
    return tuple(
        Explored(PlannedSegment(key, 2, name, {}), outcome, p_value, at)
        for key, name, outcome, p_value, at in (
            ("teams", "Teams of five and more", shown, 0.021, pulled),
            ("few", "Flower shops", few, None, None),
            ("long", f"{'A name as long as names may be ' * 6}here", shown, 0.3, None),
        )
    )


def _result(
    plan: Plan,
    reading: MetricReading,
    cases: Mapping[tuple[str, str, str], tuple[SentenceCase, str]],
    histograms: Mapping[str, Mapping[str, Histogram]],
) -> Result:
    case, sentence = cases[reading.metric, reading.variant, reading.segment]
    return Result(
        metric=reading.metric,
        metric_version=plan.metric(reading.metric).choice.version,
        role=reading.role.value,
        variant=reading.variant,
        segment=reading.segment,
        sentence_case=case.value,
        sentence=sentence,
        outcome=outcome_to_json(reading.outcome),
        details=_details(plan, reading, histograms.get(reading.metric)),
    )


def _details(
    plan: Plan, reading: MetricReading, arms: Mapping[str, Histogram] | None
) -> dict[str, Any]:
    """Write a survey's read-outs as the pipeline does, from its histograms."""
    if reading.response is None:
        return {}
    details = {"response": response_to_json(reading.response)}
    if arms is None:
        return details
    definition = plan.metric(reading.metric).definition
    control, treatment = (
        Cell(reading.metric, name, "", arms[name], 0)
        for name in (plan.design.control.name, reading.variant)
    )
    silence = silence_of(definition, control, treatment, reading.outcome, 0.95)
    others = answer_readings(definition, control, treatment, 0.95)
    if silence is not None and others is not None:
        details["silence"] = silence_to_json(silence)
        details["answers"] = readings_to_json(others)
    return details


def _chart(chart: DrawnChart) -> Chart:
    return Chart(
        name=chart.name,
        title=chart.title,
        web_svg=chart.web_svg,
        print_svg=chart.print_svg,
        table=chart.table,
    )


def finish(
    session: Session,
    experiment: Experiment,
    *,
    at: datetime,
    primary: Outcome | None = None,
    guardrail: Outcome | None = None,
    checks: Sequence[CheckView] = PASSED_CHECKS,
    asked: tuple[int, int] = (3_900, 3_950),
    **others: Any,  # noqa: ANN401  # of store_run
) -> AnalysisRun:
    """Store the final run of an experiment with a retention and a CSAT metric.

    Every treatment gets the same outcomes; `asked` are the answers in control and in
    the treatments.
    """
    plan, _ = plan_lock.locked_plan(session, experiment)
    decides, guards = (metric.choice.metric for metric in plan.metrics[:2])
    control = answers(110, 180, 420, 1_650, asked[0] - 2_360)
    treated = answers(90, 160, 400, 1_600, asked[1] - 2_250)
    balance = response_balance(control, treated)
    outcomes: dict[tuple[str, str, str], Outcome] = {}
    for treatment in plan.design.treatments:
        outcomes[decides, treatment.name, ""] = primary or change(
            0.019, 0.013, control=0.701
        )
        outcomes[guards, treatment.name, ""] = guardrail or change(
            0.011, 0.033, control=4.12, n=3_900, n_missing=5_500
        )
        for label in sorted({ref.segment for ref in plan.design.breakdowns}):
            outcomes[decides, treatment.name, label] = change(
                0.03, 0.028, control=0.66, n=2_100
            )
    balances = {(guards, t.name): balance for t in plan.design.treatments}
    names = [variant.name for variant in plan.design.variants]
    return store_run(
        session,
        experiment,
        readings_of(plan, outcomes, balances),
        at=at,
        checks=checks,
        curves={decides: {name: curve(62 - 4 * i) for i, name in enumerate(names)}},
        histograms={
            guards: {name: treated if i else control for i, name in enumerate(names)}
        },
        **others,
    )
