"""Frozen values that form, API and assignment share, with the rules they must keep.

Both doors build these values from what arrives, and call `check()`: so the JSON API
and the web form refuse the same design with the same words.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from experiments import flags
from experiments.field_faults import Faults, check_key, check_name
from experiments.storable import fault_in_parameters
from experiments.vocabulary import (
    AssignedBy,
    Direction,
    Evidence,
    Goal,
    MetricKind,
    MonitoringMode,
    ParameterType,
    Role,
    Unit,
)

MIN_VARIANTS, MAX_VARIANTS = 2, 10
MAX_DAYS = 730
MAX_LIST = 50  # metrics, declared splits, rules of a personalised variant
MAX_UNITS = 1_000_000_000
LEAST_LAYER_SHARE = 0.001
# Events of Abide's own machinery; counting them as activity would make every
# exposed or surveyed customer look retained.
SYSTEM_EVENTS = frozenset(
    {
        "Experiment Viewed",
        "$$experiment_viewed",
        "CSAT Requested",
        "CSAT Submitted",
        "Feature Evaluated",
        "$$feature_evaluated",
        "identify",
        "group",
        "alias",
    }
)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the team expects before it looks, scored afterwards."""

    lift_low: float  # 10 % quantile of the relative lift, 0.02 is +2 %
    lift_mid: float  # 50 %
    lift_high: float  # 90 %
    ship_probability: float  # 0 to 1


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """Because of evidence, a change for a segment moves a metric, by how much."""

    key: str
    title: str
    evidence: Evidence
    evidence_text: str
    change: str
    segment: str  # key
    metric: str  # key
    direction: Direction
    expected_change: float  # absolute and positive, on the metric's scale
    journey_stage: str  # key
    friction_point: str
    if_up: str
    if_flat: str
    if_down: str
    forecast: Forecast | None  # None where nobody made one, as of what ran elsewhere

    def check(self) -> None:
        """Refuse a hypothesis that cannot be tested.

        Raises:
            InvalidInput: with every fault by field.
        """
        faults = Faults()
        check_key(faults, "key", self.key)
        faults.text("title", self.title, 200, "the hypothesis in one line")
        faults.text("evidence_text", self.evidence_text, 2000, "what you have observed")
        faults.text("change", self.change, 2000, "what you will change")
        faults.text("friction_point", self.friction_point, 500, "the friction point")
        faults.text("if_up", self.if_up, 1000, "what you do if it goes up")
        faults.text("if_flat", self.if_flat, 1000, "what you do if it stays")
        faults.text("if_down", self.if_down, 1000, "what you do if it goes down")
        faults.positive(
            "expected_change",
            self.expected_change,
            "Enter how much it will change, as a number above 0.",
        )
        self._check_forecast(faults)
        faults.raise_if_any("This hypothesis is not complete yet.")

    def _check_forecast(self, faults: Faults) -> None:
        forecast = self.forecast
        if forecast is None:
            return
        for name in ("lift_low", "lift_mid", "lift_high"):
            faults.number(f"forecast.{name}", getattr(forecast, name), -1, 10)
        faults.number("forecast.ship_probability", forecast.ship_probability, 0, 1)
        if not forecast.lift_low <= forecast.lift_mid <= forecast.lift_high:
            faults.add(
                "forecast.lift_mid",
                "The middle of the forecast must lie between its low and high end.",
            )


@dataclass(frozen=True, slots=True)
class MetricDefinition:
    """How events become one outcome per customer.

    Days count from a customer's first exposure: day k is
    [exposure + k x 24 h, exposure + (k + 1) x 24 h), and day 0 is never retention.

    Attributes:
        kind: which of the fields below count.
        direction: which way is better for customers.
        events: names of the activity that counts (retention, churn).
        day: N: the day looked at (retention), by which the gap must begin (churn),
            or to which time to churn and the survey window run.
        window_days: length of the retention window, from day N on.
        gap_days: W: days without activity that mean churned.
        survey: the survey's name; "" takes every CSAT survey.
        scale: highest score (5 for 1 to 5).
        satisfied_from: lowest score that counts as satisfied.
    """

    kind: MetricKind
    direction: Direction
    events: tuple[str, ...] = ()
    day: int = 30
    window_days: int = 1
    gap_days: int = 14
    survey: str = ""
    scale: int = 5
    satisfied_from: int = 4

    @property
    def is_survey(self) -> bool:
        """Whether the outcome is an answer somebody may not give."""
        return self.kind in {MetricKind.CSAT_MEAN, MetricKind.CSAT_SHARE}

    @property
    def is_share(self) -> bool:
        """Whether the outcome is a rate, read in percentage points."""
        return self.kind in {
            MetricKind.RETENTION,
            MetricKind.CHURN,
            MetricKind.CSAT_SHARE,
        }

    @property
    def maturity(self) -> timedelta:
        """How long after exposure a customer's outcome is known."""
        days = {
            MetricKind.RETENTION: self.day + self.window_days,
            MetricKind.CHURN: self.day + self.gap_days,
            # Censored customers count too: the longest window is what it needs.
            MetricKind.TIME_TO_CHURN: self.day + self.gap_days,
            MetricKind.CSAT_MEAN: self.day,
            MetricKind.CSAT_SHARE: self.day,
        }
        return timedelta(days=days[self.kind])

    def check(self) -> None:
        """Refuse a definition that would not measure what it says.

        Raises:
            InvalidInput: with every fault by field.
        """
        faults = Faults()
        faults.number("day", self.day, 1, MAX_DAYS)
        if self.is_survey:
            self._check_survey(faults)
        else:
            self._check_events(faults)
            faults.number("window_days", self.window_days, 1, MAX_DAYS)
            faults.number("gap_days", self.gap_days, 1, MAX_DAYS)
        natural = {
            MetricKind.RETENTION: Direction.INCREASE,
            MetricKind.CHURN: Direction.DECREASE,
            MetricKind.TIME_TO_CHURN: Direction.INCREASE,
        }
        if natural.get(self.kind, self.direction) != self.direction:
            faults.add(
                "direction",
                f"For {self.kind.value}, better is {natural[self.kind].value}.",
            )
        faults.raise_if_any("This metric cannot be measured as defined.")

    def _check_survey(self, faults: Faults) -> None:
        faults.number("scale", self.scale, 2, 100)
        if not 1 < self.satisfied_from <= self.scale:
            faults.add(
                "satisfied_from",
                f"Enter a score from 2 to {self.scale}, the top of the scale.",
            )
        faults.optional_text("survey", self.survey, 100)

    def _check_events(self, faults: Faults) -> None:
        if not 1 <= len(self.events) <= MAX_LIST:
            faults.add("events", "Name at least one event that counts as activity.")
        for name in self.events[:MAX_LIST]:
            if name in SYSTEM_EVENTS:
                faults.add(
                    "events",
                    f'"{name}" is sent by the system, so it never counts as'
                    " activity. Name what customers do.",
                )
            else:
                faults.text("events", name, 200, "a name for each event")


@dataclass(frozen=True, slots=True)
class SegmentParameters:
    """One line of a personalised variant: these customers get these parameters."""

    segment: str  # key
    version: int
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class VariantSpec:
    """One version of the experience."""

    name: str
    description: str
    is_control: bool
    share: float  # of the split, 0 to 1
    parameters: Mapping[str, Any]  # the default, where a variant is personalised
    personalisation: tuple[SegmentParameters, ...] = ()  # first match wins


@dataclass(frozen=True, slots=True)
class MetricChoice:
    """A metric's part in an experiment."""

    metric: str  # key
    version: int
    role: Role
    change_that_matters: float  # absolute and positive, on the metric's scale
    margin: float | None = None  # absolute and positive; guardrails must have one


@dataclass(frozen=True, slots=True)
class SegmentRef:
    """A segment in one of its versions."""

    segment: str  # key
    version: int


@dataclass(frozen=True, slots=True)
class Design:
    """An experiment as planned. What lifecycle adds (salt, dates) is not here."""

    key: str
    name: str
    hypothesis: str  # key
    goal: Goal
    assigned_by: AssignedBy
    unit: Unit
    segment: str  # key
    segment_version: int
    variants: tuple[VariantSpec, ...]
    coverage: float  # share of the segment enrolled, 0 to 1
    metrics: tuple[MetricChoice, ...]
    monitoring_mode: MonitoringMode
    planned_units: int  # all variants together
    planned_end_at: datetime
    alpha: float = 0.05
    exposures_from: datetime | None = None
    enrolment_ends_at: datetime | None = None
    breakdowns: tuple[SegmentRef, ...] = ()  # splits declared before the start
    # Of parameters; those left out are read from the values (`typed`).
    parameter_types: Mapping[str, ParameterType] = field(default_factory=dict)
    layer: str | None = None  # key; its experiments exclude each other
    layer_share: float | None = None  # of the layer's customers, 0 to 1

    @property
    def control(self) -> VariantSpec:
        """The variant others are compared with."""
        return next(v for v in self.variants if v.is_control)

    @property
    def treatments(self) -> tuple[VariantSpec, ...]:
        """All variants but control."""
        return tuple(v for v in self.variants if not v.is_control)

    @property
    def types_of_values(self) -> dict[str, ParameterType]:
        """The types that the values of the parameters have by themselves."""
        return flags.infer(part for v in self.variants for part in _given(v))

    def typed(self) -> "Design":
        """Declare the type of every parameter, and write the values in it."""
        types = self.types_of_values | dict(self.parameter_types)
        none: Mapping[str, Any] = {}
        variants = tuple(
            replace(
                variant,
                parameters=flags.typed(types, variant.parameters, none),
                personalisation=tuple(
                    replace(r, parameters=flags.typed(types, r.parameters, none))
                    for r in variant.personalisation
                ),
            )
            for variant in self.variants
        )
        return replace(self, variants=variants, parameter_types=types)

    def check(self) -> None:
        """Refuse a design that could not be run or judged.

        Raises:
            InvalidInput: with every fault by field; list fields are written
                "variants.0.share".
        """
        faults = Faults()
        check_key(faults, "key", self.key)
        faults.text("name", self.name, 200, "a name")
        if not 0 < self.coverage <= 1:
            faults.add(
                "coverage",
                "Enrol some or all of the segment: more than 0 %, at most 100 %.",
            )
        faults.number("alpha", self.alpha, 0.001, 0.2)
        faults.number("planned_units", self.planned_units, 20, MAX_UNITS)
        if self.monitoring_mode != MonitoringMode.FIXED_END:
            faults.add("monitoring_mode", "Only fixed_end can be chosen so far.")
        if self.unit != Unit.CUSTOMER:
            faults.add("unit", "Only customers can be randomised so far.")
        self._check_layer(faults)
        self._check_dates(faults)
        self._check_versions(faults)
        _check_variants(faults, self.variants)
        _check_types(faults, self)
        _check_metrics(faults, self.metrics, self.assigned_by)
        faults.raise_if_any("This experiment cannot be saved yet.")

    def _check_layer(self, faults: Faults) -> None:
        if self.layer is None:
            if self.layer_share is not None:
                faults.add("layer", "Choose the layer that this share is of.")
            return
        if self.assigned_by == AssignedBy.EXTERNAL:
            faults.add("layer", "Another system assigns the variants: leave it empty.")
        share = math.nan if self.layer_share is None else self.layer_share
        if not LEAST_LAYER_SHARE <= share <= 1:
            faults.add(
                "layer_share",
                "Say how much of the layer it takes: 0.1 % to 100 %.",
            )

    def _check_dates(self, faults: Faults) -> None:
        names = ("planned_end_at", "exposures_from", "enrolment_ends_at")
        for name in names:
            value = getattr(self, name)
            if value is None:
                continue
            if value.tzinfo is None:
                faults.add(name, "Give the time zone too, as in 2026-03-14T00:00:00Z.")
            elif not 2000 <= value.year <= 2200:  # noqa: PLR2004
                faults.add(name, "Enter a date between the years 2000 and 2200.")
        if not faults.fields.keys().isdisjoint(names):
            return
        start, end = self.exposures_from, self.enrolment_ends_at
        if start and end and start >= end:
            faults.add("enrolment_ends_at", "Enrolment must end after it begins.")
        if start and start >= self.planned_end_at:
            faults.add("planned_end_at", "The end must come after the first exposures.")

    def _check_versions(self, faults: Faults) -> None:
        faults.version("segment_version", self.segment_version)
        for index, ref in enumerate(self.breakdowns):
            faults.version(f"breakdowns.{index}.version", ref.version)
            if self.breakdowns.index(ref) != index:
                faults.add(f"breakdowns.{index}.segment", "This split is named twice.")
        if len(self.breakdowns) > MAX_LIST:
            faults.add("breakdowns", f"Declare at most {MAX_LIST} splits.")


def _check_variants(faults: Faults, variants: Sequence[VariantSpec]) -> None:
    if not MIN_VARIANTS <= len(variants) <= MAX_VARIANTS:
        faults.add(
            "variants", f"Give {MIN_VARIANTS} to {MAX_VARIANTS} variants, one control."
        )
    if sum(v.is_control for v in variants) != 1:
        faults.add("variants", "Mark exactly one variant as control.")
    names = [v.name for v in variants]
    for index, variant in enumerate(variants[:MAX_VARIANTS]):
        field = f"variants.{index}"
        check_name(faults, f"{field}.name", variant.name)
        if names.index(variant.name) != index:
            faults.add(f"{field}.name", f'"{variant.name}" is used twice.')
        if not 0 < variant.share < 1:
            faults.add(
                f"{field}.share",
                "Each variant needs a part of the customers: above 0 %, below 100 %.",
            )
        faults.optional_text(f"{field}.description", variant.description, 2000)
        _check_parameters(faults, field, variant)
    if sum(bool(v.personalisation) for v in variants) > 1:
        faults.add("variants", "Only one variant can be personalised.")
    _check_split(faults, variants)


def _check_parameters(faults: Faults, field: str, variant: VariantSpec) -> None:
    fault = fault_in_parameters(variant.parameters)
    if fault is not None:
        faults.add(f"{field}.parameters", fault)
    rules = variant.personalisation
    if variant.is_control and rules:
        faults.add(f"{field}.personalisation", "Control cannot be personalised.")
    if len(rules) > MAX_LIST:
        faults.add(f"{field}.personalisation", f"Give at most {MAX_LIST} segments.")
    for index, rule in enumerate(rules[:MAX_LIST]):
        part = f"{field}.personalisation.{index}"
        faults.version(f"{part}.version", rule.version)
        fault = fault_in_parameters(rule.parameters)
        if fault is not None:
            faults.add(f"{part}.parameters", fault)


def _given(variant: VariantSpec) -> list[Mapping[str, Any]]:
    return [variant.parameters, *(r.parameters for r in variant.personalisation)]


def _check_types(faults: Faults, design: Design) -> None:
    controls = [v for v in design.variants if v.is_control]
    if len(controls) != 1 or any("parameters" in field for field in faults.fields):
        return  # said already
    control = controls[0]
    names = {n for v in design.variants for part in _given(v) for n in part}
    where = f"variants.{design.variants.index(control)}.parameters"
    for name in sorted(names.difference(control.parameters)):
        faults.add(
            f"{where}.{name}",
            f'Give "{name}" a value for control too: it is what customers outside the'
            " experiment get.",
        )
    for name in design.parameter_types:
        if name not in names:
            faults.add(f"parameter_types.{name}", "No variant has such a parameter.")
    for index, variant in enumerate(design.variants):
        base = f"variants.{index}"
        _check_values(faults, f"{base}.parameters", design, variant.parameters)
        for line, rule in enumerate(variant.personalisation):
            part = f"{base}.personalisation.{line}.parameters"
            _check_values(faults, part, design, rule.parameters)


def _check_values(
    faults: Faults, where: str, design: Design, parameters: Mapping[str, Any]
) -> None:
    for name, value in parameters.items():
        kind = design.parameter_types.get(name)
        fault = None if kind is None else flags.fault_in_value(kind, value)
        if fault is not None:
            faults.add(f"{where}.{name}", fault)


def _check_split(faults: Faults, variants: Sequence[VariantSpec]) -> None:
    if not variants or not all(0 < v.share < 1 for v in variants):
        return
    total = math.fsum(v.share for v in variants)
    if not math.isclose(total, 1, abs_tol=1e-6):
        # In percent: the form asks so, and whoever sends 0.95 understands it too.
        total *= 100
        gap = abs(100 - total)
        word = "is missing" if total < 100 else "is too much"  # noqa: PLR2004
        faults.add(
            "variants",
            f"The shares add to {total:.6g} %, not 100 %: {gap:.4g} % {word}.",
        )


def _check_metrics(
    faults: Faults, metrics: Sequence[MetricChoice], assigned_by: AssignedBy
) -> None:
    keys = [m.metric for m in metrics]
    if sum(m.role == Role.PRIMARY for m in metrics) != 1:
        faults.add("metrics", "Choose exactly one primary metric.")
    guarded = any(m.role == Role.GUARDRAIL for m in metrics)
    # Nobody could have agreed a guardrail for an experiment that ran elsewhere.
    if not guarded and assigned_by == AssignedBy.ABIDE:
        faults.add("metrics", "Choose at least one guardrail, with its margin.")
    if len(metrics) > MAX_LIST:
        faults.add("metrics", f"Choose at most {MAX_LIST} metrics.")
    for index, choice in enumerate(metrics[:MAX_LIST]):
        field = f"metrics.{index}"
        faults.version(f"{field}.version", choice.version)
        if keys.index(choice.metric) != index:
            faults.add(f"{field}.metric", f'"{choice.metric}" is chosen twice.')
        faults.positive(
            f"{field}.change_that_matters",
            choice.change_that_matters,
            "Enter the smallest change that matters, above 0.",
        )
        margin = choice.margin
        if margin is not None:
            faults.positive(f"{field}.margin", margin, "Enter a margin above 0.")
        if choice.role == Role.GUARDRAIL and margin is None:
            faults.add(
                f"{field}.margin", "A guardrail needs the largest harm you accept."
            )
