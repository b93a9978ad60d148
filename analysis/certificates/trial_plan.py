"""The plan of a trial: an experiment of one metric in which nothing differs."""

from dataclasses import replace
from datetime import datetime

from experiments.design import Design
from experiments.design_parts import MetricChoice, VariantSpec
from experiments.hypothesis import Hypothesis
from experiments.metric_definition import MetricDefinition
from experiments.plan import Plan, PlannedMetric, PlannedSegment
from experiments.vocabulary import (
    AssignedBy,
    Evidence,
    Goal,
    MonitoringMode,
    Role,
    Unit,
)

EXPERIMENT = "~certificate"  # no experiment can be called so
METRIC = "metric"
CONTROL, TREATMENTS = "control", ("same", "same-too")
ALPHA = 0.05
LOOKS = 8  # of a plan that may look on any day; planned looks are every other of them


def trial_plan(definition: MetricDefinition, since: datetime, until: datetime) -> Plan:
    """Plan two equal groups with one look at the end.

    Args:
        definition: of the metric that decides.
        since: from when on customers may enter.
        until: until when.

    Returns:
        A locked plan, of a size that `sized` sets.
    """
    choice = MetricChoice(METRIC, 1, Role.PRIMARY, change_that_matters=0.01)
    design = Design(
        key=EXPERIMENT,
        name="A comparison of equals",
        hypothesis=EXPERIMENT,
        goal=Goal.OTHER,
        assigned_by=AssignedBy.ABIDE,
        unit=Unit.CUSTOMER,
        segment=EXPERIMENT,
        segment_version=1,
        variants=_variants(2),
        coverage=1.0,
        metrics=(choice,),
        monitoring_mode=MonitoringMode.FIXED_END,
        planned_units=1,
        planned_end_at=until,
        alpha=ALPHA,
    )
    return Plan(
        design=design,
        hypothesis=_nothing_differs(definition),
        metrics=(PlannedMetric("The metric", choice, definition),),
        segments=(PlannedSegment(EXPERIMENT, 1, "Everybody", {}),),
        salt=EXPERIMENT,
        phase=1,
        exposures_from=since,
        locked_at=since,
        pre_registered=True,
        reviewed=True,
        decision_rule="",
    )


def varied(plan: Plan, mode: MonitoringMode, groups: int, units: int) -> Plan:
    """Give a trial plan its way of monitoring, its groups and its size.

    Args:
        plan: of `trial_plan`.
        mode: how it is monitored.
        groups: control and so many more, equal ones.
        units: customers altogether.

    Returns:
        The plan.
    """
    design = replace(
        plan.design,
        monitoring_mode=mode,
        variants=_variants(groups),
        planned_units=units,
    )
    return replace(plan, design=design)


def _variants(groups: int) -> tuple[VariantSpec, ...]:
    names = (CONTROL, *TREATMENTS)[:groups]
    return tuple(VariantSpec(n, "", n == CONTROL, 1 / groups, {}) for n in names)


def _nothing_differs(definition: MetricDefinition) -> Hypothesis:
    return Hypothesis(
        key=EXPERIMENT,
        title="Nothing differs",
        evidence=Evidence.OPINION,
        evidence_text="The groups get the same.",
        change="None",
        segment=EXPERIMENT,
        metric=METRIC,
        direction=definition.direction,
        expected_change=0.01,
        journey_stage="",
        friction_point="",
        if_up="",
        if_flat="",
        if_down="",
        forecast=None,
    )
