"""How far an experiment is under its plan, and when its answer is due: pure.

Under `fixed_end` there is one look. A pre-registered experiment is analysed on its
first `planned_units` customers, so that later runs, which see more customers, cannot be
a second chance; those who come later are counted. An answer may be given when that many
customers are old enough for the metrics that decide; or, where no more can come
(enrolment was ended, or the experiment stopped), when all of them are. Ending it early
is safe: nobody has seen an estimate by then.

Where accounts are drawn, new customers come as long as their accounts do, so a number
of accounts is no end: enrolment closes at its date, or at the planned end.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from analysis.cells import deciding_maturity
from analysis.cohort import ExposureCounts
from analysis.readings import Progress
from experiments.plan import Plan
from experiments.vocabulary import MonitoringMode, ResultPhase, Unit

LEAST_WATCHED = timedelta(days=1)  # a pace needs at least so much time
FARTHEST = timedelta(days=3650)  # a date beyond it says nothing


@dataclass(frozen=True, slots=True)
class Times:
    """When an analysis was made, and what it could see.

    Attributes:
        as_of: when it was made.
        data_cutoff: data are complete up to here; None for a unit table.
        closes_at: from here on no exposure counts; None while enrolment is open.
    """

    as_of: datetime
    data_cutoff: datetime | None
    closes_at: datetime | None


def analysed_size(plan: Plan) -> int | None:
    """How many customers are analysed at most; None has no limit."""
    if plan.design.unit == Unit.ACCOUNT:
        return None  # its date closes it, for customers come in as long as accounts do
    one_look = plan.design.monitoring_mode == MonitoringMode.FIXED_END
    return plan.design.planned_units if one_look and plan.pre_registered else None


def progress_of(plan: Plan, exposures: ExposureCounts, times: Times) -> Progress:
    """Say how far the experiment is.

    Args:
        plan: the locked plan.
        exposures: who is analysed, and who of them is old enough.
        times: of the analysis.

    Returns:
        Progress with its phase; `due_at` is when the answer is expected, or was due.
    """
    mature = sum(exposures.mature.values())
    by_date = plan.design.unit == Unit.ACCOUNT
    enough = not by_date and mature >= plan.design.planned_units
    over = _is_closed(times) and 0 < exposures.units == mature
    final = enough or over
    return Progress(
        units_so_far=exposures.units,
        planned_units=plan.design.planned_units,
        mature_units=mature,
        due_at=_due_at(plan, exposures, times),
        phase=ResultPhase.FINAL if final else ResultPhase.COUNTING,
        as_of=times.as_of,
    )


def needed_at(plan: Plan, exposures: ExposureCounts, times: Times) -> datetime | None:
    """Up to when data are needed for the answer, once that is known.

    Args:
        plan: the locked plan.
        exposures: who is analysed.
        times: of the analysis.

    Returns:
        When the last customer is old enough; None while customers are still coming.
    """
    if exposures.last_at is None:
        return None
    size = analysed_size(plan)
    is_complete = size is not None and exposures.units >= size
    if is_complete or _is_closed(times):
        return exposures.last_at + deciding_maturity(plan)
    return None


def _is_closed(times: Times) -> bool:
    """Whether all exposures that will ever count are in the data."""
    if times.data_cutoff is None:
        return True
    return times.closes_at is not None and times.closes_at <= times.data_cutoff


def _due_at(plan: Plan, exposures: ExposureCounts, times: Times) -> datetime | None:
    known = needed_at(plan, exposures, times)
    if known is not None or times.data_cutoff is None:
        return known
    # Customers still come, and those of today have yet to grow old enough.
    grown = times.data_cutoff + deciding_maturity(plan)
    planned_end = max(plan.design.planned_end_at, grown)
    if exposures.first_at is None or not exposures.units:
        return planned_end
    if plan.design.unit == Unit.ACCOUNT and times.closes_at is not None:
        return times.closes_at + deciding_maturity(plan)
    watched = times.data_cutoff - exposures.first_at
    if watched < LEAST_WATCHED:
        return planned_end
    needed = watched.total_seconds() * plan.design.planned_units / exposures.units
    if needed > FARTHEST.total_seconds():
        return None
    full_at = exposures.first_at + timedelta(seconds=needed)
    return max(planned_end, full_at + deciding_maturity(plan))
