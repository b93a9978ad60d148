"""What verdict and charts are made from: a run's readings; and the judgement."""

from dataclasses import dataclass, field
from datetime import datetime

from analysis.stats.estimate import Outcome
from analysis.stats.satisfaction import ResponseBalance
from experiments.vocabulary import (
    CheckState,
    HealthCheck,
    ResultPhase,
    Role,
    SentenceCase,
    Verdict,
)

EVERYBODY = ""  # the segment of a reading about all customers in the experiment


@dataclass(frozen=True, slots=True)
class MetricReading:
    """One metric, one treatment against control, in one segment.

    `outcome` is already adjusted for several treatments where that is due (Holm, on
    the primary metric); its interval decides. `response` belongs to survey metrics.
    """

    metric: str  # key
    variant: str  # the treatment's name
    segment: str  # key, or EVERYBODY
    role: Role
    outcome: Outcome
    response: ResponseBalance | None = None


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
