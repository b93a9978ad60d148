"""How far an experiment is under its plan, and when estimates may be seen: pure.

Under `fixed_end` there is one look. Under `group_sequential` there are as many as were
planned, each taken when its share of the planned size is old enough, and the last one
at the end. Under `always_valid` each analysis is a look. Looks before the end wait for
a whole week of customers, since weekdays differ.
 A pre-registered experiment is analysed on its
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
from analysis.exposure_counts import ExposureCounts
from analysis.looks import History, Look
from analysis.readings import Progress
from experiments.plan import Plan
from experiments.vocabulary import MonitoringMode, ResultPhase, Unit

LEAST_WATCHED = timedelta(days=1)  # a pace needs at least so much time
WEEK = timedelta(days=7)
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
    has_end = plan.design.monitoring_mode != MonitoringMode.ALWAYS_VALID
    return plan.design.planned_units if has_end and plan.pre_registered else None


def progress_of(
    plan: Plan,
    exposures: ExposureCounts,
    times: Times,
    history: History | None = None,
) -> Progress:
    """Say how far the experiment is.

    Args:
        plan: the locked plan.
        exposures: who is analysed, and who of them is old enough.
        times: of the analysis.
        history: looks that were taken before; none when None.

    Returns:
        Progress with its phase; `due_at` is when the next look at estimates is
        expected, or was due.
    """
    history = history or History()
    mature = sum(exposures.mature.values())
    by_date = plan.design.unit == Unit.ACCOUNT
    enough = not by_date and mature >= plan.design.planned_units
    over = _is_closed(times) and 0 < exposures.units == mature
    has_end = plan.design.monitoring_mode != MonitoringMode.ALWAYS_VALID
    final = over or (enough and has_end)
    look = _look(plan, exposures, times, history, final=final)
    phase = ResultPhase.FINAL if final else ResultPhase.COUNTING
    if plan.design.monitoring_mode != MonitoringMode.FIXED_END:
        if look is None:
            phase = ResultPhase.COUNTING
        elif not final:
            phase = ResultPhase.LOOK
    following = _next_look(plan, look, history)
    return Progress(
        units_so_far=exposures.units,
        planned_units=plan.design.planned_units,
        mature_units=mature,
        due_at=_due_at(plan, exposures, times, following),
        phase=phase,
        as_of=times.as_of,
        look=look,
        next_look=following,
    )


def _look(
    plan: Plan,
    exposures: ExposureCounts,
    times: Times,
    history: History,
    *,
    final: bool,
) -> Look | None:
    """Find the look that is due; None where none is."""
    design = plan.design
    fraction = sum(exposures.mature.values()) / design.planned_units
    newest = history.newest_at
    backwards = newest is not None and times.as_of < newest and not history.is_repeat
    if design.monitoring_mode == MonitoringMode.FIXED_END or backwards or not fraction:
        return None
    always = design.monitoring_mode == MonitoringMode.ALWAYS_VALID
    last = history.looks[-1].fraction if history.looks else 0.0
    due = [share for share in design.planned_looks if last < share <= fraction]
    due = [share for share in due if share < 1]
    if not final and not (_week_is_over(exposures, times) and (always or due)):
        return None
    time = fraction if fraction < 1 or always else max(due, default=last)
    if final:
        time = _spending_time(plan, fraction, times, history)
    return Look(
        mode=design.monitoring_mode,
        number=len(history.looks) + 1,
        planned=0 if always else len(design.planned_looks),
        fraction=fraction,
        time=time,
        is_last=final,
        later=() if final else tuple(s for s in design.planned_looks if s > fraction),
        past=history.looks,
    )


def _spending_time(
    plan: Plan, fraction: float, times: Times, history: History
) -> float:
    """How much of the false alarms the last look may use: 1 is all of them.

    Who has seen an estimate may end enrolment because of it; then only what the size
    reached allows is spent. An end that was planned, or that came before anybody saw
    anything, is no choice of that kind.
    """
    design = plan.design
    planned_close = design.enrolment_ends_at
    if design.unit == Unit.ACCOUNT:
        planned_close = planned_close or design.planned_end_at
    closed_by_plan = times.closes_at is None or (
        planned_close is not None and times.closes_at >= planned_close
    )
    if not history.looks or fraction >= 1 or closed_by_plan:
        return 1.0
    return fraction


def _week_is_over(exposures: ExposureCounts, times: Times) -> bool:
    if times.data_cutoff is None or exposures.first_at is None:
        return True
    return times.data_cutoff - exposures.first_at >= WEEK


def _next_look(plan: Plan, look: Look | None, history: History) -> float | None:
    """Share of the planned size at which the next look comes; None on any day."""
    if plan.design.monitoring_mode == MonitoringMode.ALWAYS_VALID:
        return None
    done = history.looks[-1].fraction if history.looks else 0.0
    if look is not None:
        done = look.fraction
    return next((share for share in plan.design.planned_looks if share > done), 1.0)


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


def _due_at(
    plan: Plan, exposures: ExposureCounts, times: Times, share: float | None = 1.0
) -> datetime | None:
    """When a share of the planned size is expected to be old enough."""
    known = needed_at(plan, exposures, times)
    early = share is not None and share < 1
    if times.data_cutoff is None or (known is not None and not early):
        return known
    if early:
        return _at_pace(plan, exposures, times, share or 1.0) or known
    # Customers still come, and those of today have yet to grow old enough.
    grown = times.data_cutoff + deciding_maturity(plan)
    planned_end = max(plan.design.planned_end_at, grown)
    if exposures.first_at is None or not exposures.units:
        return planned_end
    if plan.design.unit == Unit.ACCOUNT and times.closes_at is not None:
        return times.closes_at + deciding_maturity(plan)
    is_paced = times.data_cutoff - exposures.first_at >= LEAST_WATCHED
    full_at = _at_pace(plan, exposures, times, 1.0) if is_paced else planned_end
    return None if full_at is None else max(planned_end, full_at)


def _at_pace(
    plan: Plan, exposures: ExposureCounts, times: Times, share: float
) -> datetime | None:
    """When a share of the planned size is old enough, at the pace so far."""
    if times.data_cutoff is None or exposures.first_at is None or not exposures.units:
        return None
    watched = times.data_cutoff - exposures.first_at
    wanted = share * plan.design.planned_units
    needed = watched.total_seconds() * wanted / exposures.units
    if watched < LEAST_WATCHED or needed > FARTHEST.total_seconds():
        return None
    grown = exposures.first_at + timedelta(seconds=needed) + deciding_maturity(plan)
    return grown if share >= 1 else max(grown, exposures.first_at + WEEK)
