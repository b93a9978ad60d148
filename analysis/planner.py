"""What a plan takes and can show: size, days, dates, and whom it can protect.

Numbers only; pages and API say them each in their own way. Given what is known of the
metrics, everything here is arithmetic: no database, and no clock but the one passed in.
"""

import math
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache

from analysis.plan_basis import Basis
from analysis.plan_sizing import (
    Needed,
    chance_of_no_harm,
    detectable,
    needed,
    needed_to_rule_out,
)
from analysis.plan_values import (
    Fit,
    Guarded,
    LookAhead,
    Part,
    PlanAhead,
    PlanQuestion,
    Protected,
    Scheme,
    Week,
    units_of,
)
from analysis.stats.account_power import AccountSize, size_in_accounts
from analysis.stats.duration import (
    DAYS_A_WEEK,
    MAX_WEEKS,
    Duration,
    days_until,
    duration,
    to_come,
)
from analysis.stats.estimate import NotComputable
from analysis.stats.power import Demand, SampleSize
from analysis.stats.sequential_power import size_for_mode
from experiments.metric_definition import MetricDefinition

USUAL_WEEKS = 12  # of the table that says what each week could detect
MILLION = 10**6


def plan_ahead(question: PlanQuestion) -> PlanAhead:
    """Work out what a plan takes and can show.

    Args:
        question: what is planned.

    Returns:
        Numbers; where there is no size or it takes too long, the reason with what
        would fit.
    """
    scheme = question.scheme
    found = _needed(question)
    if isinstance(found, NotComputable):
        return PlanAhead(refused=found, by_week=_by_week(question, USUAL_WEEKS))
    grown = _in_units(found.size, scheme, scheme.demand)
    if isinstance(grown, NotComputable):
        return PlanAhead(refused=grown, needed=found)
    size = grown.accounts if isinstance(grown, AccountSize) else grown
    ahead = PlanAhead(
        needed=found,
        size=size,
        accounts=grown if isinstance(grown, AccountSize) else None,
        guardrails=tuple(_guarded(each, scheme, size) for each in question.guardrails),
        parts=tuple(_part(each, question, size) for each in question.parts),
    )
    maturity = question.definition.maturity.days
    lasts = duration(size, scheme.arrivals, maturity, scheme.coverage, scheme.shares)
    if isinstance(lasts, NotComputable):
        return replace(
            ahead,
            refused=lasts,
            by_week=_by_week(question, USUAL_WEEKS),
            fits=_fits(question, size),
        )
    weeks = max(USUAL_WEEKS, min(MAX_WEEKS, math.ceil(lasts.enrolment_weeks) + 1))
    return replace(
        ahead,
        lasts=lasts,
        looks=_looks(question, size, lasts),
        by_week=_by_week(question, weeks),
    )


def _needed(question: PlanQuestion) -> Needed | NotComputable:
    asked, scheme = question.definition, question.scheme
    if question.rules_out_harm and question.margin is not None:
        size = needed_to_rule_out(asked, question.basis, question.margin, scheme.demand)
        return size if isinstance(size, NotComputable) else Needed(size)
    return needed(asked, question.basis, question.effect, scheme.demand)


def _in_units(
    size: SampleSize, scheme: Scheme, demand: Demand
) -> SampleSize | AccountSize | NotComputable:
    """Add what looks and accounts cost."""
    grown = size_for_mode(size, scheme.mode, scheme.looks, demand)
    if scheme.accounts is None or isinstance(grown, NotComputable):
        return grown
    return size_in_accounts(grown, scheme.accounts, demand)


def _as_one_look(
    size: SampleSize, scheme: Scheme, demand: Demand
) -> SampleSize | NotComputable:
    """Tell as how many customers, seen once, units count; the other way."""
    times = _customers_a_unit(scheme, demand)
    if isinstance(times, NotComputable):
        return times
    return SampleSize(
        math.floor(size.control * times), math.floor(size.treatment * times)
    )


@lru_cache(maxsize=64)
def _customers_a_unit(scheme: Scheme, demand: Demand) -> float | NotComputable:
    million = SampleSize(MILLION, MILLION)
    grown = _in_units(million, scheme, demand)
    if isinstance(grown, NotComputable):
        return grown
    many = grown.accounts if isinstance(grown, AccountSize) else grown
    return MILLION / many.control


def _enrolled(scheme: Scheme, weeks: float) -> SampleSize:
    """Tell who has come after so many weeks: in control, and in the least treatment."""
    come = scheme.arrivals.by(weeks) * scheme.coverage / math.fsum(scheme.shares)
    least = min(scheme.shares[1:])
    return SampleSize(math.floor(come * scheme.shares[0]), math.floor(come * least))


def _by_week(question: PlanQuestion, weeks: int) -> tuple[Week, ...]:
    scheme, maturity = question.scheme, question.definition.maturity
    if not scheme.arrivals.by(weeks) > 0:
        return ()
    found = []
    for week in range(1, weeks + 1):
        enrolled = _enrolled(scheme, week)
        one = _as_one_look(enrolled, scheme, scheme.demand)
        change = None
        if not isinstance(one, NotComputable):
            change = detectable(question.definition, question.basis, one, scheme.demand)
        found.append(
            Week(
                weeks=week,
                units=math.floor(scheme.arrivals.by(week) * scheme.coverage),
                change=change,
                answer_at=question.begins_at + timedelta(weeks=week) + maturity,
            )
        )
    return tuple(found)


def _looks(
    question: PlanQuestion, size: SampleSize, lasts: Duration
) -> tuple[LookAhead, ...]:
    scheme, maturity = question.scheme, question.definition.maturity
    wanted = to_come(size, scheme.coverage, scheme.shares)
    found = []
    for look in scheme.planned_looks:
        days = math.ceil(days_until(wanted * look, scheme.arrivals))
        if look == 1:
            days = lasts.enrolment_days
        at = question.begins_at + timedelta(days=days) + maturity
        found.append(LookAhead(look, at))
    return tuple(found)


def _guarded(each: Guarded, scheme: Scheme, size: SampleSize) -> Protected:
    return _protected(
        (each.key, each.name), each.definition, each.basis, each.margin, scheme, size
    )


def _part(each: Part, question: PlanQuestion, size: SampleSize) -> Protected:
    """Ask of one split whether harm to the primary metric can be ruled out there."""
    margin, share = question.margin or 0.0, each.share
    name = (each.key, each.name)
    if share is None or not 0 < share <= 1 or not margin > 0:
        return Protected(*name, margin, None, None)
    inside = SampleSize(
        math.floor(size.control * share), math.floor(size.treatment * share)
    )
    found = _protected(
        name, question.definition, question.basis, margin, question.scheme, inside
    )
    units = None if found.units is None else math.ceil(found.units / share)
    return replace(found, units=units)


def _protected(
    name: tuple[str, str],
    definition: MetricDefinition,
    basis: Basis,
    margin: float,
    scheme: Scheme,
    size: SampleSize,
) -> Protected:
    demand = scheme.demand_of_guardrails
    one = _as_one_look(size, scheme, demand)
    chance = None
    if not isinstance(one, NotComputable) and min(one.control, one.treatment):
        chance = chance_of_no_harm(definition, basis, margin, one, scheme.alpha)
    units = None
    wanted = needed_to_rule_out(definition, basis, margin, demand)
    if not isinstance(wanted, NotComputable):
        grown = _in_units(wanted, scheme, demand)
        if not isinstance(grown, NotComputable):
            whole = grown.accounts if isinstance(grown, AccountSize) else grown
            units = units_of(whole, scheme.treatments)
    return Protected(*name, margin, chance, units)


def _fits(question: PlanQuestion, size: SampleSize) -> tuple[Fit, ...]:
    """Say what twelve weeks, and a year, could show, and how many it takes a week."""
    scheme, maturity = question.scheme, question.definition.maturity
    found = []
    longest = math.floor(MAX_WEEKS - maturity.days / DAYS_A_WEEK)
    for weeks in sorted({min(USUAL_WEEKS, longest), longest}):
        if weeks < 1:
            continue
        one = _as_one_look(_enrolled(scheme, weeks), scheme, scheme.demand)
        change = None
        if not isinstance(one, NotComputable):
            change = detectable(question.definition, question.basis, one, scheme.demand)
        wanted = to_come(size, scheme.coverage, scheme.shares)
        weekly = math.ceil(wanted / weeks)
        found.append(Fit(weeks, change, weekly))
    return tuple(found)
