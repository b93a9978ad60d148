"""How a metric is measured, as a value, with the rules it must keep.

The catalogue that keeps its versions stands in metrics.py.
"""

from dataclasses import dataclass
from datetime import timedelta

from experiments.field_faults import Faults
from experiments.survey_kinds import NAMES, NPS_TOP
from experiments.vocabulary import Direction, MetricKind, SurveyKind

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
            or to which time to churn and the survey window run.
        window_days: length of the retention window, from day N on.
        gap_days: W: days without activity that mean churned.
        survey: the survey's name; "" takes every survey of the metric's kind.
        scale: highest score (5 for 1 to 5); 10 for NPS.
        satisfied_from: lowest score that counts as satisfied (for effort: as easy).
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
        }
        return timedelta(days=days.get(self.kind, self.day))

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

    def _check_events(self, faults: Faults) -> None:
        if not 1 <= len(self.events) <= MAX_EVENTS:
            faults.add("events", "Name at least one event that counts as activity.")
        for name in self.events[:MAX_EVENTS]:
            if name in SYSTEM_EVENTS:
                faults.add(
                    "events",
                    f'"{name}" is sent by the system, so it never counts as'
                    " activity. Name what customers do.",
                )
            else:
                faults.text("events", name, 200, "a name for each event")
