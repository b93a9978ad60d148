"""What stands beside a result: what to believe of it, and whether segments differ.

None of it decides. The belief shows how large the change probably is once luck is taken
out; the segments show where to look next, and whether any was left worse.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any

from analysis.looks import Key, Trace
from analysis.membership import reported_segments
from analysis.outcome_json import outcome_to_json
from analysis.readings import MetricReading
from analysis.stats.bayes import Belief, Prior, believe, learned_prior
from analysis.stats.estimate import Estimate, NotComputable
from analysis.stats.heterogeneity import Heterogeneity, heterogeneity
from analysis.stats.no_segment_worse import NoSegmentWorse, no_segment_worse
from analysis.stats.policy import AddedValue
from analysis.stats.refusals import MIN_UNITS
from analysis.stats.standard_error import error_of
from experiments.plan import Plan, PlannedMetric
from experiments.vocabulary import EVERYBODY, Direction, Reason, Role

Change = tuple[float, float]  # of a finished experiment, with its standard error
Effect = tuple[str, float, float]  # of a segment: label, change, standard error


@dataclass(frozen=True, slots=True)
class ReadOut:
    """What stands beside one metric of one treatment.

    Attributes:
        belief: about the change in the metric's unit; higher is better, so a change of
            a metric that should fall has its sign turned.
        prior_sd: of the prior, which is centred at no change.
        experiments: finished ones the prior was learned from; 0 where the plan's
            smallest change that matters stands in for them.
        between: whether the declared segments differ; None where there are none.
        no_worse: whether harm beyond `margin` is ruled out in each; None likewise.
        margin: of that question, in the metric's unit.
        worth: of the metric that decides, what a rule by segments would add over the
            best single variant; None where that is not asked.
    """

    belief: Belief | NotComputable
    prior_sd: float
    experiments: int
    between: Heterogeneity | NotComputable | None = None
    no_worse: NoSegmentWorse | NotComputable | None = None
    margin: float | None = None
    worth: AddedValue | NotComputable | None = None


ReadOuts = Mapping[tuple[str, str], ReadOut]  # (metric, treatment) -> beside it


def read_outs(
    plan: Plan,
    readings: Sequence[MetricReading],
    history: Mapping[str, Sequence[Change]],
    worth: AddedValue | NotComputable | None = None,
) -> dict[tuple[str, str], ReadOut]:
    """Work out what stands beside each estimate of all customers.

    Args:
        plan: the locked plan.
        readings: of every metric, treatment and segment.
        history: metric -> its changes in finished experiments.
        worth: what a rule by segments would add to the metric that decides.

    Returns:
        (metric, treatment) -> read-out; those without an estimate are not in it.
    """
    found = {}
    for reading in readings:
        outcome = reading.outcome
        if reading.segment != EVERYBODY or not isinstance(outcome, Estimate):
            continue
        metric = plan.metric(reading.metric)
        split = [
            each
            for each in readings
            if each.segment != EVERYBODY
            and (each.metric, each.variant) == (reading.metric, reading.variant)
        ]
        beside = _believed(
            metric,
            (outcome.effect, error_of(outcome)),
            outcome.interval.level,
            history.get(reading.metric, ()),
        )
        if split:
            beside = _with_segments(plan, metric, beside, split)
        if reading.role == Role.PRIMARY:
            beside = replace(beside, worth=worth)
        found[reading.metric, reading.variant] = beside
    return found


def beliefs_at_look(
    plan: Plan,
    traces: Mapping[Key, Trace],
    history: Mapping[str, Sequence[Change]],
) -> dict[tuple[str, str], ReadOut]:
    """Work out what to believe at one of many looks.

    Given the prior a belief does not depend on when one looked, or meant to stop: it is
    made of the estimate and its own error, not of the wider range that holds over all
    looks. Whether segments differ, or were left worse, is a matter of ranges, and waits
    for plans with one look.

    Args:
        plan: the locked plan.
        traces: what the look keeps of each reading that has an estimate.
        history: metric -> its changes in finished experiments.

    Returns:
        (metric, treatment) -> read-out of all customers.
    """
    found = {}
    for (name, variant, segment), trace in traces.items():
        if segment == EVERYBODY:
            error = trace.information**-0.5
            found[name, variant] = _believed(
                plan.metric(name),
                (trace.z * error, error),
                1 - plan.design.alpha,
                history.get(name, ()),
            )
    return found


def _believed(
    metric: PlannedMetric, change: Change, level: float, history: Sequence[Change]
) -> ReadOut:
    """Combine the estimate with how large changes of this metric usually are.

    Without enough history the plan says what to expect: a change about as large as
    the smallest that matters, of either sign. A flat prior is not offered: it shrinks
    nothing, so the largest of many lucky numbers would be believed.
    """
    matters = metric.choice.change_that_matters
    learned = learned_prior([each for each, _ in history], [e for _, e in history])
    prior = Prior(0.0, matters) if isinstance(learned, NotComputable) else learned
    effect, error = change
    return ReadOut(
        belief=believe(_sign(metric) * effect, error, prior, matters, level),
        prior_sd=prior.sd,
        experiments=0 if isinstance(learned, NotComputable) else len(history),
    )


def _with_segments(
    plan: Plan,
    metric: PlannedMetric,
    beside: ReadOut,
    split: Sequence[MetricReading],
) -> ReadOut:
    effects: list[Effect] = []
    missing: NotComputable | None = None
    for reading in split:
        outcome = reading.outcome
        if isinstance(outcome, NotComputable):
            missing = missing or outcome
        elif min(outcome.control.n, outcome.treatment.n) < MIN_UNITS:
            # So few could be told who they are, whatever the estimator made of them.
            missing = missing or NotComputable(Reason.TOO_FEW_UNITS)
        else:
            effect = _sign(metric) * outcome.effect
            effects.append((reading.segment, effect, error_of(outcome)))
    margin = metric.choice.margin or metric.choice.change_that_matters
    between: Heterogeneity | NotComputable = NotComputable(Reason.SEGMENTS_OVERLAP)
    if are_apart(plan):
        between = heterogeneity(effects)
    return ReadOut(
        belief=beside.belief,
        prior_sd=beside.prior_sd,
        experiments=beside.experiments,
        between=between,
        # Of all declared segments: one without a number leaves the claim open.
        no_worse=missing or no_segment_worse(effects, margin, plan.design.alpha / 2),
        margin=margin,
    )


def _sign(metric: PlannedMetric) -> int:
    return 1 if metric.definition.direction == Direction.INCREASE else -1


def are_apart(plan: Plan) -> bool:
    """Tell whether the rules alone keep a customer from two reported segments.

    Args:
        plan: the locked plan.

    Returns:
        True where each two segments ask one attribute for values that exclude each
        other; False also where they could be apart but nothing proves it.
    """
    conditions = [each.condition for each in reported_segments(plan).values()]
    return all(
        any(
            not asked & other[name]
            for name, asked in _values(one).items()
            if name in (other := _values(two))
        )
        for one, two in combinations(conditions, 2)
    )


def _values(condition: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """Which values a rule allows of each attribute that it names outright."""
    allowed = {}
    for name, asked in condition.items():
        if isinstance(asked, str | int | float | bool):
            allowed[name] = frozenset([repr(asked)])
        elif isinstance(asked, Mapping) and set(asked) == {"$eq"}:
            allowed[name] = frozenset([repr(asked["$eq"])])
        elif isinstance(asked, Mapping) and set(asked) == {"$in"}:
            allowed[name] = frozenset(map(repr, asked["$in"]))
    return allowed


def read_out_to_json(beside: ReadOut) -> dict[str, Any]:
    """Write a read-out as plain JSON values.

    Args:
        beside: the read-out of one metric and treatment.

    Returns:
        "belief", "segments" where there are some, and "personalising"; what could not
        be computed says why, as outcomes do.
    """
    body: dict[str, Any] = {
        "belief": {
            **_whole(beside.belief),
            "prior_sd": beside.prior_sd,
            "experiments": beside.experiments,
        }
    }
    if beside.between is not None and beside.no_worse is not None:
        body["segments"] = {
            "between": _whole(beside.between),
            "no_worse": _whole(beside.no_worse),
            "margin": beside.margin,
        }
    if beside.worth is not None:
        body["personalising"] = _whole(beside.worth)
    return body


def _whole(
    found: AddedValue | Belief | Heterogeneity | NoSegmentWorse | NotComputable,
) -> dict[str, Any]:
    if isinstance(found, NotComputable):
        return outcome_to_json(found)
    body = asdict(found)
    if isinstance(found, NoSegmentWorse):
        body["bounds"] = list(body["bounds"])
    return {"computable": True, **body}
