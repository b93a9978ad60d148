"""The portfolio by journey stage: what runs, what needs somebody, what was decided."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from analysis import wording
from analysis.portfolio import Kept, total_sentence
from analysis.stage_health import Health
from experiments.models import (
    AnalysisRun,
    Experiment,
    HypothesisRow,
    JourneyStage,
    Learning,
)
from experiments.vocabulary import CheckState, Status
from web.presenters.customers_see import customers_see
from web.presenters.experiments import WAITS, decision_is_due
from web.presenters.formats import count, day
from web.presenters.plan_tasks import sent_back_in_words
from web.presenters.quality import Quality, quality_of
from web.presenters.runs import is_final
from web.presenters.sparkline import Sparkline, sparkline
from web.presenters.summary import shortened

QUARTER = timedelta(days=91)
MOST_METRICS = 3  # of a stage
SENT_BACK = "The plan needs a change."
LAST = 7  # the least urgent of what waits
LIVE = frozenset({Status.RUNNING.value, Status.PAUSED.value})


@dataclass(frozen=True, slots=True)
class Attention:
    """Something that waits for a person."""

    experiment: Experiment
    sentence: str
    urgency: int  # 0 is the most urgent
    verdict: str | None  # where a result is there to look at
    said: str = ""  # by a person, about it; in no mail, for it may name people
    is_follow_up: bool = False  # of a decision: the page of what was learned has it


@dataclass(slots=True)
class StageCard:
    """One stage of the journey."""

    name: str
    key: str = ""
    health: Sequence[tuple[Health, Sparkline | None]] = ()
    ideas: int = 0
    running: list[Experiment] = field(default_factory=list)
    decided: int = 0


@dataclass(frozen=True, slots=True)
class Decided:
    """An experiment that was decided."""

    experiment: Experiment
    answer: str  # the result's own sentence, "" without a final one
    said: str  # the decision's reason, where there is no answer; in no mail
    kept: str  # customers, with their range; "" where the sentence has them, or none


@dataclass(frozen=True, slots=True)
class Found:
    """What was read of the experiments, by their number.

    Attributes:
        runs: the last good run of each, with the checks that failed.
        kept: customers that the changes keep, of those that were decided.
        harmed: names of guardrails that fell at a look, of those that run.
        health: how the metrics of stages do, by key.
        follow_ups: what was learned, where the day to look again has come.
    """

    runs: Mapping[int, AnalysisRun]
    kept: Mapping[int, Kept]
    harmed: Mapping[int, Sequence[str]]
    health: Mapping[str, Health] = field(default_factory=dict)
    follow_ups: Mapping[int, Learning] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Home:
    """The whole page."""

    sentence: str
    running: str  # the part of it that speaks of nobody
    attention: Sequence[Attention]
    stages: Sequence[StageCard]
    decided: Sequence[Decided]
    total: str  # what was shipped in the quarter, shrunk; "" where nothing counts
    quality: Quality


def home(
    stages: Sequence[JourneyStage],
    hypotheses: Sequence[HypothesisRow],
    experiments: Sequence[Experiment],
    found: Found,
    now: datetime,
) -> Home:
    """Sort everything into the page.

    Args:
        stages: in the order of the journey.
        hypotheses: all of them.
        experiments: all of them.
        found: what was read of them.
        now: aware UTC.

    Returns:
        The page in words.
    """
    runs = found.runs
    live = [e for e in experiments if e.status in LIVE]
    attention = [
        item for e in experiments if (item := _attention(e, found, now)) is not None
    ]
    attention.sort(key=lambda item: item.urgency)
    recent = sorted(
        (e for e in experiments if e.decided_at and now - e.decided_at < QUARTER),
        key=lambda e: e.decided_at or now,
        reverse=True,
    )
    return Home(
        sentence=f"{_running(live)} {_needs(attention)}",
        running=_running(live),
        attention=attention,
        stages=_stages(stages, hypotheses, experiments, found.health),
        decided=[decided_in_words(e, found) for e in recent],
        total=total_sentence(
            [e for e in experiments if e.decided_at], found.kept, recent
        ),
        quality=quality_of(experiments, runs, now),
    )


def _running(live: Sequence[Experiment]) -> str:
    if not live:
        return "No experiment is running."
    segments = len({e.segment_version.segment_id for e in live})
    return (
        f"{_many(len(live), 'experiment is', 'experiments are')} running for"
        f" {_many(segments, 'segment', 'segments')}."
    )


def _needs(attention: Sequence[Attention]) -> str:
    if not attention:
        return "None needs you."
    return f"{_many(len(attention), 'needs', 'need')} you."


def _many(number: int, one: str, more: str) -> str:
    return f"{count(number)} {one if number == 1 else more}"


def _attention(experiment: Experiment, found: Found, now: datetime) -> Attention | None:
    """Say the most urgent thing that waits; None when nothing does."""
    run = found.runs.get(experiment.id)
    if experiment.status == Status.DECIDED.value:
        return _follow_up(experiment, found.follow_ups.get(experiment.id))
    harmed = found.harmed.get(experiment.id, ())
    urgency, sentence = next(_waiting(experiment, run, harmed, now), (0, None))
    if sentence is None:
        return None
    verdict = run.verdict if run is not None and is_final(run) else None
    said = sent_back_in_words(experiment) if sentence == SENT_BACK else None
    return Attention(experiment, sentence, urgency, verdict, shortened(said or ""))


def _follow_up(experiment: Experiment, learning: Learning | None) -> Attention | None:
    if learning is None or learning.follow_up_at is None:
        return None
    when = day(learning.follow_up_at)
    sentence = f"Look again whether it held: that was agreed for {when}."
    return Attention(experiment, sentence, LAST, None, is_follow_up=True)


def _waiting(
    experiment: Experiment,
    run: AnalysisRun | None,
    harmed: Sequence[str],
    now: datetime,
) -> Iterator[tuple[int, str]]:
    """Give what waits, the most urgent first, each with its urgency."""
    status = experiment.status
    for check in run.checks if run else ():
        if check.state == CheckState.FAILED.value:
            yield 0, f"Do not use these results: {check.sentence}"
    if harmed and not is_final(run):
        names = wording.joined(list(harmed))
        yield 1, f"At the last look, customers were worse off: {names}."
    if experiment.decision_proposal:
        yield 2, WAITS
    if experiment.sent_back is not None:
        yield 4, SENT_BACK
    if status == Status.IN_REVIEW.value:
        approved = experiment.reviewed_by is not None
        yield (
            4,
            "The plan is approved and can start."
            if approved
            else "The plan waits for a review.",
        )
    if is_final(run):
        yield 3, decision_is_due(experiment)
    if status in LIVE and experiment.planned_end_at <= now:
        yield 5, f"The planned end, {day(experiment.planned_end_at)}, has passed."
    if status == Status.PAUSED.value:
        yield 6, f"It is paused: {customers_see(experiment).control}"


def _stages(
    stages: Sequence[JourneyStage],
    hypotheses: Sequence[HypothesisRow],
    experiments: Sequence[Experiment],
    health: Mapping[str, Health],
) -> list[StageCard]:
    cards = {
        stage.id: StageCard(
            stage.name,
            stage.key,
            [
                (health[key], sparkline(health[key]))
                for key in stage.health_metrics[:MOST_METRICS]
                if key in health
            ],
        )
        for stage in stages
    }
    tested = {e.hypothesis_id for e in experiments}
    # Experiments on a duplicate belong to the hypothesis that it was merged into.
    tested |= {h.merged.into_id for h in hypotheses if h.merged and h.id in tested}
    for row in hypotheses:
        cards[row.journey_stage_id].ideas += row.is_open and row.id not in tested
    for experiment in experiments:
        card = cards[experiment.hypothesis.journey_stage_id]
        if experiment.status in LIVE:
            card.running.append(experiment)
        card.decided += experiment.status == Status.DECIDED.value
    return list(cards.values())


def decided_in_words(experiment: Experiment, found: Found) -> Decided:
    """Say of a decided experiment what happened, and what it is worth."""
    run = found.runs.get(experiment.id)
    answer = run.answer or "" if run is not None and is_final(run) else ""
    kept = found.kept.get(experiment.id)
    is_said = kept is None or "per quarter" in answer
    return Decided(
        experiment,
        answer,
        "" if answer else experiment.decision_reason or "",
        "" if kept is None or is_said else f"{_capital(kept.sentence)}.",
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
