"""What stands beside the fields of each page of a plan: sizes, baselines, the past."""

from datetime import timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from analysis.baselines import known_baseline
from experiments import accounts, metrics, segments
from experiments.db import transaction
from experiments.models import (
    Experiment,
    HypothesisRow,
    Learning,
    Metric,
    MetricVersion,
    Segment,
)
from experiments.signing import SIGNER_OF
from experiments.vocabulary import Decision, PlanTask, Role
from web import catalogue
from web.access import context
from web.forms.base import title_of
from web.forms.choices import NONE, options
from web.forms.experiments import ExperimentForm
from web.forms.hypotheses import Catalogue
from web.pages.plan_doubted import doubted
from web.pages.plan_duration import worked_out
from web.pages.segments import sizes_of
from web.presenters.certificates import uncertified
from web.presenters.duration import Answer
from web.presenters.hypotheses import within
from web.presenters.metrics import stands_at
from web.presenters.sizes import SizeShown
from web.presenters.words import DECISION, RISK, SIGNER
from web.typed import sent

# The button, and what the page asks by itself while the plan is typed: without a chart.
DAY = timedelta(days=1)
DURATION, DURATION_IN_WORDS = "duration", "duration-in-words"
MOST_SIMILAR = 5


def beside(form: ExperimentForm, task: PlanTask, offer: Catalogue) -> dict[str, Any]:
    """Gather what a page shows beside its fields.

    Args:
        form: as it is shown; a duration that was asked for is filled into it.
        task: whose page.
        offer: what there is to choose from.

    Returns:
        Names for its template.
    """
    match task:
        case PlanTask.HYPOTHESIS:
            return {"similar": _similar(form), "within": within}
        case PlanTask.SEGMENT:
            return {"sizes": _show_sizes(form, offer)}
        case PlanTask.METRICS:
            return {
                "uncertified": uncertified(list(offer.uncertified)),
                "stands": _stands(form),
            }
        case PlanTask.DURATION:
            return {
                "duration": _duration(form),
                "guarded": _guarded(form, offer),
                "doubts": doubted(form),
            }
        case PlanTask.RISK:
            return {"signing": _signing()}
    return {}


def _show_sizes(form: ExperimentForm, offer: Catalogue) -> dict[str, SizeShown]:
    """Name each segment with its size in the list to choose from."""
    with transaction(context().sessions) as database:
        rows = catalogue.everything(
            lambda after: segments.listing(
                database, after_key=after, limit=catalogue.PAGE
            )
        )
        sizes = sizes_of(database, rows)
    named = [
        (key, f"{name} ({sizes[key].short})" if key in sizes else name)
        for key, name in offer.segments
    ]
    form.segment.choices = options([NONE, *named])
    return sizes


def _stands(form: ExperimentForm) -> dict[str, str]:
    """Say where each chosen metric stands today in the segment, by key."""
    found = {}
    with transaction(context().sessions) as database:
        where = ("", 0)
        if form.segment.data:
            row = segments.get(database, form.segment.data)
            where = (row.key, row.versions[-1].version)
        for _, choice in form.chosen_metrics:
            if choice.metric.errors:
                continue
            version = _version(database, choice.metric.data)
            known = (
                None if version is None else known_baseline(database, version, *where)
            )
            if version is not None and known is not None:
                definition = metrics.definition_of(version)
                found[choice.metric.data] = stands_at(definition, known.basis)
    return found


def _version(database: Session, key: str) -> MetricVersion | None:
    known = database.scalar(select(Metric.id).where(Metric.key == key))
    return None if known is None else metrics.get(database, key).versions[-1]


def _duration(form: ExperimentForm) -> Answer | None:
    """Work the duration out where it is asked for, and fill empty fields from it."""
    action = sent().get("action")
    _know_guardrails(form)
    if action not in {DURATION, DURATION_IN_WORDS}:
        return None
    answer = waiting(form) or worked_out(form, draws=action == DURATION)
    if action == DURATION and answer.planned_units:
        _fill(form, answer)
    return answer


def _fill(form: ExperimentForm, answer: Answer) -> None:
    """Take size and dates over where nothing was typed."""
    if not form.planned_units.data:
        form.planned_units.data = str(answer.planned_units)
    if form.planned_end_at.data is not None or answer.ends_at is None:
        return
    # A day is its first moment: the next one leaves no hour of the last day out.
    form.planned_end_at.take((answer.ends_at + DAY).date())
    if form.enrolment_ends_at.data is None and answer.enrolment_ends_at is not None:
        form.enrolment_ends_at.take((answer.enrolment_ends_at + DAY).date())


def _know_guardrails(form: ExperimentForm) -> None:
    """Ask what is known of each guardrail, keeping what was typed."""
    rows = form.duration.form.guardrails
    told = {row.form.metric.data: row.form for row in rows}
    for _, choice in form.chosen_metrics:
        if choice.role.data == Role.GUARDRAIL.value and choice.metric.data not in told:
            rows.append_entry({"metric": choice.metric.data})


def _guarded(form: ExperimentForm, offer: Catalogue) -> dict[str, str]:
    names = dict(offer.metrics)
    rows = form.duration.form.guardrails
    return {row.form.metric.data: names.get(row.form.metric.data, "") for row in rows}


def waiting(form: ExperimentForm) -> Answer | None:
    """Name the fields that were refused: with them, any answer would be another's."""
    taken = [field for field in form.duration.form if field.name[-10:] != "guardrails"]
    taken += [
        field
        for row in form.duration.form.guardrails
        for field in (row.form.today, row.form.spread)
    ]
    taken += [form.alpha, form.coverage]
    taken += [row.share for _, row in form.chosen_variants]
    if form.primary is not None:
        taken += [form.primary.change_that_matters, form.primary.margin]
    taken += [row.margin for _, row in form.chosen_metrics if row is not form.primary]
    refused = [field for field in taken if not field.validate(form)]
    if not refused:
        return None
    names = ", ".join(f'"{title_of(field)}"' for field in refused)
    return Answer(f"The duration is not worked out yet: correct {names} first.")


def _similar(form: ExperimentForm) -> list[dict[str, Any]]:
    """Find what was learned before of the same segment, metric or stage."""
    story = form.new_hypothesis.form
    with transaction(context().sessions) as database:
        alike = [
            HypothesisRow.segment.has(Segment.key == (story.segment.data or "")),
            HypothesisRow.metric.has(Metric.key == (story.metric.data or "")),
        ]
        if form.hypothesis.data:
            chosen = select(HypothesisRow).where(
                HypothesisRow.key == form.hypothesis.data
            )
            row = database.scalar(chosen)
            if row is not None:
                alike = [
                    HypothesisRow.segment_id == row.segment_id,
                    HypothesisRow.metric_id == row.metric_id,
                ]
        query = (
            select(Experiment, Learning.answer)
            .join(Learning, Learning.experiment_id == Experiment.id)
            .join(Experiment.hypothesis)
            .where(or_(*alike))
            .order_by(Experiment.decided_at.desc())
            .limit(MOST_SIMILAR)
        )
        return [_as_similar(row, answer) for row, answer in database.execute(query)]


def _as_similar(row: Experiment, answer: str) -> dict[str, str]:
    """Say what was decided, and on what: later events do not move that."""
    return {
        "key": row.key,
        "name": row.name,
        "decision": DECISION[Decision(str(row.decision))],
        "sentence": answer or "No result was stored.",
    }


def _signing() -> list[tuple[str, str, list[str]]]:
    """List each risk with who answers for it, and who may sign for that."""
    with transaction(context().sessions) as database:
        people = [p for p in accounts.people(database) if p.active]
    return [
        (
            RISK[risk],
            SIGNER[signer],
            [p.name for p in people if signer.value in p.signs_for],
        )
        for risk, signer in SIGNER_OF.items()
    ]
