"""A plan and estimates to judge: each test names only what differs."""

from datetime import UTC, datetime
from typing import Any

from analysis.readings import CheckView, MetricReading, Progress, Silence
from analysis.stats.estimate import ArmValue, Estimate, Interval, NotComputable, Outcome
from analysis.stats.nonresponse import LeeBounds
from analysis.stats.satisfaction import ResponseBalance, response_balance
from analysis.stats.summary import Histogram
from experiments.decision_rule import USUAL, DecisionRule
from experiments.design import Design
from experiments.design_parts import MetricChoice, VariantSpec
from experiments.hypothesis import Forecast, Hypothesis
from experiments.metric_definition import USUAL_DIRECTION, MetricDefinition
from experiments.plan import Plan, PlannedMetric, PlannedSegment
from experiments.vocabulary import (
    AssignedBy,
    CheckState,
    Direction,
    Evidence,
    Goal,
    HealthCheck,
    MetricKind,
    MonitoringMode,
    Reason,
    ResultPhase,
    Role,
    Unit,
)

NAMES = {
    MetricKind.RETENTION: "Day-30 retention",
    MetricKind.CHURN: "Day-30 churn",
    MetricKind.TIME_TO_CHURN: "Time to churn",
    MetricKind.CSAT_MEAN: "CSAT",
    MetricKind.CSAT_SHARE: "Share satisfied",
    MetricKind.NPS: "NPS",
    MetricKind.CES_MEAN: "Effort",
    MetricKind.CES_SHARE: "Found it easy",
    MetricKind.EVENT_COUNT: "Orders",
    MetricKind.VALUE_SUM: "Revenue",
    MetricKind.RATIO: "Contacts per order",
    MetricKind.UNBOUNDED_RETENTION: "Back after day 30",
    MetricKind.CANCELLATION: "Cancellations by day 90",
    MetricKind.TIME_TO_CANCELLATION: "Time to cancellation",
    MetricKind.TIME_TO_EVENT: "Time to first value",
    MetricKind.EVENT_SHARE: "Repeat purchase",
    MetricKind.FUNNEL: "Set-up finished",
    MetricKind.FIRST_CONTACT_RESOLUTION: "First-contact resolution",
    MetricKind.VALUE_QUANTILE: "Median basket",
}
TARGETS = {
    MetricKind.RETENTION: 0.01,
    MetricKind.CHURN: 0.01,
    MetricKind.TIME_TO_CHURN: 1.0,
    MetricKind.CSAT_MEAN: 0.1,
    MetricKind.CSAT_SHARE: 0.02,
    MetricKind.NPS: 3.0,
    MetricKind.CES_MEAN: 0.1,
    MetricKind.CES_SHARE: 0.02,
    MetricKind.EVENT_COUNT: 0.05,
    MetricKind.VALUE_SUM: 1.0,
    MetricKind.RATIO: 0.02,
    MetricKind.UNBOUNDED_RETENTION: 0.01,
    MetricKind.CANCELLATION: 0.01,
    MetricKind.TIME_TO_CANCELLATION: 1.0,
    MetricKind.TIME_TO_EVENT: 0.5,
    MetricKind.EVENT_SHARE: 0.01,
    MetricKind.FUNNEL: 0.01,
    MetricKind.FIRST_CONTACT_RESOLUTION: 0.02,
    MetricKind.VALUE_QUANTILE: 2.0,
}
UNITS = {MetricKind.EVENT_COUNT: "orders", MetricKind.VALUE_SUM: "EUR"}
UNITS[MetricKind.VALUE_QUANTILE] = "EUR"
LOCKED_AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
DUE_AT = datetime(2026, 3, 14, 6, tzinfo=UTC)


def direction_of(kind: MetricKind) -> Direction:
    if kind == MetricKind.RATIO:
        return Direction.DECREASE
    return USUAL_DIRECTION.get(kind, Direction.INCREASE)


def planned_metric(
    kind: MetricKind = MetricKind.RETENTION,
    role: Role = Role.PRIMARY,
    margin: float | None = None,
    **choice: Any,  # noqa: ANN401  # fields of two values
) -> PlannedMetric:
    name = choice.pop("name", NAMES[kind])
    if kind == MetricKind.NPS:
        choice |= {"scale": 10, "satisfied_from": 9}
    if kind in UNITS:
        choice["unit"] = UNITS[kind]
    return PlannedMetric(
        name=name,
        choice=MetricChoice(
            metric=choice.pop("key", kind.value),
            version=1,
            role=role,
            change_that_matters=choice.pop("target", TARGETS[kind]),
            margin=margin,
        ),
        definition=MetricDefinition(
            kind=kind,
            direction=choice.pop("direction", direction_of(kind)),
            events=choice.pop("events", ("Order Placed",)),
            **choice,
        ),
    )


def plan_of(
    *metrics: PlannedMetric,
    treatments: tuple[str, ...] = ("guided",),
    segments: tuple[PlannedSegment, ...] = (),
    rule: DecisionRule = USUAL,
) -> Plan:
    chosen = metrics or (
        planned_metric(),
        planned_metric(MetricKind.CSAT_MEAN, Role.GUARDRAIL, 0.05),
    )
    share = 1 / (1 + len(treatments))
    design = Design(
        key="guided-setup",
        name="Guided set-up",
        hypothesis="guided-setup",
        goal=Goal.CHURN_REDUCTION,
        assigned_by=AssignedBy.ABIDE,
        unit=Unit.CUSTOMER,
        segment="new-small-businesses",
        segment_version=1,
        variants=(
            VariantSpec("control", "The old set-up", True, share, {}),  # noqa: FBT003
            *(
                VariantSpec(name, f"The {name} set-up", False, share, {})  # noqa: FBT003
                for name in treatments
            ),
        ),
        coverage=1.0,
        metrics=tuple(metric.choice for metric in chosen),
        monitoring_mode=MonitoringMode.FIXED_END,
        planned_units=18_800,
        planned_end_at=DUE_AT,
        decision_rule=rule,
    )
    return Plan(
        design=design,
        hypothesis=hypothesis_of(),
        metrics=chosen,
        segments=(
            PlannedSegment("new-small-businesses", 1, "New small businesses", {}),
            *segments,
        ),
        salt="salt",
        phase=1,
        exposures_from=LOCKED_AT,
        locked_at=LOCKED_AT,
        pre_registered=True,
        reviewed=True,
        decision_rule=(
            "Ship if Day-30 retention is better and CSAT harm beyond 0.05 is ruled out."
            " Otherwise keep control."
        ),
    )


def hypothesis_of() -> Hypothesis:
    return Hypothesis(
        key="guided-setup",
        title="A guided set-up keeps new small businesses",
        evidence=Evidence.DATA_PATTERN,
        evidence_text="Four in ten stop at the import step.",
        change="A guide leads through the import, one step at a time.",
        segment="new-small-businesses",
        metric="retention",
        direction=Direction.INCREASE,
        expected_change=0.015,
        journey_stage="onboarding",
        friction_point="Importing customers",
        if_up="Ship it to all new small businesses.",
        if_flat="Keep the old set-up.",
        if_down="Keep the old set-up and talk to ten customers.",
        forecast=Forecast(0.0, 0.02, 0.04, 0.6),
    )


def estimate_of(
    effect: float,
    low: float | None,
    high: float | None,
    *,
    control: float = 0.701,
    n: int = 9_400,
    n_missing: int = 0,
    level: float = 0.95,
) -> Estimate:
    return Estimate(
        method="newcombe",
        control=ArmValue(n, control, n_missing=n_missing),
        treatment=ArmValue(n, control + effect, n_missing=n_missing),
        effect=effect,
        interval=Interval(low, high, level),
        p_value=0.5,
        lift=NotComputable(Reason.BASELINE_NEAR_ZERO),
    )


def reading_of(
    planned: PlannedMetric,
    outcome: Outcome,
    variant: str = "guided",
    segment: str = "",
    response: ResponseBalance | None = None,
    silence: Silence | None = None,
) -> MetricReading:
    return MetricReading(
        planned.choice.metric,
        variant,
        segment,
        planned.choice.role,
        outcome,
        response,
        silence,
    )


def silence_of(low: float, high: float) -> Silence:
    """Make a survey's bounds; what else silence could do stays open."""
    bounds = LeeBounds(0.02, low + 0.01, high - 0.01, Interval(low, high))
    unknown = NotComputable(Reason.NO_SEGMENTS)
    return Silence(bounds, unknown, unknown)


def response_of(control_answered: int, treatment_answered: int) -> ResponseBalance:
    """Answers of 1,000 exposed customers in each group, all of them asked."""
    control, treatment = (
        Histogram(((4.0, answered),), n_exposed=1000, n_invited=1000)
        for answered in (control_answered, treatment_answered)
    )
    return response_balance(control, treatment)


def progress_of(
    phase: ResultPhase = ResultPhase.FINAL,
    **changes: Any,  # noqa: ANN401  # any field of it
) -> Progress:
    values: dict[str, Any] = {
        "units_so_far": 18_800,
        "planned_units": 18_800,
        "mature_units": 18_800,
        "due_at": DUE_AT,
        "phase": phase,
    }
    return Progress(**(values | changes))


PASSED = CheckView(
    HealthCheck.SAMPLE_RATIO, CheckState.PASSED, "Customers were split as planned."
)
FAILED = CheckView(
    HealthCheck.SAMPLE_RATIO,
    CheckState.FAILED,
    "51.9 % of customers got guided where 50 % was planned."
    " Find the cause and restart.",
)
