import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings

from experiments.metric_definition import MetricDefinition
from experiments.plan import (
    Plan,
    definition_from_json,
    definition_to_json,
    plan_from_json,
    sha256_of,
    to_plain,
)
from experiments.vocabulary import MonitoringMode
from tests import factories
from tests.experiments import strategies


@settings(max_examples=60)
@given(strategies.plans())
def test_canonical_json__any_plan__reads_back_equal_and_byte_stable(
    plan: Plan,
) -> None:
    text = plan.canonical_json()
    again = plan_from_json(text)
    assert again == plan
    assert again.canonical_json() == text


@given(strategies.definitions())
def test_definition_to_json__any_definition__survives_a_json_column(
    definition: MetricDefinition,
) -> None:
    stored = json.loads(json.dumps(definition_to_json(definition)))
    assert definition_from_json(stored) == definition


def test_canonical_json__known_plan__is_rfc_8785() -> None:
    text = strategies.some_plan().canonical_json()
    # RFC 8785 section 3: no white space, names sorted, UTF-8 unescaped. The values
    # here are ASCII text and short decimals, which json writes in the same way.
    assert text == json.dumps(
        json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    assert text.startswith('{"decision_rule":"Ship if it is better.')
    assert '"coverage":1,' in text  # section 3.2.2.3: 1.0 is written 1
    assert '"alpha":0.05,' in text
    assert '"planned_end_at":"2026-05-11T09:30:00.000000+00:00"' in text


def test_sha256_of__text__is_the_plain_digest() -> None:
    # FIPS 180-2, appendix B.1: SHA-256 of "abc".
    assert (
        sha256_of("abc")
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    text = strategies.some_plan().canonical_json()
    assert sha256_of(text) == hashlib.sha256(text.encode("utf-8")).hexdigest()


@pytest.mark.parametrize(
    "change",
    [
        {"alpha": 0.051},
        {"coverage": 0.99},
        {"planned_units": 2001},
        {"name": "Annual plan nudge "},
        {"planned_end_at": factories.NOW + timedelta(days=58, microseconds=1)},
        {"monitoring_mode": MonitoringMode.ALWAYS_VALID},
        {
            "variants": (
                factories.variant("control", is_control=True),
                factories.variant("nudge", parameters={"headline": "Save 2 months"}),
            )
        },
    ],
)
def test_sha256__any_change_of_the_design__differs(change: dict[str, Any]) -> None:
    plan = strategies.some_plan()
    changed = strategies.altered(plan, **change)
    assert sha256_of(plan.canonical_json()) != sha256_of(changed.canonical_json())


def test_canonical_json__same_moment_in_another_zone__is_the_same() -> None:
    plan = strategies.some_plan()
    berlin = timezone(timedelta(hours=2))
    moved = strategies.altered(
        plan, planned_end_at=plan.design.planned_end_at.astimezone(berlin)
    )
    assert moved.canonical_json() == plan.canonical_json()


def test_canonical_json__order_of_parameters__does_not_matter() -> None:
    def with_parameters(parameters: dict[str, int]) -> str:
        control = factories.variant("control", is_control=True)
        other = factories.variant("nudge", parameters=parameters)
        plan = strategies.altered(strategies.some_plan(), variants=(control, other))
        return plan.canonical_json()

    assert with_parameters({"a": 1, "b": 2}) == with_parameters({"b": 2, "a": 1})


def test_plan_from_json__large_float__is_written_again_alike() -> None:
    # RFC 8785 writes 1e20 as 100000000000000000000: no integer that JSON holds.
    plan = strategies.some_plan()
    rule = {"revenue": {"$exists": True, "$gte": 1e20}}
    segment = plan.segments[0].__class__("rich", 1, "Rich", rule)
    rich = Plan(**{**_fields(plan), "segments": (segment,)})
    text = rich.canonical_json()
    assert "100000000000000000000" in text
    assert plan_from_json(text).canonical_json() == text


def test_plan_from_json__of_the_first_version__has_no_types_of_parameters() -> None:
    body = json.loads(strategies.some_plan().canonical_json())
    del body["design"]["parameter_types"]
    assert plan_from_json(json.dumps(body)) == strategies.some_plan()


def _fields(plan: Plan) -> dict[str, Any]:
    return {name: getattr(plan, name) for name in Plan.__slots__}


def test_lookups__by_key__find_their_part() -> None:
    plan = strategies.some_plan()
    assert plan.primary.name == "Day-30 retention"
    assert plan.metric(factories.CSAT).name == "CSAT"
    assert plan.segment(factories.SEGMENT, 1).name == "Business customers"


def test_to_plain__design__is_json() -> None:
    plain = to_plain(factories.design_value())
    assert json.loads(json.dumps(plain)) == plain
    assert plain["variants"][0]["is_control"] is True
    assert plain["planned_end_at"] == "2026-05-11T09:30:00.000000+00:00"
    assert datetime.fromisoformat(plain["planned_end_at"]).tzinfo == UTC
