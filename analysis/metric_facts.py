"""What words need to know of a metric beside its estimate, and which way is better."""

from dataclasses import dataclass

from analysis import wording
from analysis.stats.estimate import Interval
from experiments.metric_definition import MEAN_AMOUNTS, TIMES
from experiments.vocabulary import Direction, MetricKind, Role


@dataclass(frozen=True, slots=True)
class MetricFacts:
    """What a sentence needs to know about a metric beside its estimate."""

    name: str
    kind: MetricKind
    direction: Direction
    target: float  # the change that matters, on the metric's scale
    margin: float | None = None  # the largest harm that was agreed
    role: Role = Role.SECONDARY
    label: str = ""  # names variant or segment, where there are several
    variant: str = "the new variant"
    segment_per_quarter: int | None = None
    more_needed: int | None = None  # customers that would settle it
    so_far: int | None = None  # customers in the experiment
    who: str = "customers"  # or "accounts", where these are drawn
    scale: int | None = None  # the highest score of a survey
    day: int | None = None  # up to which days are counted
    unit: str = ""  # of an amount

    @property
    def measure(self) -> wording.Measure:
        """How changes of this metric are read."""
        return wording.measure_for(self.kind, self.unit)

    @property
    def where(self) -> str:
        """On which scale a change is, where its unit does not say so."""
        means = {MetricKind.CSAT_MEAN, MetricKind.CES_MEAN}
        if self.kind in means and self.scale is not None:
            return f" on the {wording.scale(self.scale)}"
        if self.kind in TIMES and self.day is not None:
            return f" within the {wording.first_days(self.day)}"
        return " per customer" if self.kind in MEAN_AMOUNTS else ""

    @property
    def sign(self) -> int:
        """1 when a rise is better for customers, -1 when a fall is."""
        return sign_of(self.direction)


def sign_of(direction: Direction) -> int:
    """Give 1 when a rise is better for customers, -1 when a fall is."""
    return 1 if direction == Direction.INCREASE else -1


def harm_range(interval: Interval, sign: int) -> tuple[float, float]:
    """Turn an interval of the change into one of the harm, smallest first.

    Args:
        interval: of the change.
        sign: 1 when a rise is better for customers, -1 when a fall is.

    Returns:
        Least and most harm; below 0 is good, infinite where an end is open.
    """
    low = -float("inf") if interval.low is None else interval.low
    high = float("inf") if interval.high is None else interval.high
    return (-high, -low) if sign > 0 else (low, high)
