"""Which estimators compare times that may be censored, and what stands beside them."""

from collections.abc import Callable
from dataclasses import dataclass

from analysis.cells import Cell
from analysis.stats.clustered import clustered_curve, clustered_days, clustered_retained
from analysis.stats.clustered_logrank import clustered_logrank
from analysis.stats.competing import CompetingTable
from analysis.stats.estimate import NotComputable, Outcome
from analysis.stats.hazards import HazardRatio, hazard_ratio
from analysis.stats.incidence import (
    Table,
    days_free_difference,
    incidence_curve,
    incidence_difference,
    one_cause,
    other_causes,
)
from analysis.stats.medians import median_difference
from analysis.stats.summary import LifeTable, Summary
from analysis.stats.survival import (
    CurvePoint,
    LogRank,
    kaplan_meier,
    km_difference,
    logrank,
    rmst_difference,
)
from experiments.metric_definition import CANCELLATIONS, MetricDefinition
from experiments.vocabulary import MetricKind, Reason

Shielded = Callable[[Callable[[], Outcome]], Outcome]


@dataclass(frozen=True, slots=True)
class FollowedMore:
    """Further read-outs of a time, for the analyst.

    Attributes:
        shares: what is said of the planned day, each under its own name: the share not
            churned, the share that had the event, or the one that left otherwise.
        log_rank: whether the whole curves differ; of the cause's own hazard, where
            another cause competes with it.
        hazards: how much faster one group has the event, with the check that this is
            the same all the time.
        median: difference of the times until half had the event; None where the
            metric is not about how soon something comes.
    """

    shares: dict[str, Outcome]
    log_rank: LogRank | NotComputable
    hazards: HazardRatio | NotComputable
    median: Outcome | None = None


def is_followed(summary: Summary) -> bool:
    """Say whether a summary is about times that may be censored."""
    return isinstance(summary, (LifeTable, CompetingTable))


def compare_followed(
    definition: MetricDefinition, control: Cell, treatment: Cell, level: float
) -> Outcome:
    """Compare two variants by the estimator of the metric's kind.

    Args:
        definition: of the metric.
        control: with a life table, with or without competing causes.
        treatment: likewise.
        level: confidence level, 0 to 1.

    Returns:
        The estimate or the reason why there is none. A share that cancelled is the
        cumulative incidence on the planned day; a time, its restricted mean until then.
    """
    c, t = _tables(control, treatment)
    day = definition.day
    ours, theirs = control.clusters, treatment.clusters
    if ours is not None and theirs is not None:
        plain = isinstance(c, LifeTable) and isinstance(t, LifeTable)
        if not plain or definition.kind == MetricKind.CANCELLATION:
            return NotComputable(Reason.NOT_BY_ACCOUNT)
        return clustered_days((_life(c), ours), (_life(t), theirs), day, level)
    if definition.kind == MetricKind.CANCELLATION:
        return incidence_difference(c, t, day, level)
    if isinstance(c, LifeTable) and isinstance(t, LifeTable):
        return rmst_difference(c, t, day, level)
    return days_free_difference(c, t, day, level)


def further(
    definition: MetricDefinition,
    control: Cell,
    treatment: Cell,
    level: float,
    shielded: Shielded,
) -> FollowedMore:
    """Work out what stands beside the estimate of a time.

    Args:
        definition: of the metric.
        control: with a life table, with or without competing causes.
        treatment: likewise.
        level: confidence level, 0 to 1.
        shielded: turns an estimator that raises into a reason.

    Returns:
        The read-outs, each an estimate or a reason.
    """
    c, t = _tables(control, treatment)
    day = definition.day
    ours, theirs = control.clusters, treatment.clusters
    if ours is not None and theirs is not None:
        return _further_by_account(definition, control, treatment, level, shielded)
    plain = [
        one_cause(each) if isinstance(each, CompetingTable) else each for each in (c, t)
    ]
    shares: dict[str, Outcome] = {}
    if definition.kind == MetricKind.TIME_TO_CHURN:
        shares["share_retained"] = shielded(
            lambda: km_difference(_life(c), _life(t), day, level)
        )
    elif definition.kind != MetricKind.CANCELLATION:
        shares["share_with_event"] = shielded(
            lambda: incidence_difference(c, t, day, level)
        )
    if isinstance(c, CompetingTable) and isinstance(t, CompetingTable):
        left = other_causes(c), other_causes(t)
        shares["share_left_otherwise"] = shielded(
            lambda: incidence_difference(*left, day, level)
        )
    median = None
    if definition.kind == MetricKind.TIME_TO_EVENT:
        median = shielded(lambda: median_difference(c, t, day, level))
    return FollowedMore(
        shares, logrank(plain), hazard_ratio(plain[0], plain[1], level), median
    )


def curve(
    definition: MetricDefinition, cell: Cell, level: float
) -> tuple[CurvePoint, ...] | NotComputable | None:
    """Draw a variant's curve, point by point.

    Args:
        definition: of the metric.
        cell: of the variant.
        level: confidence level of each point, 0 to 1.

    Returns:
        The share still there for a time to churn, else the share that had the event;
        the reason why there is none; None for metrics that have no curve.
    """
    summary = cell.summary
    if not isinstance(summary, (LifeTable, CompetingTable)):
        return None
    if cell.clusters is not None and summary.n:
        if isinstance(summary, CompetingTable):
            return NotComputable(Reason.NOT_BY_ACCOUNT)
        falling = clustered_curve(summary, cell.clusters, level)
        return falling if not rises(definition) else None
    if not rises(definition) and isinstance(summary, LifeTable):
        return kaplan_meier(summary, level)
    points = incidence_curve(summary, level)
    if isinstance(points, NotComputable):
        return points
    return tuple(
        CurvePoint(p.day, p.share, p.standard_error, p.interval, p.at_risk)
        for p in points
    )


def rises(definition: MetricDefinition) -> bool:
    """Say whether a metric's curve counts who had the event, not who has not."""
    return definition.kind in {*CANCELLATIONS, MetricKind.TIME_TO_EVENT}


def _further_by_account(
    definition: MetricDefinition,
    control: Cell,
    treatment: Cell,
    level: float,
    shielded: Shielded,
) -> FollowedMore:
    refused = NotComputable(Reason.NOT_BY_ACCOUNT)
    log_rank: LogRank | NotComputable = refused
    c, t = control.summary, treatment.summary
    ours, theirs = control.clusters, treatment.clusters
    share: Outcome = refused
    plain = isinstance(c, LifeTable) and isinstance(t, LifeTable)
    if plain and ours is not None and theirs is not None:
        sides = (_life(c), ours), (_life(t), theirs)
        share = shielded(lambda: clustered_retained(*sides, definition.day, level))
        log_rank = clustered_logrank(*sides)
    name = "share_without_event" if rises(definition) else "share_retained"
    median = refused if definition.kind == MetricKind.TIME_TO_EVENT else None
    return FollowedMore({name: share}, log_rank, refused, median)


def _tables(control: Cell, treatment: Cell) -> tuple[Table, Table]:
    c, t = control.summary, treatment.summary
    if isinstance(c, (LifeTable, CompetingTable)) and isinstance(
        t, (LifeTable, CompetingTable)
    ):
        return c, t
    raise TypeError(f"no curves in {type(c).__name__} and {type(t).__name__}")


def _life(summary: Summary) -> LifeTable:
    if not isinstance(summary, LifeTable):
        raise TypeError(f"{type(summary).__name__} is not a plain life table")
    return summary
