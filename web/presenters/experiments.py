"""An experiment in words: where it stands, what comes next, how apps use it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from analysis import wording
from experiments import flags
from experiments.conditions import attributes_of
from experiments.models import Experiment, Person
from experiments.vocabulary import (
    UNIT_ATTRIBUTE,
    AssignedBy,
    Decision,
    ParameterType,
    Status,
    Unit,
)
from web.presenters.customers_see import customers_see
from web.presenters.formats import count, day
from web.presenters.monitoring import NOBODY, seen_from
from web.presenters.plan_tasks import sent_back_in_words
from web.presenters.quick_starts import Flag, Snippet, curl, quick_starts
from web.presenters.runs import Run, is_final
from web.presenters.words import DECISION

WAITS = "The decision waits for confirmation by a second person."


def sentence_of_now(experiment: Experiment, run: Run | None, now: datetime) -> str:
    """Say in one or two sentences where an experiment stands.

    Args:
        experiment: as read.
        run: its last good run.
        now: aware UTC.

    Returns:
        Words without any estimate.
    """
    status = Status(experiment.status)
    if experiment.decision_proposal:
        return WAITS
    if status in _SENTENCES:
        return _SENTENCES[status](experiment)
    if is_final(run):
        return decision_is_due(experiment)
    nobody = run is not None and not run.counts.get("units")
    if status == Status.STOPPED:
        return (
            f"Stopped on {day(experiment.stopped_at)}:"
            f" {customers_see(experiment).control} {_after_stop(nobody=nobody)}"
        )
    return _running(experiment, run, now, nobody=nobody)


def decision_is_due(experiment: Experiment) -> str:
    """Say that a decision is due, and why the last one does not stand."""
    found = experiment.decision_declined
    if found is None:
        return "The result is ready. Somebody has to decide."
    did = "took the decision back" if is_taken_back(found) else "declined the decision"
    return f"{found['name']} {did}. Somebody has to decide again."


def is_taken_back(found: Mapping[str, Any]) -> bool:
    """Whether a decision was declined by whoever had made it."""
    return bool(found["proposal"]["person_id"] == found["person_id"])


def _after_stop(*, nobody: bool) -> str:
    if nobody:
        return NOBODY
    return "The result follows once the last customer counts."


def _draft(experiment: Experiment) -> str:
    sent_back = sent_back_in_words(experiment)
    if sent_back is not None:
        return f"The plan needs a change. {sent_back}"
    return "This plan is a draft. No customer is in it yet."


def _in_review(experiment: Experiment) -> str:
    if experiment.reviewed_by is not None:
        return f"{experiment.reviewed_by.name} approved the plan. It can start."
    return "The plan waits for somebody who did not write it."


def _paused(experiment: Experiment) -> str:
    open_pauses = (p.paused_at for p in experiment.pauses if p.resumed_at is None)
    since = day(next(open_pauses, None))
    return f"Paused since {since}: {customers_see(experiment).control}"


def _decided(experiment: Experiment) -> str:
    when = day(experiment.decided_at)
    if experiment.decision == Decision.SHIP.value:
        return (
            f"Decided on {when}: ship {experiment.decided_variant}."
            f" {customers_see(experiment).shipped}"
        )
    word = DECISION[Decision(str(experiment.decision))].lower()
    control = customers_see(experiment).control
    return f"Decided on {when}: {word}. {control[0].upper()}{control[1:]}"


_SENTENCES = {
    Status.DRAFT: _draft,
    Status.IN_REVIEW: _in_review,
    Status.PAUSED: _paused,
    Status.DECIDED: _decided,
}


def _running(
    experiment: Experiment, run: Run | None, now: datetime, *, nobody: bool
) -> str:
    seen = seen_from(experiment, run, now)
    if now >= experiment.planned_end_at:
        return seen
    ended = experiment.enrolment_ends_at
    if ended is not None and ended <= now:
        rest = NOBODY if nobody else f"Those in it go on. {seen}"
        return f"Enrolment ended on {day(ended)}: nobody new is counted. {rest}"
    passed, planned = day_of(experiment, now)
    return f"Running, day {passed} of {planned}. {seen}"


def day_of(experiment: Experiment, now: datetime) -> tuple[int, int]:
    """Count the days of an experiment; one that has begun counts, first and last alike.

    Args:
        experiment: that has started.
        now: aware UTC.

    Returns:
        The day it is in, and how many were planned; both at least 1.
    """
    begin = experiment.exposures_from or experiment.started_at or now
    day_long = timedelta(days=1)
    passed = (now - begin) // day_long
    planned = -((begin - experiment.planned_end_at) // day_long)
    return max(1, passed + 1), max(1, planned)


@dataclass(frozen=True, slots=True)
class Progress:
    """How many customers are in, against the plan."""

    sentence: str
    share: float  # 0 to 1, for the bar
    units: int
    # Variant, customers, planned customers, share, planned share.
    rows: tuple[tuple[str, ...], ...]


def progress(experiment: Experiment, run: Run | None) -> Progress | None:
    """Compare the customers counted by the last run with the planned number.

    Args:
        experiment: as read.
        run: its last good run.

    Returns:
        Words and a share; None before the first run.
    """
    if run is None:
        return None
    exposed = run.counts["exposed"]
    came = sum(exposed.values())
    total, planned = run.counts["units"], experiment.planned_units
    ended = total >= planned or experiment.stopped_at is not None
    who = f"{experiment.unit}s"
    return Progress(
        sentence=f"{count(total)} {who}; {count(planned)} were planned."
        if ended
        else f"{count(total)} of {count(planned)} planned {who} so far.",
        share=min(1.0, total / planned),
        units=total,
        rows=tuple(
            (
                v.name,
                count(exposed.get(v.name, 0)),
                count(round(planned * v.share)),
                wording.percent(exposed.get(v.name, 0) / max(1, came)),
                wording.percent(v.share),
            )
            for v in experiment.variants
        ),
    )


def snippets(experiment: Experiment, base_url: str) -> Sequence[Snippet]:
    """Write how an app asks for a variant and reports that it was seen.

    Args:
        experiment: as read.
        base_url: where this installation is reached.

    Returns:
        Commands with names of keys, never with keys.
    """
    seen = {
        "userId": "customer-42",
        "event": "Experiment Viewed",
        "properties": {
            "experimentId": experiment.key,
            "variationId": experiment.variants[0].name,
        },
        **_whose(experiment),
    }
    report = Snippet(
        "Report that a customer saw a variant",
        curl(f"{base_url}/v1/track", '-u "$ABIDE_WRITE_KEY:"', seen),
    )
    if experiment.assigned_by != AssignedBy.ABIDE.value:
        return [report]
    return [*quick_starts(_flag(experiment), base_url), report]


def _whose(experiment: Experiment) -> dict[str, Any]:
    drawn = experiment.unit == Unit.ACCOUNT
    return {"context": {"groupId": "account-7"}} if drawn else {}


def _flag(experiment: Experiment) -> Flag:
    """Tell what an app gets of an experiment, as the ruleset will say it."""
    declared = experiment.parameter_types
    # Designed before types were declared: read from the values.
    types = {name: ParameterType(kind) for name, kind in declared.items()} or (
        flags.infer(variant.parameters for variant in experiment.variants)
    )
    control = next(v for v in experiment.variants if v.is_control)
    default = flags.typed(types, control.parameters, control.parameters)
    names = set(attributes_of(experiment.segment_version.condition))
    names |= {experiment.hash_attribute, experiment.fallback_attribute or ""}
    names -= {UNIT_ATTRIBUTE, ""}
    return Flag(
        key=experiment.key,
        kind=flags.flag_type(types),
        default=flags.flag_value(types, default, control.name),
        attributes=dict.fromkeys(sorted(names), "..."),
    )


def proposal_in_words(experiment: Experiment, people: Sequence[Person]) -> str | None:
    """Say which decision waits for a second person, or None."""
    body = experiment.decision_proposal
    if not body:
        return None
    return (
        f"{_proposed(body, people)} That is against the recommendation, so a second"
        f" person has to confirm it. The reason: {body['reason']}"
    )


def _proposed(body: Mapping[str, Any], people: Sequence[Person]) -> str:
    who = next((p.name for p in people if p.id == body["person_id"]), "Somebody")
    what = DECISION[Decision(body["decision"])].lower()
    if body["variant"]:
        what = f"{what} {body['variant']}"
    return f"{who} decided: {what}."


@dataclass(frozen=True, slots=True)
class Declined:
    """Why a decision does not stand, for whoever made it."""

    title: str
    sentence: str
    when: datetime


def declined_in_words(
    experiment: Experiment, people: Sequence[Person]
) -> Declined | None:
    """Say who declined the last decision, and why; None where nobody did."""
    found = experiment.decision_declined
    if found is None:
        return None
    back = is_taken_back(found)
    return Declined(
        title="The decision was taken back" if back else "The decision was declined",
        sentence=f"{_proposed(found['proposal'], people)} {found['name']}"
        f" {'took it back' if back else 'declined it'}: {found['reason']}",
        when=datetime.fromisoformat(found["at"]),
    )
