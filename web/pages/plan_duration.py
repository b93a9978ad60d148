"""The size and duration of the plan in the form, worked out while it is written."""

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from analysis.account_likeness import Likeness, known_likeness
from analysis.arrival_words import arrivals_asked
from analysis.baselines import (
    EVERYBODY,
    Baseline,
    known_baseline,
    part_of,
    with_stated,
)
from analysis.stats.arrivals import Arrivals, stated
from experiments import metrics, segments
from experiments.db import transaction
from experiments.metric_definition import MetricDefinition
from experiments.models import Metric
from experiments.vocabulary import PrimaryTest, Role
from web.access import context
from web.forms.experiments import ExperimentForm
from web.forms.plan_parts import DurationForm, KnownForm
from web.presenters.duration import Answer, work_out

if TYPE_CHECKING:
    from analysis.plan_basis import Basis
    from analysis.plan_values import Guarded, Part, Scheme
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
    from analysis.plan_values import PlanQuestion  # noqa: PLC0415  # only who asks pays

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
    scheme = _scheme(form, known, likeness)
    if isinstance(scheme, str):
        return Answer(scheme)
    rule = form.rule.form.rule()
    question = PlanQuestion(
        definition=definition,
        basis=_basis(definition, known, asked),
        effect=primary.change_that_matters.value,
        scheme=scheme,
        begins_at=context().now(),
        margin=primary.margin.value_or_none,
        rules_out_harm=rule.primary == PrimaryTest.HARM_RULED_OUT,
        guardrails=guardrails,
        parts=parts,
    )
    from_results = likeness is not None and None in _typed(asked)
    answer = work_out(
        question,
        form.drawn,
        known_from=likeness.experiment if likeness and from_results else None,
        draws=draws,
    )
    if not answer.is_out_of_reach:
        return answer
    from analysis.plan_fits import (  # noqa: PLC0415  # as above
        others_in_words,
        others_that_fit,
    )

    with transaction(context().sessions) as database:
        row = metrics.get(database, primary.metric.data)
        others = others_that_fit(database, question, row, where)
    said = f"{answer.sentence} {others_in_words(others)}".strip()
    return replace(answer, sentence=said)


def _scheme(
    form: ExperimentForm, known: Baseline | None, likeness: Likeness | None
) -> "Scheme | str":
    """Say how customers come and are shared out, or ask for what is missing."""
    from analysis.plan_values import Scheme  # noqa: PLC0415  # as above

    arrivals = arrivals_of(form, known)
    asks = "" if arrivals else arrivals_asked(_come(form)[0], form.drawn)
    accounts = _accounts(form, likeness, asks)
    if isinstance(accounts, str):
        return accounts
    if arrivals is None:
        return f"To work out the duration, say {asks}."
    return Scheme(
        alpha=form.alpha.value,
        power=form.duration.form.power.value,
        shares=tuple(row.share.value for _, row in form.chosen_variants),
        coverage=form.coverage.value,
        arrivals=arrivals,
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


def arrivals_of(form: ExperimentForm, known: Baseline | None) -> Arrivals | None:
    """Take what was typed of how many come, else what own data say.

    Args:
        form: as it was sent.
        known: from own data, for the form's segment.

    Returns:
        How they come; None where neither tells it.
    """
    first, weekly = _come(form)
    if first is not None or weekly is not None:
        return stated(first, weekly)
    return None if known is None else known.arrivals_of(form.drawn)


def _come(form: ExperimentForm) -> tuple[float | None, float | None]:
    asked = form.duration.form
    if form.by_account:
        fields = asked.first_week_accounts, asked.weekly_accounts
    else:
        fields = asked.first_week_customers, asked.weekly_customers
    return fields[0].value_or_none, fields[1].value_or_none


def _typed(asked: DurationForm) -> tuple[float | None, ...]:
    return (
        asked.account_customers.value_or_none,
        asked.account_cv.value_or_none,
        asked.icc.value_or_none,
    )


def _accounts(
    form: ExperimentForm, known: Likeness | None, asks: str
) -> "Accounts | str | None":
    """Take what was typed, and the rest from own results; or ask for all of it."""
    if not form.by_account:
        return None
    from analysis.plan_words import accounts_asked  # noqa: PLC0415  # as above
    from analysis.stats.account_power import Accounts  # noqa: PLC0415

    customers, cv, icc = _typed(form.duration.form)
    if known is not None:
        customers = known.customers if customers is None else customers
        cv = known.cv if cv is None else cv
        icc = known.icc if icc is None else icc
    missing = accounts_asked(asks, customers, cv, icc)
    if missing:
        return missing
    return Accounts(customers or 0, cv or 0, icc or 0)


def _guardrails(
    database: Session, form: ExperimentForm, where: tuple[str, int]
) -> "list[Guarded]":
    from analysis.plan_values import Guarded  # noqa: PLC0415  # as above

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
    from analysis.plan_values import Part  # noqa: PLC0415  # as above

    if not form.rule.form.rule().splits_not_worse:
        return []
    found = []
    for key in form.breakdowns.data or ():
        segment = segments.get(database, key)
        version = segment.versions[-1].version
        share = part_of(database, row.versions[-1], key, version)
        found.append(Part(key, segment.name, share))
    return found
