"""The read side of stages' metrics: their weeks, and how the last one has changed.

A week is of the customers seen in it; two weeks are compared as if they had none in
common, which makes the range of a change too wide rather than too narrow.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from analysis import wording
from analysis.estimate_words import EstimateWords
from analysis.metric_facts import sign_of
from analysis.stats.estimate import ArmValue, Estimate, Interval, NotComputable
from analysis.stats.standard_error import normal_quantile
from analysis.week_due import WEEK, WEEKS, stage_versions
from experiments.metric_definition import MetricDefinition
from experiments.metrics import definition_of
from experiments.models import MetricVersion, MetricWeek
from experiments.vocabulary import EVERYBODY, Reason

LEVEL = 0.95
BACK = 8  # weeks, to which the last one is compared
BETTER, WORSE, UNCLEAR = "better", "worse", "undecided"  # for customers


@dataclass(frozen=True, slots=True)
class Week:
    """One week of a metric: the customers seen in it who have a value."""

    starts_at: datetime
    customers: int
    value: float
    error: float

    @property
    def interval(self) -> Interval:
        """The 95 % interval of the value."""
        half = normal_quantile(LEVEL) * self.error
        return Interval(self.value - half, self.value + half, LEVEL)


@dataclass(frozen=True, slots=True)
class Health:
    """How one metric of a stage does.

    Attributes:
        key: of the metric.
        name: of the metric.
        definition: of its newest version.
        weeks: up to 26, the oldest first; those of too few customers are missing.
    """

    key: str
    name: str
    definition: MetricDefinition
    weeks: tuple[Week, ...]

    @property
    def change(self) -> Estimate | None:
        """The last week against the one eight weeks before; None without both."""
        if not self.weeks:
            return None
        last = self.weeks[-1]
        then = last.starts_at - WEEK * BACK
        before = next((week for week in self.weeks if week.starts_at == then), None)
        if before is None:
            return None
        effect = last.value - before.value
        error = math.hypot(last.error, before.error)
        half = normal_quantile(LEVEL) * error
        return Estimate(
            method="weeks",
            control=ArmValue(before.customers, before.value),
            treatment=ArmValue(last.customers, last.value),
            effect=effect,
            interval=Interval(effect - half, effect + half, LEVEL),
            p_value=None,
            lift=NotComputable(Reason.NO_VARIATION),
            facts={"standard_error": error},
        )

    @property
    def course(self) -> str:
        """Whether customers are better off than eight weeks before."""
        change = self.change
        if change is None:
            return UNCLEAR
        low, high = change.interval.low or 0.0, change.interval.high or 0.0
        if low <= 0 <= high:
            return UNCLEAR
        gains = change.effect * sign_of(self.definition.direction) > 0
        return BETTER if gains else WORSE

    def written(self, week: Week) -> tuple[str, str, str]:
        """Write a week's value and the ends of its interval, alike."""
        low, high = week.interval.low or 0.0, week.interval.high or 0.0
        decimals = self.decimals_of(week)
        value, least, most = (
            self.on_scale(number, decimals) for number in (week.value, low, high)
        )
        return value, least, most

    def decimals_of(self, week: Week) -> int:
        """Say how many decimals the interval of a week bears."""
        low, high = week.interval.low or 0.0, week.interval.high or 0.0
        measure = wording.measure_of(self.definition)
        return wording.decimals_for(measure.shown((high - low) / 2))

    def on_scale(self, value: float, decimals: int) -> str:
        """Write a value of the metric."""
        return wording.value_on_scale(value, self.definition, decimals)

    @property
    def now(self) -> str:
        """Say where the metric stands, as one sentence with a full stop."""
        if self.definition.is_time:
            return "A metric of times is not followed by week."
        if not self.weeks:
            return "Not measured yet: no week has 10 customers with a known outcome."
        last = self.weeks[-1]
        value, low, high = self.written(last)
        day = wording.date(last.starts_at)
        return (
            f"{value} (95 % CI {low} to {high}) of {wording.count(last.customers)}"
            f" customers seen in the week from {day}."
        )

    @property
    def trend(self) -> str:
        """Say how it has changed in eight weeks; "" where that is not known."""
        change = self.change
        if change is None:
            return ""
        words = EstimateWords(wording.measure_of(self.definition), change)
        if self.course == UNCLEAR:
            return f"No clear change in {BACK} weeks: {words.change_and_range()}."
        moved = "Rose" if change.effect > 0 else "Fell"
        fell = change.effect < 0
        return (
            f"{moved} by {words.size(change.effect)} in {BACK} weeks"
            f" ({wording.level(change.interval)} {words.plain_range(fell=fell)})."
        )


def health_by_metric(session: Session) -> Mapping[str, Health]:
    """Read the metrics of all stages, for everybody.

    Args:
        session: any session.

    Returns:
        Key of a metric -> how it does.
    """
    versions = stage_versions(session)
    weeks = weeks_of(session, versions, (EVERYBODY,))
    return {
        version.metric.key: health_of(version, weeks[version.id, EVERYBODY, 0])
        for version in versions
    }


# Number of the metric's version, key of the segment, its version (0: everybody).
Weeks = Mapping[tuple[int, str, int], list[Week]]


def weeks_of(
    session: Session, versions: Iterable[MetricVersion], segments: Iterable[str]
) -> Weeks:
    """Read the weeks of metrics in which enough customers were seen.

    Args:
        session: any session.
        versions: of the metrics.
        segments: keys, "" for everybody.

    Returns:
        The weeks, the oldest first; none where nothing was read.
    """
    query = (
        select(MetricWeek)
        .where(
            MetricWeek.metric_version_id.in_([version.id for version in versions]),
            MetricWeek.segment.in_(list(segments)),
            MetricWeek.value.is_not(None),
        )
        .order_by(MetricWeek.starts_at)
    )
    weeks: defaultdict[tuple[int, str, int], list[Week]] = defaultdict(list)
    for row in session.scalars(query):
        place = row.metric_version_id, row.segment, row.segment_version
        weeks[place] += _week(row)
    return weeks


def _week(row: MetricWeek) -> Iterable[Week]:
    if row.value is None or row.standard_error is None or row.customers is None:
        return ()
    return (Week(row.starts_at, row.customers, row.value, row.standard_error),)


def health_of(version: MetricVersion, weeks: Sequence[Week]) -> Health:
    """Put a metric and the last of its weeks together."""
    metric = version.metric
    since = weeks[-1].starts_at - WEEK * (WEEKS - 1) if weeks else None
    shown = tuple(each for each in weeks if since is None or each.starts_at >= since)
    return Health(metric.key, metric.name, definition_of(version), shown)
