"""The form of a metric."""

from experiments.metric_definition import SURVEYS, UPPER_BOX, MetricDefinition
from experiments.survey_kinds import NPS_TOP, PROMOTERS_FROM
from experiments.vocabulary import Direction, MetricKind
from web.forms.base import AbideForm
from web.forms.fields import Choice, Radios, Text, Whole
from web.forms.values import key_from, pick
from web.presenters.words import METRIC_KIND

DIRECTIONS = (
    ("usual", "As usual for its kind"),
    (Direction.INCREASE.value, "Higher is better"),
    (Direction.DECREASE.value, "Lower is better"),
)


class DefinitionForm(AbideForm):
    """How a metric is measured; which fields count follows from its kind."""

    kind = Radios(
        "What is measured?",
        choices=[(kind.value, METRIC_KIND[kind]) for kind in MetricKind],
        default=MetricKind.RETENTION.value,
    )
    day = Whole(
        "Day",
        "Counted from when a customer first saw the change. Retention: the day"
        " looked at. Churn: the gap begins by this day. Surveys: answers up to this"
        " day count.",
        default="30",
    )
    events = Text(
        "Events that count as activity",
        "One name a line, as your app sends them.",
        longest=20_000,
        rows=3,
    )
    window_days = Whole(
        "Days in which to be active", "Retention only, from the day on.", default="1"
    )
    gap_days = Whole(
        "Days without activity that mean churned", "Churn only.", default="14"
    )
    survey = Text(
        "Name of the survey",
        "Leave it empty to take every survey of the kind.",
        longest=100,
        optional=True,
    )
    scale = Whole(
        "Highest score", "5 for a scale of 1 to 5; NPS always has 10.", default="5"
    )
    satisfied_from = Whole(
        "Lowest score that counts as satisfied",
        "For shares only; for effort, as easy.",
        default="4",
    )
    direction = Choice("Which way is better?", choices=DIRECTIONS)

    def definition(self) -> MetricDefinition:
        """Build the value that experiments checks, from the fields that count."""
        kind = pick(MetricKind, self.kind.data)
        day = self.day.whole
        if kind == MetricKind.NPS:
            return MetricDefinition(
                kind=kind,
                direction=self._direction(kind),
                day=day,
                survey=self.survey.data or "",
                scale=NPS_TOP,
                satisfied_from=PROMOTERS_FROM,
            )
        if kind in SURVEYS:
            return MetricDefinition(
                kind=kind,
                direction=self._direction(kind),
                day=day,
                survey=self.survey.data or "",
                scale=self.scale.whole,
                satisfied_from=self.satisfied_from.whole
                if kind in UPPER_BOX
                else self.scale.whole,
            )
        lines = (self.events.data or "").splitlines()
        retention = kind == MetricKind.RETENTION
        return MetricDefinition(
            kind=kind,
            direction=self._direction(kind),
            events=tuple(line.strip() for line in lines if line.strip()),
            day=day,
            window_days=self.window_days.whole if retention else 1,
            gap_days=14 if retention else self.gap_days.whole,
        )

    def _direction(self, kind: MetricKind) -> Direction:
        if self.direction.data in {d.value for d in Direction}:
            return Direction(self.direction.data)
        return Direction.DECREASE if kind == MetricKind.CHURN else Direction.INCREASE

    def show(self, definition: MetricDefinition) -> None:
        """Fill in a stored definition."""
        self.kind.data = definition.kind.value
        self.direction.data = definition.direction.value
        self.events.data = "\n".join(definition.events)
        self.survey.data = definition.survey
        for name in ("day", "window_days", "gap_days", "scale", "satisfied_from"):
            self[name].data = str(getattr(definition, name))


class MetricForm(DefinitionForm):
    """A new metric."""

    name = Text("Name", 'As pages call it, such as "Day-30 retention".')
    description = Text("What it means", longest=2000, rows=2, optional=True)
    key = Text(
        "Key",
        "Stands in addresses and cannot be changed. Leave it empty to make it from"
        " the name.",
        longest=64,
        optional=True,
        render_kw={"spellcheck": "false", "autocomplete": "off"},
    )

    def new_key(self) -> str:
        """Take the key as typed, or make it from the name."""
        return str(self.key.data or key_from(self.name.data or "", "metric"))
