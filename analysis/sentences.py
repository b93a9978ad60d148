"""Every sentence about a result: pages, print, mail and API take their words here.

Pure text. A sentence is at most 30 words long when the metric's name counts as one,
never shows a direction that the interval does not carry, and says "points" for rates.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from analysis import wording
from analysis.estimate_words import EstimateWords
from analysis.frequencies import customers_kept
from analysis.glossary import not_computable
from analysis.metric_facts import MetricFacts, harm_range
from analysis.stats.estimate import Estimate, Interval, NotComputable, Outcome
from experiments.vocabulary import MetricKind, Role, SentenceCase

MAX_WORDS = 30


def untrusted(check_sentence: str) -> str:
    """Say that the results must not be used.

    Args:
        check_sentence: of the check that blocks them, a full sentence.

    Returns:
        The warning that stands in place of every number.
    """
    joint = ": " if check_sentence[:1].isdigit() else ". "
    return f"Do not use these results{joint}{check_sentence}"


def too_early(
    units: int,
    planned: int,
    mature: int,
    due_at: datetime | None,
    as_of: datetime | None = None,
    who: str = "customers",
    planned_end: datetime | None = None,
) -> str:
    """Say how far the experiment is, and nothing about its result.

    Args:
        units: customers in the experiment, all variants together.
        planned: as many were planned.
        mature: of them, those whose outcome is known.
        due_at: when an answer is expected.
        as_of: from when this is read, to write the year where it is another.
        who: those who are counted, "customers" or "accounts".
        planned_end: of the plan, said where nothing tells yet when an answer is due.

    Returns:
        Sentence without estimate or direction.
    """
    if units < planned:
        so_far = f"{wording.count(units)} of {wording.count(planned)} {who} so far"
    else:
        so_far = (
            f"{wording.count(units)} {who} are in,"
            f" {wording.count(mature)} of them followed to the end"
        )
    if due_at is not None:
        due = f"an answer is due about {wording.day_month(due_at, as_of)}"
    elif planned_end is not None and as_of is not None and as_of < planned_end:
        due = f"the planned end is {wording.day_month(planned_end, as_of)}"
    else:
        due = "no date for an answer yet"
    return f"Too early to say. {so_far}; {due}."


def goes_on(
    number: int,
    mature: int,
    planned: int,
    due_at: datetime | None,
    as_of: datetime | None = None,
    who: str = "customers",
) -> str:
    """Say that a look brought no answer, and when there may be one.

    Args:
        number: of the look, from 1.
        mature: customers whose outcome is known.
        planned: as many were planned.
        due_at: when the next look is expected; None where any day may be one.
        as_of: from when this is read, to write the year where it is another.
        who: those who are counted, "customers" or "accounts".

    Returns:
        Sentences without estimate or direction.
    """
    due = (
        ""
        if due_at is None
        else f" The next look is due about {wording.day_month(due_at, as_of)}."
    )
    return (
        f"No answer yet at look {number}, so the experiment goes on."
        f" {wording.count(mature)} of {wording.count(planned)} planned {who} were"
        f" followed to the end.{due}"
    )


def metric_sentence(case: SentenceCase, facts: MetricFacts, outcome: Outcome) -> str:
    """Say how one metric came out.

    Args:
        case: which of the cases applies; not untrusted or too early, which have
            their own sentence for the whole experiment.
        facts: of the metric.
        outcome: an estimate, or for `NOT_COMPUTABLE` the reason.

    Returns:
        One to three short sentences, with the label in front where there is one.

    Raises:
        ValueError: the case does not fit the outcome.
    """
    if isinstance(outcome, NotComputable):
        if case != SentenceCase.NOT_COMPUTABLE:
            raise ValueError(f"{case} needs an estimate")
        return _labelled(facts, not_computable(facts.name, outcome, facts.kind))
    if case not in _WRITERS:
        raise ValueError(f"{case} is not about one metric's estimate")
    return _labelled(facts, _WRITERS[case](facts, outcome))


def unequal_answers(
    facts: MetricFacts, control_share: float, treatment_share: float
) -> str:
    """Say that who is counted, not what they did, may explain a result.

    Args:
        facts: of a survey metric, or of another that counts only some customers.
        control_share: answered among exposed in control, or counted, 0 to 1.
        treatment_share: the same in the treatment.

    Returns:
        Sentence without direction.
    """
    return _labelled(
        facts,
        f"We cannot tell whether {facts.name} changed, because of who"
        f" {_TAKING_PART.get(facts.kind, 'answered')}:"
        f" {wording.percent(control_share)} of control and"
        f" {wording.percent(treatment_share)} of {facts.variant}.",
    )


def unbounded_silence(facts: MetricFacts, estimate: Estimate, bounds: Interval) -> str:
    """Say that those who kept silent could undo a survey's result.

    Args:
        facts: of the survey metric.
        estimate: of its change, which gives the decimals.
        bounds: interval that holds whoever answered (Lee); both ends are given.

    Returns:
        Sentence without direction.
    """
    scale = EstimateWords(facts.measure, estimate)
    low, high = (scale.size(end or 0.0) for end in (bounds.low, bounds.high))
    return _labelled(
        facts,
        f"We cannot tell whether {facts.name} changed, because of who answered: whoever"
        f" kept silent, the change lies between {low} lower and {high} higher"
        f"{facts.where}.",
    )


def _better_or_worse(facts: MetricFacts, estimate: Estimate) -> str:
    scale = EstimateWords(facts.measure, estimate)
    fell = estimate.effect < 0
    word = "fell" if fell else "rose"
    core = (
        f"{facts.name} {word} by {scale.size(estimate.effect)}{facts.where}"
        f" ({wording.level(estimate.interval)} {scale.plain_range(fell=fell)}"
        f"{_for_looks(estimate)})"
    )
    kept = customers_kept(facts, estimate)
    if kept and len(f"{core} {kept}".split()) <= MAX_WORDS:
        return f"{core}: {kept}."
    return f"{core}. That is {kept}." if kept else f"{core}."


def _for_looks(estimate: Estimate) -> str:
    """Say that the numbers allow for having looked before."""
    looks = estimate.facts.get("adjusted_for_looks")
    return f", adjusted for having looked {looks} times" if looks else ""


def _worse(facts: MetricFacts, estimate: Estimate) -> str:
    if facts.margin is None or facts.role == Role.PRIMARY:
        return _better_or_worse(facts, estimate)
    scale = EstimateWords(facts.measure, estimate)
    limit = wording.agreed(facts.margin, facts.measure)
    least, most = harm_range(estimate.interval, facts.sign)
    if most < facts.margin:
        tail = f", within the limit agreed of {limit}"
    elif least > facts.margin:
        tail = f", beyond the limit agreed of {limit}"
    else:
        tail = f"; the limit agreed was {limit}"
    fell = estimate.effect < 0
    return (
        f"{facts.name} {'fell' if fell else 'rose'} by {scale.size(estimate.effect)}"
        f"{facts.where} ({wording.level(estimate.interval)}"
        f" {scale.plain_range(fell=fell)}){tail}."
    )


def _harm_ruled_out(facts: MetricFacts, estimate: Estimate) -> str:
    scale = EstimateWords(facts.measure, estimate)
    limit = wording.agreed(-facts.sign * _margin(facts), facts.measure, sign=True)
    return (
        f"We can rule out harm to {facts.name} beyond {limit}{facts.where} (change"
        f" {scale.change()},"
        f" {wording.level(estimate.interval)} {scale.signed_range()})."
    )


def _harm_not_ruled_out(facts: MetricFacts, estimate: Estimate) -> str:
    scale = EstimateWords(facts.measure, estimate)
    word = "fallen" if facts.sign > 0 else "risen"
    end = estimate.interval.low if facts.sign > 0 else estimate.interval.high
    extent = "by any amount" if end is None else f"by as much as {scale.size(end)}"
    limit = wording.agreed(_margin(facts), facts.measure)
    return (
        f"We cannot rule out harm to {facts.name}: it may have {word} {extent}"
        f"{facts.where};"
        f" the limit agreed was {limit}."
    )


def _equal_enough(facts: MetricFacts, estimate: Estimate) -> str:
    scale = EstimateWords(facts.measure, estimate)
    matters = wording.agreed(facts.target, facts.measure)
    return (
        f"{facts.name} changed by less than the {matters} that"
        f" {'matter' if matters.endswith('s') else 'matters'}{facts.where}"
        f" ({wording.level(estimate.interval)} {scale.signed_range()})."
    )


def _undecided(facts: MetricFacts, estimate: Estimate) -> str:
    scale = EstimateWords(facts.measure, estimate)
    low, high = estimate.interval.low, estimate.interval.high
    if low is not None and high is not None:
        change = f"between {scale.size(low)} lower and {scale.size(high)} higher"
    elif low is not None:
        change = f"at most {scale.size(low)} lower, or any amount higher"
    elif high is not None:
        change = f"at most {scale.size(high)} higher, or any amount lower"
    else:
        change = "of unknown size"
    needed = wording.agreed(facts.target, facts.measure)
    text = (
        f"We cannot tell whether {facts.name} changed. The change is {change}"
        f"{facts.where};"
        f" {needed} {'were' if needed.endswith('s') else 'was'} needed."
    )
    if facts.more_needed:
        more = wording.about(facts.more_needed).capitalize()
        times = times_as_many(facts.more_needed, facts.so_far)
        text += f" {more} more {facts.who} would settle it{times}."
    return text


def times_as_many(more: int, so_far: int | None) -> str:
    """Put further customers in proportion to those there are.

    Args:
        more: customers needed beside them.
        so_far: customers in the experiment; None where that is not known.

    Returns:
        Such as ": 6 times as many as took part"; "" where they are no more than that.
    """
    times = round(more / so_far) if so_far else 0
    return "" if times < 2 else f": {wording.count(times)} times as many as took part"  # noqa: PLR2004


_TAKING_PART = {
    MetricKind.FIRST_CONTACT_RESOLUTION: "made contact",
    MetricKind.TIME_TO_EVENT: "made a start",
}

_WRITERS: Mapping[SentenceCase, Callable[[MetricFacts, Estimate], str]] = {
    SentenceCase.BETTER: _better_or_worse,
    SentenceCase.WORSE: _worse,
    SentenceCase.HARM_RULED_OUT: _harm_ruled_out,
    SentenceCase.HARM_NOT_RULED_OUT: _harm_not_ruled_out,
    SentenceCase.EQUAL_ENOUGH: _equal_enough,
    SentenceCase.UNDECIDED: _undecided,
}


def _margin(facts: MetricFacts) -> float:
    if facts.margin is None:
        raise ValueError(f"{facts.name} has no margin to speak of")
    return facts.margin


def _labelled(facts: MetricFacts, text: str) -> str:
    return f"{facts.label}: {text}" if facts.label else text
