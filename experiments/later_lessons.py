"""What is learned after a decision: added with its date, never changed."""

from datetime import datetime

from sqlalchemy.orm import Session

from experiments import audit, learnings
from experiments.actors import Actor
from experiments.field_faults import Faults
from experiments.lessons import LONGEST, searchable
from experiments.models import LearningNote
from experiments.vocabulary import HypothesisHeld, PersonRole


def add(  # what a note says, each by name
    session: Session,
    key: str,
    text: str,
    held: HypothesisHeld | None,
    actor: Actor,
    now: datetime,
) -> LearningNote:
    """Add what was learned since the decision.

    Args:
        session: open transaction.
        key: of the decided experiment.
        text: in words.
        held: whether the hypothesis was right, as far as is known now; None to leave
            open what was said before.
        actor: an editor.
        now: aware UTC.

    Returns:
        The stored note.

    Raises:
        InvalidInput: there is no text.
    """
    actor.require(PersonRole.EDITOR, "write down what was learned")
    audit.take_turn(session)
    learning, faults = learnings.get(session, key), Faults()
    faults.text("text", text, LONGEST, "what was learned")
    faults.raise_if_any("Nothing was written down.")
    note = LearningNote(
        learning_id=learning.id,
        text=text.strip(),
        held=None if held is None else held.value,
        by=actor.label,
        at=now,
    )
    learning.notes.append(note)
    learning.searchable += searchable([note.text]).lstrip()
    session.flush()
    after = {"text": note.text, "held": note.held}
    audit.record(
        session, actor, "experiment.add_lesson", "experiment", key, None, after, now
    )
    return note
