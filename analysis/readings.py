"""What verdict and charts are made from: a run's readings; and the judgement."""

from dataclasses import dataclass, field
from datetime import datetime

from analysis.looks import Look
from analysis.stats.estimate import NotComputable, Outcome
from analysis.stats.nonresponse import LeeBounds, TippingPoint
from analysis.stats.satisfaction import ResponseBalance
from experiments.vocabulary import (
    CheckState,
    HealthCheck,
    ResultPhase,
    Role,
    SentenceCase,
    Verdict,
)

UNEQUAL_P = 0.05  # below it customers did not answer equally often


@dataclass(frozen=True, slots=True)
class Silence:
    """What a survey's result is worth beside those who kept silent.

    Attributes:
        bounds: between which the effect lies, whoever answered.
        tipping: how far the silent must differ to undo the result.
        weighted: effect with answers weighed by who tends to answer, from the declared
            segments.
    """

    bounds: LeeBounds | NotComputable
    tipping: TippingPoint | NotComputable
    weighted: Outcome


@dataclass(frozen=True, slots=True)
class MetricReading:
    """One metric, one treatment against control, in one segment.

    `outcome` is already adjusted for several treatments where that is due (on the
    primary metric, by Dunnett or Holm); its interval decides. `response` and `silence`
    belong to survey metrics.
    """

    metric: str  # key
    variant: str  # the treatment's name
    segment: str  # key, or EVERYBODY
    role: Role
    outcome: Outcome
    response: ResponseBalance | None = None
    silence: Silence | None = None

    @property
    def is_unequal(self) -> bool:
        """Whether customers answered unequally often, so that nothing good is said.

        A test of equal response that could not be made leaves the answers as they are.
        """
        p_value = None if self.response is None else self.response.p_value
        return p_value is not None and p_value < UNEQUAL_P

    @property
    def is_unbounded(self) -> bool:
        """Whether silence alone could explain a change, so that it is no win."""
        bounds = None if self.silence is None else self.silence.bounds
        return isinstance(bounds, LeeBounds) and bounds.includes_zero


@dataclass(frozen=True, slots=True)
class CheckView:
    """How one trust check came out; FAILED blocks the result."""

    name: HealthCheck
    state: CheckState
    sentence: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the experiment has come, all variants together.

    `segment_per_quarter` is the number of customers of the target segment that come
    in a quarter; None leaves "customers kept per quarter" out, for a count needs a
    stated base.
    """

    units_so_far: int
    planned_units: int
    mature_units: int
    due_at: datetime | None  # when an answer is expected
    phase: ResultPhase
    as_of: datetime | None = None
    segment_per_quarter: int | None = None
    look: Look | None = None  # that the plan allows now
    next_look: float | None = None  # share of the planned size at which the next is


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict in words. `cases` is keyed (metric, variant, segment)."""

    verdict: Verdict
    variant: str | None  # the treatment to ship, when the verdict is ship
    clause: str  # what decided, and what would settle it
    answer: str  # the lead sentence
    cases: dict[tuple[str, str, str], tuple[SentenceCase, str]] = field(
        default_factory=dict
    )
