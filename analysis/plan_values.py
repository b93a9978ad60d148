"""What a plan is asked for, and what it takes: values that pages and API say."""

from dataclasses import dataclass, replace
from datetime import datetime

from analysis.plan_basis import Basis
from analysis.plan_sizing import Needed
from analysis.stats.account_power import Accounts, AccountSize
from analysis.stats.arrivals import Arrivals
from analysis.stats.duration import Duration
from analysis.stats.estimate import NotComputable
from analysis.stats.power import Demand, SampleSize
from analysis.stats.sequential_power import EQUAL_LOOKS
from experiments.metric_definition import MetricDefinition
from experiments.vocabulary import MonitoringMode


@dataclass(frozen=True, slots=True)
class Scheme:
    """How customers come and are shared out, and how sure the answer must be.

    Attributes:
        alpha: two-sided, for all treatments together.
        power: 0 to 1.
        shares: of the variants, control first.
        coverage: share of the segment that is enrolled.
        arrivals: units who reach the change, week by week: customers, or accounts.
        mode: when estimates are seen, which has its price in customers.
        looks: shares of the planned size at which they are; empty for the usual ones.
        accounts: how customers lie in them, where whole accounts are drawn.
    """

    alpha: float
    power: float
    shares: tuple[float, ...]
    coverage: float
    arrivals: Arrivals
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
        weekly: new units a week by which the plan itself would be done; None likewise.
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


def units_of(size: SampleSize, treatments: int) -> int:
    """Add up the units of all variants."""
    return size.control + size.treatment * treatments
