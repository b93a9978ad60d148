"""Customers as an experiment would have met them: who was first seen in some weeks.

Baselines are read by the same queries as results. What differs is who is in: not the
exposed, but everybody with any activity in a window of days; the clock of each starts
with the first of it, as it would with an exposure. Nobody is in a variant of their own.
"""

from collections.abc import Mapping
from datetime import datetime

import ibis
from typing_extensions import override

from analysis.bounds import Bounds
from analysis.cohort import Cohort
from analysis.event_rows import Rows
from experiments.design import Design
from experiments.design_parts import MetricChoice, SegmentRef, VariantSpec
from experiments.hypothesis import Hypothesis
from experiments.metric_definition import MetricDefinition
from experiments.plan import Plan, PlannedMetric, PlannedSegment
from experiments.vocabulary import (
    AssignedBy,
    Direction,
    EventKind,
    Evidence,
    Goal,
    MonitoringMode,
    Role,
    Unit,
)

EVERYBODY_SEEN = "seen"  # the one variant


class SeenCohort(Cohort):
    """Customers with any activity between two moments, in one variant."""

    _traced: tuple[str, ...] = ()  # nobody was exposed

    @override
    def _exposures(self, events: Rows) -> Rows:
        until = self._bounds.exposures_until or self._bounds.data_cutoff
        rows = events.filter(
            events.kind == EventKind.ACTIVITY.value,
            # By the stored column, so that files of other days are not read.
            events.occurred_at >= self._plan.exposures_from,
            events.occurred_at < until,
        )
        rows = rows.mutate(variant=ibis.literal(EVERYBODY_SEEN))
        if self._out:
            rows = rows.mutate(opted_out=self._out.has(rows.customer, rows.person))
        yes, no = ibis.literal(True), ibis.literal(False)  # noqa: FBT003  # columns of it
        return rows.mutate(inside=yes, declared=yes, shown=yes, wrong=no, counts=yes)


def plan_of_baselines(
    definitions: Mapping[str, MetricDefinition],
    segments: Mapping[str, PlannedSegment],
    since: datetime,
) -> Plan:
    """Write down what is to be measured, in the words that the queries understand.

    Args:
        definitions: of the metrics, by key.
        segments: to read them in too, by key.
        since: customers are first seen from here on.

    Returns:
        A plan of one variant that nobody locked, for these queries only.
    """
    metrics = tuple(
        PlannedMetric(key, MetricChoice(key, 1, Role.GUARDRAIL, 1.0, 1.0), definition)
        for key, definition in definitions.items()
    )
    design = Design(
        key="",
        name="",
        hypothesis="",
        goal=Goal.OTHER,
        assigned_by=AssignedBy.EXTERNAL,
        unit=Unit.CUSTOMER,
        segment="",
        segment_version=1,
        variants=(VariantSpec(EVERYBODY_SEEN, "", True, 1.0, {}),),  # noqa: FBT003  # control
        coverage=1.0,
        metrics=tuple(metric.choice for metric in metrics),
        monitoring_mode=MonitoringMode.FIXED_END,
        planned_units=0,
        planned_end_at=since,
        breakdowns=tuple(SegmentRef(key, s.version) for key, s in segments.items()),
    )
    return Plan(
        design=design,
        hypothesis=_NONE,
        metrics=metrics,
        segments=tuple(segments.values()),
        salt="",
        phase=1,
        exposures_from=since,
        locked_at=since,
        pre_registered=False,
        reviewed=False,
        decision_rule="",
    )


def bounds_of(
    now: datetime, cutoff: datetime, until: datetime, opted_out: tuple[bytes, ...]
) -> Bounds:
    """Say which customers count, and up to when they were watched."""
    return Bounds(
        as_of=now, data_cutoff=cutoff, exposures_until=until, opted_out=opted_out
    )


_NONE = Hypothesis(
    key="",
    title="",
    evidence=Evidence.OPINION,
    evidence_text="",
    change="",
    segment="",
    metric="",
    direction=Direction.INCREASE,
    expected_change=0.0,
    journey_stage="",
    friction_point="",
    if_up="",
    if_flat="",
    if_down="",
    forecast=None,
)
