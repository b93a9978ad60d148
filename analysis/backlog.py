"""The read side of the backlog: every hypothesis with its inputs, score and place.

What is measured is read from what was stored (segment sizes, baselines), never counted
here; what somebody stated goes before it, and is said to be stated.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from analysis.backlog_score import NoScore, Score, expected_change, score_of
from analysis.baselines import EVERYBODY, Baseline, baseline_from_json
from analysis.past_effects import MetricPast, by_metric, past_effects
from analysis.segment_sizes import SMALLEST
from experiments import hypotheses
from experiments.backlog import in_order
from experiments.metric_definition import MetricDefinition
from experiments.metrics import definition_of
from experiments.models import (
    Experiment,
    HypothesisRow,
    MergedHypothesis,
    MetricBaseline,
    MetricVersion,
    SegmentSize,
    SegmentVersion,
)
from experiments.vocabulary import Direction, Evidence, Status


class Standing(StrEnum):
    """How far a hypothesis has come."""

    IDEA = "idea"
    PLANNED = "planned"
    RUNNING = "running"
    TESTED = "tested"
    PARKED = "parked"
    MERGED = "merged"


RANKED = frozenset({Standing.IDEA, Standing.PLANNED})
_OF_STATUS = {
    Status.DRAFT: Standing.PLANNED,
    Status.IN_REVIEW: Standing.PLANNED,
    Status.RUNNING: Standing.RUNNING,
    Status.PAUSED: Standing.RUNNING,
    Status.STOPPED: Standing.RUNNING,
    Status.DECIDED: Standing.TESTED,
}
_FARTHEST = (Standing.IDEA, Standing.TESTED, Standing.PLANNED, Standing.RUNNING)


@dataclass(frozen=True, slots=True)
class Reach:
    """How many customers a segment has in a quarter.

    Attributes:
        customers: so many.
        measured_at: when they were counted; None where somebody stated it.
    """

    customers: int
    measured_at: datetime | None


@dataclass(frozen=True, slots=True)
class Stands:
    """Where a metric stands.

    Attributes:
        value: on its scale.
        known: what it was measured from; None where somebody stated it.
    """

    value: float
    known: Baseline | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One hypothesis of the backlog.

    Attributes:
        row: with all it names.
        definition: of the newest version of its metric.
        standing: how far it has come.
        reach: None where nobody knows.
        stands: where its metric stands; None where nobody knows.
        score: or what is missing.
        past: what decided experiments did to its metric; None where there are none.
        rank: by score among those ranked, from 1; None where there is none.
        place: in the order shown, from 1; None of those that are not ranked.
    """

    row: HypothesisRow
    definition: MetricDefinition
    standing: Standing
    reach: Reach | None
    stands: Stands | None
    score: Score | NoScore
    past: MetricPast | None
    rank: int | None = None
    place: int | None = None


@dataclass(frozen=True, slots=True)
class Backlog:
    """Every hypothesis.

    Attributes:
        ranked: those that may be taken up next, in the order of places; those that no
            score can be given to, nor a place by hand, last.
        others: running, tested, parked and merged ones, the newest first.
    """

    ranked: Sequence[Entry]
    others: Sequence[Entry]

    @property
    def entries(self) -> list[Entry]:
        """All of them."""
        return [*self.ranked, *self.others]


def backlog(session: Session) -> Backlog:
    """Read the whole backlog.

    Args:
        session: any session.

    Returns:
        Every hypothesis with its inputs, score and place.
    """
    entries = _entries(session, hypotheses.everything(session))
    ranked = [each for each in entries if each.standing in RANKED]
    others = [each for each in entries if each.standing not in RANKED]
    others.sort(key=lambda each: each.row.id, reverse=True)
    return Backlog(_placed(ranked), others)


def entry(session: Session, row: HypothesisRow) -> Entry:
    """Read one hypothesis as the backlog has it; its place among the others is not."""
    (found,) = _entries(session, [row])
    return found


def standings(session: Session, rows: Iterable[HypothesisRow]) -> dict[int, Standing]:
    """Tell how far hypotheses have come, by their numbers."""
    statuses = _statuses(session)
    return {row.id: _standing(row, statuses) for row in rows}


def _entries(session: Session, rows: Sequence[HypothesisRow]) -> list[Entry]:
    known = _Known.read(session, rows)
    return [known.entry(row) for row in rows]


def _placed(entries: Iterable[Entry]) -> list[Entry]:
    """Order by score, and let places by hand go before that."""
    scored = sorted(entries, key=_by_score)
    ranks = {
        each.row.id: rank
        for rank, each in enumerate(
            (each for each in scored if isinstance(each.score, Score)), start=1
        )
    }
    standing = {each.row.id: each for each in scored}
    counted = [e.row for e in scored if e.row.id in ranks or e.row.place is not None]
    order = in_order(counted)
    left = [each.row for each in scored if each.row not in order]
    return [
        _ranked(standing[row.id], ranks.get(row.id), place)
        for place, row in [
            *enumerate(order, start=1),
            *((None, row) for row in left),
        ]
    ]


def _by_score(entry: Entry) -> tuple[bool, float, int]:
    score = entry.score
    has_score = isinstance(score, Score)
    value = score.value if isinstance(score, Score) else 0.0
    return not has_score, -value, -entry.row.id


def _ranked(entry: Entry, rank: int | None, place: int | None) -> Entry:
    return Entry(
        row=entry.row,
        definition=entry.definition,
        standing=entry.standing,
        reach=entry.reach,
        stands=entry.stands,
        score=entry.score,
        past=entry.past,
        rank=rank,
        place=place,
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """What is stored about the things that hypotheses name, by their numbers."""

    sizes: Mapping[int, SegmentSize]  # by segment
    versions: Mapping[int, int]  # newest version of each segment
    metrics: Mapping[int, tuple[MetricDefinition, MetricBaseline | None]]
    statuses: Mapping[int, set[Standing]]  # by hypothesis
    past: Mapping[str, MetricPast]

    @classmethod
    def read(cls, session: Session, rows: Sequence[HypothesisRow]) -> "_Known":
        """Read everything, each with one query."""
        sizes, versions = _sizes(session, {row.segment_id for row in rows})
        return cls(
            sizes=sizes,
            versions=versions,
            metrics=_metrics(session, {row.metric_id for row in rows}),
            statuses=_statuses(session),
            past=by_metric(past_effects(session)),
        )

    def entry(self, row: HypothesisRow) -> Entry:
        """Put one hypothesis together."""
        definition, measured = self.metrics[row.metric_id]
        reach, stands = self._reach(row), self._stands(row, measured)
        forecast = hypotheses.forecast_of(row)
        baseline = None if stands is None else stands.value
        expected = expected_change(
            baseline,
            Direction(row.direction),
            row.expected_change,
            None
            if forecast is None
            else (forecast.lift_low, forecast.lift_mid, forecast.lift_high),
        )
        score = score_of(
            definition,
            None if reach is None else reach.customers,
            baseline,
            expected,
            Evidence(row.evidence),
            row.effort_weeks,
        )
        return Entry(
            row=row,
            definition=definition,
            standing=_standing(row, self.statuses),
            reach=reach,
            stands=stands,
            score=score,
            past=self.past.get(row.metric.key),
        )

    def _reach(self, row: HypothesisRow) -> Reach | None:
        if row.stated_reach is not None:
            return Reach(row.stated_reach, None)
        size = self.sizes.get(row.segment_id)
        if size is None or not size.known_count or size.customers_count < SMALLEST:
            return None
        return Reach(size.customers_count, size.measured_at)

    def _stands(
        self, row: HypothesisRow, measured: MetricBaseline | None
    ) -> Stands | None:
        if row.stated_baseline is not None:
            return Stands(row.stated_baseline, None)
        if measured is None:
            return None
        version = self.versions.get(row.segment_id)
        for key in (row.segment.key, EVERYBODY):
            found = measured.found.get(key)
            if found is None or (key and found["segment_version"] != version):
                continue
            known = baseline_from_json(found, key, measured.measured_at)
            if known.basis.value is not None:
                return Stands(known.basis.value, known)
        return None


def _standing(row: HypothesisRow, statuses: Mapping[int, set[Standing]]) -> Standing:
    if row.merged is not None:
        return Standing.MERGED
    if row.parked_at is not None:
        return Standing.PARKED
    found = statuses.get(row.id, set())
    return max(found, key=_FARTHEST.index, default=Standing.IDEA)


def _sizes(
    session: Session, wanted: Iterable[int]
) -> tuple[dict[int, SegmentSize], dict[int, int]]:
    """Read the size and the number of the newest version of segments."""
    newest = (
        select(func.max(SegmentVersion.id))
        .where(SegmentVersion.segment_id.in_(wanted))
        .group_by(SegmentVersion.segment_id)
    )
    query = (
        select(SegmentVersion.segment_id, SegmentVersion.version, SegmentSize)
        .outerjoin(SegmentSize, SegmentSize.segment_version_id == SegmentVersion.id)
        .where(SegmentVersion.id.in_(newest))
    )
    sizes: dict[int, SegmentSize] = {}
    versions: dict[int, int] = {}
    for row in session.execute(query):
        versions[row.segment_id] = row.version
        if row.SegmentSize is not None:
            sizes[row.segment_id] = row.SegmentSize
    return sizes, versions


def _metrics(
    session: Session, wanted: Iterable[int]
) -> dict[int, tuple[MetricDefinition, MetricBaseline | None]]:
    """Read the newest definition of metrics, and what is known of it."""
    newest = (
        select(func.max(MetricVersion.id))
        .where(MetricVersion.metric_id.in_(wanted))
        .group_by(MetricVersion.metric_id)
    )
    query = (
        select(MetricVersion, MetricBaseline)
        .outerjoin(MetricBaseline, MetricBaseline.metric_version_id == MetricVersion.id)
        .where(MetricVersion.id.in_(newest))
    )
    return {
        version.metric_id: (definition_of(version), measured)
        for version, measured in session.execute(query)
    }


def _statuses(session: Session) -> dict[int, set[Standing]]:
    """Tell where the experiments on each hypothesis stand, duplicates' among them."""
    found: dict[int, set[Standing]] = defaultdict(set)
    query = (
        select(
            func.coalesce(MergedHypothesis.into_id, Experiment.hypothesis_id),
            Experiment.status,
        )
        .select_from(Experiment)
        .outerjoin(
            MergedHypothesis,
            MergedHypothesis.hypothesis_id == Experiment.hypothesis_id,
        )
        .distinct()
    )
    for number, status in session.execute(query):
        found[number].add(_OF_STATUS[Status(status)])
    return found
