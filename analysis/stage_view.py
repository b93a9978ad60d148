"""The read side of a stage: its metrics by segment, and what was shipped meanwhile."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from analysis import wording
from analysis.estimate_words import EstimateWords
from analysis.stage_health import BACK, BETTER, WORSE, Health, health_of, weeks_of
from analysis.stage_segments import REMEMBERED, segments_by_stage
from analysis.stats.standard_error import error_of, normal_quantile
from analysis.week_due import stage_versions
from experiments.models import (
    Experiment,
    HypothesisRow,
    JourneyStage,
    Segment,
    SegmentVersion,
)
from experiments.vocabulary import EVERYBODY, Decision

ALL_CUSTOMERS = "All customers"
MISTAKES = 0.05  # how often a sentence about a change that is none is accepted


@dataclass(frozen=True, slots=True)
class Group:
    """Customers among whom a metric is followed.

    Attributes:
        segment: key; "" for everybody.
        name: as people read it.
        health: of the metric among them.
    """

    segment: str
    name: str
    health: Health


@dataclass(frozen=True, slots=True)
class StageMetric:
    """One metric of a stage, everybody first, then the stage's segments."""

    key: str
    name: str
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Shipped:
    """An experiment of the stage whose variant everybody in the segment has got."""

    experiment: str
    name: str
    decided_at: datetime
    segment: str  # key
    segment_name: str

    def reaches(self, group: Group) -> bool:
        """Whether customers of a group got it: all of them, or some of everybody."""
        return group.segment in {EVERYBODY, self.segment}


@dataclass(frozen=True, slots=True)
class StageView:
    """How one stage does.

    Attributes:
        key: of the stage.
        name: of the stage.
        metrics: in the order that was chosen.
        shipped: within the weeks that are shown, the latest first.
    """

    key: str
    name: str
    metrics: tuple[StageMetric, ...]
    shipped: tuple[Shipped, ...]

    @property
    def sentence(self) -> str:
        """Say what has changed in eight weeks, as sentences with a full stop.

        Each metric and group is one more chance to take luck for a change, so the
        clearest fall and rise are said only where they are clear among all of them.
        """
        if not self.metrics:
            return "No metric is chosen yet to tell how this stage does."
        known = [
            (abs(change.effect) / error, group)
            for metric in self.metrics
            for group in metric.groups
            if (change := group.health.change) and (error := error_of(change)) > 0
        ]
        if not known:
            return f"Whether it changes can be said once {BACK} weeks have passed."
        least = normal_quantile(1 - MISTAKES / len(known))
        known.sort(key=lambda pair: pair[0])  # of each course the clearest stays
        found = {
            group.health.course: group for distance, group in known if distance > least
        }
        said = [moved(found[course]) for course in (WORSE, BETTER) if course in found]
        return " ".join(said) or f"Nothing has clearly changed in {BACK} weeks."


def moved(group: Group) -> str:
    """Say from where to where a metric has clearly moved, as a sentence.

    Args:
        group: with a change.

    Returns:
        Such as "Renewal among Second-year customers fell from 71.2 % to 69.8 % in 8
        weeks."; "" without a change.
    """
    health = group.health
    change = health.change
    if change is None or change.control.value is None or change.treatment.value is None:
        return ""
    decimals = EstimateWords(wording.measure_of(health.definition), change).decimals
    before, now = (
        wording.value_on_scale(arm.value or 0.0, health.definition, decimals)
        for arm in (change.control, change.treatment)
    )
    who = f" among {group.name}" if group.segment else ""
    verb = "rose" if change.effect > 0 else "fell"
    return f"{health.name}{who} {verb} from {before} to {now} in {BACK} weeks."


def view_of(session: Session, stage: JourneyStage, now: datetime) -> StageView:
    """Read one stage.

    Args:
        session: any session.
        stage: of the journey.
        now: aware UTC.

    Returns:
        Everything that was measured of it.
    """
    return StageView(
        stage.key,
        stage.name,
        tuple(_metrics(session, stage, now)),
        tuple(_shipped(session, stage, now)),
    )


def _metrics(
    session: Session, stage: JourneyStage, now: datetime
) -> Iterable[StageMetric]:
    versions = {version.metric.key: version for version in stage_versions(session)}
    wanted = [versions[key] for key in stage.health_metrics if key in versions]
    segments = segments_by_stage(session, now).get(stage.id, ())
    places = [(EVERYBODY, 0, ALL_CUSTOMERS)]
    places += [(v.segment.key, v.version, v.segment.name) for v in segments]
    weeks = weeks_of(session, wanted, [key for key, _, _ in places])
    for version in wanted:
        metric = version.metric
        yield StageMetric(
            metric.key,
            metric.name,
            tuple(
                Group(key, name, health_of(version, weeks[version.id, key, number]))
                for key, number, name in places
            ),
        )


def _shipped(session: Session, stage: JourneyStage, now: datetime) -> Iterable[Shipped]:
    query = (
        select(
            Experiment.key,
            Experiment.name,
            Experiment.decided_at,
            Segment.key.label("segment"),
            Segment.name.label("segment_name"),
        )
        .join(HypothesisRow, HypothesisRow.id == Experiment.hypothesis_id)
        .join(SegmentVersion, SegmentVersion.id == Experiment.segment_version_id)
        .join(Segment, Segment.id == SegmentVersion.segment_id)
        .where(
            HypothesisRow.journey_stage_id == stage.id,
            Experiment.decision == Decision.SHIP.value,
            Experiment.decided_at >= now - REMEMBERED,
        )
        .order_by(Experiment.decided_at.desc(), Experiment.key)
    )
    for row in session.execute(query):
        if row.decided_at is not None:
            yield Shipped(
                row.key, row.name, row.decided_at, row.segment, row.segment_name
            )
