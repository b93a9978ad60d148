"""The backlog of hypotheses."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, joinedload

from experiments import audit
from experiments.actors import Actor
from experiments.change_range import too_wide
from experiments.errors import Conflict, NotFound
from experiments.field_faults import KEY_PATTERN, Faults
from experiments.hypothesis import BacklogInputs, Forecast, Hypothesis
from experiments.lookups import (
    Place,
    changes,
    check_revision,
    known_key,
    owner_of,
    page_size,
    rows_at,
)
from experiments.metric_definition import KEEPING
from experiments.models import (
    Citation,
    Experiment,
    HypothesisRow,
    JourneyStage,
    Learning,
    MergedHypothesis,
    Metric,
    MetricVersion,
    Segment,
)
from experiments.plan import definition_from_json, to_plain
from experiments.vocabulary import Direction, Evidence, Lever, PersonRole, Status

_REFERENCES = (
    ("segment", Segment, "segment"),
    ("metric", Metric, "metric"),
    ("journey_stage", JourneyStage, "journey stage"),
)
_TEXTS = (
    "title",
    "evidence_text",
    "change",
    "friction_point",
    "if_up",
    "if_flat",
    "if_down",
    "wrong_if",
)
_FORECAST = ("lift_low", "lift_mid", "lift_high", "ship_probability")
_WHOLE = (
    joinedload(HypothesisRow.segment),
    joinedload(HypothesisRow.metric),
    joinedload(HypothesisRow.journey_stage),
    joinedload(HypothesisRow.owner),
    joinedload(HypothesisRow.merged).joinedload(MergedHypothesis.into),
)
NOTHING_SAID = BacklogInputs()


def create(
    session: Session,
    hypothesis: Hypothesis,
    actor: Actor,
    now: datetime,
    inputs: BacklogInputs = NOTHING_SAID,
) -> HypothesisRow:
    """Register a hypothesis; the actor becomes its owner.

    Args:
        session: open transaction.
        hypothesis: complete.
        actor: an editor.
        now: aware UTC.
        inputs: what its place in the backlog is made of.

    Returns:
        The stored row, revision 1.

    Raises:
        Conflict: the key is taken.
    """
    actor.require(PersonRole.EDITOR, "register hypotheses")
    owner_id = owner_of(actor, "a hypothesis")
    hypothesis.check()
    audit.take_turn(session)
    taken = select(HypothesisRow.id).where(HypothesisRow.key == hypothesis.key)
    if session.scalar(taken) is not None:
        raise Conflict(
            f'There is a hypothesis "{hypothesis.key}" already. Choose another key.',
            {"key": "This key is taken."},
        )
    row = HypothesisRow(
        key=hypothesis.key, owner_id=owner_id, created_at=now, revision=0
    )
    _write(session, row, hypothesis, inputs, now)
    after = {**to_plain(hypothesis), **asdict(inputs)}
    audit.record(
        session, actor, "hypothesis.create", "hypothesis", row.key, None, after, now
    )
    return get(session, row.key)


def update(
    session: Session,
    hypothesis: Hypothesis,
    revision: int,
    actor: Actor,
    now: datetime,
    inputs: BacklogInputs | None = None,
) -> HypothesisRow:
    """Save a changed hypothesis; plans that are locked keep the old one.

    Args:
        session: open transaction.
        hypothesis: with the key of the one to change.
        revision: the one that was edited.
        actor: an editor.
        now: aware UTC.
        inputs: what its place in the backlog is made of; None to leave it as it is.

    Returns:
        The stored row, one revision further.

    Raises:
        Conflict: somebody saved it meanwhile, or an experiment on it is in review.
    """
    actor.require(PersonRole.EDITOR, "change hypotheses")
    audit.take_turn(session)
    row = get(session, hypothesis.key)
    check_revision("hypothesis", revision, row.revision)
    if row.merged is not None:
        raise Conflict(
            f'It is merged into "{row.merged.into.title}" by now. Change that one.'
        )
    hypothesis.check()
    reviewed = session.scalar(
        select(Experiment.key).where(
            Experiment.hypothesis_id == row.id,
            Experiment.status == Status.IN_REVIEW.value,
        )
    )
    if reviewed is not None:
        raise Conflict(
            f'The experiment "{reviewed}" on this hypothesis is in review. Send it'
            " back first: what was reviewed must be what is started."
        )
    known = inputs_of(session, row)
    before = {**to_plain(to_value(row)), **asdict(known)}
    inputs = known if inputs is None else inputs
    _write(session, row, hypothesis, inputs, now)
    old, new = changes(before, {**to_plain(hypothesis), **asdict(inputs)})
    audit.record(
        session, actor, "hypothesis.update", "hypothesis", row.key, old, new, now
    )
    return get(session, row.key)


def get(session: Session, key: str) -> HypothesisRow:
    """Find a hypothesis with all it names.

    Args:
        session: any session.
        key: of the hypothesis.

    Returns:
        The row.

    Raises:
        NotFound: there is none.
    """
    row = session.scalar(
        select(HypothesisRow)
        .where(HypothesisRow.key == known_key(key, "hypothesis"))
        .options(*_WHOLE)
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise NotFound(f'There is no hypothesis "{key}".')
    return row


def listing(
    session: Session, *, after_key: str | None = None, limit: int = 50
) -> list[HypothesisRow]:
    """List hypotheses by key.

    Args:
        session: any session.
        after_key: continue after a page that ended with this key.
        limit: at most this many, up to 200.

    Returns:
        The rows with all they name.
    """
    query = select(HypothesisRow).options(*_WHOLE).order_by(HypothesisRow.key)
    if after_key is not None:
        query = query.where(HypothesisRow.key > known_key(after_key, "page"))
    return list(session.scalars(query.limit(page_size(limit))))


def page(
    session: Session,
    place: Place[int],
    limit: int,
) -> list[HypothesisRow]:
    """List hypotheses newest first, next to a place in the list.

    Args:
        session: any session.
        place: given by their numbers, falling.
        limit: at most this many, up to 200.

    Returns:
        The hypotheses with all they name.
    """
    query = select(HypothesisRow).options(*_WHOLE)
    return rows_at(session, query, HypothesisRow.id, limit, place)


def everything(session: Session) -> list[HypothesisRow]:
    """List all hypotheses by key, with all they name."""
    query = select(HypothesisRow).options(*_WHOLE).order_by(HypothesisRow.key)
    return list(session.scalars(query))


def open_at(session: Session, stage: JourneyStage) -> list[HypothesisRow]:
    """List those of a stage that may be taken up or are, the newest first."""
    query = (
        select(HypothesisRow)
        .where(
            HypothesisRow.journey_stage_id == stage.id,
            HypothesisRow.parked_at.is_(None),
            ~HypothesisRow.merged.has(),
        )
        .options(*_WHOLE)
        .order_by(HypothesisRow.id.desc())
    )
    return list(session.scalars(query))


def to_value(row: HypothesisRow) -> Hypothesis:
    """Read a row as the value that forms, API and plan share."""
    return Hypothesis(
        key=row.key,
        evidence=Evidence(row.evidence),
        segment=row.segment.key,
        metric=row.metric.key,
        direction=Direction(row.direction),
        expected_change=row.expected_change,
        journey_stage=row.journey_stage.key,
        forecast=forecast_of(row),
        lever=Lever(row.lever),
        **{name: getattr(row, name) for name in _TEXTS},
    )


def forecast_of(row: HypothesisRow) -> Forecast | None:
    """Read what the team expects; None where nobody made a forecast."""
    numbers = {name: getattr(row, f"forecast_{name}") for name in _FORECAST}
    return None if None in numbers.values() else Forecast(**numbers)


def inputs_of(session: Session, row: HypothesisRow) -> BacklogInputs:
    """Read what was said of a hypothesis for its place in the backlog."""
    cited = citations(session, [row]).get(row.id)
    return inputs_from(row, cited)


def inputs_from(row: HypothesisRow, builds_on: str | None) -> BacklogInputs:
    """Read the same, where the experiment it builds on is known."""
    return BacklogInputs(
        row.effort_weeks, row.stated_reach, row.stated_baseline, builds_on
    )


def citations(session: Session, rows: Iterable[HypothesisRow]) -> dict[int, str]:
    """Find on which decided experiments hypotheses build.

    Args:
        session: any session.
        rows: hypotheses.

    Returns:
        Number of the hypothesis -> key of the experiment.
    """
    query = (
        select(Citation.hypothesis_id, Experiment.key)
        .join(Learning, Learning.id == Citation.learning_id)
        .join(Experiment, Experiment.id == Learning.experiment_id)
        .where(Citation.hypothesis_id.in_([row.id for row in rows]))
    )
    return {row.hypothesis_id: row.key for row in session.execute(query)}


def citing(session: Session, learning: Learning) -> list[HypothesisRow]:
    """List the hypotheses that build on what was learned, the oldest first."""
    query = (
        select(HypothesisRow)
        .join(Citation, Citation.hypothesis_id == HypothesisRow.id)
        .where(Citation.learning_id == learning.id)
        .order_by(HypothesisRow.id)
    )
    return list(session.scalars(query))


def _write(
    session: Session,
    row: HypothesisRow,
    hypothesis: Hypothesis,
    inputs: BacklogInputs,
    now: datetime,
) -> None:
    for name, number in _references(session, hypothesis).items():
        setattr(row, f"{name}_id", number)
    cited = _check_inputs(session, row.metric_id, hypothesis, inputs)
    effort, baseline = inputs.effort_weeks, inputs.baseline
    row.effort_weeks = None if effort is None else float(effort)
    row.stated_baseline = None if baseline is None else float(baseline)
    row.stated_reach = inputs.reach
    for name in _TEXTS:
        setattr(row, name, getattr(hypothesis, name))
    forecast = hypothesis.forecast
    for name in _FORECAST:
        number = None if forecast is None else float(getattr(forecast, name))
        setattr(row, f"forecast_{name}", number)
    row.evidence = hypothesis.evidence.value
    row.direction = hypothesis.direction.value
    row.lever = hypothesis.lever.value
    row.expected_change = float(hypothesis.expected_change)
    row.updated_at = now
    row.revision += 1
    session.add(row)
    session.flush()
    session.execute(delete(Citation).where(Citation.hypothesis_id == row.id))
    if cited is not None:
        session.add(Citation(hypothesis_id=row.id, learning_id=cited))
        session.flush()


def _check_inputs(
    session: Session, metric_id: int, hypothesis: Hypothesis, inputs: BacklogInputs
) -> int | None:
    """Refuse inputs that cannot be; give the number of what was learned and cited."""
    faults = Faults()
    inputs.check(faults)
    newest = session.scalars(
        select(MetricVersion.definition)
        .where(MetricVersion.metric_id == metric_id)
        .order_by(MetricVersion.version.desc())
        .limit(1)
    ).one()
    definition = definition_from_json(newest)
    words = too_wide(definition, hypothesis.expected_change)
    if words is not None:
        faults.add("expected_change", words)
    stated = inputs.baseline
    if stated is not None and not 0 < stated < 1 and definition.kind in KEEPING:
        faults.add("baseline", "Enter a share above 0 % and below 100 %.")
    cited = None
    if inputs.builds_on is not None:
        query = select(Learning.id).join(Learning.experiment)
        if KEY_PATTERN.fullmatch(inputs.builds_on):
            cited = session.scalar(query.where(Experiment.key == inputs.builds_on))
        if cited is None:
            faults.add("builds_on", "Choose an experiment that is decided.")
    faults.raise_if_any("This hypothesis is not complete yet.")
    return cited


def _references(session: Session, hypothesis: Hypothesis) -> dict[str, Any]:
    faults = Faults()
    found: dict[str, Any] = {}
    for field, table, words in _REFERENCES:
        key = getattr(hypothesis, field)
        number = None
        if KEY_PATTERN.fullmatch(key):
            number = session.scalar(select(table.id).where(table.key == key))
        if number is None:
            faults.add(field, f"There is no such {words}. Choose one that exists.")
        found[field] = number
    faults.raise_if_any("This hypothesis names something that does not exist.")
    return found
