"""Cox's hazard ratio in sentences, for the analyst, with the check it needs."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from analysis import wording
from analysis.results import ResultView
from analysis.stats.estimate import Interval
from experiments.plan import Plan
from experiments.vocabulary import EVERYBODY, MetricKind

_DONE = {
    MetricKind.TIME_TO_CHURN: "churned",
    MetricKind.CANCELLATION: "cancelled",
    MetricKind.TIME_TO_CANCELLATION: "cancelled",
    MetricKind.TIME_TO_EVENT: "had the event",
}


def hazard_notes(results: Iterable[ResultView], plan: Plan) -> Iterator[str]:
    """Say of each time how much faster or slower it ran than in control.

    Args:
        results: of a run, as far as they may be shown.
        plan: the locked plan.

    Yields:
        Two sentences for each metric and treatment that has a hazard ratio.
    """
    for result in results:
        found = result.details.get("hazard_ratio")
        shown = result.segment == EVERYBODY and result.outcome is not None
        if shown and found and found.get("computable"):
            metric = plan.metric(result.metric)
            name = metric.name
            if len(plan.design.treatments) > 1:
                name = f"{name}, {result.variant}"
            yield f"{name}: {_sentences(_DONE[metric.definition.kind], found)}"


def _sentences(done: str, found: Mapping[str, Any]) -> str:
    interval = Interval(**found["interval"])
    check = wording.p_value(found["proportion_p_value"])
    said = (
        f"customers of the variant {done} {found['ratio']:.3g} times as fast as those"
        f" of control ({wording.level(interval)} {interval.low:.3g} to"
        f" {interval.high:.3g}; p {wording.p_value(found['p_value'])})."
    )
    if found["is_proportional"]:
        return f"{said} Nothing speaks against one ratio for all days (p {check})."
    return (
        f"{said} But the ratio is not the same on all days (p {check}): it is an"
        " average that depends on how long customers were followed, so read the days"
        " and the curves instead."
    )
