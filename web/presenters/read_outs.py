"""What stands beside a result, in sentences: beliefs, and how segments differ."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from analysis import wording
from analysis.estimate_words import EstimateWords
from analysis.results import ResultView, RunView
from analysis.stats.estimate import Estimate
from experiments.plan import Plan, PlannedMetric
from experiments.vocabulary import EVERYBODY, Direction, Role

ALPHA = 0.05
RARE = 0.01  # a chance below it, or as near to certain, is not written in digits


def beliefs(run: RunView, plan: Plan) -> Iterator[str]:
    """Say of each metric what to believe of its change.

    Args:
        run: as far as it may be shown.
        plan: the locked plan.

    Yields:
        A few sentences for each metric and treatment that has an estimate.
    """
    for result, words, planned in _estimated(run, plan):
        belief = result.details.get("belief")
        if belief and belief.get("computable"):
            yield _belief(_name(plan, result), planned, words, belief)


def segment_notes(run: RunView, plan: Plan) -> Iterator[str]:
    """Say whether segments differ, and whether any was left worse.

    Args:
        run: as far as it may be shown.
        plan: the locked plan.

    Yields:
        Sentences about the metric that decides, then about the guardrails.
    """
    for result, words, planned in _estimated(run, plan):
        found = result.details.get("segments")
        if not found or planned.choice.role == Role.SECONDARY:
            continue
        name = _name(plan, result)
        if planned.choice.role == Role.PRIMARY and found["between"].get("computable"):
            yield _between(name, planned, words, found["between"], plan.segment_name)
        if found["no_worse"].get("computable"):
            margin = wording.agreed(found["margin"], words.measure)
            bounds = [
                {**bound, "segment": plan.segment_name(bound["segment"])}
                for bound in found["no_worse"]["bounds"]
            ]
            yield _no_worse(name, margin, bounds)


def _estimated(
    run: RunView, plan: Plan
) -> Iterable[tuple[ResultView, EstimateWords, PlannedMetric]]:
    for role in (Role.PRIMARY, Role.GUARDRAIL, Role.SECONDARY):
        for result in run.results:
            planned = plan.metric(result.metric)
            if (
                result.segment == EVERYBODY
                and result.role == role
                and isinstance(result.outcome, Estimate)
            ):
                measure = wording.measure_of(planned.definition)
                yield result, EstimateWords(measure, result.outcome), planned


def _name(plan: Plan, result: ResultView) -> str:
    name = plan.metric(result.metric).name
    return f"{name}, {result.variant}" if len(plan.design.treatments) > 1 else name


def _belief(
    name: str, planned: PlannedMetric, words: EstimateWords, belief: Mapping[str, Any]
) -> str:
    low, high = (belief["interval"][end] for end in ("low", "high"))
    if planned.definition.direction == Direction.DECREASE:
        low, high = -high, -low
    matters = wording.agreed(planned.choice.change_that_matters, words.measure)
    usual = words.size(belief["prior_sd"])
    known = (
        f"as learned from {wording.count(belief['experiments'])} earlier results"
        if belief["experiments"]
        else "as the plan expects, for there are too few earlier results to learn from"
    )
    return (
        f"{name}: once luck is taken out, the change is probably"
        f" {_change(planned, words, belief['mean'])}"
        f" ({belief['interval']['level'] * 100:.3g} % range"
        f" {_signed(words, low)} to {_signed(words, high)})."
        f" It is {_chance(belief['better'])} likely to be for the better, and"
        f" {_chance(belief['beyond'])} likely to be so by more than {matters}."
        f" Expected loss: {words.size(belief['loss_of_shipping'])} when shipped,"
        f" {words.size(belief['loss_of_keeping'])} when not."
        f" Usual changes are taken to be about {usual}, {known}."
    )


def _between(
    name: str,
    planned: PlannedMetric,
    words: EstimateWords,
    found: Mapping[str, Any],
    segment_name: Callable[[str], str],
) -> str:
    p_value = wording.p_value(found["p_value"])
    if found["p_value"] >= ALPHA:
        return (
            f"{name}: no sign that the change differs between segments (p {p_value})."
            " Differences in the table may be chance."
        )
    pulled = wording.joined(
        [
            f"{segment_name(label)} {_change(planned, words, each['value'])}"
            for label, each in found["shrunk"].items()
        ]
    )
    return (
        f"{name}: the change differs between segments (p {p_value})."
        f" Pulled towards their mean, to take out luck: {pulled}."
    )


def _no_worse(name: str, margin: str, bounds: Sequence[Mapping[str, Any]]) -> str:
    by_state: dict[str, list[str]] = {}
    for bound in bounds:
        by_state.setdefault(bound["state"], []).append(bound["segment"])
    if harmed := by_state.get("harmed"):
        return f"{name}: worse by more than {margin} for {wording.joined(harmed)}."
    if unclear := by_state.get("unclear"):
        return (
            f"{name}: that no segment is left worse is not shown. For"
            f" {wording.joined(unclear)} harm of more than {margin} is not ruled out."
        )
    return (
        f"{name}: no declared segment is left worse."
        f" In each of them harm of more than {margin} is ruled out."
    )


def _change(planned: PlannedMetric, words: EstimateWords, better: float) -> str:
    """Write a change for the better as the change of the metric that it is."""
    falls = planned.definition.direction == Direction.DECREASE
    return words.measure.written(_signed(words, -better if falls else better))


def _signed(words: EstimateWords, value: float) -> str:
    return wording.signed(words.measure.shown(value), words.decimals)


def _chance(share: float) -> str:
    if share < RARE:
        return f"less than {wording.percent(RARE, 0)}"
    if share > 1 - RARE:
        return f"more than {wording.percent(1 - RARE, 0)}"
    return wording.percent(share, 0)
