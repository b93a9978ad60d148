"""All trust checks of a run, in the order of their names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from analysis import wording
from analysis.cells import Summaries
from analysis.cutoff import Cutoff
from analysis.health import alike, exposing, fresh, planned
from analysis.health.check import Check
from analysis.health.split import split_checks
from analysis.leaving import ERASED, OPTED_OUT, balance
from analysis.stats.satisfaction import ResponseBalance
from experiments.assigned_view import Assigned
from experiments.plan import Plan
from experiments.vocabulary import HealthCheck


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the checks look at beside the summaries.

    Attributes:
        plan_is_intact: the stored plan still has the hash it was locked with.
        cutoff: up to when data are complete; None for a unit table.
        needed_at: data up to here are needed for the answer; None while that is open.
        as_of: when the analysis was made.
        pauses: (from, to) of each pause; None has not ended.
        responses: survey metric's name -> balance of each treatment with control.
        erased: variant -> customers who were erased after they had seen it.
        assigned: customers that the doors have assigned, as long as the trail goes.
    """

    plan_is_intact: bool
    cutoff: Cutoff | None
    needed_at: datetime | None
    as_of: datetime
    pauses: Sequence[tuple[datetime, datetime | None]] = ()
    responses: Mapping[str, Sequence[ResponseBalance]] = field(default_factory=dict)
    erased: Mapping[str, int] = field(default_factory=dict)
    assigned: Assigned = field(default_factory=Assigned)


def check(plan: Plan, summaries: Summaries, around: Circumstances) -> list[Check]:
    """Make the checks that need no estimate.

    Args:
        plan: the locked plan.
        summaries: who is in, and who had to be left out.
        around: plan, data and pauses.

    Returns:
        One check for each `HealthCheck` but those of the answer, in its order.
    """
    exposures, makeup = summaries.exposures, summaries.makeup
    has_times = summaries.has_times
    until = around.as_of if around.cutoff is None else around.cutoff.at
    of_units = [
        *split_checks(plan, exposures, makeup, until, has_times=has_times),
        exposing.two_variants(exposures),
        exposing.contradicting(plan, exposures),
        exposing.unknown_variants(exposures),
        exposing.delay(plan, makeup, has_times=has_times),
    ]
    unit = plan.design.unit
    left = around.erased, exposures.opted_out_by
    return [
        *(replace(c, sentence=wording.of_units(c.sentence, unit)) for c in of_units),
        exposing.pace(plan, makeup),
        alike.alike_before(plan, summaries),
        alike.followed_alike(plan, summaries),
        planned.plan_intact(around.plan_is_intact),
        fresh.freshness(around.cutoff, around.needed_at, around.as_of),
        fresh.answering(around.responses),
        planned.breaks(around.pauses),
        planned.pre_registered(plan),
        planned.reviewed(plan),
        Check(HealthCheck.ERASURES, *balance(plan, left[0], ERASED)),
        Check(HealthCheck.OPT_OUTS, *balance(plan, left[1], OPTED_OUT)),
        fresh.from_assignment_to_outcome(plan, summaries, around.assigned.by_variant),
    ]
