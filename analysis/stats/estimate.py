"""What every estimator returns: an estimate with its intervals, or a typed reason."""

from dataclasses import dataclass, field

from experiments.vocabulary import Reason

# Facts of an estimate that was adjusted: by what, and over how many comparisons.
ADJUSTED_BY, COMPARISONS = "adjusted_by", "comparisons"


@dataclass(frozen=True, slots=True)
class NotComputable:
    """A number that would mislead, so it is not given."""

    reason: Reason
    facts: dict[str, float | int | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Interval:
    """A two-sided confidence interval; `None` stands for an end without bound."""

    low: float | None
    high: float | None
    level: float = 0.95


@dataclass(frozen=True, slots=True)
class ArmValue:
    """One variant's own value of a metric, on the outcome scale."""

    n: int  # units that count (mature, with a finite value)
    value: float | None  # share 0 to 1, mean score, or days; None when n is 0
    interval: Interval | None = None  # None also where the arm shows no variation
    n_missing: int = 0  # mature units without a value (a survey not answered)
    n_nonfinite: int = 0
    n_immature: int = 0  # not old enough yet: excluded, never a failure
    n_accounts: int | None = None  # whose customers they are, where accounts are drawn


@dataclass(frozen=True, slots=True)
class Lift:
    """Relative change against control: 0.12 is +12 %."""

    value: float
    interval: Interval
    method: str  # "koopman", "fieller" or "log_ratio"


@dataclass(frozen=True, slots=True)
class Estimate:
    """Treatment against control, on the metric's own (absolute) scale.

    The p-value always belongs to the absolute effect, so that test and interval
    speak about the same thing. `graded` holds the 50 and 80 % intervals for the
    chart, widest last.
    """

    method: str  # "newcombe", "welch", "km_difference", "rmst_difference", "clustered"
    control: ArmValue
    treatment: ArmValue
    effect: float
    interval: Interval
    p_value: float | None  # None where all units are alike, so that nothing is tested
    lift: Lift | NotComputable
    graded: tuple[Interval, ...] = ()
    facts: dict[str, float | int | str] = field(default_factory=dict)  # z, dof, tau


Outcome = Estimate | NotComputable
