"""Hypothesis strategies for the frozen values: everything that `check` accepts."""

import dataclasses
import string
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from experiments.decision_rule import preset_rule
from experiments.design import Design
from experiments.design_parts import (
    MetricChoice,
    SegmentParameters,
    SegmentRef,
    VariantSpec,
)
from experiments.hypothesis import Forecast, Hypothesis
from experiments.metric_definition import (
    CANCELLATIONS,
    NATURAL,
    MetricDefinition,
)
from experiments.plan import Plan, PlannedMetric, PlannedSegment
from experiments.storable import MAX_SAFE_NUMBER
from experiments.vocabulary import (
    AssignedBy,
    Direction,
    Evidence,
    Goal,
    Lever,
    MetricKind,
    MonitoringMode,
    Role,
    RulePreset,
    Unit,
)
from tests import factories

BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
keys = st.text(
    string.ascii_letters + string.digits + "._~-", min_size=1, max_size=9
).filter(lambda key: key not in {".", ".."})
# All of Unicode but NUL and halves of surrogate pairs.
storable_text = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00"), max_size=9
)
filled_text = storable_text.filter(lambda text: bool(text.strip()))
numbers = st.one_of(
    st.integers(-MAX_SAFE_NUMBER, MAX_SAFE_NUMBER),
    st.floats(-MAX_SAFE_NUMBER, MAX_SAFE_NUMBER),
)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | numbers | storable_text,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(storable_text, inner, max_size=3)
    ),
    max_leaves=4,
)
parameters = st.dictionaries(storable_text, json_values, max_size=2)
times = st.integers(0, 80 * 365 * 86_400 * 10**6).map(
    lambda microseconds: BEGIN + timedelta(microseconds=microseconds)
)
changes = st.floats(0.0001, 0.999)


@st.composite
def definitions(draw: st.DrawFn) -> MetricDefinition:
    kind = draw(st.sampled_from(MetricKind))
    scale = 10 if kind == MetricKind.NPS else draw(st.integers(2, 100))
    least = 2 if kind == MetricKind.FUNNEL else 1
    names = draw(st.lists(filled_text, min_size=least + 2, max_size=5, unique=True))
    beside = tuple(names[:2]) if draw(st.booleans()) else ()
    return MetricDefinition(
        kind=kind,
        direction=NATURAL.get(kind, draw(st.sampled_from(Direction))),
        events=tuple(names[2:]),
        day=draw(st.integers(1, 730)),
        window_days=draw(st.integers(1, 730)),
        gap_days=draw(st.integers(1, 730)),
        survey=draw(storable_text),
        scale=scale,
        satisfied_from=draw(st.integers(2, scale)),
        at_least=draw(st.integers(1, 9)) if kind == MetricKind.EVENT_SHARE else 1,
        start_events=beside if kind == MetricKind.TIME_TO_EVENT else (),
        competing_events=beside if kind in CANCELLATIONS else (),
        per_events=tuple(names[:2]) if kind == MetricKind.RATIO else (),
    )


@st.composite
def hypotheses(draw: st.DrawFn) -> Hypothesis:
    low, mid, high = sorted(draw(st.floats(-1, 10)) for _ in range(3))
    return Hypothesis(
        key=draw(keys),
        evidence=draw(st.sampled_from(Evidence)),
        segment=draw(keys),
        metric=draw(keys),
        direction=draw(st.sampled_from(Direction)),
        expected_change=draw(changes),
        journey_stage=draw(keys),
        lever=draw(st.sampled_from(Lever)),
        forecast=draw(
            st.none()
            | st.builds(Forecast, *map(st.just, (low, mid, high)), st.floats(0, 1))
        ),
        **{
            name: draw(filled_text)
            for name in (
                "title",
                "evidence_text",
                "change",
                "friction_point",
                "if_up",
                "if_flat",
                "if_down",
            )
        },
    )


@st.composite
def variants(draw: st.DrawFn) -> tuple[VariantSpec, ...]:
    names = draw(st.lists(keys, min_size=2, max_size=4, unique=True))
    weights = draw(
        st.lists(st.integers(1, 100), min_size=len(names), max_size=len(names))
    )
    # Control gives each parameter a value; the others may leave some out.
    default = draw(parameters)
    some = st.fixed_dictionaries({}, optional=dict.fromkeys(default, json_values))
    rules = draw(
        st.lists(
            st.builds(SegmentParameters, keys, st.integers(1, 99), some), max_size=3
        )
    )
    return tuple(
        VariantSpec(
            name=name,
            description=draw(storable_text),
            is_control=position == 0,
            share=weight / sum(weights),
            parameters=draw(some) if position else default,
            personalisation=tuple(rules) if position == 1 else (),
        )
        for position, (name, weight) in enumerate(zip(names, weights, strict=True))
    )


@st.composite
def metric_choices(draw: st.DrawFn) -> tuple[MetricChoice, ...]:
    names = draw(st.lists(keys, min_size=2, max_size=4, unique=True))
    roles = [Role.PRIMARY, Role.GUARDRAIL]
    roles += [draw(st.sampled_from([Role.SECONDARY, Role.GUARDRAIL])) for _ in names]
    return tuple(
        MetricChoice(name, draw(st.integers(1, 99)), role, draw(changes), draw(changes))
        for name, role in zip(names, roles, strict=False)
    )


@st.composite
def designs(draw: st.DrawFn) -> Design:
    begins = draw(times)
    design = Design(
        key=draw(keys),
        name=draw(filled_text),
        hypothesis=draw(keys),
        goal=draw(st.sampled_from(Goal)),
        assigned_by=draw(st.sampled_from(AssignedBy)),
        unit=Unit.CUSTOMER,
        segment=draw(keys),
        segment_version=draw(st.integers(1, 99)),
        variants=draw(variants()),
        coverage=draw(st.floats(0.001, 1)),
        metrics=draw(metric_choices()),
        monitoring_mode=MonitoringMode.FIXED_END,
        planned_units=draw(st.integers(20, 10**9)),
        planned_end_at=begins + draw(st.timedeltas(timedelta(seconds=1), DECADE)),
        alpha=draw(st.floats(0.001, 0.2)),
        exposures_from=draw(st.none() | st.just(begins)),
        enrolment_ends_at=draw(st.none() | st.just(begins + timedelta(microseconds=1))),
        breakdowns=tuple(
            draw(
                st.lists(
                    st.builds(SegmentRef, keys, st.integers(1, 99)),
                    max_size=3,
                    unique=True,
                )
            )
        ),
        decision_rule=preset_rule(draw(st.sampled_from(RulePreset))),
    )
    # Values of different types go together only where that is declared.
    declared = design.types_of_values if design.mixes_types else {}
    design = dataclasses.replace(design, parameter_types=declared)
    return design.typed() if draw(st.booleans()) else design


DECADE = timedelta(days=3650)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    design = draw(designs())
    return Plan(
        design=design,
        hypothesis=draw(hypotheses()),
        metrics=tuple(
            PlannedMetric(draw(filled_text), choice, draw(definitions()))
            for choice in design.metrics
        ),
        segments=tuple(
            draw(
                st.lists(
                    st.builds(
                        PlannedSegment,
                        keys,
                        st.integers(1, 99),
                        filled_text,
                        st.dictionaries(storable_text, json_values, max_size=2),
                    ),
                    min_size=1,
                    max_size=3,
                )
            )
        ),
        salt=draw(keys),
        phase=draw(st.integers(1, 5)),
        exposures_from=draw(times),
        locked_at=draw(times),
        pre_registered=draw(st.booleans()),
        reviewed=draw(st.booleans()),
        decision_rule=draw(filled_text),
    )


def some_plan() -> Plan:
    """Give one small plan with known content."""
    design = factories.design_value()
    return Plan(
        design=design,
        hypothesis=factories.hypothesis_value(),
        metrics=(
            PlannedMetric(
                "Day-30 retention", design.metrics[0], factories.definition()
            ),
            PlannedMetric("CSAT", design.metrics[1], factories.csat_definition()),
        ),
        segments=(
            PlannedSegment(
                factories.SEGMENT, 1, "Business customers", {"plan": "business"}
            ),
        ),
        salt="5a17" * 8,
        phase=1,
        exposures_from=factories.NOW,
        locked_at=factories.NOW,
        pre_registered=True,
        reviewed=True,
        decision_rule="Ship if it is better. Otherwise keep control.",
    )


def altered(plan: Plan, **fields: Any) -> Plan:  # noqa: ANN401  # any field
    """Change fields of the plan's design."""
    return dataclasses.replace(plan, design=dataclasses.replace(plan.design, **fields))
