"""What crosses from the warehouse to statistics: one summary per cell, never rows."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from analysis.exposure_counts import ExposureCounts
from analysis.makeup import Makeup
from analysis.measure import Mark, Measure, OutcomeCount
from analysis.membership import Membership
from analysis.stats.amounts import Amounts
from analysis.stats.clusters import Clusters, clusters_of
from analysis.stats.part import Part
from analysis.stats.response_weighting import Stratum
from analysis.stats.summary import Histogram, Summary
from analysis.trail import Trail
from experiments.plan import Plan
from experiments.vocabulary import EVERYBODY, Role, Unit

DECIDING_ROLES = frozenset({Role.PRIMARY, Role.GUARDRAIL})

# By (variant, mask of segments): how often each outcome of one metric.
Groups = Mapping[tuple[str, str], Iterable[OutcomeCount]]


@dataclass(frozen=True, slots=True)
class Cell:
    """What one metric looks like in one variant, for everybody or in one segment."""

    metric: str  # key
    variant: str
    segment: str  # label of a reported segment, or EVERYBODY
    summary: Summary
    n_immature: int  # customers too young to be in the summary
    clusters: Clusters | None = None  # where accounts are drawn
    strata: tuple[Stratum, ...] = ()  # of a survey, everybody by declared segments
    amounts: Amounts | None = None  # of numbers: amounts, and what is adjusted
    # Of everybody, by what was known before; see analysis.parts.
    within: tuple[Part, ...] = ()  # strata, where the plan compares within them
    folds: tuple[Part, ...] = ()  # strata and folds, where a rule may be learned


@dataclass(frozen=True, slots=True)
class Summaries:
    """All that statistics need to know about one experiment.

    Attributes:
        cells: one for each metric, variant and reported segment, in the plan's order.
        exposures: who is in, and who had to be left out.
        late_event_count: events that came after the earlier run, for a time that it
            had taken as complete; None where there was no earlier run.
        failed: metric key -> what went wrong while it was measured; it has no cells.
        trail: how far customers came from exposure to an outcome; None where there are
            no times.
        makeup: what the trust checks compare variants by.
        has_times: False for a unit table, which has outcomes but no event times.
    """

    cells: tuple[Cell, ...]
    exposures: ExposureCounts
    late_event_count: int | None = None
    failed: dict[str, str] = field(default_factory=dict)
    trail: Trail | None = None
    has_times: bool = True
    makeup: Makeup = field(default_factory=Makeup)

    def arms(self, metric: str, segment: str = EVERYBODY) -> dict[str, Cell]:
        """Find the cells of one metric and segment, by variant."""
        return {
            cell.variant: cell
            for cell in self.cells
            if cell.metric == metric and cell.segment == segment
        }


@dataclass(frozen=True, slots=True)
class Earlier:
    """What an earlier run took as complete."""

    as_of: datetime
    data_cutoff: datetime


def deciding_maturity(plan: Plan) -> timedelta:
    """How long after exposure all metrics that decide are known.

    Secondary metrics do not hold up an answer: they are read on the customers who are
    old enough for them.
    """
    deciding = [m for m in plan.metrics if m.choice.role in DECIDING_ROLES]
    return max(m.definition.maturity for m in deciding)


def roll_up(
    plan: Plan, metric: str, measure: Measure, groups: Groups, membership: Membership
) -> list[Cell]:
    """Summarise one metric for everybody and for each reported segment.

    Args:
        plan: names the variants.
        metric: its key.
        measure: decodes the outcomes.
        groups: how often each outcome.
        membership: reads the masks of segments.

    Returns:
        A cell for each variant and segment, also where nobody was found.
    """
    counts: dict[tuple[str, str], list[OutcomeCount]] = defaultdict(list)
    for (variant, mask), outcomes in groups.items():
        for label in (EVERYBODY, *membership.labels_of(mask)):
            counts[variant, label] += outcomes
    cells = []
    for label in (EVERYBODY, *membership.labels):
        for spec in plan.design.variants:
            found = counts[spec.name, label]
            clusters = _clusters(plan, found)
            summary, n_immature = measure.decode(found)
            strata: tuple[Stratum, ...] = ()
            if label == EVERYBODY and isinstance(summary, Histogram):
                strata = _strata(spec.name, measure, groups)
            cells.append(
                Cell(metric, spec.name, label, summary, n_immature, clusters, strata)
            )
    return cells


def _strata(variant: str, measure: Measure, groups: Groups) -> tuple[Stratum, ...]:
    """Keep the answers apart by the segments customers were in before exposure."""
    strata = []
    for (name, mask), outcomes in sorted(groups.items(), key=lambda group: group[0]):
        if name == variant:
            summary, _ = measure.decode(outcomes)
            if isinstance(summary, Histogram):
                strata.append(Stratum(tuple(map(float, mask)), summary))
    return tuple(strata)


def _clusters(plan: Plan, counts: Iterable[OutcomeCount]) -> Clusters | None:
    """Keep how customers lie in accounts, where accounts are drawn."""
    if plan.design.unit != Unit.ACCOUNT:
        return None
    return clusters_of(
        (each.cluster, (_finite(each.value), each.mark), each.customers)
        for each in counts
        if each.mark != Mark.IMMATURE
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
