"""A plan in words: what will be done, for whom, and what decides."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.wording import agreed, joined, measure_of
from experiments import catalog
from experiments.conditions import in_words
from experiments.design_parts import MetricChoice, VariantSpec
from experiments.metric_definition import MetricDefinition
from experiments.models import Experiment
from experiments.plan import PlannedMetric, definition_from_json
from experiments.rule_words import rule_in_words
from experiments.signing import named
from experiments.vocabulary import (
    AssignedBy,
    Direction,
    Goal,
    Risk,
    Role,
    Signer,
    Unit,
)
from web.presenters.formats import count, day, moment, percent, pretty_json
from web.presenters.hypotheses import belief
from web.presenters.metrics import definition_in_words
from web.presenters.monitoring import estimates_in_words
from web.presenters.words import ASSIGNED_BY, DRAWN, GOAL, RISK, ROLE


@dataclass(frozen=True, slots=True)
class VariantWords:
    """A variant as a reader sees it."""

    name: str
    is_control: bool
    share: str
    description: str
    parameters: str  # JSON; "" when there are none
    personalised: tuple[tuple[str, str], ...]  # segment, its parameters as JSON


@dataclass(frozen=True, slots=True)
class MetricWords:
    """A metric's part in a plan as a reader sees it."""

    name: str
    role: str
    definition: str
    change: str  # that matters
    margin: str  # "" when there is none


@dataclass(frozen=True, slots=True)
class PlanWords:
    """A whole plan as a reader sees it."""

    facts: tuple[tuple[str, str], ...]
    variants: tuple[VariantWords, ...]
    metrics: tuple[MetricWords, ...]
    rule: str


def plan_in_words(experiment: Experiment) -> PlanWords:
    """Write out the plan of an experiment, locked or not.

    Args:
        experiment: with all it names.

    Returns:
        Words for the review page and the experiment page.
    """
    design = catalog.to_design(experiment)
    metrics = planned_metrics(experiment)
    return PlanWords(
        facts=tuple(_facts(experiment)),
        variants=tuple(_variant(spec) for spec in design.variants),
        metrics=tuple(_metric(m.name, m.choice, m.definition) for m in metrics),
        rule=rule_in_words(design, metrics),
    )


def belief_in_words(experiment: Experiment) -> list[tuple[str, str]]:
    """List what a plan's hypothesis says, and where the plan differs from it."""
    row = experiment.hypothesis
    metrics = planned_metrics(experiment)
    own = next((m for m in metrics if m.choice.metric == row.metric.key), None)
    if own is None:  # what it is about is measured by no metric of the plan
        said = [("What we believe", row.title)]
    else:
        said = belief(row, own.definition)
    primary = next((m for m in metrics if m.choice.role == Role.PRIMARY), None)
    if primary is None:
        return said
    if primary is not own:
        apart = f"The hypothesis is about {row.metric.name}; {primary.name} decides."
        return [*said, ("Differs from the plan", apart)]
    planned = primary.choice.change_that_matters
    if math.isclose(planned, row.expected_change):
        return said
    measure = measure_of(primary.definition)
    apart = (
        f"The hypothesis expects at least {agreed(row.expected_change, measure)}. The"
        f" plan is made for {agreed(planned, measure)}: that is the change that matters"
        " in it."
    )
    return [*said, ("Differs from the plan", apart)]


def planned_metrics(experiment: Experiment) -> Sequence[PlannedMetric]:
    """Give the metrics of an experiment with their definitions, as planned now."""
    design = catalog.to_design(experiment)
    return tuple(
        PlannedMetric(
            name=row.metric_version.metric.name,
            choice=choice,
            definition=definition_from_json(row.metric_version.definition),
        )
        for row, choice in zip(experiment.metrics, design.metrics, strict=True)
    )


def _facts(experiment: Experiment) -> list[tuple[str, str]]:
    version, who = experiment.segment_version, f"{experiment.unit}s"
    found = [
        ("Goal", GOAL[Goal(experiment.goal)]),
        ("Segment", f"{version.segment.name}: {in_words(version.condition)}"),
        ("Share of the segment enrolled", percent(experiment.coverage)),
        ("Variants are assigned by", ASSIGNED_BY[AssignedBy(experiment.assigned_by)]),
        ("Who is drawn", DRAWN[Unit(experiment.unit)]),
        (
            "Planned size",
            f"{count(experiment.planned_units)} {who}, all variants together",
        ),
        ("Planned end", day(experiment.planned_end_at)),
        ("Estimates", estimates_in_words(catalog.to_design(experiment))),
        ("Accepted rate of false alarms", percent(experiment.alpha)),
    ]
    if experiment.assigned_by == AssignedBy.ABIDE.value:  # else others drew
        found.insert(5, ("Drawn by the attribute", _drawn_by(experiment)))
    if experiment.exposures_from is not None:
        found.append(("Exposures count from", moment(experiment.exposures_from)))
    if experiment.enrolment_ends_at is not None:
        found.append(("Enrolment ends", moment(experiment.enrolment_ends_at)))
    if experiment.exposure_point:
        found.append(("First difference seen", experiment.exposure_point))
    if experiment.risks:
        touched = joined([RISK[Risk(risk)] for risk in experiment.risks])
        found.append(("Touches", touched))
    if experiment.approvals:
        found.append(("Approved by", joined(approvals_in_words(experiment))))
    if experiment.layer is not None:
        share = percent(experiment.layer_share)
        found.append(("Excludes others of the layer", f"{experiment.layer}, {share}"))
    if experiment.holdouts:
        kept_out = ", ".join(
            f"{holdout['key']} ({percent(holdout['share'])})"
            for holdout in experiment.holdouts
        )
        found.append(("Customers held out", kept_out))
    return [*found, *_split(experiment)]


def _split(experiment: Experiment) -> list[tuple[str, str]]:
    """Say what the declared segments are for."""
    if not experiment.breakdowns:
        return []
    names = ", ".join(ref["segment"] for ref in experiment.breakdowns)
    found = [("Results are also shown by", names)]
    if experiment.post_stratified:
        found.append(("Compared", "within these segments, then added up"))
    return found


def approvals_in_words(experiment: Experiment) -> list[str]:
    """Name who has approved a plan, and for what they sign."""
    found = []
    for each in experiment.approvals:
        signers = [Signer(signer) for signer in each["signs_for"]]
        found.append(each["name"] + (f" for {named(signers)}" if signers else ""))
    return found


def _drawn_by(experiment: Experiment) -> str:
    fallback = experiment.fallback_attribute
    otherwise = "" if fallback is None else f", or {fallback} where it is missing"
    return f"{experiment.hash_attribute}{otherwise}"


def _variant(spec: VariantSpec) -> VariantWords:
    return VariantWords(
        name=spec.name,
        is_control=spec.is_control,
        share=percent(spec.share),
        description=spec.description,
        parameters=pretty_json(spec.parameters),
        personalised=tuple(
            (rule.segment, pretty_json(rule.parameters) or "{}")
            for rule in spec.personalisation
        ),
    )


def _metric(
    name: str, choice: MetricChoice, definition: MetricDefinition
) -> MetricWords:
    measure = measure_of(definition)
    margin = ""
    if choice.margin is not None:
        accepted = harm_in_words(definition, agreed(choice.margin, measure))
        margin = f"We accept {accepted}"
    return MetricWords(
        name=name,
        role=ROLE[choice.role],
        definition=definition_in_words(definition),
        change=agreed(choice.change_that_matters, measure),
        margin=margin,
    )


def harm_in_words(definition: MetricDefinition, margin: str = "") -> str:
    """Say what harm to a metric is, as "a fall of at most 1.5 points"."""
    worse = "fall" if definition.direction == Direction.INCREASE else "rise"
    unit = measure_of(definition).many
    amount = margin or (f"so many {unit}" if unit else "so much")
    return f"a {worse} of at most {amount}"


@dataclass(frozen=True, slots=True)
class ListItem:
    """One line of the checklist before the start."""

    done: bool
    text: str


def checklist(experiment: Experiment, *, review_required: bool) -> list[ListItem]:
    """List what should hold before an experiment starts.

    Args:
        experiment: with all it names.
        review_required: whether another person has to approve.

    Returns:
        Lines, each done or not.
    """
    guarded = any(m.role == Role.GUARDRAIL.value for m in experiment.metrics)
    found = [
        ListItem(done=True, text="One primary metric with the change that matters"),
        ListItem(done=guarded, text="At least one guardrail with its margin"),
        ListItem(
            done=all(v.description for v in experiment.variants),
            text="Each variant says what customers see (advised, not needed)",
        ),
    ]
    if review_required:
        reviewer = experiment.reviewed_by
        text = "Another person has approved the plan"
        if reviewer is not None:
            text = f"{reviewer.name} has approved the plan"
        found.append(ListItem(done=reviewer is not None, text=text))
    if experiment.assigned_by == AssignedBy.EXTERNAL.value:
        found[1] = ListItem(
            done=True, text="Ran elsewhere: needs neither review nor guardrail"
        )
    return found
