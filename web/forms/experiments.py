"""The form of an experiment: all of its plan on one page."""

import math
from collections.abc import Mapping
from typing import Any

from experiments.design import (
    MAX_VARIANTS,
    Design,
    MetricChoice,
    SegmentParameters,
    SegmentRef,
    VariantSpec,
)
from experiments.field_faults import LEAST_CHANGE, MAX_CHANGE
from experiments.vocabulary import (
    UNIT_ATTRIBUTE,
    AssignedBy,
    Goal,
    MonitoringMode,
    ParameterType,
    Role,
    Unit,
)
from web.forms.base import AbideForm
from web.forms.fields import (
    NEVER,
    NONE,
    PERCENT,
    Boxes,
    Choice,
    Day,
    Hidden,
    Json,
    Number,
    Part,
    Radios,
    Rows,
    Text,
    Whole,
    options,
)
from web.forms.hypotheses import (
    NAMES,
    Catalogue,
    HypothesisCoreForm,
)
from web.forms.plan_parts import (
    KEY_WORDS,
    DurationForm,
    MetricChoiceForm,
    PersonalForm,
    RuleForm,
    VariantForm,
)
from web.forms.values import key_from, pick
from web.presenters.formats import pretty_json
from web.presenters.monitoring import CHOICES
from web.presenters.words import ASSIGNED_BY, DRAWN, GOAL

# More than any design may have, so that experiments refuses it in words.
MOST_ROWS = 60


class ExperimentForm(AbideForm):
    """A whole experiment."""

    name = Text("Name", "Short, as your team calls it.")
    goal = Choice("What is it for?", choices=[(g.value, GOAL[g]) for g in Goal])
    hypothesis = Choice("Which hypothesis does it test?")
    new_hypothesis = Part(HypothesisCoreForm, "New hypothesis")
    segment = Choice("Which segment is it for?", needed="a segment")
    coverage = Number(
        "Share of the segment to enrol",
        scale=PERCENT,
        low=0.1,
        high=100,
        default="100",
    )
    layer = Choice(
        "Does it exclude other experiments?",
        "Experiments of one layer never share a customer.",
        default="",
    )
    layer_share = Number(
        "Share of the layer it takes",
        scale=PERCENT,
        low=0.1,
        high=100,
        optional=True,
    )
    unit = Radios(
        "Who is drawn?",
        "Choose accounts when the people of one company share what you change, such"
        " as a price or a setting: all of them get the same variant, and their results"
        " count as one account's. It takes more customers to be as sure.",
        choices=[(u.value, DRAWN[u]) for u in Unit],
        default=Unit.CUSTOMER.value,
    )
    hash_attribute = Text(
        "Drawn by the attribute",
        "id is the customer's own. For accounts, the attribute in which your app sends"
        " the account's id, such as accountId.",
        longest=64,
        optional=True,
        default=UNIT_ATTRIBUTE,
    )
    fallback_attribute = Text(
        "Where it is missing, drawn by",
        "Leave it empty to leave such customers out.",
        longest=64,
        optional=True,
    )
    assigned_by = Radios(
        "Who decides which customer gets which variant?",
        choices=[(a.value, ASSIGNED_BY[a]) for a in AssignedBy],
        default=AssignedBy.ABIDE.value,
    )
    variants = Rows(
        Part(VariantForm, "Variant"), "Variants", min_entries=2, max_entries=MOST_ROWS
    )
    personalised = Choice("Which variant is personalised?", default="")
    rules = Rows(
        Part(PersonalForm, "Line"),
        "Personalised rules",
        min_entries=1,
        max_entries=MOST_ROWS,
    )
    parameter_types = Json(
        "Types of parameters",
        "Leave it empty to take them from the values. Else such as"
        ' {"price": "float"}; there are string, boolean, integer, float and json.',
        rows=2,
    )
    metrics = Rows(
        Part(MetricChoiceForm, "Metric"),
        "Metrics",
        min_entries=2,
        max_entries=MOST_ROWS,
    )
    rule = Part(RuleForm, "Decision rule")
    duration = Part(DurationForm, "Duration")
    planned_units = Whole(
        "Planned size",
        "Customers, or accounts where these are drawn; all variants together.",
    )
    planned_end_at = Day("Planned end")
    monitoring_mode = Radios(
        "When do you see estimates?",
        "Fixed when the experiment starts. Between looks nobody sees an estimate.",
        choices=[(mode.value, words) for mode, words in CHOICES.items()],
        default=MonitoringMode.GROUP_SEQUENTIAL.value,
    )
    looks = Text(
        "Looks, in percent of the planned size",
        "For planned looks only, such as 50, 100. Leave it empty for 25, 50, 75"
        " and 100.",
        longest=200,
        optional=True,
    )
    exposures_from = Day(
        "First exposures that count",
        "Leave it empty to begin with the start. A day in the past is for experiments"
        " that another system assigns; for others an admin may choose one, and says why"
        " at the start.",
        optional=True,
    )
    enrolment_ends_at = Day(
        "Enrolment ends",
        "Leave it empty to enrol until the planned end.",
        optional=True,
    )
    breakdowns = Boxes(
        "Show results by these segments too",
        "Choose before the start; splits chosen afterwards find too much.",
    )
    alpha = Number(
        "Accepted rate of false alarms",
        "5 % unless you have agreed on another.",
        scale=PERCENT,
        low=0.1,
        high=20,
        default="5",
    )
    key = Text(
        "Key",
        "Your app asks for the experiment by it. It cannot be changed. Leave it empty"
        " to make it from the name.",
        longest=64,
        optional=True,
        render_kw=KEY_WORDS,
    )
    revision = Hidden()

    def offer(self, catalogue: Catalogue) -> None:
        """Fill the lists, and read changes and margins in their metric's unit."""
        self.new_hypothesis.form.journey_stage.choices = options(catalogue.stages)
        self.new_hypothesis.is_unused = bool(self.hypothesis.data)
        self.duration.is_unused = True  # none of it is stored; its button checks it
        self.hypothesis.choices = options(
            [("", "A new one, written below"), *catalogue.hypotheses]
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
            number.scale = scale
            number.low = LEAST_CHANGE * scale
            number.high = 99.99 if scale == PERCENT else MAX_CHANGE
            number.unit = "points" if scale == PERCENT else ""

    @property
    def by_account(self) -> bool:
        """Whether whole accounts are drawn."""
        return bool(self.unit.data == Unit.ACCOUNT.value)

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
            name=self.name.data or "",
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
            parameter_types=self._types(),
            layer=self.layer.data or None,
            layer_share=self.layer_share.value_or_none if self.layer.data else None,
            hash_attribute=self.hash_attribute.data or UNIT_ATTRIBUTE,
            fallback_attribute=self.fallback_attribute.data or None,
            decision_rule=self.rule.form.rule(),
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
        return [
            MetricChoice(
                metric=row.metric.data,
                version=catalogue.metric_versions.get(row.metric.data, 1),
                role=pick(Role, row.role.data),
                change_that_matters=row.change_that_matters.value,
                margin=self._margin(row, catalogue),
            )
            for _, row in self.chosen_metrics
        ]

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
        return str(self.key.data or key_from(self.name.data or "", "experiment"))

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
        self.revision.data = str(revision)
        self.rule.form.show(design.decision_rule)
        if design.mixes_types or design.parameter_types != design.types_of_values:
            self.parameter_types.data = pretty_json(design.parameter_types)
        self._show_variants(design)
        self._show_metrics(design, scales)

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

    def begin(self, catalogue: Catalogue) -> None:
        """Fill a new form with what most experiments have."""
        control, treatment = (entry.form for entry in self.variants)
        control.name.data, treatment.name.data = "control", "treatment"
        control.share.data = treatment.share.data = "50"
        first, second = (entry.form for entry in self.metrics)
        first.role.data, second.role.data = Role.PRIMARY.value, Role.GUARDRAIL.value
        second.metric.data = catalogue.csat

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


def new_hypothesis_names() -> Mapping[str, str]:
    """Tell where faults of a hypothesis written within the form are shown."""
    texts = ("title", "change", "evidence_text", "evidence", "friction_point", "key")
    found = {name: f"new_hypothesis-{name}" for name in texts}
    for name in ("journey_stage", "if_up", "if_flat", "if_down", "direction"):
        found[name] = f"new_hypothesis-{name}"
    found |= {name: f"new_hypothesis-{ours}" for name, ours in NAMES.items()}
    return found | {
        "segment": "segment",
        "metric": "metrics-0-metric",
        "expected_change": "metrics-0-change_that_matters",
    }


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
