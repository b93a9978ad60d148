"""Frozen values that form, API and assignment share, with the rules they must keep.

Both doors build these values from what arrives, and call `check()`: so the JSON API
and the web form refuse the same design with the same words.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from experiments.errors import InvalidInput
from experiments.vocabulary import (
    AssignedBy,
    Direction,
    Evidence,
    Goal,
    MetricKind,
    MonitoringMode,
    Role,
    Unit,
)

# RFC 3986 unreserved characters: OFREP clients put keys into paths unescaped.
KEY_PATTERN = re.compile(r"[A-Za-z0-9._~-]{1,64}")
KEY_RULE = "Use 1 to 64 letters, digits or any of . _ ~ - (no spaces)."
MIN_VARIANTS, MAX_VARIANTS = 2, 10
MAX_DAYS = 730
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


class Faults:
    """Collects field faults, so that one refusal names them all."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}

    def add(self, field: str, sentence: str) -> None:
        """Note a fault; the first one of a field stands."""
        self.fields.setdefault(field, sentence)

    def text(self, field: str, value: str, longest: int, what: str) -> None:
        """Ask for a non-empty text of at most `longest` characters."""
        if not value.strip():
            self.add(field, f"Enter {what}.")
        elif len(value) > longest:
            self.add(field, f"Use at most {longest} characters, not {len(value)}.")
        elif "\x00" in value:
            self.add(field, "Remove the NUL character.")

    def number(self, field: str, value: float, low: float, high: float) -> None:
        """Ask for a finite number from `low` to `high`."""
        if not math.isfinite(value) or not low <= value <= high:
            self.add(field, f"Enter a number from {low:g} to {high:g}.")

    def raise_if_any(self, message: str) -> None:
        """Refuse when there is a fault.

        Args:
            message: one sentence that says what could not be done.

        Raises:
            InvalidInput: with all faults by field.
        """
        if self.fields:
            raise InvalidInput(message, self.fields)


def check_key(faults: Faults, field: str, key: str) -> None:
    """Ask for a key that is safe in paths, at every door."""
    if not KEY_PATTERN.fullmatch(key):
        faults.add(field, KEY_RULE)


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
    forecast: Forecast

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
        if not (math.isfinite(self.expected_change) and self.expected_change > 0):
            faults.add(
                "expected_change",
                "Enter how much it will change, as a number above 0.",
            )
        self._check_forecast(faults)
        faults.raise_if_any("This hypothesis is not complete yet.")

    def _check_forecast(self, faults: Faults) -> None:
        forecast = self.forecast
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
        if len(self.survey) > 100:  # noqa: PLR2004
            faults.add("survey", "Use at most 100 characters.")

    def _check_events(self, faults: Faults) -> None:
        if not self.events:
            faults.add("events", "Name at least one event that counts as activity.")
        for name in self.events:
            if name in SYSTEM_EVENTS:
                faults.add(
                    "events",
                    f'"{name}" is sent by the system, so it never counts as'
                    " activity. Name what customers do.",
                )
            elif not name.strip() or len(name) > 200 or "\x00" in name:  # noqa: PLR2004
                faults.add("events", "Each event name has 1 to 200 characters.")


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

    @property
    def control(self) -> VariantSpec:
        """The variant others are compared with."""
        return next(v for v in self.variants if v.is_control)

    @property
    def treatments(self) -> tuple[VariantSpec, ...]:
        """All variants but control."""
        return tuple(v for v in self.variants if not v.is_control)

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
            faults.add("coverage", "Enter a share above 0 and at most 1.")
        faults.number("alpha", self.alpha, 0.001, 0.2)
        faults.number("planned_units", self.planned_units, 20, 1e10)
        if self.monitoring_mode != MonitoringMode.FIXED_END:
            faults.add("monitoring_mode", "Only fixed_end can be chosen so far.")
        self._check_dates(faults)
        _check_variants(faults, self.variants)
        _check_metrics(faults, self.metrics, self.assigned_by)
        faults.raise_if_any("This experiment cannot be saved yet.")

    def _check_dates(self, faults: Faults) -> None:
        for name in ("planned_end_at", "exposures_from", "enrolment_ends_at"):
            value = getattr(self, name)
            if value is not None and not 2000 <= value.year <= 2200:  # noqa: PLR2004
                faults.add(name, "Enter a date between the years 2000 and 2200.")
        start, end = self.exposures_from, self.enrolment_ends_at
        if start and end and start >= end:
            faults.add("enrolment_ends_at", "Enrolment must end after it begins.")
        if start and start >= self.planned_end_at:
            faults.add("planned_end_at", "The end must come after the first exposures.")


def _check_variants(faults: Faults, variants: Sequence[VariantSpec]) -> None:
    if not MIN_VARIANTS <= len(variants) <= MAX_VARIANTS:
        faults.add(
            "variants", f"Give {MIN_VARIANTS} to {MAX_VARIANTS} variants, one control."
        )
    if sum(v.is_control for v in variants) != 1:
        faults.add("variants", "Mark exactly one variant as control.")
    names = [v.name for v in variants]
    for index, variant in enumerate(variants):
        field = f"variants.{index}"
        check_key(faults, f"{field}.name", variant.name)
        if names.index(variant.name) != index:
            faults.add(f"{field}.name", f'"{variant.name}" is used twice.')
        if not (math.isfinite(variant.share) and 0 < variant.share < 1):
            faults.add(f"{field}.share", "Enter a share above 0 and below 1.")
        if len(variant.description) > 2000:  # noqa: PLR2004
            faults.add(f"{field}.description", "Use at most 2000 characters.")
        if variant.is_control and variant.personalisation:
            faults.add(f"{field}.personalisation", "Control cannot be personalised.")
    if sum(bool(v.personalisation) for v in variants) > 1:
        faults.add("variants", "Only one variant can be personalised.")
    total = math.fsum(v.share for v in variants)
    if variants and not math.isclose(total, 1, abs_tol=1e-6):
        gap = abs(1 - total)
        word = "missing" if total < 1 else "too much"
        faults.add(
            "variants",
            f"The shares add to {total:.4g}, not 1: {gap:.4g} is {word}.",
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
    for index, choice in enumerate(metrics):
        field = f"metrics.{index}"
        if keys.index(choice.metric) != index:
            faults.add(f"{field}.metric", f'"{choice.metric}" is chosen twice.')
        if not (
            math.isfinite(choice.change_that_matters) and choice.change_that_matters > 0
        ):
            faults.add(
                f"{field}.change_that_matters",
                "Enter the smallest change that matters, above 0.",
            )
        margin = choice.margin
        if margin is not None and not (math.isfinite(margin) and margin > 0):
            faults.add(f"{field}.margin", "Enter a margin above 0.")
        if choice.role == Role.GUARDRAIL and margin is None:
            faults.add(
                f"{field}.margin", "A guardrail needs the largest harm you accept."
            )
