"""The form of a metric."""

from experiments.metric_definition import (
    AMOUNTS,
    CANCELLATIONS,
    GAPS,
    MEAN_AMOUNTS,
    NO_CAP,
    NOT_ADJUSTED,
    SURVEYS,
    UPPER_BOX,
    USUAL_CAP_SHARE,
    USUAL_COVARIATE_DAYS,
    USUAL_DIRECTION,
    WINDOWS,
    MetricDefinition,
)
from experiments.metric_templates import MetricTemplate
from experiments.metrics import CatalogueEntry
from experiments.survey_kinds import NPS_TOP, PROMOTERS_FROM
from experiments.vocabulary import Amount, Direction, MetricKind
from web.forms.base import AbideForm
from web.forms.choices import Choice, Radios
from web.forms.fields import Text
from web.forms.numbers import PERCENT, Number, Whole
from web.forms.values import key_from, pick
from web.presenters.words import METRIC_KIND, who

DIRECTIONS = (
    ("usual", "As usual for its kind"),
    (Direction.INCREASE.value, "Higher is better"),
    (Direction.DECREASE.value, "Lower is better"),
)
AMOUNT_CHOICES = (
    (Amount.COUNT.value, "How many of these events"),
    (Amount.SUM.value, "What their values add up to"),
)
_NUMBERS = ("day", "window_days", "gap_days", "at_least", "scale", "satisfied_from")


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
        " looked at. Churn: the gap begins by this day. Others: what happens up to"
        " this day counts; a window begins on it, with 0 at once.",
        default="30",
    )
    events = Text(
        "Events that count",
        "One name a line, as your app sends them. Retention and churn: activity."
        " Funnel: the steps in their order. Times: what ends them. Contacts,"
        " cancellations: their events.",
        longest=20_000,
        rows=3,
    )
    window_days = Whole(
        "Length of the window in days",
        "From the day on, as for day N or later, watched for so many days. Times with"
        " events that start the clock: days in which it must start.",
        default="1",
    )
    gap_days = Whole(
        "Days without another event",
        "Churn: days without activity that mean churned. First contact: days without"
        " another contact that mean resolved.",
        default="14",
    )
    at_least = Whole(
        "How many events at least", "2 for a repeat purchase.", default="1"
    )
    start_events = Text(
        "Events that start the clock",
        "One name a line, as a ticket opened. Leave it empty to count from when a"
        " customer first saw the change.",
        longest=20_000,
        rows=2,
        optional=True,
    )
    competing_events = Text(
        "Events of other causes",
        "One name a line, as a failed payment: who left so can no longer cancel. May be"
        " empty.",
        longest=20_000,
        rows=2,
        optional=True,
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
    amount_events = Text(
        "Events that are counted or added up",
        "One name a line. Of each event, `value` is added up, or `revenue` where it"
        " has no value.",
        longest=20_000,
        rows=3,
    )
    amount = Choice("What is taken of them", choices=AMOUNT_CHOICES)
    per_events = Text(
        "Events below the line",
        "One name a line: of orders per visit, the visits.",
        longest=20_000,
        rows=2,
    )
    per_amount = Choice("What is taken of these", choices=AMOUNT_CHOICES)
    from_day = Whole(
        "First day that counts",
        "0 counts from the moment a customer first saw the change.",
        default="0",
    )
    within_days = Whole("How many days count", "From that day on.", default="30")
    quantile_share = Number(
        "Share of customers below",
        "50 for the median, 95 for what 95 % of customers stay below.",
        scale=PERCENT,
        low=1,
        high=99,
        default="50",
    )
    unit = Text(
        "Unit",
        'A currency, as in "EUR", or what is counted, as in "orders". A rate, such as'
        " messages a customer-week, is a number of events in a window of 7 days.",
        longest=20,
        optional=True,
    )
    cap_share = Number(
        "Share of customers below the cap",
        "Few large amounts hide what happens to all others: what is above the cap"
        " counts as the cap. Empty: 99 % for sums and 99.9 % for counts; 100 caps"
        " nothing.",
        scale=PERCENT,
        low=50,
        high=100,
        optional=True,
    )
    covariate_days = Whole(
        "Days before the change to adjust for",
        "What a customer did before cannot come from the change, but explains much of"
        " how customers differ: adjusting for it makes the range narrower. Empty: 28"
        " for counts and sums, else 0, which adjusts for nothing.",
        optional=True,
    )
    before_events = Text(
        "Events to adjust for",
        "Surveys only, one name a line: how many of them came in the days before.",
        longest=20_000,
        rows=2,
        optional=True,
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
                events=self._before(),
                covariate_days=self._covariate_days(kind),
                survey=self.survey.data or "",
                scale=NPS_TOP,
                satisfied_from=PROMOTERS_FROM,
            )
        if kind in SURVEYS:
            return MetricDefinition(
                kind=kind,
                direction=self._direction(kind),
                day=day,
                events=self._before(),
                covariate_days=self._covariate_days(kind),
                survey=self.survey.data or "",
                scale=self.scale.whole,
                satisfied_from=self.satisfied_from.whole
                if kind in UPPER_BOX
                else self.scale.whole,
            )
        if kind in AMOUNTS:
            return self._amount(kind)
        return self._of_events(kind, day)

    def _of_events(self, kind: MetricKind, day: int) -> MetricDefinition:
        timed = kind == MetricKind.TIME_TO_EVENT
        starts = _lines(self.start_events) if timed else ()
        competes = kind in CANCELLATIONS
        return MetricDefinition(
            kind=kind,
            direction=self._direction(kind),
            events=_lines(self.events),
            day=day,
            window_days=self.window_days.whole if starts or kind in WINDOWS else 1,
            gap_days=self.gap_days.whole if kind in GAPS else 14,
            at_least=self.at_least.whole if kind == MetricKind.EVENT_SHARE else 1,
            start_events=starts,
            competing_events=_lines(self.competing_events) if competes else (),
            covariate_days=self._covariate_days(kind),
        )

    def _covariate_days(self, kind: MetricKind) -> int:
        if kind in NOT_ADJUSTED:
            return 0
        if self.covariate_days.data:
            return self.covariate_days.whole
        return USUAL_COVARIATE_DAYS if kind in MEAN_AMOUNTS else 0

    def _before(self) -> tuple[str, ...]:
        return _lines(self.before_events) if self.covariate_days.whole else ()

    def _amount(self, kind: MetricKind) -> MetricDefinition:
        is_ratio, is_mean = kind == MetricKind.RATIO, kind in MEAN_AMOUNTS
        is_quantile = kind == MetricKind.VALUE_QUANTILE
        cap_share = self.cap_share.value_or_none
        if cap_share is None:
            cap_share = USUAL_CAP_SHARE.get(kind, NO_CAP)
        return MetricDefinition(
            kind=kind,
            direction=self._direction(kind),
            events=_lines(self.amount_events),
            day=self.from_day.whole,
            window_days=self.within_days.whole,
            amount=Amount.COUNT if is_mean else pick(Amount, self.amount.data),
            per_events=_lines(self.per_events) if is_ratio else (),
            per_amount=pick(Amount, self.per_amount.data) if is_ratio else Amount.COUNT,
            quantile_share=self.quantile_share.value if is_quantile else 0.5,
            cap_share=cap_share if is_mean else NO_CAP,
            unit=(self.unit.data or "").strip(),
            covariate_days=self._covariate_days(kind),
        )

    def _direction(self, kind: MetricKind) -> Direction:
        if self.direction.data in {d.value for d in Direction}:
            return Direction(self.direction.data)
        return USUAL_DIRECTION.get(kind, Direction.INCREASE)

    def show(self, definition: MetricDefinition) -> None:
        """Fill in a stored definition."""
        self.kind.data = definition.kind.value
        self.direction.data = definition.direction.value
        self.survey.data = definition.survey
        self.start_events.data = "\n".join(definition.start_events)
        self.competing_events.data = "\n".join(definition.competing_events)
        self._show_amount(definition)
        for name in _NUMBERS:
            self[name].data = str(getattr(definition, name))

    def _show_amount(self, definition: MetricDefinition) -> None:
        is_amount = definition.is_amount
        named = "\n".join(definition.events)
        self.amount_events.data = named if is_amount else ""
        self.before_events.data = named if definition.is_survey else ""
        self.events.data = "" if is_amount or definition.is_survey else named
        self.per_events.data = "\n".join(definition.per_events)
        self.amount.data = definition.amount.value
        self.per_amount.data = definition.per_amount.value
        self.unit.data = definition.unit
        self.covariate_days.data = str(definition.covariate_days)
        self.quantile_share.show(definition.quantile_share)
        self.cap_share.show(definition.cap_share if is_amount else None)
        if is_amount:
            self.from_day.data = str(definition.day)
            self.within_days.data = str(definition.window_days)


def _lines(field: Text) -> tuple[str, ...]:
    lines = (field.data or "").splitlines()
    return tuple(line.strip() for line in lines if line.strip())


class EntryForm(AbideForm):
    """What the catalogue says of a metric beside its definition."""

    name = Text("Name", 'As pages call it, such as "Day-30 retention".')
    description = Text(
        "What it means for the customer", longest=2000, rows=2, optional=True
    )
    owner = Text(
        "Who answers for it?",
        "A person or a team. Left empty: you.",
        longest=200,
        optional=True,
    )
    default_margin = Number(
        "Largest harm that its guardrails usually accept",
        "In points for shares, else in its own unit. A guardrail without a largest harm"
        " of its own gets this one.",
        low=0,
        optional=True,
    )

    def offer(self, definition: MetricDefinition) -> None:
        """Read the margin in the metric's unit."""
        self.default_margin.scale = PERCENT if definition.is_share else 1

    def entry(self, definition: MetricDefinition) -> CatalogueEntry:
        """Build the value that experiments checks."""
        self.offer(definition)
        return CatalogueEntry(
            name=self.name.data or "",
            description=self.description.data or "",
            owner=self.owner.data or "",
            default_margin=self.default_margin.value_or_none,
        )

    def show_entry(self, entry: CatalogueEntry, definition: MetricDefinition) -> None:
        """Fill in what the catalogue says."""
        self.offer(definition)
        self.name.data, self.owner.data = entry.name, who(entry.owner)
        self.description.data = entry.description
        self.default_margin.show(entry.default_margin)


class MetricForm(EntryForm, DefinitionForm):
    """A new metric."""

    key = Text(
        "Key",
        "Stands in addresses and cannot be changed. Leave it empty to make it from"
        " the name.",
        longest=64,
        optional=True,
        render_kw={"spellcheck": "false", "autocomplete": "off"},
    )

    def start_from(self, start: MetricTemplate) -> None:
        """Fill in a template; its names of events wait for the app's own."""
        self.name.data, self.description.data = start.name, start.meaning
        self.show(start.definition)

    def new_key(self) -> str:
        """Take the key as typed, or make it from the name."""
        return str(self.key.data or key_from(self.name.data or "", "metric"))
