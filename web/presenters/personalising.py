"""Whether personalisation is worth it, in a few sentences."""

from collections.abc import Iterator, Mapping
from typing import Any

from analysis import wording
from analysis.results import RunView
from experiments.plan import Plan
from experiments.vocabulary import EVERYBODY, Direction, Reason, Role

TITLE = "Is personalisation worth it?"


def personalising_notes(run: RunView, plan: Plan) -> Iterator[str]:
    """Say what a rule by the declared segments would add over the best single variant.

    Args:
        run: as far as it may be shown.
        plan: the locked plan.

    Yields:
        A few sentences about the metric that decides; none where it was not asked.
    """
    for result in run.results:
        found = result.details.get("personalising")
        if result.role == Role.PRIMARY and result.segment == EVERYBODY and found:
            yield f"{TITLE} {_answer(plan, found)}"
            return  # it is about all treatments, and stands beside each


def _answer(plan: Plan, found: Mapping[str, Any]) -> str:
    name = plan.primary.name
    if not found["computable"]:
        if found["reason"] == Reason.ONE_FOR_ALL.value:
            return (
                "No: among customers it could learn from, one variant suited every"
                f" declared segment best by {name}."
            )
        return "There is no answer: a rule by segment could not be learned and tried."
    low, high = found["interval"]["low"], found["interval"]["high"]
    changed = wording.percent(found["share_changed"], 0)
    return (
        f"{_lead(low, high)} A rule by declared segment, learned from some customers"
        f" and tried on others, changes {name} by {_range(plan, found)} compared with"
        " the best single variant for everybody."
        f" {changed} of customers would get another variant."
    )


def _lead(low: float, high: float) -> str:
    if low > 0:
        return "Yes, by this experiment."
    return "No." if high < 0 else "That is not shown."


def _range(plan: Plan, found: Mapping[str, Any]) -> str:
    definition, interval = plan.primary.definition, found["interval"]
    measure = wording.measure_of(definition)
    changes = [found["added"], interval["low"], interval["high"]]
    if definition.direction == Direction.DECREASE:
        # What is added is for the better; a change is written on the metric's scale.
        changes = [-found["added"], -interval["high"], -interval["low"]]
    width = measure.shown((interval["high"] - interval["low"]) / 2)
    decimals = wording.decimals_for(width)
    value, low, high = (
        wording.signed(measure.shown(each), decimals) for each in changes
    )
    level = interval["level"] * 100
    return f"{measure.written(value)} ({level:.3g} % CI {low} to {high})"
