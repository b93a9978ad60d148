import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.decision_rule import DecisionRule, preset_rule
from experiments.design import Design
from experiments.design_parts import SegmentParameters, SegmentRef
from experiments.errors import InvalidInput
from experiments.hypothesis import Hypothesis
from experiments.metric_definition import SYSTEM_EVENTS, MetricDefinition
from experiments.storable import fault_in_text
from experiments.vocabulary import (
    AssignedBy,
    Direction,
    MetricKind,
    MonitoringMode,
    ParameterType,
    Role,
    RulePreset,
    Unit,
)
from tests import factories
from tests.experiments import strategies
from tests.factories import CSAT, NOW, RETENTION, choice, variant

NAN, INF, HUGE = float("nan"), float("inf"), 10**400
CONTROL = variant("control", is_control=True)
FIRST = choice(RETENTION)
GUARD = choice(CSAT, Role.GUARDRAIL, margin=0.05)


def faults(value: Design | MetricDefinition | Hypothesis) -> dict[str, str]:
    try:
        value.check()
    except InvalidInput as refusal:
        return refusal.fields
    return {}


@settings(max_examples=50)
@given(strategies.designs())
def test_check__any_complete_design__has_no_fault(design: Design) -> None:
    assert faults(design) == {}
    assert design.control in design.variants
    assert len(design.treatments) == len(design.variants) - 1


@given(strategies.definitions())
def test_check__any_complete_definition__has_no_fault(
    definition: MetricDefinition,
) -> None:
    assert faults(definition) == {}
    assert definition.maturity >= timedelta(days=definition.day)


@given(strategies.hypotheses())
def test_check__any_complete_hypothesis__has_no_fault(hypothesis: Hypothesis) -> None:
    assert faults(hypothesis) == {}


anything: st.SearchStrategy[Any] = st.one_of(
    st.floats(), st.integers(), st.sampled_from([HUGE, -HUGE, 2**63, 0, -1])
)


@given(anything, anything, anything, anything, anything)
def test_check__any_numbers_at_all__refuses_or_keeps_what_a_column_holds(
    coverage: float, alpha: float, units: int, share: float, change: float
) -> None:
    design = factories.design_value(
        coverage=coverage,
        alpha=alpha,
        planned_units=units,
        variants=(CONTROL, variant("b", share=share)),
        metrics=(choice(RETENTION, change_that_matters=change), GUARD),
    )
    if not faults(design):
        assert 0.001 <= coverage <= 1
        assert 0.001 <= alpha <= 0.2
        assert 20 <= units < 2**31  # an INTEGER of PostgreSQL
        assert share == pytest.approx(0.5, abs=1e-6)
        assert 0.0001 <= change < 1e7


@given(st.text(), st.text(max_size=3))
def test_check__any_text_at_all__refuses_or_keeps_what_both_databases_hold(
    text: str, key: str
) -> None:
    found = faults(factories.design_value(name=text, key=key))
    if "name" not in found:
        assert text.strip()
        assert len(text) <= 200
        assert fault_in_text(text) is None
    if "key" not in found:
        assert key.isascii()
        assert set("/ ?#%\\").isdisjoint(key)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"key": ""}, "key"),
        ({"key": "a b"}, "key"),
        ({"key": "a/b"}, "key"),
        ({"key": "ä"}, "key"),
        ({"key": "x" * 65}, "key"),
        ({"name": ""}, "name"),
        ({"coverage": 0}, "coverage"),
        ({"coverage": 0.000999}, "coverage"),
        ({"coverage": 1.0001}, "coverage"),
        ({"coverage": NAN}, "coverage"),
        ({"coverage": HUGE}, "coverage"),
        ({"alpha": 0}, "alpha"),
        ({"alpha": NAN}, "alpha"),
        ({"planned_units": 19}, "planned_units"),
        ({"planned_units": HUGE}, "planned_units"),
        ({"planned_units": 10**9 + 1}, "planned_units"),
        ({"looks": (0.5, 1.0)}, "looks"),  # a fixed end has no looks
        *(
            (
                {"monitoring_mode": MonitoringMode.GROUP_SEQUENTIAL, "looks": looks},
                "looks",
            )
            for looks in (
                (0.5,),
                (0.01, 1.0),
                (0.5, 0.5, 1.0),
                (0.5, 1.5),
                (math.nan, 1.0),
                tuple(n / 31 for n in range(1, 32)),
            )
        ),
        ({"planned_end_at": datetime(1, 1, 1, tzinfo=UTC)}, "planned_end_at"),
        ({"planned_end_at": datetime(9999, 12, 31, tzinfo=UTC)}, "planned_end_at"),
        ({"planned_end_at": datetime(2026, 5, 1)}, "planned_end_at"),  # noqa: DTZ001
        ({"exposures_from": NOW + timedelta(days=58)}, "planned_end_at"),
        (
            {"exposures_from": NOW, "enrolment_ends_at": NOW},
            "enrolment_ends_at",
        ),
        ({"enrolment_ends_at": NOW + timedelta(days=59)}, "enrolment_ends_at"),
        ({"segment_version": 0}, "segment_version"),
        ({"segment_version": HUGE}, "segment_version"),
        ({"breakdowns": (SegmentRef("a", -1),)}, "breakdowns.0.version"),
        ({"breakdowns": (SegmentRef("a", 1),) * 2}, "breakdowns.1.segment"),
        (
            {"breakdowns": tuple(SegmentRef("a", n) for n in range(1, 52))},
            "breakdowns",
        ),
    ],
)
def test_check__plain_field_at_fault__is_named(
    changes: dict[str, Any], field: str
) -> None:
    assert list(faults(factories.design_value(**changes))) == [field]


RULE = SegmentParameters("new", 1, {})


@pytest.mark.parametrize(
    ("variants", "field"),
    [
        ((), "variants"),
        ((CONTROL,), "variants"),
        ((variant("a"), variant("b")), "variants"),  # no control
        ((CONTROL, variant("b", is_control=True)), "variants"),
        ((CONTROL, variant("b", share=0.4)), "variants"),
        ((CONTROL, variant("b", share=0.6)), "variants"),
        ((CONTROL, variant("b", share=0)), "variants.1.share"),
        ((CONTROL, variant("b", share=NAN)), "variants.1.share"),
        ((CONTROL, variant("b", share=INF)), "variants.1.share"),
        ((CONTROL, variant("b", share=HUGE)), "variants.1.share"),
        ((CONTROL, variant("control")), "variants.1.name"),
        ((CONTROL, variant("Control")), "variants.1.name"),
        ((CONTROL, variant("")), "variants.1.name"),
        ((CONTROL, variant("b", description="x" * 2001)), "variants.1.description"),
        ((CONTROL, variant("b", description="\ud800")), "variants.1.description"),
        ((CONTROL, variant("b", parameters={"a": NAN})), "variants.1.parameters"),
        ((CONTROL, variant("b", parameters={"a": "\x00"})), "variants.1.parameters"),
        (
            (CONTROL, variant("b", parameters={"a": "x" * 32768})),
            "variants.1.parameters",
        ),
        (
            (
                variant("control", is_control=True, personalisation=(RULE,)),
                variant("b"),
            ),
            "variants.0.personalisation",
        ),
        (
            (CONTROL, variant("b", personalisation=(RULE,) * 51)),
            "variants.1.personalisation",
        ),
        (
            (
                CONTROL,
                variant(
                    "b", personalisation=(RULE, SegmentParameters("new", 1, {"a": INF}))
                ),
            ),
            "variants.1.personalisation.1.parameters",
        ),
        (
            (CONTROL, variant("b", parameters={"price": 1})),
            "variants.0.parameters.price",  # what customers outside would get
        ),
        (
            (
                CONTROL,
                variant(
                    "b", personalisation=(SegmentParameters("new", 1, {"price": 1}),)
                ),
            ),
            "variants.0.parameters.price",
        ),
        (
            (
                variant("control", is_control=True, share=0.2),
                variant("b", share=0.4, personalisation=(RULE,)),
                variant("c", share=0.4, personalisation=(RULE,)),
            ),
            "variants",
        ),
        (
            (
                variant("control", is_control=True, share=1 / 11),
                *(variant(f"v{n}", share=1 / 11) for n in range(10)),
            ),
            "variants",
        ),
    ],
)
def test_check__variants_at_fault__are_named(variants: Any, field: str) -> None:  # noqa: ANN401
    assert list(faults(factories.design_value(variants=variants))) == [field]


def test_check__declared_types__name_values_and_types_that_do_not_fit() -> None:
    variants = (
        variant("control", is_control=True, parameters={"price": 5, "on": True}),
        variant(
            "b",
            parameters={"price": "5"},
            personalisation=(SegmentParameters("new", 1, {"price": 4.5}),),
        ),
    )
    types = {"price": ParameterType.INTEGER, "gone": ParameterType.JSON}

    design = factories.design_value(variants=variants, parameter_types=types)

    assert faults(design) == {
        "parameter_types.gone": "No variant has such a parameter.",
        "variants.1.parameters.price": "Give a whole number: its type is integer.",
        "variants.1.personalisation.0.parameters.price": "Give a whole number: its"
        " type is integer.",
    }


def test_check__values_of_different_types__variant_and_parameter_are_named() -> None:
    variants = (
        variant("control", is_control=True, parameters={"price": 5, "show": "no"}),
        variant(
            "b",
            parameters={"price": 4.5, "show": True},
            personalisation=(SegmentParameters("new", 1, {"show": None}),),
        ),
    )
    design = factories.design_value(variants=variants)

    assert faults(design) == {
        "variants.1.parameters.show": 'Variant b gives "show" as true or false, control'
        ' as a text. Give both the same type, or declare "show" as json.',
        "variants.1.personalisation.0.parameters.show": 'Variant b gives "show" as a'
        " list, an object or null, control as a text. Give both the same type, or"
        ' declare "show" as json.',
    }
    declared = factories.design_value(
        variants=variants, parameter_types={"show": ParameterType.JSON}
    )
    assert faults(declared) == {}
    assert (design.mixes_types, declared.mixes_types) == (True, True)
    assert not factories.design_value().mixes_types


def test_typed__some_declared__rest_is_read_from_the_values() -> None:
    variants = (
        variant("control", is_control=True, parameters={"price": 5, "on": True}),
        variant("b", parameters={"price": 4, "on": False}),
    )
    design = factories.design_value(
        variants=variants, parameter_types={"price": ParameterType.FLOAT}
    ).typed()

    assert design.parameter_types == {
        "price": ParameterType.FLOAT,
        "on": ParameterType.BOOLEAN,
    }
    assert repr(design.control.parameters) == "{'price': 5.0, 'on': True}"
    assert design.typed() == design


@pytest.mark.parametrize(
    ("metrics", "fields"),
    [
        ((), ["metrics"]),
        ((GUARD,), ["metrics"]),
        ((FIRST,), ["metrics"]),  # no guardrail
        ((FIRST, choice("x"), GUARD), ["metrics"]),
        ((FIRST, GUARD, choice(CSAT, Role.SECONDARY)), ["metrics.2.metric"]),
        ((FIRST, choice(CSAT, Role.GUARDRAIL)), ["metrics.1.margin"]),
        ((FIRST, choice(CSAT, Role.GUARDRAIL, margin=0)), ["metrics.1.margin"]),
        ((FIRST, choice(CSAT, Role.GUARDRAIL, margin=NAN)), ["metrics.1.margin"]),
        (
            (choice(RETENTION, change_that_matters=-0.1), GUARD),
            ["metrics.0.change_that_matters"],
        ),
        (
            (choice(RETENTION, change_that_matters=HUGE), GUARD),
            ["metrics.0.change_that_matters"],
        ),
        ((choice(RETENTION, version=0), GUARD), ["metrics.0.version"]),
        (
            (FIRST, GUARD, *(choice(f"m{n}", Role.SECONDARY) for n in range(49))),
            ["metrics"],
        ),
    ],
)
def test_check__metrics_at_fault__are_named(metrics: Any, fields: list[str]) -> None:  # noqa: ANN401
    assert list(faults(factories.design_value(metrics=metrics))) == fields


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"decision_rule": preset_rule(RulePreset.CLEAR_WIN)}, []),
        (
            {"decision_rule": preset_rule(RulePreset.DO_NO_HARM)},
            ["metrics.0.margin"],
        ),
        (
            {
                "decision_rule": preset_rule(RulePreset.DO_NO_HARM),
                "metrics": (choice(RETENTION, margin=0.02), GUARD),
            },
            [],
        ),
        (
            {"decision_rule": DecisionRule(RulePreset.OWN, splits_not_worse=True)},
            ["metrics.0.margin", "breakdowns"],
        ),
        (
            {"decision_rule": DecisionRule(RulePreset.CLEAR_WIN)},
            ["decision_rule"],
        ),
    ],
)
def test_check__decision_rule__asks_for_what_it_judges_by(
    changes: dict[str, Any], fields: list[str]
) -> None:
    assert list(faults(factories.design_value(**changes))) == fields


def test_check__strata_without_a_split_or_in_accounts__refused() -> None:
    strata = factories.design_value(post_stratified=True)
    assert list(faults(strata)) == ["post_stratified"]
    accounts = factories.design_value(
        post_stratified=True, unit=Unit.ACCOUNT, hash_attribute="accountId"
    )
    assert "several segments" in faults(accounts)["post_stratified"]


def test_check__external_without_guardrail__is_fine() -> None:
    assert faults(factories.external_design(metrics=(FIRST,))) == {}
    assert faults(factories.design_value(assigned_by=AssignedBy.ABIDE)) == {}


def test_check__split_that_does_not_add_up__says_what_is_missing() -> None:
    design = factories.design_value(variants=(CONTROL, variant("b", share=0.45)))
    assert faults(design)["variants"] == (
        "The shares add to 95 %, not 100 %: 5 % is missing."
    )


def test_check__several_faults__are_named_together() -> None:
    design = factories.design_value(key="", name="", coverage=2, metrics=())
    assert list(faults(design)) == ["key", "name", "coverage", "metrics"]


@pytest.mark.parametrize("name", sorted(SYSTEM_EVENTS))
def test_metric__system_event__never_counts_as_activity(name: str) -> None:
    found = faults(factories.definition(events=("App Opened", name)))
    assert list(found) == ["events"]
    assert name in found["events"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"events": ()}, "events"),
        ({"events": ("",)}, "events"),
        ({"events": ("\x00",)}, "events"),
        ({"events": ("\ud800",)}, "events"),
        ({"events": ("x" * 201,)}, "events"),
        ({"events": ("x",) * 51}, "events"),
        ({"day": 0}, "day"),
        ({"day": 731}, "day"),
        ({"day": HUGE}, "day"),
        ({"window_days": 0}, "window_days"),
        ({"gap_days": -1}, "gap_days"),
        ({"direction": Direction.DECREASE}, "direction"),
        ({"kind": MetricKind.CHURN}, "direction"),
        ({"kind": MetricKind.TIME_TO_CHURN, "direction": "decrease"}, "direction"),
        ({"kind": MetricKind.CSAT_MEAN, "scale": 1}, "scale"),
        ({"kind": MetricKind.CSAT_SHARE, "satisfied_from": 1}, "satisfied_from"),
        ({"kind": MetricKind.NPS, "scale": 5}, "scale"),
        (
            {
                "kind": MetricKind.NPS,
                "scale": 10,
                "satisfied_from": 9,
                "direction": Direction.DECREASE,
            },
            "direction",
        ),
        ({"kind": MetricKind.CSAT_SHARE, "satisfied_from": 6}, "satisfied_from"),
        ({"kind": MetricKind.CSAT_MEAN, "survey": "x" * 101}, "survey"),
        ({"kind": MetricKind.CSAT_MEAN, "survey": "\x00"}, "survey"),
    ],
)
def test_metric__field_at_fault__is_named(changes: dict[str, Any], field: str) -> None:
    assert field in faults(factories.definition(**changes))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"hash_attribute": ""}, "hash_attribute"),
        ({"hash_attribute": "home.device"}, "hash_attribute"),
        ({"hash_attribute": "constructor"}, "hash_attribute"),
        ({"hash_attribute": "consent"}, "hash_attribute"),
        ({"hash_attribute": "x" * 65}, "hash_attribute"),
        ({"fallback_attribute": "id"}, "fallback_attribute"),
        ({"fallback_attribute": "0id"}, "fallback_attribute"),
        ({"unit": Unit.ACCOUNT}, "hash_attribute"),
        (
            {
                "unit": Unit.ACCOUNT,
                "hash_attribute": "accountId",
                "fallback_attribute": "id",
            },
            "fallback_attribute",
        ),
        (
            {"hash_attribute": "device", "assigned_by": AssignedBy.EXTERNAL},
            "hash_attribute",
        ),
    ],
)
def test_check__attributes_that_cannot_be_drawn_by__are_named(
    changes: dict[str, Any], field: str
) -> None:
    assert list(faults(factories.design_value(**changes))) == [field]


def test_check__accounts_by_an_attribute_of_theirs__are_accepted() -> None:
    design = factories.design_value(unit=Unit.ACCOUNT, hash_attribute="accountId")
    assert not faults(design)
    elsewhere = factories.external_design(unit=Unit.ACCOUNT)
    assert "unit" in faults(elsewhere)
