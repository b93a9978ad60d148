"""What a plan takes and can show: size, days, dates, and whom it can protect.

Numbers only; pages and API say them each in their own way. Given what is known of the
metrics, everything here is arithmetic: no database, and no clock but the one passed in.
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from analysis.plan_basis import Basis
from analysis.plan_sizing import (
    Needed,
    chance_of_no_harm,
    detectable,
    needed,
    needed_to_rule_out,
)
from analysis.stats.account_power import Accounts, AccountSize, size_in_accounts
from analysis.stats.duration import DAYS_A_WEEK, MAX_WEEKS, Duration, duration
from analysis.stats.estimate import NotComputable
from analysis.stats.power import Demand, SampleSize
from analysis.stats.sequential_power import EQUAL_LOOKS, size_for_mode
from experiments.metric_definition import MetricDefinition
from experiments.vocabulary import MonitoringMode

USUAL_WEEKS = 12  # of the table that says what each week could detect
MILLION = 10**6


@dataclass(frozen=True, slots=True)
class Scheme:
    """How customers come and are shared out, and how sure the answer must be.

    Attributes:
        alpha: two-sided, for all treatments together.
        power: 0 to 1.
        shares: of the variants, control first.
        coverage: share of the segment that is enrolled.
        weekly: new units a week who reach the change: customers, or accounts.
        mode: when estimates are seen, which has its price in customers.
        looks: shares of the planned size at which they are; empty for the usual ones.
        accounts: how customers lie in them, where whole accounts are drawn.
    """

    alpha: float
    power: float
    shares: tuple[float, ...]
    coverage: float
    weekly: float
    mode: MonitoringMode = MonitoringMode.FIXED_END
    looks: tuple[float, ...] = ()
    accounts: Accounts | None = None

    @property
    def treatments(self) -> int:
        """How many are compared with control."""
        return len(self.shares) - 1

    @property
    def demand(self) -> Demand:
        """What the primary metric asks for; adjusted over treatments, as analysed."""
        ratio = min(self.shares[1:]) / self.shares[0]
        return Demand(self.alpha, self.power, self.treatments, ratio)

    @property
    def demand_of_guardrails(self) -> Demand:
        """What a guardrail asks for; never adjusted for their number."""
        return replace(self.demand, treatments=1)

    @property
    def planned_looks(self) -> tuple[float, ...]:
        """When estimates are seen, as shares of the planned size."""
        if self.mode == MonitoringMode.GROUP_SEQUENTIAL:
            return self.looks or EQUAL_LOOKS
        return (1.0,)


@dataclass(frozen=True, slots=True)
class Guarded:
    """A metric that must not get worse.

    Attributes:
        key: of the metric.
        name: as pages call it.
        definition: how it is measured.
        basis: what is known of it.
        margin: largest harm that is accepted, on its scale.
    """

    key: str
    name: str
    definition: MetricDefinition
    basis: Basis
    margin: float


@dataclass(frozen=True, slots=True)
class Part:
    """A declared split of the segment, in which the primary must not get worse.

    Attributes:
        key: of the split's segment.
        name: as pages call it.
        share: of the experiment's customers, 0 to 1; None where it is not known.
    """

    key: str
    name: str
    share: float | None


@dataclass(frozen=True, slots=True)
class PlanQuestion:
    """What is planned.

    Attributes:
        definition: of the primary metric.
        basis: what is known of it.
        effect: change that matters, absolute and positive, on its scale.
        scheme: how customers come.
        begins_at: when it would start.
        margin: largest harm of the primary metric; None where none was agreed.
        rules_out_harm: whether the rule asks of the primary metric only that harm
            beyond its margin is ruled out; the size then follows from that margin.
        guardrails: what must not get worse.
        parts: splits in which the primary metric must not get worse.
    """

    definition: MetricDefinition
    basis: Basis
    effect: float
    scheme: Scheme
    begins_at: datetime
    margin: float | None = None
    rules_out_harm: bool = False
    guardrails: tuple[Guarded, ...] = ()
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Week:
    """What an experiment could detect if enrolment ended after so many weeks."""

    weeks: int
    units: int  # enrolled by then, all variants together
    change: float | None  # smallest, absolute; None where no change would be found
    answer_at: datetime


@dataclass(frozen=True, slots=True)
class LookAhead:
    """When a share of the planned size will have been followed to the end."""

    share: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Protected:
    """Whether harm to something can be ruled out at the planned size.

    Attributes:
        key: of the guardrail's metric, or of the split's segment.
        name: as pages call it.
        margin: largest harm that is accepted, on the metric's scale.
        chance: that it is ruled out where there is none; None where it is not known.
        units: that it takes for the power asked for, all variants together; None
            where it is not known, or no number would do.
    """

    key: str
    name: str
    margin: float
    chance: float | None
    units: int | None

    def holds(self, power: float) -> bool:
        """Whether the chance is as large as was asked for; a hair less will do."""
        return self.chance is not None and self.chance >= power - 0.005


@dataclass(frozen=True, slots=True)
class Fit:
    """What would fit, where a plan takes too long.

    Attributes:
        weeks: of enrolment.
        change: smallest change that they detect; None where they detect none.
        weekly: units a week by which the plan itself would be done; None likewise.
    """

    weeks: int
    change: float | None
    weekly: int | None


@dataclass(frozen=True, slots=True)
class PlanAhead:
    """What a plan takes.

    Attributes:
        refused: why there is no size, or no duration; None where there are both.
        needed: customers to find the change in, for one look at the end.
        size: units of control and of each treatment, with all that makes it larger.
        accounts: what accounts make of it, where they are drawn.
        lasts: days; None where it takes too long.
        looks: date of each planned look, the last one the first honest answer.
        by_week: what could be detected after so many weeks.
        guardrails: which of them can be protected.
        parts: likewise, the splits.
        fits: what would fit instead, where it takes too long.
    """

    refused: NotComputable | None = None
    needed: Needed | None = None
    size: SampleSize | None = None
    accounts: AccountSize | None = None
    lasts: Duration | None = None
    looks: tuple[LookAhead, ...] = ()
    by_week: tuple[Week, ...] = ()
    guardrails: tuple[Protected, ...] = ()
    parts: tuple[Protected, ...] = ()
    fits: tuple[Fit, ...] = ()

    @property
    def answer_at(self) -> datetime | None:
        """Date of the first answer that holds whatever it is: the end of the plan."""
        return self.looks[-1].at if self.looks else None


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
    lasts = duration(size, scheme.weekly, maturity, scheme.coverage, scheme.shares)
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
        looks=_looks(question, lasts),
        by_week=_by_week(question, weeks),
    )


def units_of(size: SampleSize, treatments: int) -> int:
    """Add up the units of all variants."""
    return size.control + size.treatment * treatments


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
    come = scheme.weekly * scheme.coverage * weeks / math.fsum(scheme.shares)
    least = min(scheme.shares[1:])
    return SampleSize(math.floor(come * scheme.shares[0]), math.floor(come * least))


def _by_week(question: PlanQuestion, weeks: int) -> tuple[Week, ...]:
    scheme, maturity = question.scheme, question.definition.maturity
    if not scheme.weekly > 0:
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
                units=math.floor(scheme.weekly * scheme.coverage * week),
                change=change,
                answer_at=question.begins_at + timedelta(weeks=week) + maturity,
            )
        )
    return tuple(found)


def _looks(question: PlanQuestion, lasts: Duration) -> tuple[LookAhead, ...]:
    maturity = question.definition.maturity
    return tuple(
        LookAhead(
            look,
            question.begins_at
            + timedelta(days=math.ceil(lasts.enrolment_days * look))
            + maturity,
        )
        for look in question.scheme.planned_looks
    )


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
        each = [size.control, *[size.treatment] * scheme.treatments]
        most = max(n / s for n, s in zip(each, scheme.shares, strict=True))
        weekly = math.ceil(most * math.fsum(scheme.shares) / scheme.coverage / weeks)
        found.append(Fit(weeks, change, weekly))
    return tuple(found)
