"""The library of what was learned as its page shows it: cards, and what is known."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from analysis import past_words
from analysis.past_effects import MetricPast, PastEffect, Tried, by_means
from analysis.stats.adding import ShrunkTotal
from experiments.learnings import TriedCount
from experiments.models import Learning
from experiments.vocabulary import Decision, LearningRelation, Lever, Verdict
from web.presenters.ranges import Axis, Bar, Mark, axis_for, bars_for
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
            sentence=row.answer
            or past_words.without_result(
                DECISION[Decision(str(row.experiment.decision))]
            ),
            lever=LEVER[Lever(row.experiment.hypothesis.lever)],
            marks=tuple(_marks(row)),
        )
        for row in rows
    ]


def _marks(row: Learning) -> Iterable[str]:
    for link in row.links:
        word = LEARNING_RELATION[LearningRelation(link.relation)]
        note = f" {link.note}" if link.note else ""
        yield f'{word} by "{link.later.experiment.name}".{note}'


def known(counts: Iterable[TriedCount]) -> list[Known]:
    """Say what was tried by means and stage, and what contradicts itself.

    Args:
        counts: of all learnings.

    Returns:
        Most tried first.
    """
    groups: dict[tuple[str, str], Counter[str | None]] = defaultdict(Counter)
    for each in counts:
        groups[LEVER[Lever(each.lever)], each.stage][each.verdict] += each.count
    found = [_known(lever, stage, said) for (lever, stage), said in groups.items()]
    return sorted(found, key=lambda each: (-each.tried, each.lever, each.stage))


def _known(lever: str, stage: str, said: Counter[str | None]) -> Known:
    shipped, not_shipped = said[Verdict.SHIP.value], said[Verdict.DO_NOT_SHIP.value]
    sentence = past_words.contradiction(lever, stage, shipped, not_shipped)
    rest = said.total() - shipped - not_shipped
    return Known(lever, stage, said.total(), shipped, not_shipped, rest, sentence)


@dataclass(frozen=True, slots=True)
class Found:
    """One experiment of a forest: its effect and its interval.

    Attributes:
        key: of the experiment.
        name: of the experiment.
        decision: of a person.
        words: the effect with its interval.
        mark: the same on the axis.
    """

    key: str
    name: str
    decision: str
    words: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Means:
    """What one means did at one stage.

    Attributes:
        title: means and stage.
        sentence: of the average.
        average: written with its interval; "" where none is given.
        mark: the average on the axis.
        found: the experiments, the latest first.
    """

    title: str
    sentence: str
    average: str
    mark: Mark | None
    found: tuple[Found, ...]


@dataclass(frozen=True, slots=True)
class Forest:
    """All effects on one metric, by means and stage, and how large effects are.

    Attributes:
        metric: its name.
        axis: that all rows share, in the unit of `unit`.
        unit: of the axis, as a sentence; "" for a score.
        means: most tried first.
        bars: how many effects have which size.
        sentence: of all effects.
    """

    metric: str
    axis: Axis
    unit: str
    means: tuple[Means, ...]
    bars: tuple[Bar, ...]
    sentence: str


def forest(past: MetricPast) -> Forest:
    """Lay the past of a metric out.

    Args:
        past: of the metric.

    Returns:
        The forest and the histogram on one axis.
    """
    shown = past.measure.shown
    ends = [
        shown(end)
        for each in past.effects
        for end in (each.effect, each.low, each.high)
        if end is not None
    ]
    axis = axis_for(ends, signed=True)
    return Forest(
        metric=past.name,
        axis=axis,
        unit=f"Changes are in {past.measure.many}." if past.measure.many else "",
        means=tuple(_means(past, tried, axis) for tried in by_means(past)),
        bars=bars_for([shown(each.effect) for each in past.effects], axis),
        sentence=past_words.moved(past, past.effects, _who(len(past.effects))),
    )


def _who(number: int) -> str:
    return "one decided experiment" if number == 1 else "decided experiments"


def _means(past: MetricPast, tried: Tried, axis: Axis) -> Means:
    shown, average, mark = past.measure.shown, "", None
    if isinstance(tried.average, ShrunkTotal):
        value, least, most = past_words.average_in_words(past, tried)
        interval = tried.average.interval
        average = f"{value} ({least} to {most})"
        mark = axis.mark(
            shown(tried.average.total),
            shown(interval.low or 0.0),
            shown(interval.high or 0.0),
        )
    return Means(
        title=f"{LEVER[Lever(tried.lever)]} at {tried.stage_name}",
        sentence=past_words.average(past, tried),
        average=average,
        mark=mark,
        found=tuple(_found(past, each, axis) for each in reversed(tried.effects)),
    )


def _found(past: MetricPast, effect: PastEffect, axis: Axis) -> Found:
    shown = past.measure.shown
    low, high = (
        None if end is None else shown(end) for end in (effect.low, effect.high)
    )
    return Found(
        key=effect.experiment,
        name=effect.name,
        decision=effect.decision,
        words=past_words.effect(past, effect),
        mark=axis.mark(shown(effect.effect), low, high),
    )
