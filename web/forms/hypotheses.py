"""The form of a hypothesis, and of one written within a new experiment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from analysis.wording import Measure
from experiments.backlog import LONGEST_REASON, MOST_PLACES
from experiments.hypothesis import (
    LEAST_EFFORT,
    MOST_EFFORT,
    MOST_REACH,
    BacklogInputs,
    Forecast,
    Hypothesis,
)
from experiments.models import HypothesisRow, Learning
from experiments.vocabulary import Direction, Evidence, Lever
from web.forms.base import AbideForm
from web.forms.choices import NONE, Choice, Choices, Radios, options
from web.forms.fields import Hidden, Text
from web.forms.numbers import PERCENT, Number, Whole
from web.forms.values import key_from, pick
from web.presenters.words import EVIDENCE, LEVER

MOVES = ((Direction.INCREASE.value, "rise"), (Direction.DECREASE.value, "fall"))
UNIT_UNKNOWN = "In the metric's own unit: points for rates, days for times."
# Field of hypothesis.Hypothesis -> field here.
NAMES: Mapping[str, str] = {
    "forecast.lift_low": "lift_low",
    "forecast.lift_mid": "lift_mid",
    "forecast.lift_high": "lift_high",
    "forecast.ship_probability": "ship_probability",
}


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What forms offer to choose from, read from the database once per page.

    Attributes:
        stages: key and name of each journey stage.
        segments: key and name.
        metrics: key and name.
        hypotheses: key and title.
        versions: newest version of each segment, by key.
        metric_versions: newest version of each metric, by key.
        scales: 100 for metrics that are rates, else 1, by key.
        measures: how a change of each metric is read, by key.
        csat: key of a CSAT metric, preselected as guardrail; "" when there is none.
        layers: key and name.
        uncertified: names of metrics without a valid certificate.
        margins: usual margin of each metric that has one, by key.
        harms: what harm to each metric is, as "a fall of at most … points", by key.
        decided: key and name of each decided experiment.
    """

    stages: Choices
    segments: Choices
    metrics: Choices
    hypotheses: Choices
    versions: Mapping[str, int]
    metric_versions: Mapping[str, int]
    scales: Mapping[str, int]
    csat: str
    measures: Mapping[str, Measure] = field(default_factory=dict)
    layers: Choices = ()
    uncertified: tuple[str, ...] = ()
    margins: Mapping[str, float] = field(default_factory=dict)
    harms: Mapping[str, str] = field(default_factory=dict)
    decided: Choices = ()


def in_unit_of(measure: Measure | None) -> str:
    """Say in what unit a change is typed; None where the metric is not known."""
    if measure is None:
        return UNIT_UNKNOWN
    return f"In {measure.many}." if measure.many else "On the scale of its answers."


class HypothesisCoreForm(AbideForm):
    """What a hypothesis says beside whom it is about and how it is measured."""

    title = Text("The hypothesis in one line", "It heads every page about it.")
    change = Text("What will you change?", longest=2000, rows=3)
    evidence = Choice(
        "What kind of evidence is there?",
        choices=[(e.value, EVIDENCE[e]) for e in Evidence],
    )
    evidence_text = Text("What have you observed?", longest=2000, rows=3)
    friction_point = Text(
        "Which friction point does it remove?",
        "Where customers stumble today, such as: too many fields at set-up.",
        longest=500,
    )
    journey_stage = Choice("At which stage of the journey?")
    lever = Choice(
        "By what means?",
        "The library of learnings puts experiments of the same kind side by side.",
        choices=[(lever, LEVER[lever]) for lever in Lever],
        default=Lever.OTHER.value,
    )
    direction = Radios(
        "The metric will", choices=MOVES, default=Direction.INCREASE.value
    )
    if_up = Text("What will you do if it goes up?", longest=1000, rows=2)
    if_flat = Text("What will you do if it stays?", longest=1000, rows=2)
    if_down = Text("What will you do if it goes down?", longest=1000, rows=2)
    wrong_if = Text(
        "We would be wrong if",
        "What would show it, such as: retention does not rise within 30 days.",
        longest=1000,
        rows=2,
        optional=True,
    )
    lift_low = Number(
        "Low forecast", "1 in 10 that it is less", scale=PERCENT, low=-100, high=1000
    )
    lift_mid = Number(
        "Middle forecast", "as likely above", scale=PERCENT, low=-100, high=1000
    )
    lift_high = Number(
        "High forecast", "1 in 10 that it is more", scale=PERCENT, low=-100, high=1000
    )
    ship_probability = Number(
        "How likely is it that you will ship it?", scale=PERCENT, low=0, high=100
    )
    key = Text(
        "Key",
        "Stands in addresses and cannot be changed. Leave it empty to make it from"
        " the line above.",
        longest=64,
        optional=True,
        render_kw={"spellcheck": "false", "autocomplete": "off"},
    )

    def core(self, **about: Any) -> Hypothesis:  # noqa: ANN401  # Hypothesis' fields
        """Build the value; `about` says key, segment, metric and expected change."""
        return Hypothesis(
            title=self.title.data or "",
            change=self.change.data or "",
            evidence=pick(Evidence, self.evidence.data),
            evidence_text=self.evidence_text.data or "",
            friction_point=self.friction_point.data or "",
            journey_stage=self.journey_stage.data or "",
            lever=pick(Lever, self.lever.data),
            direction=pick(Direction, self.direction.data),
            if_up=self.if_up.data or "",
            if_flat=self.if_flat.data or "",
            if_down=self.if_down.data or "",
            wrong_if=self.wrong_if.data or "",
            forecast=self._forecast(),
            **about,
        )

    def drop_forecast(self) -> None:
        """Do not ask for a forecast: after the result it would be none."""
        for name in NAMES.values():
            del self[name]

    def _forecast(self) -> Forecast | None:
        if any(name not in self for name in NAMES.values()):
            return None
        return Forecast(
            lift_low=self.lift_low.value,
            lift_mid=self.lift_mid.value,
            lift_high=self.lift_high.value,
            ship_probability=self.ship_probability.value,
        )

    def new_key(self) -> str:
        """Take the key as typed, or make it from the title."""
        typed = self["key"].data if "key" in self else ""
        return str(typed or key_from(self.title.data or "", "hypothesis"))


class HypothesisForm(HypothesisCoreForm):
    """A whole hypothesis."""

    segment = Choice("For which segment?", needed="a segment")
    metric = Choice("Which metric will move?", needed="a metric")
    expected_change = Number("By at least how much?", UNIT_UNKNOWN)
    builds_on = Choice(
        "Which decided experiment does it build on?",
        "Where there is one.",
        optional=True,
    )
    effort_weeks = Number(
        "How many weeks of work does it take?",
        "Until customers have it. Without it, the hypothesis is not ranked.",
        low=LEAST_EFFORT,
        high=MOST_EFFORT,
        unit="weeks",
        optional=True,
    )
    reach = Whole(
        "How many customers does the segment have in a quarter?",
        "Leave it empty to take the size that Abide measures.",
        low=1,
        high=MOST_REACH,
        optional=True,
    )
    baseline = Number(
        "Where does the metric stand today?",
        "Leave it empty to take what Abide measures. In % for rates.",
        optional=True,
    )
    revision = Hidden()
    measure: Measure | None = None  # of the metric that is chosen

    def offer(self, catalogue: Catalogue) -> None:
        """Fill the lists, and read the expected change in the metric's unit."""
        self.journey_stage.choices = options(catalogue.stages)
        self.segment.choices = options([NONE, *catalogue.segments])
        self.metric.choices = options([NONE, *catalogue.metrics])
        for choice in self.metric.choices:  # for the script that says the sentence
            known = catalogue.measures.get(choice.value)
            choice.render_kw = {} if known is None else {"data-unit": known.many}
        self.measure = catalogue.measures.get(self.metric.data)
        self.expected_change.description = in_unit_of(self.measure)
        scale = catalogue.scales.get(self.metric.data, 1)
        self.expected_change.within_metric(scale)
        if "baseline" in self:
            self.builds_on.choices = options([("", "None"), *catalogue.decided])
            self.baseline.scale = scale
            self.baseline.unit = "%" if scale == PERCENT else ""

    @property
    def change_in_words(self) -> str:
        """The expected change as typed, with its unit once the metric is chosen."""
        typed = str(self.expected_change.data or "")
        if not typed or self.measure is None:
            return typed
        return self.measure.written(typed)

    @property
    def inputs(self) -> BacklogInputs:
        """What its place in the backlog is made of, as experiments checks it."""
        return BacklogInputs(
            effort_weeks=self.effort_weeks.value_or_none,
            reach=self.reach.whole if self.reach.data else None,
            baseline=self.baseline.value_or_none,
            builds_on=self.builds_on.data or None,
        )

    def show_inputs(self, inputs: BacklogInputs) -> None:
        """Fill in what was said for the backlog; after `offer`, which knows units."""
        self.effort_weeks.show(inputs.effort_weeks)
        self.reach.show(inputs.reach)
        self.baseline.show(inputs.baseline)
        self.builds_on.data = inputs.builds_on or ""

    def hypothesis(self, key: str) -> Hypothesis:
        """Build the value that experiments checks."""
        return self.core(
            key=key,
            segment=self.segment.data or "",
            metric=self.metric.data or "",
            expected_change=self.expected_change.value,
        )

    def cite(self, learning: Learning) -> None:
        """Begin with what an experiment found; before `offer`.

        Args:
            learning: of the experiment, with all it names.
        """
        about, name = learning.experiment.hypothesis, learning.experiment.name
        self.evidence.data = Evidence.EARLIER_EXPERIMENT.value
        self.evidence_text.data = f'The experiment "{name}": {learning.answer}'.rstrip()
        self.lever.data, self.direction.data = about.lever, about.direction
        self.friction_point.data = about.friction_point
        self.journey_stage.data = about.journey_stage.key
        self.segment.data, self.metric.data = about.segment.key, about.metric.key
        self.builds_on.data = learning.experiment.key

    def show(self, row: HypothesisRow) -> None:
        """Fill the form from a stored hypothesis; `offer` comes after."""
        for name in ("title", "change", "evidence", "evidence_text", "lever"):
            self[name].data = getattr(row, name)
        names = ("friction_point", "direction", "if_up", "if_flat", "if_down")
        for name in (*names, "wrong_if", "key"):
            if name in self:
                self[name].data = getattr(row, name)
        for name in NAMES.values():
            if name in self:
                self[name].show(getattr(row, f"forecast_{name}"))
        self.journey_stage.data = row.journey_stage.key
        self.segment.data = row.segment.key
        self.metric.data = row.metric.key
        self.revision.data = str(row.revision)


class PlanHypothesisForm(HypothesisForm):
    """A hypothesis within a plan: its key is made from its line."""

    # WTForms leaves a field out so; the backlog asks for the others.
    key = None  # type: ignore[assignment]
    builds_on = None  # type: ignore[assignment]
    effort_weeks = None  # type: ignore[assignment]
    reach = None  # type: ignore[assignment]
    baseline = None  # type: ignore[assignment]


class ParkForm(AbideForm):
    """Why a hypothesis waits."""

    reason = Text(
        "Why does it wait?",
        "Such as: until prices are settled.",
        longest=LONGEST_REASON,
        rows=3,
    )


class MergeForm(AbideForm):
    """Of which other one a hypothesis is a duplicate."""

    into = Choice("Which one stays?", needed="the one that stays")


class PlaceForm(AbideForm):
    """Where a hypothesis stands in the backlog, by hand."""

    place = Whole("Place", low=1, high=MOST_PLACES, default="")
