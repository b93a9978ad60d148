"""The library of what was learned as its page shows it: cards, and what is known."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from experiments.models import Experiment, Learning
from experiments.vocabulary import Decision, LearningRelation, Lever, Verdict
from web.presenters.formats import count
from web.presenters.words import DECISION, LEARNING_RELATION, LEVER


@dataclass(frozen=True, slots=True)
class Card:
    """One learning, its sentence first."""

    learning: Learning
    sentence: str
    lever: str
    marks: tuple[str, ...]  # what later experiments said


@dataclass(frozen=True, slots=True)
class Known:
    """What is known about one lever at one stage."""

    lever: str
    stage: str
    tried: int
    shipped: int  # where the rule said so, whatever people decided
    not_shipped: int
    open: int  # the rule could not tell, or there was no result to use
    sentence: str  # "" unless the experiments contradict each other


def cards(rows: Sequence[Learning]) -> list[Card]:
    """Lay learnings out as cards.

    Args:
        rows: with all they name.

    Returns:
        A card each, in the same order.
    """
    return [
        Card(
            learning=row,
            sentence=row.answer or _without_result(row.experiment),
            lever=LEVER[Lever(row.experiment.hypothesis.lever)],
            marks=tuple(_marks(row)),
        )
        for row in rows
    ]


def _without_result(experiment: Experiment) -> str:
    word = DECISION[Decision(str(experiment.decision))].lower()
    return f"Decided without a result: {word}."


def _marks(row: Learning) -> Iterable[str]:
    for link in row.links:
        word = LEARNING_RELATION[LearningRelation(link.relation)]
        note = f" {link.note}" if link.note else ""
        yield f'{word} by "{link.later.experiment.name}".{note}'


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
    said = Counter(card.learning.verdict for card in cards)
    shipped, not_shipped = said[Verdict.SHIP.value], said[Verdict.DO_NOT_SHIP.value]
    sentence = ""
    if shipped and not_shipped:
        sentence = (
            f"{lever} at {stage}: the rule said to ship {_times(shipped)}, and not to"
            f" ship {_times(not_shipped)}. Look at what differed before you try again."
        )
    rest = len(cards) - shipped - not_shipped
    return Known(lever, stage, len(cards), shipped, not_shipped, rest, sentence)


def _times(number: int) -> str:
    return "once" if number == 1 else f"{count(number)} times"
