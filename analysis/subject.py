"""What the database says about an experiment that is to be analysed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from analysis import wording
from analysis.cells import Earlier
from analysis.cutoff import Source, read_sources
from analysis.looks import History, PastLook, traces_from_json
from experiments import catalog, data_requests, opt_outs, segments
from experiments.errors import Conflict
from experiments.models import (
    AnalysisRun,
    Experiment,
    ExpiredExposure,
    ListedUnit,
    Look,
    PlanRow,
    PreviewLink,
    RulesetRow,
)
from experiments.plan import Plan, PlannedSegment, plan_from_json, sha256_of
from experiments.vocabulary import AssignedBy, RunState, Unit

MOST_UNDECLARED = 10  # segments that are tried beside the plan's


@dataclass(frozen=True, slots=True)
class Subject:
    """An experiment with its locked plan, as of one moment.

    Attributes:
        experiment_id: of its row.
        plan: as it was locked.
        plan_sha256: the hash it was locked with.
        plan_is_intact: whether the stored plan still has that hash.
        closes_at: exposures from here on do not count; None while enrolment is open.
        pauses: (from, to) of each pause; None has not ended.
        sources: of production events.
        earlier: the last good run before this one.
        ruleset_revision: in force.
        erased: variant -> customers who were erased and had seen it.
        earlier_from: when the first phase began; None in the first phase.
        listed: pseudonyms of who was ever on one of its lists by hand.
        previews: whether there ever was a preview link of it.
        opted_out: pseudonyms of who takes, or for a while took, no part.
        history: looks at the estimates that were taken before.
        undeclared: segments that the plan does not name, as they are now.
    """

    experiment_id: int
    plan: Plan
    plan_sha256: str
    plan_is_intact: bool
    closes_at: datetime | None
    pauses: tuple[tuple[datetime, datetime | None], ...]
    sources: tuple[Source, ...]
    earlier: Earlier | None
    ruleset_revision: int | None
    erased: Mapping[str, int] = field(default_factory=dict)
    earlier_from: datetime | None = None
    listed: tuple[bytes, ...] = ()
    previews: bool = False
    opted_out: tuple[bytes, ...] = ()
    history: History = field(default_factory=History)
    undeclared: tuple[PlannedSegment, ...] = ()

    @property
    def breaks(self) -> tuple[tuple[datetime, datetime | None], ...]:
        """Pauses in which exposures do not count: those that Abide made control."""
        ours = self.plan.design.assigned_by == AssignedBy.ABIDE
        return self.pauses if ours else ()


def read_subject(session: Session, key: str, as_of: datetime) -> Subject:
    """Read an experiment for its analysis.

    Args:
        session: any session.
        key: of the experiment.
        as_of: when the analysis is made.

    Returns:
        The subject.

    Raises:
        Conflict: it has not started, so there is no plan to analyse by.
    """
    experiment = catalog.get(session, key)
    row = session.scalar(
        select(PlanRow).where(
            PlanRow.experiment_id == experiment.id, PlanRow.phase == experiment.phase
        )
    )
    if row is None:
        raise Conflict(f'"{key}" has not started, so there is nothing to analyse yet.')
    plan = plan_from_json(row.body)
    _refuse_expired(session, plan)
    ends = [experiment.enrolment_ends_at, experiment.stopped_at, experiment.decided_at]
    if plan.design.unit == Unit.ACCOUNT:
        ends.append(plan.design.planned_end_at)
    return Subject(
        experiment_id=experiment.id,
        plan=plan,
        plan_sha256=row.sha256,
        plan_is_intact=sha256_of(row.body) == row.sha256,
        closes_at=min((end for end in ends if end is not None), default=None),
        pauses=tuple(
            (p.paused_at, p.resumed_at)
            for p in experiment.pauses
            if p.resumed_at is None or p.resumed_at > row.locked_at  # of this phase
        ),
        sources=tuple(read_sources(session)),
        earlier=_earlier(session, row, as_of),
        ruleset_revision=session.scalar(select(func.max(RulesetRow.revision))),
        erased={
            row.variant: row.customer_count
            for row in data_requests.erased_exposures(session, key)
        },
        earlier_from=None if row.phase == 1 else _first_lock(session, experiment),
        listed=tuple(
            session.scalars(
                select(ListedUnit.pseudonym)
                .where(ListedUnit.experiment_id == experiment.id)
                .distinct()
                .order_by(ListedUnit.pseudonym)
            )
        ),
        opted_out=opt_outs.set_aside(session, plan.exposures_from),
        previews=session.scalar(
            select(PreviewLink.id)
            .where(PreviewLink.experiment_id == experiment.id)
            .limit(1)
        )
        is not None,
        history=_history(session, row, as_of),
        undeclared=tuple(
            segments.most_used(
                session, {segment.key for segment in plan.segments}, MOST_UNDECLARED
            )
        ),
    )


def past_look(row: Look) -> PastLook:
    """Read a look as it was stored."""
    return PastLook(
        number=row.number,
        as_of=row.as_of,
        mature_units=row.mature_units,
        fraction=row.fraction,
        spent=row.spent,
        ended=row.ended,
        run_id=row.run_id,
        traces=traces_from_json(row.readings),
    )


def _history(session: Session, plan: PlanRow, as_of: datetime) -> History:
    rows = session.scalars(
        select(Look)
        .where(
            Look.experiment_id == plan.experiment_id,
            Look.plan_sha256 == plan.sha256,
            Look.as_of <= as_of,
        )
        .order_by(Look.number)
    ).all()
    newest = session.scalar(
        select(func.max(AnalysisRun.as_of)).where(
            AnalysisRun.experiment_id == plan.experiment_id,
            AnalysisRun.plan_sha256 == plan.sha256,
            AnalysisRun.state == RunState.DONE.value,
        )
    )
    return History(
        looks=tuple(past_look(row) for row in rows if row.as_of < as_of),
        newest_at=newest,
        is_repeat=any(row.as_of == as_of for row in rows),
    )


def _first_lock(session: Session, experiment: Experiment) -> datetime | None:
    return session.scalar(
        select(func.min(PlanRow.locked_at)).where(
            PlanRow.experiment_id == experiment.id
        )
    )


def _refuse_expired(session: Session, plan: Plan) -> None:
    """Let no analysis of what is left take the place of one of all events."""
    key = plan.design.key
    expired = session.get(ExpiredExposure, key)
    if expired is not None and plan.exposures_from < expired.received_before:
        until = wording.date_time(expired.received_before)
        raise Conflict(
            f'Events of "{key}" that came before {until} were deleted for their age,'
            " so it cannot be analysed again. Its last results stay."
        )


def _earlier(session: Session, plan: PlanRow, as_of: datetime) -> Earlier | None:
    run = session.scalar(
        select(AnalysisRun)
        .where(
            AnalysisRun.experiment_id == plan.experiment_id,
            AnalysisRun.plan_sha256 == plan.sha256,
            AnalysisRun.state == RunState.DONE.value,
            AnalysisRun.as_of < as_of,
            AnalysisRun.data_cutoff.is_not(None),
        )
        .order_by(AnalysisRun.as_of.desc(), AnalysisRun.id.desc())
        .limit(1)
    )
    if run is None or run.data_cutoff is None:
        return None
    return Earlier(run.as_of, run.data_cutoff)
