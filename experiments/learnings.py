"""The library of what was learned: each decided experiment, found and compared."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from experiments import audit, hypotheses
from experiments.actors import Actor
from experiments.decisions import Proposal
from experiments.errors import Conflict, InvalidInput, NotFound
from experiments.field_faults import Faults
from experiments.hypothesis import Hypothesis
from experiments.lessons import searchable
from experiments.lookups import Place, known_key, rows_at
from experiments.models import (
    AnalysisRun,
    Experiment,
    HypothesisRow,
    JourneyStage,
    Learning,
    LearningLink,
    Metric,
    Segment,
)
from experiments.vocabulary import Evidence, LearningRelation, PersonRole

_COLUMNS = {
    "stage": JourneyStage.key,
    "segment": Segment.key,
    "lever": HypothesisRow.lever,
    "metric": Metric.key,
    "decision": Experiment.decision,
}
MOST_WORDS = 12  # of a search: each is a comparison with every row
LONGEST_NOTE = 1000
_WHOLE = (
    joinedload(Learning.experiment).options(
        joinedload(Experiment.hypothesis).options(
            joinedload(HypothesisRow.journey_stage),
            joinedload(HypothesisRow.metric),
            joinedload(HypothesisRow.segment),
        )
    ),
    joinedload(Learning.next_hypothesis),
    selectinload(Learning.notes),
    selectinload(Learning.links).options(
        joinedload(LearningLink.later).joinedload(Learning.experiment)
    ),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which learnings are asked for; what is empty does not matter.

    Attributes:
        text: words that all must occur, in any order, also within longer words.
        stage: key of a journey stage.
        segment: key.
        lever: a Lever.
        metric: key of the metric of the hypothesis.
        decision: a Decision.
        year: of the decision, UTC.
    """

    text: str = ""
    stage: str = ""
    segment: str = ""
    lever: str = ""
    metric: str = ""
    decision: str = ""
    year: int | None = None


def record(
    session: Session,
    experiment: Experiment,
    proposal: Proposal,
    actor: Actor,
    now: datetime,
) -> Learning:
    """Put a decided experiment into the library; its next hypothesis into the backlog.

    Args:
        session: open transaction.
        experiment: just decided.
        proposal: the decision with what was learned.
        actor: who decided or confirmed.
        now: aware UTC.

    Returns:
        The stored row.
    """
    lessons = proposal.lessons
    run = session.get(AnalysisRun, proposal.run_id) if proposal.run_id else None
    row = Learning(
        experiment_id=experiment.id,
        run_id=None if run is None else run.id,
        verdict=None if run is None else run.verdict,
        answer="" if run is None else run.answer or "",
        held=None if lessons.held is None else lessons.held.value,
        surprise=lessons.surprise.strip(),
        next_step=lessons.next_step.strip(),
        follow_up_at=lessons.follow_up_at,
        searchable="",
    )
    title = lessons.next_hypothesis.strip()
    if title:
        row.next_hypothesis_id = _next_hypothesis(
            session, experiment, title, row.answer, actor, now
        )
    row.searchable = searchable(_texts(experiment, row, title))
    session.add(row)
    session.flush()
    return row


def _texts(experiment: Experiment, row: Learning, title: str) -> list[str]:
    about = experiment.hypothesis
    return [
        experiment.name,
        experiment.decision_reason or "",
        about.title,
        about.change,
        about.evidence_text,
        about.friction_point,
        about.segment.name,
        about.metric.name,
        row.answer,
        row.surprise,
        row.next_step,
        title,
    ]


def _next_hypothesis(  # what a hypothesis is made of
    session: Session,
    experiment: Experiment,
    title: str,
    answer: str,
    actor: Actor,
    now: datetime,
) -> int:
    """Register the next hypothesis, like the one before it where nobody said more."""
    before = hypotheses.to_value(experiment.hypothesis)
    known = f'The experiment "{experiment.name}" before it. {answer}'.strip()
    value = Hypothesis(
        key=_free_key(session, before.key),
        title=title,
        change=title,
        evidence=Evidence.EARLIER_EXPERIMENT,
        evidence_text=known,
        forecast=None,
        **{name: getattr(before, name) for name in _KEPT},
    )
    return hypotheses.create(session, value, actor, now).id


_KEPT = (
    "segment",
    "metric",
    "direction",
    "expected_change",
    "journey_stage",
    "friction_point",
    "if_up",
    "if_flat",
    "if_down",
    "lever",
)


def _free_key(session: Session, key: str) -> str:
    number = 2
    while True:
        end = f"-{number}"
        found = f"{key[: 64 - len(end)]}{end}"
        taken = select(HypothesisRow.id).where(HypothesisRow.key == found)
        if session.scalar(taken) is None:
            return found
        number += 1


def get(session: Session, key: str) -> Learning:
    """Find what was learned from an experiment.

    Args:
        session: any session.
        key: of the experiment.

    Returns:
        The row with all it names.

    Raises:
        NotFound: there is no such experiment, or it is not decided.
    """
    row = of_experiment(session, known_key(key, "experiment"))
    if row is None:
        raise NotFound("Nothing was learned from such an experiment yet.")
    return row


def of_experiment(session: Session, key: str) -> Learning | None:
    """Find what was learned from an experiment, or None before its decision."""
    query = select(Learning).join(Learning.experiment).where(Experiment.key == key)
    return session.scalar(query.options(*_WHOLE))


def page(
    session: Session, place: Place[int], limit: int, wanted: Wanted | None = None
) -> list[Learning]:
    """List learnings, latest decision first, next to a place in the list.

    Args:
        session: any session.
        place: given by their numbers, falling.
        limit: at most this many, up to 200.
        wanted: which; all when not given.

    Returns:
        The rows with all they name.
    """
    query = _asked(wanted or Wanted()).options(*_WHOLE)
    return rows_at(session, query, Learning.id, limit, place)


def decided(session: Session, most: int) -> list[tuple[str, str]]:
    """Give key and name of the experiments something was learned from, newest first."""
    query = (
        select(Experiment.key, Experiment.name)
        .join(Learning, Learning.experiment_id == Experiment.id)
        .order_by(Learning.id.desc())
        .limit(most)
    )
    return [(key, name) for key, name in session.execute(query)]


@dataclass(frozen=True, slots=True)
class TriedCount:
    """How often one means was tried at one stage, by what the rule said.

    Attributes:
        lever: a Lever.
        stage: name of the stage.
        verdict: a Verdict; None where there was no result.
        count: of decided experiments.
    """

    lever: str
    stage: str
    verdict: str | None
    count: int


def tried(session: Session) -> list[TriedCount]:
    """Count decided experiments by means, stage and verdict."""
    what = (HypothesisRow.lever, JourneyStage.name, Learning.verdict)
    query = (
        select(*what, func.count())
        .select_from(Learning)
        .join(Learning.experiment)
        .join(Experiment.hypothesis)
        .join(HypothesisRow.journey_stage)
        .group_by(*what)
    )
    return [TriedCount(*row) for row in session.execute(query)]


def years(session: Session) -> list[int]:
    """List the years from the first decision to the last, the latest first."""
    query = select(func.min(Experiment.decided_at), func.max(Experiment.decided_at))
    first, last = session.execute(query.where(Experiment.decided_at.is_not(None))).one()
    if first is None or last is None:
        return []
    return list(range(last.year, first.year - 1, -1))


def due(session: Session, now: datetime) -> list[Learning]:
    """List those whose day to look again has come, longest ago first."""
    query = select(Learning).where(Learning.follow_up_at <= now).options(*_WHOLE)
    return list(session.scalars(query.order_by(Learning.follow_up_at)))


def mark(  # what a mark says, each by name
    session: Session,
    key: str,
    later_key: str,
    relation: LearningRelation,
    note: str,
    actor: Actor,
    now: datetime,
) -> LearningLink:
    """Note that a later experiment found the same again, or the opposite.

    Args:
        session: open transaction.
        key: of the earlier experiment.
        later_key: of the later one, decided as well.
        relation: what it says about the earlier one.
        note: why, in words.
        actor: an editor.
        now: aware UTC.

    Returns:
        The stored link.

    Raises:
        InvalidInput: the later one is not later, or has nothing learned.
        Conflict: the two are marked already.
    """
    actor.require(PersonRole.EDITOR, "compare learnings")
    audit.take_turn(session)
    earlier, faults = get(session, key), Faults()
    faults.optional_text("note", note, LONGEST_NOTE)
    later = None if not later_key else of_experiment(session, later_key)
    if later is None:
        faults.add("later", "Choose an experiment that is decided.")
    elif later.id <= earlier.id:
        faults.add("later", "Choose an experiment that was decided later.")
    faults.raise_if_any("These learnings were not compared.")
    if later is None:  # as said above
        raise InvalidInput("These learnings were not compared.")
    if any(link.later_id == later.id for link in earlier.links):
        raise Conflict(
            f'This learning is compared with "{later.experiment.name}" already.',
            {"later": "The two are compared already."},
        )
    link = LearningLink(
        learning_id=earlier.id,
        later_id=later.id,
        relation=relation.value,
        note=note.strip(),
        by=actor.label,
        at=now,
    )
    session.add(link)
    session.flush()
    after = {"later": later_key, "relation": relation.value, "note": link.note}
    audit.record(
        session, actor, "experiment.mark_learning", "experiment", key, None, after, now
    )
    return link


def _asked(wanted: Wanted) -> Select[Learning]:
    query = (
        select(Learning)
        .join(Learning.experiment)
        .join(Experiment.hypothesis)
        .join(HypothesisRow.journey_stage)
        .join(HypothesisRow.segment)
        .join(HypothesisRow.metric)
    )
    for name, column in _COLUMNS.items():
        value = getattr(wanted, name)
        if value:
            query = query.where(column == value)
    if wanted.year is not None:
        begin, end = (
            datetime(year, 1, 1, tzinfo=UTC) for year in (wanted.year, wanted.year + 1)
        )
        query = query.where(Experiment.decided_at >= begin, Experiment.decided_at < end)
    for word in searchable([wanted.text]).split()[:MOST_WORDS]:
        # Words hold letters and digits only: nothing that LIKE would read otherwise.
        query = query.where(Learning.searchable.contains(word))
    return query
