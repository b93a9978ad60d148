"""The pre-registered plan: canonical JSON and its SHA-256, frozen at start."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import rfc8785

from experiments.decision_rule import rule_from_json
from experiments.design import Design
from experiments.design_parts import (
    MetricChoice,
    SegmentParameters,
    SegmentRef,
    VariantSpec,
)
from experiments.hypothesis import Forecast, Hypothesis
from experiments.metric_definition import MetricDefinition
from experiments.storable import MAX_SAFE_NUMBER
from experiments.vocabulary import (
    Amount,
    AssignedBy,
    Direction,
    Evidence,
    Goal,
    Lever,
    MetricKind,
    MonitoringMode,
    ParameterType,
    Risk,
    Role,
    Unit,
)

PLAN_FORMAT = 1
_LATER = ("looks", "exposure_point", "risks", "wrong_if", "post_stratified")
# Fields of the first metric definitions, which are always written. Later ones are
# written where they say something, so that what was stored before keeps its hash.
_ALWAYS_WRITTEN = frozenset(
    {
        "kind",
        "direction",
        "events",
        "day",
        "window_days",
        "gap_days",
        "survey",
        "scale",
        "satisfied_from",
    }
)
_USUAL = {
    field.name: field.default
    for field in dataclasses.fields(MetricDefinition)
    if field.name not in _ALWAYS_WRITTEN
}


@dataclass(frozen=True, slots=True)
class PlannedMetric:
    """A metric of the plan with its full definition, so that it cannot drift."""

    name: str
    choice: MetricChoice
    definition: MetricDefinition


@dataclass(frozen=True, slots=True)
class PlannedSegment:
    """A segment of the plan with its rule as it was."""

    key: str
    version: int
    name: str
    condition: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that was decided before the first result.

    Attributes:
        design: the experiment; names of metrics and segments are keys.
        hypothesis: with its forecast.
        metrics: in the design's order, each with its definition.
        segments: the target segment first, then declared splits and those that a
            personalised variant names.
        salt: seeds the assignment hash.
        phase: 1, and one more for each re-randomisation.
        exposures_from: exposures before are kept and counted, not analysed.
        locked_at: the true time of the lock.
        pre_registered: False when exposures began before the lock.
        reviewed: whether another person approved it.
        decision_rule: the rule in words.
    """

    design: Design
    hypothesis: Hypothesis
    metrics: tuple[PlannedMetric, ...]
    segments: tuple[PlannedSegment, ...]
    salt: str
    phase: int
    exposures_from: datetime
    locked_at: datetime
    pre_registered: bool
    reviewed: bool
    decision_rule: str

    def canonical_json(self) -> str:
        """Write the plan as canonical JSON (RFC 8785), the form that is hashed."""
        body = {"format": PLAN_FORMAT, **to_plain(self)}
        return rfc8785.dumps(body).decode()

    def metric(self, key: str) -> PlannedMetric:
        """Find a planned metric by its key."""
        return next(m for m in self.metrics if m.choice.metric == key)

    @property
    def primary(self) -> PlannedMetric:
        """The one metric that decides."""
        return next(m for m in self.metrics if m.choice.role == Role.PRIMARY)

    def segment(self, key: str, version: int) -> PlannedSegment:
        """Find a planned segment version."""
        return next(s for s in self.segments if s.key == key and s.version == version)

    def segment_name(self, label: str) -> str:
        """Find the name of a segment by the label of its results.

        Args:
            label: key of the segment; with "@2" for a second version of the same.

        Returns:
            The name, with the version where the label has one.
        """
        for segment in self.segments:
            if label == segment.key:
                return segment.name
            if label == f"{segment.key[:58]}@{segment.version}":
                return f"{segment.name} (version {segment.version})"
        return label


def sha256_of(text: str) -> str:
    """Hash a plan's canonical JSON, as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def plan_from_json(text: str) -> Plan:
    """Read a plan back from its canonical JSON.

    Args:
        text: what `Plan.canonical_json` wrote.

    Returns:
        The equal plan.
    """
    body = json.loads(text, parse_int=_number)
    return Plan(
        design=_design(body["design"]),
        hypothesis=_hypothesis(body["hypothesis"]),
        metrics=tuple(
            PlannedMetric(m["name"], _choice(m["choice"]), _definition(m["definition"]))
            for m in body["metrics"]
        ),
        segments=tuple(PlannedSegment(**s) for s in body["segments"]),
        salt=body["salt"],
        phase=body["phase"],
        exposures_from=_time(body["exposures_from"]),
        locked_at=_time(body["locked_at"]),
        pre_registered=body["pre_registered"],
        reviewed=body["reviewed"],
        decision_rule=body["decision_rule"],
    )


def definition_to_json(definition: MetricDefinition) -> dict[str, Any]:
    """Write a metric definition as plain JSON values, for its stored version."""
    return to_plain(definition)


def definition_from_json(body: Mapping[str, Any]) -> MetricDefinition:
    """Read a metric definition back from its stored version."""
    return _definition(body)


def to_plain(value: Design | Hypothesis | MetricDefinition | Plan) -> dict[str, Any]:
    """Write a frozen value as plain JSON values, for audit, store and plan."""
    body = dataclasses.asdict(value)
    if isinstance(value, MetricDefinition):
        body = _saying_something(body)
    elif isinstance(value, Plan):
        for metric in body["metrics"]:
            metric["definition"] = _saying_something(metric["definition"])
    plain: dict[str, Any] = _plain(body)
    for part in (plain, plain.get("design"), plain.get("hypothesis")):
        # Added later: a plan that has none is written as it was before there were any.
        if isinstance(part, dict):
            for name in _LATER:
                if not part.get(name, True):
                    del part[name]
    for hypothesis in (plain, plain.get("hypothesis")):
        # A design names its hypothesis by key; a plan holds it whole. Added later too.
        if isinstance(hypothesis, dict) and hypothesis.get("lever") == Lever.OTHER:
            del hypothesis["lever"]
    return plain


def _saying_something(definition: dict[str, Any]) -> dict[str, Any]:
    """Leave out later fields of a metric definition that are as usual."""
    return {
        name: value
        for name, value in definition.items()
        if name not in _USUAL or value != _USUAL[name]
    }


def parameter_types(body: Mapping[str, str]) -> dict[str, ParameterType]:
    """Read types of parameters back; plans of the first version have none."""
    return {name: ParameterType(kind) for name, kind in body.items()}


def _number(text: str) -> float:
    # RFC 8785 writes the float 1e20 with all its digits; as a Python integer it
    # would be beyond what JSON can hold exactly and could not be written again.
    whole = int(text)
    return whole if abs(whole) <= MAX_SAFE_NUMBER else float(text)


def _plain(value: Any) -> Any:  # noqa: ANN401  # JSON is any of its types
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _time_or_none(text: str | None) -> datetime | None:
    return None if text is None else _time(text)


def _definition(body: Mapping[str, Any]) -> MetricDefinition:
    made = {name: make(body[name]) for name, make in _MADE_OF.items() if name in body}
    return MetricDefinition(**{**body, **made})


# How fields of a metric definition that are not plain JSON are made of it.
_MADE_OF: dict[str, Callable[[Any], Any]] = {
    "kind": MetricKind,
    "direction": Direction,
    "events": tuple,
    "amount": Amount,
    "per_events": tuple,
    "per_amount": Amount,
    "cap_share": float,
    "start_events": tuple,
    "competing_events": tuple,
    "quantile_share": float,
}


def _float_or_none(value: float | None) -> float | None:
    return None if value is None else float(value)


def _choice(body: Mapping[str, Any]) -> MetricChoice:
    # RFC 8785 writes 1.0 as 1; a float field gets its float back.
    margin = body["margin"]
    return MetricChoice(
        metric=body["metric"],
        version=body["version"],
        role=Role(body["role"]),
        change_that_matters=float(body["change_that_matters"]),
        margin=None if margin is None else float(margin),
    )


def _hypothesis(body: Mapping[str, Any]) -> Hypothesis:
    forecast = body["forecast"]
    if forecast is not None:
        forecast = Forecast(**{name: float(n) for name, n in forecast.items()})
    return Hypothesis(
        **{
            **body,
            "evidence": Evidence(body["evidence"]),
            "direction": Direction(body["direction"]),
            "expected_change": float(body["expected_change"]),
            "forecast": forecast,
            "lever": Lever(body.get("lever", Lever.OTHER)),
        }
    )


def _variant(body: Mapping[str, Any]) -> VariantSpec:
    rules = tuple(SegmentParameters(**rule) for rule in body["personalisation"])
    return VariantSpec(
        **{**body, "share": float(body["share"]), "personalisation": rules}
    )


def _design(body: Mapping[str, Any]) -> Design:
    return Design(
        **{
            **body,
            "goal": Goal(body["goal"]),
            "assigned_by": AssignedBy(body["assigned_by"]),
            "unit": Unit(body["unit"]),
            "monitoring_mode": MonitoringMode(body["monitoring_mode"]),
            "variants": tuple(_variant(v) for v in body["variants"]),
            "metrics": tuple(_choice(m) for m in body["metrics"]),
            "breakdowns": tuple(SegmentRef(**ref) for ref in body["breakdowns"]),
            "parameter_types": parameter_types(body.get("parameter_types", {})),
            "layer_share": _float_or_none(body.get("layer_share")),
            "decision_rule": rule_from_json(body.get("decision_rule", {})),
            "looks": tuple(float(look) for look in body.get("looks", ())),
            "risks": tuple(Risk(risk) for risk in body.get("risks", ())),
            "coverage": float(body["coverage"]),
            "alpha": float(body["alpha"]),
            "planned_end_at": _time(body["planned_end_at"]),
            "exposures_from": _time_or_none(body["exposures_from"]),
            "enrolment_ends_at": _time_or_none(body["enrolment_ends_at"]),
        }
    )
