"""The library of what was learned as its page shows it: cards, and what is known."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from experiments.models import Experiment, Learning, Result
from experiments.vocabulary import (
    EVERYBODY,
    Decision,
    LearningRelation,
    Lever,
    Role,
    SentenceCase,
)
from web.presenters.formats import count
from web.presenters.words import DECISION, LEVER

GOOD = frozenset({SentenceCase.BETTER.value})
BAD = frozenset({SentenceCase.WORSE.value, SentenceCase.HARM_NOT_RULED_OUT.value})


@dataclass(frozen=True, slots=True)
class Card:
    """One learning, its sentence first."""

    learning: Learning
    sentence: str
    lever: str
    marks: tuple[str, ...]  # what later experiments said
    case: str | None  # of the metric that decided; None without a result


@dataclass(frozen=True, slots=True)
class Known:
    """What is known about one lever at one stage."""

    lever: str
    stage: str
    tried: int
    better: int
    worse: int
    open: int  # neither better nor worse, or without a result
    sentence: str  # "" unless the experiments contradict each other


def cards(database: Session, rows: Sequence[Learning]) -> list[Card]:
    """Lay learnings out as cards.

    Args:
        database: any session.
        rows: with all they name.

    Returns:
        A card each, in the same order.
    """
    found = _cases(database, rows)
    return [
        Card(
            learning=row,
            sentence=row.answer or _without_result(row.experiment),
            lever=LEVER[Lever(row.experiment.hypothesis.lever)],
            marks=tuple(_marks(row)),
            case=found.get(row.id),
        )
        for row in rows
    ]


def _without_result(experiment: Experiment) -> str:
    word = DECISION[Decision(str(experiment.decision))].lower()
    return f"Decided without a result: {word}."


def _marks(row: Learning) -> Iterable[str]:
    for link in row.links:
        word = "Replicated" if link.relation == LearningRelation.REPLICATED else ""
        note = f" {link.note}" if link.note else ""
        name = link.later.experiment.name
        yield f'{word or "Contradicted"} by "{name}".{note}'


def _cases(database: Session, rows: Sequence[Learning]) -> dict[int, str]:
    """Find how the metric that decides came out, by the variant that did best."""
    by_run = {row.run_id: row.id for row in rows if row.run_id is not None}
    query = select(Result.run_id, Result.sentence_case).where(
        Result.run_id.in_(by_run),
        Result.role == Role.PRIMARY.value,
        Result.segment == EVERYBODY,
    )
    found: dict[int, list[str]] = defaultdict(list)
    for run_id, case in database.execute(query):
        found[by_run[run_id]].append(case)
    return {number: _of_treatments(cases) for number, cases in found.items()}


def _of_treatments(cases: Sequence[str]) -> str:
    """Choose the case that stands for several treatments: one that helped, helped."""
    for wanted in (GOOD, BAD):
        for case in cases:
            if case in wanted:
                return case
    return cases[0]


def known(cards: Sequence[Card]) -> list[Known]:
    """Count what was tried by lever and stage, and say what contradicts itself.

    Args:
        cards: of all learnings.

    Returns:
        Most tried first.
    """
    groups: dict[tuple[str, str], list[Card]] = defaultdict(list)
    for card in cards:
        stage = card.learning.experiment.hypothesis.journey_stage.name
        groups[card.lever, stage].append(card)
    found = [_known(lever, stage, each) for (lever, stage), each in groups.items()]
    return sorted(found, key=lambda each: (-each.tried, each.lever, each.stage))


def _known(lever: str, stage: str, cards: Sequence[Card]) -> Known:
    counts = Counter(_side(card) for card in cards)
    better, worse = counts["better"], counts["worse"]
    sentence = ""
    if better and worse:
        sentence = (
            f"{lever} at {stage} helped {_times(better)} and harmed {_times(worse)}."
            " Look at what differed before you try it again."
        )
    return Known(lever, stage, len(cards), better, worse, counts["open"], sentence)


def _side(card: Card) -> str:
    if card.case in GOOD:
        return "better"
    return "worse" if card.case in BAD else "open"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{count(number)} times"
