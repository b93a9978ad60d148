"""An experiment as planned: values that form, API and assignment share, and rules.

Both doors build these values from what arrives, and call `check()`: so the JSON API
and the web form refuse the same design with the same words.
"""

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from experiments import flags
from experiments.decision_rule import USUAL, DecisionRule
from experiments.design_parts import MAX_LIST, MetricChoice, SegmentRef, VariantSpec
from experiments.field_faults import (
    LEAST_CHANGE_WORDS,
    Faults,
    check_key,
)
from experiments.javascript import is_built_in
from experiments.variant_checks import check_types, check_variants
from experiments.vocabulary import (
    UNIT_ATTRIBUTE,
    AssignedBy,
    Goal,
    MonitoringMode,
    ParameterType,
    Risk,
    Role,
    Unit,
)

# Shares of the planned size at which a group-sequential plan looks, and its limits.
USUAL_LOOKS = (0.25, 0.5, 0.75, 1.0)
FIRST_LOOK, MAX_LOOKS = 0.05, 30
LEAST_UNITS, MAX_UNITS = 20, 1_000_000_000
LEAST_LAYER_SHARE = 0.001
LEAST_COVERAGE = 0.001  # with less, almost nobody would be in the experiment
# Clients look names up as they stand, so a name is no path and nothing of JavaScript's.
ATTRIBUTE_PATTERN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")


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
    # Attributes whose value is hashed; "id" is the customer's own.
    hash_attribute: str = UNIT_ATTRIBUTE
    fallback_attribute: str | None = None  # where the first is missing
    decision_rule: DecisionRule = USUAL  # when the plan recommends to ship
    # Shares of the planned size at which estimates are looked at, the last one 1; for
    # group_sequential, and empty for the usual ones.
    looks: tuple[float, ...] = ()
    exposure_point: str = ""  # when a customer first sees a difference, in words
    risks: tuple[Risk, ...] = ()  # what it touches; they decide who has to sign
    # Whether means and shares are compared within the declared splits, then added up.
    post_stratified: bool = False

    @property
    def planned_looks(self) -> tuple[float, ...]:
        """When estimates are looked at, as shares of the planned size."""
        if self.monitoring_mode == MonitoringMode.GROUP_SEQUENTIAL:
            return self.looks or USUAL_LOOKS
        return (1.0,)

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
        return flags.infer(part for v in self.variants for part in v.given)

    @property
    def mixes_types(self) -> bool:
        """Whether values alone leave the type of some parameter open."""
        return flags.mixes_types(part for v in self.variants for part in v.given)

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
        self.faults().raise_if_any("This experiment cannot be saved yet.")

    def faults(self) -> Faults:
        """Find every fault by field, as `check` names them."""
        faults = Faults()
        check_key(faults, "key", self.key)
        faults.text("name", self.name, 200, "a name")
        faults.optional_text("exposure_point", self.exposure_point, 1000)
        if len(set(self.risks)) < len(self.risks):
            faults.add("risks", "Name each risk once.")
        if not LEAST_COVERAGE <= self.coverage <= 1:
            faults.add(
                "coverage",
                "Enrol some or all of the segment: at least 0.1 %, at most 100 %.",
            )
        faults.number("alpha", self.alpha, 0.001, 0.2)
        faults.number("planned_units", self.planned_units, LEAST_UNITS, MAX_UNITS)
        check_looks(faults, self.monitoring_mode, self.looks)
        if self.unit != Unit.CUSTOMER and self.assigned_by == AssignedBy.EXTERNAL:
            faults.add("unit", "Another system assigns the variants: to customers.")
        self._check_hashing(faults)
        self._check_layer(faults)
        self._check_dates(faults)
        self._check_versions(faults)
        check_variants(faults, self.variants)
        check_types(faults, self.variants, self.parameter_types)
        _check_metrics(faults, self.metrics, self.assigned_by)
        self._check_rule(faults)
        return faults

    def _check_hashing(self, faults: Faults) -> None:
        first, second = self.hash_attribute, self.fallback_attribute
        _check_attribute(faults, "hash_attribute", first)
        if second is not None:
            _check_attribute(faults, "fallback_attribute", second)
        if second == first:
            faults.add("fallback_attribute", "Name another attribute, or none.")
        own = (first, second) == (UNIT_ATTRIBUTE, None)
        if self.assigned_by == AssignedBy.EXTERNAL and not own:
            faults.add(
                "hash_attribute",
                f'Another system assigns the variants: leave it at "{UNIT_ATTRIBUTE}".',
            )
        if self.unit == Unit.ACCOUNT:
            for name in ("hash_attribute", "fallback_attribute"):
                if getattr(self, name) == UNIT_ATTRIBUTE:
                    faults.add(name, _NAME_THE_ACCOUNT)

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
        if end and end > self.planned_end_at:
            faults.add(
                "enrolment_ends_at",
                "Enrolment must end by the planned end. Choose an earlier day, or leave"
                " it empty.",
            )

    def _check_rule(self, faults: Faults) -> None:
        rule = self.decision_rule
        if rule.fault is not None:
            faults.add("decision_rule", rule.fault)
        for index, choice in enumerate(self.metrics[:MAX_LIST]):
            is_primary = choice.role == Role.PRIMARY
            if is_primary and choice.margin is None and rule.needs_margin:
                faults.add(
                    f"metrics.{index}.margin",
                    "The decision rule asks for no harm to this metric: enter the"
                    " largest harm you accept.",
                )
        if rule.splits_not_worse and not self.breakdowns:
            faults.add(
                "breakdowns",
                "The decision rule asks for no harm in any declared split: declare at"
                " least one.",
            )

    def _check_versions(self, faults: Faults) -> None:
        faults.version("segment_version", self.segment_version)
        for index, ref in enumerate(self.breakdowns):
            faults.version(f"breakdowns.{index}.version", ref.version)
            if self.breakdowns.index(ref) != index:
                faults.add(f"breakdowns.{index}.segment", "This split is named twice.")
        if len(self.breakdowns) > MAX_LIST:
            faults.add("breakdowns", f"Declare at most {MAX_LIST} splits.")
        self._check_strata(faults)

    def _check_strata(self, faults: Faults) -> None:
        if not self.post_stratified:
            return
        if self.unit == Unit.ACCOUNT:
            faults.add(
                "post_stratified",
                "Customers of one account may be in several segments: choose no here.",
            )
        elif not self.breakdowns:
            faults.add(
                "post_stratified",
                "To compare within segments, declare at least one of them.",
            )


def check_looks(faults: Faults, mode: MonitoringMode, looks: Sequence[float]) -> None:
    """Refuse times of looks that are none.

    Args:
        faults: collects what is wrong, under "looks".
        mode: of the plan; only one has times of looks.
        looks: shares of the planned size; empty for the usual ones.
    """
    if not looks:
        return
    if mode != MonitoringMode.GROUP_SEQUENTIAL:
        faults.add("looks", "Only planned looks have times: leave this empty.")
    elif (
        len(looks) > MAX_LOOKS
        or not FIRST_LOOK <= looks[0] <= looks[-1] == 1
        or any(not now > before for before, now in itertools.pairwise(looks))
    ):
        faults.add(
            "looks",
            f"Give up to {MAX_LOOKS} shares of the planned size, rising, from"
            f" {FIRST_LOOK * 100:g} % on; the last is 100 %.",
        )


_NAME_THE_ACCOUNT = (
    f'"{UNIT_ATTRIBUTE}" is the customer\'s own. Name the attribute that holds the'
    " account, such as accountId."
)


def _check_attribute(faults: Faults, field: str, name: str) -> None:
    unusable = name == "consent" or is_built_in(name)
    if unusable or not ATTRIBUTE_PATTERN.fullmatch(name):
        faults.add(
            field,
            "Name one attribute of the app's: 1 to 64 letters, digits, _ or -, not"
            " beginning with a digit.",
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
            f"Enter the smallest change that matters: {LEAST_CHANGE_WORDS}.",
        )
        margin = choice.margin
        if margin is not None:
            faults.positive(
                f"{field}.margin", margin, f"Enter a margin: {LEAST_CHANGE_WORDS}."
            )
        if choice.role == Role.GUARDRAIL and margin is None:
            faults.add(
                f"{field}.margin", "A guardrail needs the largest harm you accept."
            )
