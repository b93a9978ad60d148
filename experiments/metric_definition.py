"""How a metric is measured, as a value, with the rules it must keep.

The catalogue that keeps its versions stands in metrics.py.
"""

import re
from dataclasses import dataclass
from datetime import timedelta

from experiments.field_faults import Faults
from experiments.survey_kinds import NAMES, NPS_TOP
from experiments.vocabulary import Amount, Direction, MetricKind, SurveyKind

MAX_DAYS = 730
MAX_EVENTS = 50
SURVEY_OF = {
    MetricKind.CSAT_MEAN: SurveyKind.CSAT,
    MetricKind.CSAT_SHARE: SurveyKind.CSAT,
    MetricKind.NPS: SurveyKind.NPS,
    MetricKind.CES_MEAN: SurveyKind.CES,
    MetricKind.CES_SHARE: SurveyKind.CES,
}
SURVEYS = frozenset(SURVEY_OF)
AMOUNTS = frozenset(
    {
        MetricKind.EVENT_COUNT,
        MetricKind.VALUE_SUM,
        MetricKind.RATIO,
    }
)
MEAN_AMOUNTS = frozenset({MetricKind.EVENT_COUNT, MetricKind.VALUE_SUM})
# Above this share of customers an amount is capped, where nobody says otherwise: few
# large amounts would hide what happens to all others (statistics 4.5).
USUAL_CAP_SHARE = {MetricKind.VALUE_SUM: 0.99, MetricKind.EVENT_COUNT: 0.999}
NO_CAP = 1.0
USUAL_COVARIATE_DAYS = 28
NOT_ADJUSTED = frozenset({MetricKind.TIME_TO_CHURN, MetricKind.RATIO})
MAX_COVARIATE_DAYS = 365
MAX_UNIT = 20
_CURRENCY = re.compile(r"[A-Z]{3}|[^\w%]+")
UPPER_BOX = frozenset({MetricKind.CSAT_SHARE, MetricKind.CES_SHARE})
# Events of Abide's own machinery; counting them as activity would make every
# exposed or surveyed customer look retained.
SYSTEM_EVENTS = frozenset(
    {
        "Experiment Viewed",
        "$$experiment_viewed",
        *NAMES.values(),
        "Feature Evaluated",
        "$$feature_evaluated",
        "identify",
        "group",
        "alias",
    }
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
            to which time to churn and the survey window run, or from which events
            are counted (amounts), 0 being the first.
        window_days: length of the window of retention and of amounts, from day N on.
        gap_days: W: days without activity that mean churned.
        survey: the survey's name; "" takes every survey of the metric's kind.
        scale: highest score (5 for 1 to 5); 10 for NPS.
        satisfied_from: lowest score that counts as satisfied (for effort: as easy).
        amount: what a ratio takes of `events`, above its line.
        per_events: names of the events below the line of a ratio.
        per_amount: what is taken of these.
        cap_share: amounts above that of this share of customers count as that;
            1 caps nothing.
        unit: what amounts are in: a currency as "EUR", or a noun as "orders".
        covariate_days: estimates are adjusted for how much of `events` came in so
            many days before the first exposure; 0 adjusts for nothing.
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
    amount: Amount = Amount.COUNT
    per_events: tuple[str, ...] = ()
    per_amount: Amount = Amount.COUNT
    cap_share: float = NO_CAP
    unit: str = ""
    covariate_days: int = 0

    @property
    def is_amount(self) -> bool:
        """Whether the outcome is a number without ends, as orders or revenue are."""
        return self.kind in AMOUNTS

    @property
    def has_spread(self) -> bool:
        """Whether a size needs to know how much customers differ."""
        return self.is_mean_answer or self.is_amount

    @property
    def adds_values(self) -> bool:
        """Whether the values of `events` are added up, and not the events counted."""
        if self.kind in MEAN_AMOUNTS:
            return self.kind == MetricKind.VALUE_SUM
        return self.is_amount and self.amount == Amount.SUM

    @property
    def reads_values(self) -> bool:
        """Whether the outcome depends on the values of events."""
        is_ratio = self.kind == MetricKind.RATIO
        return self.adds_values or (is_ratio and self.per_amount == Amount.SUM)

    @property
    def all_events(self) -> tuple[str, ...]:
        """Names of all events that are read, above a line and below it."""
        return tuple(dict.fromkeys((*self.events, *self.per_events)))

    @property
    def survey_kind(self) -> SurveyKind | None:
        """What the survey asks about; None for what customers do."""
        return SURVEY_OF.get(self.kind)

    @property
    def is_survey(self) -> bool:
        """Whether the outcome is an answer somebody may not give."""
        return self.kind in SURVEYS

    @property
    def is_mean_answer(self) -> bool:
        """Whether the outcome is a mean over answers, read on their own scale."""
        return self.is_survey and not self.is_share

    @property
    def counts_upper_box(self) -> bool:
        """Whether the outcome is the share of answers from `satisfied_from` on."""
        return self.kind in UPPER_BOX

    @property
    def answer_width(self) -> float:
        """Length of the scale on which a mean answer can change."""
        return 200.0 if self.kind == MetricKind.NPS else self.scale - 1.0

    @property
    def is_share(self) -> bool:
        """Whether the outcome is a rate, read in percentage points."""
        return self.kind in {
            MetricKind.RETENTION,
            MetricKind.CHURN,
            *UPPER_BOX,
        }

    @property
    def maturity(self) -> timedelta:
        """How long after exposure a customer's outcome is known."""
        days = {
            MetricKind.RETENTION: self.day + self.window_days,
            MetricKind.CHURN: self.day + self.gap_days,
            # Censored customers count too: the longest window is what it needs.
            MetricKind.TIME_TO_CHURN: self.day + self.gap_days,
            **dict.fromkeys(AMOUNTS, self.day + self.window_days),
        }
        return timedelta(days=days.get(self.kind, self.day))

    def check(self) -> None:
        """Refuse a definition that would not measure what it says.

        Raises:
            InvalidInput: with every fault by field.
        """
        faults = Faults()
        faults.number("day", self.day, 0 if self.is_amount else 1, MAX_DAYS)
        if self.is_survey:
            self._check_survey(faults)
        else:
            _check_events(faults, "events", self.events)
            faults.number("window_days", self.window_days, 1, MAX_DAYS)
            faults.number("gap_days", self.gap_days, 1, MAX_DAYS)
        self._check_amount(faults)
        self._check_covariate(faults)
        natural = {
            MetricKind.RETENTION: Direction.INCREASE,
            MetricKind.CHURN: Direction.DECREASE,
            MetricKind.TIME_TO_CHURN: Direction.INCREASE,
            MetricKind.NPS: Direction.INCREASE,
        }
        if natural.get(self.kind, self.direction) != self.direction:
            faults.add(
                "direction",
                f"For {self.kind.value}, better is {natural[self.kind].value}.",
            )
        faults.raise_if_any("This metric cannot be measured as defined.")

    def _check_survey(self, faults: Faults) -> None:
        faults.number("scale", self.scale, 2, 100)
        if self.kind == MetricKind.NPS and self.scale != NPS_TOP:
            faults.add("scale", "NPS is answered from 0 to 10: enter 10.")
        if not 1 < self.satisfied_from <= self.scale:
            faults.add(
                "satisfied_from",
                f"Enter a score from 2 to {self.scale}, the top of the scale.",
            )
        faults.optional_text("survey", self.survey, 100)

    def _check_amount(self, faults: Faults) -> None:
        """Check what only amounts have; others must not have it."""
        if self.kind == MetricKind.RATIO:
            _check_events(faults, "per_events", self.per_events)
        elif self.per_events:
            faults.add("per_events", "Only a ratio has events below a line.")
        if self.kind not in MEAN_AMOUNTS and self.cap_share != NO_CAP:
            faults.add("cap_share", "Only counts and sums are capped: enter 1.")
        faults.number("cap_share", self.cap_share, 0.5, NO_CAP)
        if not self.is_amount and self.unit:
            faults.add("unit", "Only amounts have a unit of their own.")
        faults.optional_text("unit", self.unit, MAX_UNIT)

    def _check_covariate(self, faults: Faults) -> None:
        if not self.covariate_days:
            return
        faults.number("covariate_days", self.covariate_days, 0, MAX_COVARIATE_DAYS)
        if self.kind in NOT_ADJUSTED:
            faults.add(
                "covariate_days",
                "Times and ratios are not adjusted for what came before: enter 0.",
            )
        if self.is_survey:
            _check_events(faults, "events", self.events)


def in_unit(digits: str, unit: str) -> str:
    """Write an amount with its unit: a currency before it, a noun after it.

    Args:
        digits: the number as it is written, with its sign where it has one.
        unit: of the definition; "" for none.

    Returns:
        Such as "EUR 1.20", "+EUR 1.20" or "3 orders".
    """
    if not unit:
        return digits
    if not _CURRENCY.fullmatch(unit):
        return f"{digits} {unit}"
    bare = digits.lstrip("+\N{MINUS SIGN}")
    return f"{digits[: len(digits) - len(bare)]}{unit} {bare}"


def _check_events(faults: Faults, field: str, names: tuple[str, ...]) -> None:
    if not 1 <= len(names) <= MAX_EVENTS:
        faults.add(field, "Name at least one event that counts as activity.")
    for name in names[:MAX_EVENTS]:
        if name in SYSTEM_EVENTS:
            faults.add(
                field,
                f'"{name}" is sent by the system, so it never counts as'
                " activity. Name what customers do.",
            )
        else:
            faults.text(field, name, 200, "a name for each event")
