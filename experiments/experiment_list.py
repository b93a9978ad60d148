"""Lists of experiments, as somebody wants to see them."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from experiments.catalog import WHOLE
from experiments.lookups import PAGE_LIMIT, Place, rows_at
from experiments.models import (
    Experiment,
    HypothesisRow,
    JourneyStage,
    Person,
    Segment,
    SegmentVersion,
)
from experiments.vocabulary import Status


@dataclass(frozen=True, slots=True)
class Wanted:
    """A choice of experiments.

    Attributes:
        words: a part of the name or the key, in any casing; "" for all.
        status: where they stand; None for all.
        stage: key of the journey stage; "" for all.
        segment: key of the segment; "" for all.
        owner_id: number of the person; None for all.
    """

    words: str = ""
    status: Status | None = None
    stage: str = ""
    segment: str = ""
    owner_id: int | None = None

    def __bool__(self) -> bool:
        """Whether anything is left out."""
        return self != EVERYTHING

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """Give what a row has to fulfil."""
        if self.words:
            part = self.words.lower()
            yield or_(
                func.lower(Experiment.name).contains(part, autoescape=True),
                Experiment.key.contains(part, autoescape=True),
            )
        if self.status is not None:
            yield Experiment.status == self.status.value
        if self.stage:
            stage = HypothesisRow.journey_stage.has(JourneyStage.key == self.stage)
            yield Experiment.hypothesis.has(stage)
        if self.segment:
            segment = SegmentVersion.segment.has(Segment.key == self.segment)
            yield Experiment.segment_version.has(segment)
        if self.owner_id is not None:
            yield Experiment.owner_id == self.owner_id


EVERYTHING = Wanted()
LIVE = (Status.RUNNING.value, Status.PAUSED.value)


def page(
    session: Session, place: Place[int], limit: int, wanted: Wanted = EVERYTHING
) -> list[Experiment]:
    """List experiments newest first, next to a place in the list.

    Args:
        session: any session.
        place: given by their numbers, falling.
        limit: at most this many, up to 200.
        wanted: which of them.

    Returns:
        The experiments with all they name.
    """
    query = select(Experiment).options(*WHOLE).where(*wanted.conditions())
    return rows_at(session, query, Experiment.id, limit, place)


def all_pages(session: Session, wanted: Wanted) -> Iterator[Experiment]:
    """Read every experiment that is wanted, newest first."""
    place: Place[int] = Place(falling=True)
    while rows := page(session, place, PAGE_LIMIT, wanted):
        yield from rows
        place = Place(after=rows[-1].id, falling=True)


def undecided(session: Session, stage: str, most: int) -> list[Experiment]:
    """List experiments of a stage that nobody has decided on, newest first."""
    query = select(Experiment).options(*WHOLE).where(*Wanted(stage=stage).conditions())
    query = query.where(Experiment.status != Status.DECIDED.value)
    return list(session.scalars(query.order_by(Experiment.id.desc()).limit(most)))


@dataclass(frozen=True, slots=True)
class Live:
    """What others need to know of an experiment that runs or pauses."""

    key: str
    name: str
    layer: str | None
    segment_version_id: int


def live(session: Session) -> dict[str, Live]:
    """Name every experiment that runs or pauses, by key."""
    query = select(
        Experiment.key,
        Experiment.name,
        Experiment.layer,
        Experiment.segment_version_id,
    ).where(Experiment.status.in_(LIVE))
    return {row.key: Live(*row) for row in session.execute(query)}


def owners(session: Session) -> list[Person]:
    """List everybody who owns an experiment, by name."""
    query = select(Person).where(Person.id.in_(select(Experiment.owner_id)))
    return list(session.scalars(query.order_by(Person.name, Person.id)))


def segments(session: Session) -> list[Segment]:
    """List the segments that experiments are for, by name."""
    used = select(SegmentVersion.segment_id).join(
        Experiment, Experiment.segment_version_id == SegmentVersion.id
    )
    query = select(Segment).where(Segment.id.in_(used))
    return list(session.scalars(query.order_by(Segment.name, Segment.id)))
