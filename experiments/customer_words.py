"""What customers read about an experiment: a name, and what differs, in plain words.

They are for the page of a customer's choice and can change at any time: the plan, with
its hypothesis, is never shown to customers.
"""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from experiments import audit, catalog
from experiments.actors import Actor
from experiments.field_faults import Faults
from experiments.models import CustomerWords
from experiments.vocabulary import PersonRole

LONGEST_NAME, LONGEST_DIFFERENCE = 120, 500


@dataclass(frozen=True, slots=True)
class Words:
    """Words for customers; without a name the page speaks of "a test".

    Attributes:
        name: such as "A shorter set-up".
        difference: what some see and others do not.
    """

    name: str = ""
    difference: str = ""


def read(session: Session, key: str) -> Words:
    """Read the words about an experiment; empty ones when nobody wrote any.

    Args:
        session: any session.
        key: of the experiment.

    Returns:
        The words.
    """
    experiment = catalog.get(session, key)
    row = session.get(CustomerWords, experiment.id)
    return Words() if row is None else Words(row.name, row.difference)


def write(
    session: Session, key: str, words: Words, *, actor: Actor, now: datetime
) -> Words:
    """Put words in the place of those there were.

    Args:
        session: open transaction.
        key: of the experiment, in any state.
        words: both may be empty, which takes them away.
        actor: an editor.
        now: aware UTC.

    Returns:
        The words as they are stored.

    Raises:
        InvalidInput: too long, or what differs without a name.
    """
    actor.require(PersonRole.EDITOR, "write words for customers")
    faults = Faults()
    faults.optional_text("name", words.name, LONGEST_NAME)
    faults.optional_text("difference", words.difference, LONGEST_DIFFERENCE)
    kept = Words(words.name.strip(), words.difference.strip())
    if kept.difference and not kept.name:
        faults.add("name", "Enter a name that customers may read.")
    faults.raise_if_any("These words cannot be saved.")
    audit.take_turn(session)
    experiment = catalog.get(session, key)
    before = read(session, key)
    if kept == before:
        return kept
    session.merge(
        CustomerWords(
            experiment_id=experiment.id,
            name=kept.name,
            difference=kept.difference,
            written_at=now,
        )
    )
    session.flush()
    audit.record(
        session,
        actor,
        "experiment.customer_words",
        "experiment",
        key,
        asdict(before),
        asdict(kept),
        now,
    )
    return kept
