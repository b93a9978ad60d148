"""The size and duration of the plan in the form, worked out while it is written."""

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from analysis.account_likeness import Likeness, known_likeness
from analysis.baselines import (
    EVERYBODY,
    Baseline,
    known_baseline,
    part_of,
    with_stated,
)
from experiments import metrics, segments
from experiments.db import transaction
from experiments.metric_definition import MetricDefinition
from experiments.models import Metric
from experiments.vocabulary import PrimaryTest, Role, Unit
from web.access import context
from web.forms.experiments import ExperimentForm
from web.forms.plan_parts import DurationForm, KnownForm
from web.pages.plan_fits import others_that_fit
from web.presenters.duration import Answer, work_out

if TYPE_CHECKING:
    from analysis.plan_basis import Basis
    from analysis.planner import Guarded, Part, Scheme
    from analysis.stats.account_power import Accounts

CHOOSE_PRIMARY = "To work out the duration, choose the primary metric first."


def worked_out(form: ExperimentForm, *, draws: bool) -> Answer:
    """Work out what the form's plan takes.

    Args:
        form: as it was sent, its numbers valid.
        draws: whether the chart is drawn too.

    Returns:
        The answer, or the question for what is missing.
    """
    from analysis.planner import PlanQuestion  # noqa: PLC0415  # only who asks pays

    primary = form.primary
    if primary is None or not primary.metric.data:
        return Answer(CHOOSE_PRIMARY)
    asked = form.duration.form
    with transaction(context().sessions) as database:
        row = metrics.get(database, primary.metric.data)
        definition = metrics.definition_of(row.versions[-1])
        where = _segment(database, form)
        known = known_baseline(database, row.versions[-1], *where)
        likeness = known_likeness(database, row.key) if form.by_account else None
        guardrails = tuple(_guardrails(database, form, where))
        parts = tuple(_parts(database, form, row))
    weekly = _weekly(form, known)
    if isinstance(weekly, str):
        return Answer(weekly)
    accounts = _accounts(asked, likeness) if form.by_account else None
    if isinstance(accounts, str):
        return Answer(accounts)
    rule = form.rule.form.rule()
    question = PlanQuestion(
        definition=definition,
        basis=_basis(definition, known, asked),
        effect=primary.change_that_matters.value,
        scheme=_scheme(form, weekly, accounts),
        begins_at=context().now(),
        margin=primary.margin.value_or_none,
        rules_out_harm=rule.primary == PrimaryTest.HARM_RULED_OUT,
        guardrails=guardrails,
        parts=parts,
    )
    unit = Unit.ACCOUNT if form.by_account else Unit.CUSTOMER
    from_results = likeness is not None and None in _typed(asked)
    answer = work_out(
        question,
        unit,
        known_from=likeness.experiment if likeness and from_results else None,
        draws=draws,
    )
    if not answer.is_out_of_reach:
        return answer
    with transaction(context().sessions) as database:
        row = metrics.get(database, primary.metric.data)
        fits = others_that_fit(database, question, row, where)
    return replace(answer, sentence=f"{answer.sentence} {fits}".strip())


def _scheme(
    form: ExperimentForm, weekly: float, accounts: "Accounts | None"
) -> "Scheme":
    from analysis.planner import Scheme  # noqa: PLC0415  # as above

    return Scheme(
        alpha=form.alpha.value,
        power=form.duration.form.power.value,
        shares=tuple(row.share.value for _, row in form.chosen_variants),
        coverage=form.coverage.value,
        weekly=weekly,
        mode=form.mode,
        looks=form.planned_looks(),
        accounts=accounts,
    )


def _segment(database: Session, form: ExperimentForm) -> tuple[str, int]:
    key = form.segment.data
    if not key:
        return EVERYBODY, 0
    return key, segments.get(database, key).versions[-1].version


def _basis(
    definition: MetricDefinition, known: Baseline | None, asked: DurationForm
) -> "Basis":
    """Take what was typed, and what was not from the project's own data."""
    value = asked.baseline.value_or_none
    if definition.is_time and value is not None:
        value /= 100  # a share of customers, where changes are in days
    counted = asked.response.value_or_none
    return with_stated(
        definition,
        None if known is None else known.basis,
        None if definition.has_spread else value,
        asked.spread.value_or_none,
        counted if definition.is_survey or definition.selects else None,
    )


def _weekly(form: ExperimentForm, known: Baseline | None) -> float | str:
    asked = form.duration.form
    if form.by_account:  # what is missing then is asked for together
        return float(asked.weekly_accounts.value_or_none or 0)
    typed = asked.weekly_customers.value_or_none
    if typed is not None:
        return float(typed)
    if known is not None:
        return known.weekly
    return "To work out the duration, say how many customers come each week."


def _typed(asked: DurationForm) -> tuple[float | None, ...]:
    return (
        asked.account_customers.value_or_none,
        asked.account_cv.value_or_none,
        asked.icc.value_or_none,
    )


def _accounts(asked: DurationForm, known: Likeness | None) -> "Accounts | str":
    """Take what was typed, and what was not from this project's own results."""
    from analysis.plan_words import accounts_asked  # noqa: PLC0415  # as above
    from analysis.stats.account_power import Accounts  # noqa: PLC0415

    customers, cv, icc = _typed(asked)
    if known is not None:
        customers = known.customers if customers is None else customers
        cv = known.cv if cv is None else cv
        icc = known.icc if icc is None else icc
    weekly = asked.weekly_accounts.value_or_none
    missing = accounts_asked(weekly, customers, cv, icc)
    if missing:
        return missing
    return Accounts(customers or 0, cv or 0, icc or 0)


def _guardrails(
    database: Session, form: ExperimentForm, where: tuple[str, int]
) -> "list[Guarded]":
    from analysis.planner import Guarded  # noqa: PLC0415  # as above

    found = []
    rows = form.duration.form.guardrails
    told = {entry.form.metric.data: entry.form for entry in rows}
    for _, row in form.chosen_metrics:
        margin = row.margin.value_or_none
        if row.role.data != Role.GUARDRAIL.value or not margin:
            continue
        metric = metrics.get(database, row.metric.data)
        version = metric.versions[-1]
        definition = metrics.definition_of(version)
        known = known_baseline(database, version, *where)
        basis = _stated(definition, known, told.get(metric.key))
        found.append(Guarded(metric.key, metric.name, definition, basis, margin))
    return found


def _stated(
    definition: MetricDefinition, known: Baseline | None, row: KnownForm | None
) -> "Basis":
    value = None if row is None else row.today.value_or_none
    return with_stated(
        definition,
        None if known is None else known.basis,
        None if definition.has_spread or value is None else value / 100,
        None if row is None else row.spread.value_or_none,
    )


def _parts(database: Session, form: ExperimentForm, row: Metric) -> "list[Part]":
    """Find the declared splits where the rule asks for no harm in any of them."""
    from analysis.planner import Part  # noqa: PLC0415  # as above

    if not form.rule.form.rule().splits_not_worse:
        return []
    found = []
    for key in form.breakdowns.data or ():
        segment = segments.get(database, key)
        version = segment.versions[-1].version
        share = part_of(database, row.versions[-1], key, version)
        found.append(Part(key, segment.name, share))
    return found
