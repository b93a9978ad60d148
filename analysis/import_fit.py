"""Refuses an import that asks for something else than the plan of its experiment.

A plan is locked, and stored answers are somebody's work: an import that differs from
them changes nothing and says where it differs.
"""

import math
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from analysis.import_outcomes import Outcome, Scale, read_outcomes
from analysis.import_request import Request
from experiments.errors import Conflict, InvalidInput
from experiments.metric_definition import MetricDefinition
from experiments.plan import Plan, PlannedMetric


def require_fit(request: Request, plan: Plan) -> None:
    """Refuse options that say something else than the plan.

    Args:
        request: for an experiment that is there.
        plan: its plan.

    Raises:
        Conflict: its fields are the options that differ, with what the plan says.
    """
    design, matters = plan.design, plan.primary.choice.change_that_matters
    control = next(v.name for v in design.variants if v.is_control)
    faults = {}
    if request.control not in {None, control}:
        faults["--control"] = f"control is {control}."
    if request.name not in {"", design.name}:
        faults["--name"] = f'it is called "{design.name}".'
    if request.matters is not None and not math.isclose(request.matters, matters):
        faults["--matters"] = f"the smallest change that matters is {matters:g}."
    for option, asked, planned in (
        ("--began", request.begins_at, plan.exposures_from),
        ("--ended", request.ends_at, design.planned_end_at),
    ):
        if asked not in {None, planned}:
            faults[option] = f"it is {_moment(planned)}."
    if faults:
        raise Conflict(
            f'"{design.key}" is there already, and its plan says otherwise. Nothing was'
            " stored. Leave these out, or import under another key:",
            faults,
        )


def require_variants(names: Iterable[str], plan: Plan) -> None:
    """Refuse a file with variants that the plan does not have.

    Args:
        names: of the file's variants.
        plan: of the experiment.

    Raises:
        Conflict: names the variants that are too many.
    """
    planned = [variant.name for variant in plan.design.variants]
    strange = sorted(set(names) - set(planned))
    if strange:
        raise Conflict(
            f'The plan of "{plan.design.key}" has the variants {", ".join(planned)};'
            f" the file also has {', '.join(strange)}. Nothing was stored."
        )


def require_stored(metrics: Collection[str], named: Collection[str], key: str) -> None:
    """Refuse an import that would take stored outcomes away.

    Args:
        metrics: keys of the metrics that have stored outcomes.
        named: keys of the metrics that the import has outcomes of.
        key: of the experiment.

    Raises:
        Conflict: names the metrics that would go.
    """
    lost = sorted(set(metrics) - set(named))
    if lost:
        options = " ".join(f"--outcome COLUMN={metric}" for metric in lost)
        raise Conflict(
            f'"{key}" has stored outcomes of {", ".join(lost)}, and an import takes the'
            " place of all that is stored. Nothing was changed. Name their columns"
            f" too: {options}"
        )


def planned_outcomes(
    texts: Iterable[str], scale: Scale | None, plan: Plan, *, columns: bool
) -> tuple[Outcome, ...]:
    """Read outcomes as those of the plan, by NAME=METRIC or by NAME=KIND[:DAY].

    Args:
        texts: as they are written on the command line.
        scale: of surveys, where somebody said one.
        plan: of the experiment.
        columns: whether names are columns; else they are events.

    Returns:
        Each with the definition and the key of the plan's metric.

    Raises:
        InvalidInput: a text cannot be read, or the plan has no such metric.
        Conflict: the metric of that name is another one, or another one decides.
    """
    found = [_planned(text, scale, plan, columns=columns) for text in texts]
    keys, first = [outcome.key for outcome in found], plan.primary.choice.metric
    double = sorted({key for key in keys if keys.count(key) > 1})
    if double:
        raise Conflict(f"{', '.join(double)} is named twice. Choose one of them.")
    if first in keys and keys[0] != first:
        raise Conflict(
            f'The first outcome decides, and the plan of "{plan.design.key}" says that'
            f" {first} does. Name it first."
        )
    return tuple(found)


def _planned(text: str, scale: Scale | None, plan: Plan, *, columns: bool) -> Outcome:
    name, _, what = text.partition("=")
    named = {metric.choice.metric: metric for metric in plan.metrics}.get(what)
    if named is not None:
        name, asked = name.strip(), named.definition
    else:
        (outcome,) = read_outcomes([text], scale or Scale(), columns=columns)
        name, asked = outcome.name, outcome.definition
        named = _counterpart(outcome, plan)
    planned = named.definition
    if asked.is_survey and planned.is_survey:  # what is not said is as planned
        top, satisfied = scale or Scale(planned.scale, planned.satisfied_from)
        asked = replace(asked, scale=top, satisfied_from=satisfied)
        asked = asked if ":" in what else replace(asked, day=planned.day)
    if _words(asked) != _words(planned):
        raise Conflict(
            f'{text} asks for {_words(asked)}, but in the plan of "{plan.design.key}"'
            f" {named.choice.metric} is {_words(planned)}. Nothing was stored. Import"
            " under another key to measure something else."
        )
    return Outcome(name, named.definition, named.choice.metric, named.name)


def _counterpart(outcome: Outcome, plan: Plan) -> PlannedMetric:
    """Find the metric that is defined like an outcome, or else has its key."""
    for metric in plan.metrics:
        if metric.definition == outcome.definition:
            return metric
    for metric in plan.metrics:
        if metric.choice.metric == outcome.key:
            return metric
    names = ", ".join(metric.choice.metric for metric in plan.metrics)
    raise InvalidInput(
        f'No metric of "{plan.design.key}" fits {outcome.name}; say which it is, as in'
        f" --outcome {outcome.name}=METRIC. It has {names}."
    )


def _words(definition: MetricDefinition) -> str:
    """Write what can be asked for on the command line."""
    day = definition.maturity.days if definition.is_amount else definition.day
    text = f"{definition.kind.value}:{day}"
    if definition.is_survey:
        text += f" on a scale to {definition.scale}"
    if definition.counts_upper_box:
        text += f", satisfied from {definition.satisfied_from}"
    return text


def _moment(moment: datetime | None) -> str:
    return "not known" if moment is None else f"{moment:%Y-%m-%dT%H:%M:%S} UTC"
