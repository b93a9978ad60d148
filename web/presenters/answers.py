"""How a survey's answers read side by side, and what silence could hide: in words."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from analysis import glossary, wording
from analysis.estimate_words import EstimateWords
from analysis.outcome_json import outcome_from_json
from analysis.results import ResultView, RunView
from analysis.stats.estimate import Estimate, Interval, NotComputable
from experiments.plan import Plan, PlannedMetric
from experiments.vocabulary import EVERYBODY, MetricKind, Reason

NOT_PROPORTIONAL = "Not given: the ratio is not the same at every score (p {p})."


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a survey's answers."""

    name: str  # "Mean score"
    value: str
    range: str  # with its level; "" where there is none
    p_value: str


@dataclass(frozen=True, slots=True)
class SurveyReadings:
    """A survey metric's readings, once for each treatment."""

    title: str
    rows: tuple[Reading, ...]


def survey_readings(run: RunView, plan: Plan) -> tuple[SurveyReadings, ...]:
    """Lay out the read-outs of each survey metric.

    Args:
        run: as far as it may be shown; before the end it holds none.
        plan: the locked plan.

    Returns:
        One table for each survey metric and treatment that has a result.
    """
    found = []
    for result in run.results:
        planned = plan.metric(result.metric)
        if result.segment != EVERYBODY or not planned.definition.is_survey:
            continue
        rows = (*_readings(planned, result), *_silence(planned, result))
        if rows:
            title = planned.name
            if len(plan.design.treatments) > 1:
                title = f"{title}, {result.variant}"
            found.append(SurveyReadings(title, rows))
    return tuple(found)


def _readings(planned: PlannedMetric, result: ResultView) -> Iterator[Reading]:
    details = result.details.get("answers") or {}
    least = planned.definition.satisfied_from
    titles = {
        "mean": ("Mean score", MetricKind.CSAT_MEAN),
        "share": (f"Share that answered {least} or more", MetricKind.CSAT_SHARE),
    }
    for key, (title, kind) in titles.items():
        if key in details:
            yield _outcome(title, kind, details[key])
    if "superiority" in details:
        yield _superiority(details["superiority"])
    if "odds" in details:
        yield _odds(details["odds"])


def _outcome(title: str, kind: MetricKind, body: Mapping[str, Any]) -> Reading:
    outcome = outcome_from_json(body)
    if isinstance(outcome, NotComputable):
        return _not_given(title, outcome)
    words = EstimateWords(wording.measure_for(kind), outcome)
    return Reading(
        title,
        words.change(),
        f"({wording.level(outcome.interval)} {words.signed_range()})",
        wording.p_value(outcome.p_value),
    )


def _superiority(body: Mapping[str, Any]) -> Reading:
    title = "Chance that a customer of the variant answers higher (ties count half)"
    if not body["computable"]:
        return _not_given(title, _reason(body))
    interval = Interval(**body["interval"])
    low, high = (wording.percent(end or 0.0) for end in (interval.low, interval.high))
    return Reading(
        title,
        wording.percent(body["value"]),
        f"({wording.level(interval)} {low} to {high})",
        wording.p_value(body["p_value"]),
    )


def _odds(body: Mapping[str, Any]) -> Reading:
    title = "Odds of a higher answer, against control"
    if not body["computable"]:
        return _not_given(title, _reason(body))
    if not body["is_proportional"]:
        p_value = wording.p_value(body["proportion_p_value"])
        return Reading(title, NOT_PROPORTIONAL.format(p=p_value), "", "")
    interval = Interval(**body["interval"])
    return Reading(
        title,
        f"{body['odds_ratio']:.2f} times",
        f"({wording.level(interval)} {interval.low:.2f} to {interval.high:.2f})",
        wording.p_value(body["p_value"]),
    )


def _silence(planned: PlannedMetric, result: ResultView) -> Iterable[Reading]:
    silence = result.details.get("silence")
    outcome = result.outcome
    if not silence or not isinstance(outcome, Estimate):
        return
    words = EstimateWords(wording.measure_of(planned.definition), outcome)
    yield _bounds(silence["bounds"], words)
    yield _tipping(silence["tipping_point"], words, outcome)
    weighted = silence["weighted"]
    title = "Answers weighed by who answers (declared segments)"
    yield _outcome(title, planned.definition.kind, weighted)


def _bounds(body: Mapping[str, Any], words: EstimateWords) -> Reading:
    title = "Whoever kept silent (Lee's bounds)"
    if not body["computable"]:
        return _not_given(title, _reason(body))
    interval = Interval(**body["interval"])
    return Reading(
        title,
        words.signed_range(Interval(body["low"], body["high"])),
        f"({wording.level(interval)} {words.signed_range(interval)})",
        "",
    )


def _tipping(
    body: Mapping[str, Any], words: EstimateWords, outcome: Estimate
) -> Reading:
    title = "What would undo it"
    if not body["computable"]:
        return _not_given(title, _reason(body))
    if not body["gap"]:
        return Reading(title, "Nothing to undo: the range includes no change.", "", "")
    way = "lower" if outcome.effect > 0 else "higher"
    gap = words.size(body["gap"])
    text = f"The variant's silent, answering {gap} {way} than those who did"
    if not body["reachable"]:
        text += ", which the scale does not allow"
    return Reading(title, f"{text}.", "", "")


def _not_given(title: str, why: NotComputable) -> Reading:
    return Reading(title, f"Not given: {glossary.because(why)}.", "", "")


def _reason(body: Mapping[str, Any]) -> NotComputable:
    return NotComputable(Reason(body["reason"]), dict(body["facts"]))
