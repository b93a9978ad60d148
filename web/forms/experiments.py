"""The form of a plan, of which one page is shown at a time."""

import math
from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from experiments.design import Design
from experiments.design_parts import (
    MetricChoice,
    SegmentParameters,
    SegmentRef,
    VariantSpec,
)
from experiments.hypotheses import forecast_of
from experiments.models import HypothesisRow
from experiments.variant_checks import MAX_VARIANTS
from experiments.vocabulary import (
    UNIT_ATTRIBUTE,
    AssignedBy,
    Goal,
    MonitoringMode,
    ParameterType,
    PlanTask,
    Risk,
    Role,
    Unit,
)
from web.forms.base import Problem
from web.forms.choices import NONE, options, titles
from web.forms.fields import NEVER, Hidden, Rows
from web.forms.hypotheses import Catalogue
from web.forms.plan_hints import describe
from web.forms.plan_pages import (
    YES,
    DurationPage,
    HypothesisPage,
    MetricsPage,
    RiskPage,
    SegmentPage,
    VariantsPage,
    fields_of,
)
from web.forms.plan_parts import MetricChoiceForm, PersonalForm, VariantForm
from web.forms.values import key_from, pick
from web.presenters.formats import pretty_json


class ExperimentForm(
    HypothesisPage, SegmentPage, VariantsPage, MetricsPage, DurationPage, RiskPage
):
    """A whole plan, of which one page is shown.

    What the others hold comes from the stored draft, so that every page knows all of
    the plan and none has to ask for it.
    """

    task: PlanTask | None = None  # whose page is shown

    revision = Hidden()

    def offer(self, catalogue: Catalogue) -> None:
        """Fill the lists, and read changes and margins in their metric's unit."""
        self.new_hypothesis.form.offer(catalogue)
        self.new_hypothesis.is_unused = bool(self.hypothesis.data)
        self.duration.is_unused = True  # none of it is stored; its button checks it
        self.hypothesis.choices = options(
            [("", "The one that is written below"), *catalogue.hypotheses]
        )
        self.segment.choices = options([NONE, *catalogue.segments])
        self.breakdowns.choices = options(catalogue.segments)
        self.layer.choices = options([("", "No"), *catalogue.layers])
        for entry in self.variants[2:]:
            entry.is_unused = entry.form.is_blank
        later = range(1, len(self.variants))
        self.personalised.choices = options(
            [
                ("", "None: everybody in a variant gets the same"),
                *((str(index), f"Variant {index + 1}") for index in later),
            ]
        )
        for entry in self.rules:
            entry.form.segment.choices = options([NONE, *catalogue.segments])
        for entry in self.metrics:
            self._offer_metric(entry.form, catalogue)
        primary = self.primary
        scale = catalogue.scales.get(primary.metric.data, 1) if primary else 1
        self.duration.form.baseline.scale = scale

    def _offer_metric(self, row: MetricChoiceForm, catalogue: Catalogue) -> None:
        row.metric.choices = options([NONE, *catalogue.metrics])
        scale = catalogue.scales.get(row.metric.data, 1)
        for number in (row.change_that_matters, row.margin):
            number.within_metric(scale)
        describe(row, catalogue)

    @property
    def by_account(self) -> bool:
        """Whether whole accounts are drawn."""
        return self.drawn == Unit.ACCOUNT

    @property
    def drawn(self) -> Unit:
        """Who is drawn: customers, where it does not say."""
        is_account = self.unit.data == Unit.ACCOUNT.value
        return Unit.ACCOUNT if is_account else Unit.CUSTOMER

    @property
    def primary(self) -> MetricChoiceForm | None:
        """The row of the primary metric, or None."""
        rows: list[MetricChoiceForm] = [entry.form for entry in self.metrics]
        return next((r for r in rows if r.role.data == Role.PRIMARY.value), None)

    @property
    def chosen_metrics(self) -> list[tuple[int, MetricChoiceForm]]:
        """The rows with a metric chosen, each with its place on the page."""
        return [(i, e.form) for i, e in enumerate(self.metrics) if e.form.metric.data]

    @property
    def chosen_variants(self) -> list[tuple[int, VariantForm]]:
        """The rows with a variant: the first two, and those that are not blank."""
        rows = [(i, entry.form) for i, entry in enumerate(self.variants)]
        return [(i, row) for i, row in rows if i < 2 or not row.is_blank]  # noqa: PLR2004

    @property
    def chosen_rules(self) -> list[tuple[int, PersonalForm]]:
        """The personalised rows with a segment chosen."""
        return [(i, e.form) for i, e in enumerate(self.rules) if e.form.segment.data]

    def design(
        self, key: str, hypothesis: str, catalogue: Catalogue, times: Mapping[str, Any]
    ) -> Design:
        """Build the value that experiments checks.

        Args:
            key: of the experiment.
            hypothesis: its key.
            catalogue: for the newest versions of segments and metrics.
            times: stored times of the dates, so that saving does not change them.

        Returns:
            The design; what could not be read is a value that its check refuses.
        """
        segment = self.segment.data or ""
        ends = self.planned_end_at.at(times.get("planned_end_at"))
        return Design(
            key=key,
            name=self.name.data or self.new_hypothesis.form.title.data or "",
            hypothesis=hypothesis,
            goal=pick(Goal, self.goal.data),
            assigned_by=pick(AssignedBy, self.assigned_by.data),
            unit=pick(Unit, self.unit.data),
            segment=segment,
            segment_version=catalogue.versions.get(segment, 1),
            variants=tuple(self._variants(catalogue)),
            coverage=self.coverage.value,
            metrics=tuple(self._metrics(catalogue)),
            monitoring_mode=self.mode,
            looks=self.planned_looks(),
            planned_units=self.planned_units.whole,
            planned_end_at=NEVER if ends is None else ends,
            alpha=self.alpha.value,
            exposures_from=self.exposures_from.at(times.get("exposures_from")),
            enrolment_ends_at=self.enrolment_ends_at.at(times.get("enrolment_ends_at")),
            breakdowns=tuple(
                SegmentRef(name, catalogue.versions.get(name, 1))
                for name in self.breakdowns.data or ()
            ),
            post_stratified=self.post_stratified.data == YES,
            parameter_types=self._types(),
            layer=self.layer.data or None,
            layer_share=self.layer_share.value_or_none,
            hash_attribute=self.hash_attribute.data or UNIT_ATTRIBUTE,
            fallback_attribute=self.fallback_attribute.data or None,
            decision_rule=self.rule.form.rule(),
            exposure_point=self.exposure_point.data or "",
            risks=tuple(pick(Risk, risk) for risk in self.risks.data or ()),
        )

    @property
    def mode(self) -> MonitoringMode:
        """When estimates are seen."""
        return pick(MonitoringMode, self.monitoring_mode.data)

    def planned_looks(self) -> tuple[float, ...]:
        """Read the looks; what is no number becomes one that the design refuses."""
        parts = [part.strip(" %") for part in (self.looks.data or "").split(",")]
        return tuple(_share(part) for part in parts if part)

    def _types(self) -> dict[str, ParameterType]:
        words = set(ParameterType)
        given = self.parameter_types.value
        if not all(isinstance(w, str) and w in words for w in given.values()):
            self.parameter_types.errors = [
                "Choose each type from string, boolean, integer, float and json."
            ]
            return {}
        return {name: ParameterType(word) for name, word in given.items()}

    def _variants(self, catalogue: Catalogue) -> list[VariantSpec]:
        rules = tuple(
            SegmentParameters(
                row.segment.data,
                catalogue.versions.get(row.segment.data, 1),
                row.parameters.value,
            )
            for _, row in self.chosen_rules
        )
        return [
            VariantSpec(
                name=row.name.data or "",
                description=row.description.data or "",
                is_control=index == 0,
                share=row.share.value,
                parameters=row.parameters.value,
                personalisation=rules if self.personalised.data == str(index) else (),
            )
            for index, row in self.chosen_variants
        ]

    def _metrics(self, catalogue: Catalogue) -> list[MetricChoice]:
        self._refuse_twice()
        return [
            MetricChoice(
                metric=row.metric.data,
                version=catalogue.metric_versions.get(row.metric.data, 1),
                role=pick(Role, row.role.data),
                change_that_matters=self._change(row, catalogue),
                margin=self._margin(row, catalogue),
            )
            for _, row in self.chosen_metrics
        ]

    def _refuse_twice(self) -> None:
        """Name a metric that is chosen again as this page does, not by its key."""
        seen = set()
        for _, row in self.chosen_metrics:
            if row.metric.data in seen:
                name = titles(row.metric).get(row.metric.data, row.metric.data)
                row.metric.errors = [f'"{name}" is chosen twice.']
            seen.add(row.metric.data)

    def _change(self, row: MetricChoiceForm, catalogue: Catalogue) -> float:
        """Take the change as typed; a guardrail's may be its largest harm."""
        typed = row.change_that_matters.value_or_none
        if typed is None and row.role.data == Role.GUARDRAIL.value:
            typed = self._margin(row, catalogue)
        return math.nan if typed is None else float(typed)

    def _margin(self, row: MetricChoiceForm, catalogue: Catalogue) -> float | None:
        """Take the margin as typed; a guardrail's may be the metric's usual one."""
        typed = row.margin.value_or_none
        if typed is None and row.role.data == Role.GUARDRAIL.value:
            return catalogue.margins.get(row.metric.data)
        return typed

    def names(self) -> Mapping[str, str]:
        """Tell where faults of the design are shown; blank rows shift the numbers."""
        found = {
            f"metrics.{number}": f"metrics-{index}"
            for number, (index, _) in enumerate(self.chosen_metrics)
        }
        for number, (index, _) in enumerate(self.chosen_variants):
            rules = f"variants.{number}.personalisation"
            for line, (place, _) in enumerate(self.chosen_rules):
                found[f"{rules}.{line}"] = f"rules-{place}"
            found[rules] = "rules"
            found[f"variants.{number}"] = f"variants-{index}"
        found["segment_version"] = "segment"
        found["breakdowns"] = "breakdowns"
        found["decision_rule"] = "rule-preset"
        return found

    def new_key(self) -> str:
        """Take the key as typed, or make it from the name."""
        name = self.name.data or self.new_hypothesis.form.title.data or ""
        return str(self.key.data or key_from(name, "experiment"))

    def show(self, design: Design, scales: Mapping[str, int], revision: int) -> None:
        """Fill the form from a stored design.

        Args:
            design: as stored.
            scales: 100 for metrics that are rates, else 1, by key.
            revision: of the experiment.
        """
        self.name.data, self.key.data = design.name, design.key
        self.goal.data, self.hypothesis.data = design.goal.value, design.hypothesis
        self.segment.data = design.segment
        self.assigned_by.data = design.assigned_by.value
        self.coverage.show(design.coverage)
        self.layer.data = design.layer or ""
        self.layer_share.show(design.layer_share)
        self.unit.data = design.unit.value
        self.hash_attribute.data = design.hash_attribute
        self.fallback_attribute.data = design.fallback_attribute or ""
        self.alpha.show(design.alpha)
        self.monitoring_mode.data = design.monitoring_mode.value
        self.looks.data = ", ".join(f"{look * 100:g}" for look in design.looks)
        self.planned_units.data = str(design.planned_units)
        for name in ("planned_end_at", "exposures_from", "enrolment_ends_at"):
            time = getattr(design, name)
            self[name].data = None if time is None else time.date()
        self.breakdowns.data = [ref.segment for ref in design.breakdowns]
        self.post_stratified.data = YES if design.post_stratified else ""
        self.revision.data = str(revision)
        self.exposure_point.data = design.exposure_point
        self.risks.data = [risk.value for risk in design.risks]
        self.rule.form.show(design.decision_rule)
        if design.mixes_types or design.parameter_types != design.types_of_values:
            self.parameter_types.data = pretty_json(design.parameter_types)
        self._show_variants(design)
        self._show_metrics(design, scales)

    def show_hypothesis(self, row: HypothesisRow) -> None:
        """Fill in the hypothesis that is tested; `offer` comes after."""
        self.hypothesis.data = ""
        story = self.new_hypothesis.form
        if forecast_of(row) is None:
            story.drop_forecast()
        story.show(row)

    def _show_variants(self, design: Design) -> None:
        ordered = [design.control, *design.treatments]
        _resize(self.variants, len(ordered))
        for index, (entry, variant) in enumerate(
            zip(self.variants, ordered, strict=True)
        ):
            row = entry.form
            row.name.data, row.description.data = variant.name, variant.description
            row.share.show(variant.share)
            row.parameters.data = pretty_json(variant.parameters)
            if variant.personalisation:
                self.personalised.data = str(index)
                self._show_rules(variant)

    def _show_rules(self, variant: VariantSpec) -> None:
        _resize(self.rules, len(variant.personalisation))
        for entry, rule in zip(self.rules, variant.personalisation, strict=True):
            entry.form.segment.data = rule.segment
            entry.form.parameters.data = pretty_json(rule.parameters)

    def _show_metrics(self, design: Design, scales: Mapping[str, int]) -> None:
        _resize(self.metrics, len(design.metrics))
        for entry, choice in zip(self.metrics, design.metrics, strict=True):
            row = entry.form
            row.metric.data, row.role.data = choice.metric, choice.role.value
            for field in (row.change_that_matters, row.margin):
                field.scale = scales.get(choice.metric, 1)
            row.change_that_matters.show(choice.change_that_matters)
            row.margin.show(choice.margin)

    def begin(self) -> None:
        """Fill a new form with what most experiments have."""
        control, treatment = (entry.form for entry in self.variants)
        control.name.data, treatment.name.data = "control", "treatment"
        control.share.data = treatment.share.data = "50"
        story = self.new_hypothesis.form
        story.if_up.data = "Ship it to the whole segment."
        story.if_flat.data = "Keep control, and write down what we learned."
        story.if_down.data = "Keep control, and ask customers why."
        first, second = (entry.form for entry in self.metrics)
        first.role.data, second.role.data = Role.PRIMARY.value, Role.GUARDRAIL.value

    def open_page(self, catalogue: Catalogue) -> None:
        """Show a page that nobody has answered: what is stored is a placeholder."""
        if self.task == PlanTask.METRICS and len(self.chosen_metrics) == 1:
            _resize(self.metrics, 2)
            self.metrics[1].form.role.data = Role.GUARDRAIL.value
            self.metrics[1].form.metric.data = catalogue.csat
        if self.task == PlanTask.DURATION:
            self.planned_units.data = ""
            self.planned_end_at.data = None

    @override
    def problems(self) -> list[Problem]:
        """List what is wrong on the page that is shown."""
        found = super().problems()
        if self.task is None:
            return found
        own = fields_of(self.task)
        return [p for p in found if not p.anchor or p.anchor.partition("-")[0] in own]

    def change_rows(self, action: str) -> None:
        """Add or remove a row when its button was pressed.

        Args:
            action: such as "add_metric" or "remove_variant-2".
        """
        rows = {"variant": self.variants, "metric": self.metrics, "rule": self.rules}
        verb, _, what = action.partition("_")
        what, _, number = what.partition("-")
        if what not in rows:
            return
        if verb == "add" and not (
            what == "variant" and len(self.variants) >= MAX_VARIANTS
        ):
            rows[what].append_entry()
            if what == "metric":
                rows[what][-1].form.role.data = Role.SECONDARY.value
        elif verb == "remove" and number.isdecimal() and len(number) < 4:  # noqa: PLR2004
            _remove(rows[what], int(number))


def _share(text: str) -> float:
    try:
        return float(text) / 100
    except ValueError:
        return math.nan


def _resize(rows: Rows, size: int) -> None:
    while len(rows) > size:
        rows.pop_entry()
    while len(rows) < size:
        rows.append_entry()


def _remove(rows: Rows, index: int) -> None:
    """Take one row out; later rows move up and keep what was typed."""
    if index < len(rows):
        rows.pop_entry(index)
        _resize(rows, max(len(rows), rows.min_entries))
