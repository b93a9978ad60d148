"""How a metric is measured, as a value, with the rules it must keep.

The catalogue that keeps its versions stands in metrics.py.
"""

import re
from dataclasses import dataclass
from datetime import timedelta

from experiments.field_faults import Faults
from experiments.survey_kinds import NAMES, NPS_TOP
from experiments.vocabulary import (
    EXPOSURE_NAMES,
    Amount,
    Direction,
    MetricKind,
    SurveyKind,
)

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
CANCELLATIONS = frozenset({MetricKind.CANCELLATION, MetricKind.TIME_TO_CANCELLATION})
TIMES = frozenset(
    {
        MetricKind.TIME_TO_CHURN,
        MetricKind.TIME_TO_CANCELLATION,
        MetricKind.TIME_TO_EVENT,
    }
)
AMOUNTS = frozenset(
    {
        MetricKind.EVENT_COUNT,
        MetricKind.VALUE_SUM,
        MetricKind.RATIO,
        MetricKind.VALUE_QUANTILE,
    }
)
MEAN_AMOUNTS = frozenset({MetricKind.EVENT_COUNT, MetricKind.VALUE_SUM})
# Above this share of customers an amount is capped, where nobody says otherwise: few
# large amounts would hide what happens to all others (statistics 4.5).
USUAL_CAP_SHARE = {MetricKind.VALUE_SUM: 0.99, MetricKind.EVENT_COUNT: 0.999}
NO_CAP = 1.0
USUAL_COVARIATE_DAYS = 28
NOT_ADJUSTED = frozenset(
    {
        *TIMES,
        MetricKind.CANCELLATION,
        MetricKind.FUNNEL,
        MetricKind.FIRST_CONTACT_RESOLUTION,
        MetricKind.RATIO,
        MetricKind.VALUE_QUANTILE,
    }
)
MAX_COVARIATE_DAYS = 365
MAX_UNIT = 20
_CURRENCY = re.compile(r"[A-Z]{3}|[^\w%]+")
RETENTIONS = frozenset({MetricKind.RETENTION, MetricKind.UNBOUNDED_RETENTION})
# A share of customers who stay or leave: of whom there are so many in a quarter.
KEEPING = frozenset({*RETENTIONS, MetricKind.CHURN, MetricKind.CANCELLATION})
WINDOWS = frozenset({*RETENTIONS, MetricKind.EVENT_SHARE, *AMOUNTS})
GAPS = frozenset(
    {
        MetricKind.CHURN,
        MetricKind.TIME_TO_CHURN,
        MetricKind.FIRST_CONTACT_RESOLUTION,
    }
)
NATURAL = {
    MetricKind.RETENTION: Direction.INCREASE,
    MetricKind.UNBOUNDED_RETENTION: Direction.INCREASE,
    MetricKind.CHURN: Direction.DECREASE,
    MetricKind.TIME_TO_CHURN: Direction.INCREASE,
    MetricKind.CANCELLATION: Direction.DECREASE,
    MetricKind.TIME_TO_CANCELLATION: Direction.INCREASE,
    MetricKind.FIRST_CONTACT_RESOLUTION: Direction.INCREASE,
    MetricKind.NPS: Direction.INCREASE,
}
USUAL_DIRECTION = {**NATURAL, MetricKind.TIME_TO_EVENT: Direction.DECREASE}
MOST_STEPS = 10
MOST_TIMES = 1000
UPPER_BOX = frozenset({MetricKind.CSAT_SHARE, MetricKind.CES_SHARE})
# Events of Abide's own machinery; counting them as activity would make every
# exposed or surveyed customer look retained.
SYSTEM_EVENTS = frozenset(
    {
        "Experiment Viewed",
        *EXPOSURE_NAMES,
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
        events: names of the activity that counts (retention, churn); of the steps of a
            funnel, in order; of what ends a time; of a contact or a cancellation.
        day: N: the day looked at (retention), by which the gap must begin (churn),
            to which times and the windows of surveys, funnels and contacts run, or from
            which events are counted (event share, amounts), 0 being the first.
        window_days: length of the window from day N on (retention, event share,
            amounts); or the days in which `start_events` must come.
        gap_days: W: days without activity that mean churned, or without a further
            contact that mean resolved.
        survey: the survey's name; "" takes every survey of the metric's kind.
        scale: highest score (5 for 1 to 5); 10 for NPS.
        satisfied_from: lowest score that counts as satisfied (for effort: as easy).
        amount: what a ratio (above its line) or a quantile takes of `events`.
        per_events: names of the events below the line of a ratio.
        per_amount: what is taken of these.
        quantile_share: the share of customers below a quantile: 0.5 is the median.
        cap_share: amounts above that of this share of customers count as that;
            1 caps nothing.
        unit: what amounts are in: a currency as "EUR", or a noun as "orders".
        covariate_days: estimates are adjusted for how much of `events` came in so
            many days before the first exposure; 0 adjusts for nothing.
        at_least: k: how often the events must come (event share).
        start_events: what starts the clock of a time to an event; none: the exposure.
        competing_events: what takes a customer away before they could cancel, as a
            failed payment does.
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
    quantile_share: float = 0.5
    cap_share: float = NO_CAP
    unit: str = ""
    covariate_days: int = 0
    at_least: int = 1
    start_events: tuple[str, ...] = ()
    competing_events: tuple[str, ...] = ()

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
            *RETENTIONS,
            MetricKind.EVENT_SHARE,
            MetricKind.CHURN,
            MetricKind.CANCELLATION,
            MetricKind.FUNNEL,
            MetricKind.FIRST_CONTACT_RESOLUTION,
            *UPPER_BOX,
        }

    @property
    def is_time(self) -> bool:
        """Whether the outcome is a time that may be censored, read in days."""
        return self.kind in TIMES

    @property
    def is_followed(self) -> bool:
        """Whether customers are followed until an event, or until they are censored."""
        return self.is_time or self.kind == MetricKind.CANCELLATION

    @property
    def selects(self) -> bool:
        """Whether only customers count to whom something came after the exposure.

        Who these are may itself be a result of the change, so their share is compared
        before their outcome, like the answers to a survey.
        """
        is_contact = self.kind == MetricKind.FIRST_CONTACT_RESOLUTION
        return is_contact or bool(self.start_events)

    @property
    def all_events(self) -> tuple[str, ...]:
        """Names of all events that are read."""
        return tuple(
            dict.fromkeys(
                (
                    *self.events,
                    *self.per_events,
                    *self.start_events,
                    *self.competing_events,
                )
            )
        )

    @property
    def maturity(self) -> timedelta:
        """How long after exposure a customer's outcome is known."""
        return timedelta(days=self.day + self._days_after)

    @property
    def _days_after(self) -> int:
        """Days beyond `day` that must have passed."""
        if self.kind in WINDOWS:
            return self.window_days
        if self.kind in GAPS:
            # Censored customers count too: the longest window is what it needs.
            return self.gap_days
        return self.window_days if self.start_events else 0

    def check(self) -> None:
        """Refuse a definition that would not measure what it says.

        Raises:
            InvalidInput: with every fault by field.
        """
        faults = Faults()
        from_start = self.is_amount or self.kind == MetricKind.EVENT_SHARE
        faults.number("day", self.day, 0 if from_start else 1, MAX_DAYS)
        if self.is_survey:
            self._check_survey(faults)
        else:
            _check_events(faults, "events", self.events)
            faults.number("window_days", self.window_days, 1, MAX_DAYS)
            faults.number("gap_days", self.gap_days, 1, MAX_DAYS)
        self._check_amount(faults)
        self._check_covariate(faults)
        self._check_paths(faults)
        natural = NATURAL.get(self.kind, self.direction)
        if natural != self.direction:
            faults.add(
                "direction", f"For {self.kind.value}, better is {natural.value}."
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
        faults.number("quantile_share", self.quantile_share, 0.01, 0.99)
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
                "Times, ratios and quantiles are not adjusted for what came"
                " before: enter 0.",
            )
        if self.is_survey:
            _check_events(faults, "events", self.events)

    def _check_paths(self, faults: Faults) -> None:
        """Check what only some kinds of activity have; others must not have it."""
        if self.kind == MetricKind.FUNNEL:
            if not 2 <= len(self.events) <= MOST_STEPS:  # noqa: PLR2004
                faults.add("events", f"Name 2 to {MOST_STEPS} steps, in their order.")
            elif len(set(self.events)) < len(self.events):
                faults.add("events", "Name each step once.")
        if self.kind == MetricKind.EVENT_SHARE:
            faults.number("at_least", self.at_least, 1, MOST_TIMES)
        elif self.at_least != 1:
            faults.add("at_least", "Only a share of customers with events has this.")
        self._check_beside(
            faults,
            "start_events",
            self.start_events,
            frozenset({MetricKind.TIME_TO_EVENT}),
        )
        self._check_beside(
            faults, "competing_events", self.competing_events, CANCELLATIONS
        )

    def _check_beside(
        self,
        faults: Faults,
        field: str,
        names: tuple[str, ...],
        kinds: frozenset[MetricKind],
    ) -> None:
        """Check events that stand beside those of the outcome."""
        if not names:
            return
        if self.kind not in kinds:
            words = " and ".join(sorted(kind.value for kind in kinds))
            faults.add(field, f"Only {words} has these.")
        elif set(names) & set(self.events):
            both = min(set(names) & set(self.events))
            faults.add(field, f'"{both}" cannot stand in both lists of events.')
        else:
            _check_events(faults, field, names)


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
