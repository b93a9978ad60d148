"""What past experiments say, in sentences: backlog, plan, learnings and API share them.

Pure text, under the rules of `sentences`: a number is the stored one rounded, an
average comes with its interval, and what is expected comes with its range.
"""

from collections.abc import Sequence

from analysis import wording
from analysis.backlog_score import BASELINE, EFFORT, REACH, NoScore, Range, Score
from analysis.past_effects import MetricPast, PastEffect, Tried
from analysis.portfolio import kept_in_words
from analysis.stats.estimate import NotComputable

MISSING = {
    REACH: "reach",
    BASELINE: "the baseline",
    EFFORT: "the effort",
}


def moved(past: MetricPast, effects: Sequence[PastEffect], who: str) -> str:
    """Say by how much experiments moved a metric, from the least to the most.

    Args:
        past: of the metric.
        effects: some of its effects; estimates, not true changes.
        who: the experiments, such as "experiments in this stage".

    Returns:
        Such as "Experiments in this stage moved this metric by -0.4 to +1.8 points
        (n = 9)."; "" where there are none.
    """
    if not effects:
        return ""
    start = f"{who[:1].upper()}{who[1:]}"
    return f"{start} moved this metric by {span(past, effects)}."


def span(past: MetricPast, effects: Sequence[PastEffect]) -> str:
    """Write the range of some effects: "-0.4 to +1.8 points (n = 9)"."""
    sizes = [past.measure.shown(each.effect) for each in effects]
    least, most = (
        wording.signed(size, past.decimals) for size in (min(sizes), max(sizes))
    )
    number = f"(n = {wording.count(len(effects))})"
    if least == most:
        return f"{past.measure.written(most)} {number}"
    return f"{least} to {past.measure.written(most)} {number}"


def before(past: MetricPast | None, stage: str) -> str:
    """Say what experiments did to a metric, at a stage or else anywhere.

    Args:
        past: of the metric; None where nothing was decided on it.
        stage: key of the journey stage.

    Returns:
        One or two sentences.
    """
    if past is None:
        return "No decided experiment has measured this metric yet."
    here = past.at_stage(stage)
    if here:
        who = "One experiment" if len(here) == 1 else "Experiments"
        return moved(past, here, f"{who} in this stage")
    who = "One experiment" if len(past.effects) == 1 else "Experiments"
    return (
        "No decided experiment in this stage yet."
        f" {moved(past, past.effects, f'{who} in other stages')}"
    )


def effect(past: MetricPast, found: PastEffect) -> str:
    """Write one effect with its interval: "+1.9 points (+0.6 to +3.2)"."""
    measure = past.measure
    ends = [measure.shown(end) for end in (found.low, found.high) if end is not None]
    width = max((abs(end - measure.shown(found.effect)) for end in ends), default=0.0)
    decimals = wording.decimals_for(width)
    low, high = (
        "no limit" if end is None else wording.signed(measure.shown(end), decimals)
        for end in (found.low, found.high)
    )
    value = wording.signed(measure.shown(found.effect), decimals)
    return f"{measure.written(value)} ({low} to {high})"


def average(past: MetricPast, tried: Tried) -> str:
    """Say what one means did on average at one stage.

    Args:
        past: of the metric.
        tried: from `past_effects.by_means`.

    Returns:
        One sentence; for a single experiment what it found, unshrunk and said so.
    """
    number = len(tried.effects)
    if isinstance(tried.average, NotComputable):
        many = "This effect lies" if number == 1 else f"These {number} effects lie"
        return (
            f"{many} no farther from 0 than chance alone would scatter"
            f" {'it' if number == 1 else 'them'}, so no average is given."
        )
    value, least, most = average_in_words(past, tried)
    who = (
        "This one experiment"
        if number == 1
        else f"On average these {wording.count(number)} experiments"
    )
    return (
        f"{who} changed {past.name} by {value} (95 % CI {least} to {most}), once luck"
        " is allowed for."
    )


def average_in_words(past: MetricPast, tried: Tried) -> tuple[str, str, str]:
    """Write a shrunk average with its unit, and the ends of its interval.

    Args:
        past: of the metric.
        tried: with an average.

    Returns:
        Such as ("+1.1 points", "+0.4", "+1.8").

    Raises:
        ValueError: there is no average.
    """
    found = tried.average
    if isinstance(found, NotComputable):
        raise ValueError("no average is given")  # noqa: TRY004  # a fault of the caller
    ends = (found.interval.low or 0.0, found.interval.high or 0.0)
    low, high = (past.measure.shown(end) for end in ends)
    decimals = wording.decimals_for((high - low) / 2)
    value = wording.signed(past.measure.shown(found.total), decimals)
    least, most = (wording.signed(end, decimals) for end in (low, high))
    return past.measure.written(value), least, most


def contradiction(means: str, stage: str, ships: int, others: int) -> str:
    """Say that experiments of one kind came out in opposite ways; "" where not.

    Args:
        means: by what means, as people read it.
        stage: where in the journey.
        ships: how many times the rule said to ship.
        others: how many times it said not to.

    Returns:
        Two sentences, or "".
    """
    if not ships or not others:
        return ""
    return (
        f"{means} at {stage}: the rule said to ship {_times(ships)}, and not to"
        f" ship {_times(others)}. Look at what differed before you try again."
    )


def without_result(decision: str) -> str:
    """Say that a decision was taken without a result."""
    return f"Decided without a result: {decision.lower()}."


def expectation(score: Score) -> str:
    """Say what is expected of a hypothesis, in customers.

    Args:
        score: of the hypothesis.

    Returns:
        One sentence, with the range where there is a forecast.
    """
    kept = score.kept
    if kept.low is None or kept.high is None:
        number = wording.about(abs(kept.likely))
        word = "lost" if kept.likely < 0 else "kept"
        return (
            f"Expected: {number} customers {word} per quarter. Nobody made a forecast."
        )
    return f"Expected: {likely_of(kept)}."


def likely_of(kept: Range) -> str:
    """Write customers kept with their range, also where it reaches over 0."""
    low, high = kept.low or 0.0, kept.high or 0.0
    if not low < 0 < high:
        return kept_in_words(kept.likely, low, high)
    value, least, most = customers(kept)
    return f"about {value} customers kept per quarter ({least} to {most})"


def customers(kept: Range) -> tuple[str, str, str]:
    """Write low, likely and high alike, each with its minus.

    Args:
        kept: customers in a quarter.

    Returns:
        Likely, low and high; "" for ends that nobody knows.
    """
    ends = [each for each in (kept.likely, kept.low, kept.high) if each is not None]
    guide = max(abs(each) for each in ends)

    def written(value: float | None) -> str:
        if value is None:
            return ""
        rounded = wording.rounded_like(value, guide)
        return wording.number(-rounded if value < 0 else rounded)

    return written(kept.likely), written(kept.low), written(kept.high)


def not_ranked(why: NoScore, metric: str) -> str:
    """Say why a hypothesis has no score.

    Args:
        why: what is missing.
        metric: its name.

    Returns:
        Such as "Not ranked: reach is missing."
    """
    if not why.missing:
        return f"Not ranked: {metric} does not count customers who stay or leave."
    names = wording.joined([MISSING[name] for name in why.missing])
    verb = "is" if len(why.missing) == 1 else "are"
    return f"Not ranked: {names} {verb} missing."


def promise(score: Score | NoScore, metric: str) -> str:
    """Say what is expected of a hypothesis, or why it has no score."""
    if isinstance(score, NoScore):
        return not_ranked(score, metric)
    return expectation(score)


def compared(one: str, first: Score, other: str, second: Score) -> str:
    """Say which of two hypotheses promises more for the work.

    Args:
        one: title of the first.
        first: its score.
        other: title of the second.
        second: its score.

    Returns:
        One sentence.
    """
    if first.value < second.value:
        one, other, first, second = other, one, second, first
    if not second.value > 0:
        return f'"{one}" promises more for a week of work than "{other}".'
    times = first.value / second.value
    if wording.number(times, 1) == "1.0":
        return f'"{one}" and "{other}" promise about as much for a week of work.'
    return (
        f'For a week of work, "{one}" promises {wording.number(times, 1)} times what'
        f' "{other}" does.'
    )


def _times(number: int) -> str:
    return "once" if number == 1 else f"{wording.count(number)} times"
