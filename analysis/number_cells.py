"""From sums of numbers to cells: one for each variant and reported segment."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from analysis.cells import Cell
from analysis.membership import Membership
from analysis.numbers import GroupSums, NumberSums
from analysis.orders import Orders
from analysis.stats.amounts import Amounts
from analysis.stats.fixed_point import (
    Grid,
    Sums,
    added,
    vector_of,
)
from analysis.stats.ratio import linearised
from analysis.stats.summary import Moments, VectorMoments
from experiments.plan import Plan, PlannedMetric
from experiments.vocabulary import EVERYBODY, MetricKind, Unit


def amounts_of(
    plan: Plan,
    metric: PlannedMetric,
    sums: NumberSums,
    membership: Membership,
    orders: Orders | None = None,
) -> dict[tuple[str, str], Amounts]:
    """Summarise one metric for everybody and for each reported segment.

    Args:
        plan: names the variants.
        metric: of the plan.
        sums: of its groups.
        membership: reads the masks of segments.
        orders: of a quantile, its order statistics.

    Returns:
        (variant, segment) -> amounts, also where nobody was found.
    """
    found: dict[tuple[str, str], list[GroupSums]] = defaultdict(list)
    for (variant, mask), groups in sums.groups.items():
        for label in (EVERYBODY, *membership.labels_of(mask)):
            found[variant, label] += groups
    is_ratio = metric.definition.kind == MetricKind.RATIO
    by_account = plan.design.unit == Unit.ACCOUNT
    amounts = {}
    for label in (EVERYBODY, *membership.labels):
        for spec in plan.design.variants:
            groups = found[spec.name, label]
            one = _amounts(groups, sums)
            if label == EVERYBODY:
                one = replace(one, top_share=sums.top_share)
            if by_account:
                one = replace(one, accounts=_accounts(groups, sums.grids, is_ratio))
            if orders is not None:
                one = replace(one, order=orders[spec.name, label])
            amounts[spec.name, label] = one
    return amounts


def amount_cells(
    metric: PlannedMetric, amounts: Mapping[tuple[str, str], Amounts]
) -> list[Cell]:
    """Make the cells of a metric that is an amount.

    Args:
        metric: of the plan.
        amounts: of `amounts_of`.

    Returns:
        A cell for each variant and segment, in their order.
    """
    is_ratio = metric.definition.kind == MetricKind.RATIO
    return [
        Cell(
            metric=metric.choice.metric,
            variant=variant,
            segment=segment,
            summary=_ratio(one.vector) if is_ratio else one.vector.outcome,
            n_immature=one.vector.n_immature,
            amounts=one,
        )
        for (variant, segment), one in amounts.items()
    ]


def with_amounts(
    cells: Iterable[Cell], amounts: Mapping[tuple[str, str], Amounts]
) -> list[Cell]:
    """Put what is adjusted beside the cells of a metric of few outcomes."""
    return [
        replace(cell, amounts=amounts[cell.variant, cell.segment]) for cell in cells
    ]


def vector_of_groups(groups: Sequence[GroupSums], sums: NumberSums) -> VectorMoments:
    """Moments of some groups of customers together, capped where there is a cap.

    Args:
        groups: of one variant.
        sums: of the metric, whose grids the groups are on.

    Returns:
        The outcome first, then what is below a ratio's line, or the covariates.
    """
    low, high = _ends(groups)
    return replace(
        vector_of(
            added([group.capped for group in groups], len(sums.grids)), sums.grids
        ),
        minimum=_capped(low, sums.cap),
        maximum=_capped(high, sums.cap),
        **_counts(groups),
    )


def _amounts(groups: Sequence[GroupSums], sums: NumberSums) -> Amounts:
    low, high = _ends(groups)
    whole = vector_of(added([group.raw for group in groups], 1), (sums.raw_grid,))
    return Amounts(
        vector=vector_of_groups(groups, sums),
        raw=replace(whole.outcome, minimum=low, maximum=high, **_counts(groups)),
        cap=sums.cap,
    )


def _counts(groups: Sequence[GroupSums]) -> dict[str, Any]:
    return {
        f"n_{name}": sum(group.counts[name] for group in groups)
        for name in ("immature", "missing", "nonfinite")
    }


def _ends(groups: Sequence[GroupSums]) -> tuple[float | None, float | None]:
    lows = [group.low for group in groups if group.low is not None]
    highs = [group.high for group in groups if group.high is not None]
    return min(lows, default=None), max(highs, default=None)


def _capped(value: float | None, cap: float | None) -> float | None:
    return value if value is None or cap is None else min(value, cap)


def _ratio(vector: VectorMoments) -> Moments:
    """A ratio's moments; without anything below the line it has no value."""
    if vector.mean[1]:
        return linearised(vector)
    return Moments(0, 0.0, 0.0, n_missing=vector.n, n_immature=vector.n_immature)


@dataclass(frozen=True, slots=True)
class _Scale:
    """Whole numbers of one column, exactly: value x 2^power = offset + z x step."""

    power: int
    offset: int  # of each customer
    step: int

    @classmethod
    def of(cls, grid: Grid) -> "_Scale":
        centre = Fraction(grid.centre)
        power = max(centre.denominator.bit_length() - 1, grid.exponent, 0)
        offset = int(centre * 2**power)
        return cls(power, offset, 2 ** (power - grid.exponent))


def _accounts(
    groups: Sequence[GroupSums],
    grids: tuple[Grid, ...],
    is_ratio: bool,  # noqa: FBT001  # a fact
) -> VectorMoments:
    """Moments over accounts of what their customers have together, and of how many."""
    by_account: dict[int, list[GroupSums]] = defaultdict(list)
    for group in groups:
        if group.counts["n"]:
            by_account[group.cluster].append(group)
    top = _Scale.of(grids[0])
    bottom = _Scale.of(grids[1]) if is_ratio else _Scale(0, 1, 0)
    rows = []
    for parts in by_account.values():
        total = added([part.capped for part in parts], len(grids))
        below = total.sums[1] if is_ratio else 0
        rows.append(
            (
                total.n * top.offset + total.sums[0] * top.step,
                total.n * bottom.offset + below * bottom.step,
            )
        )
    sums = Sums(
        len(rows),
        (sum(y for y, _ in rows), sum(x for _, x in rows)),
        (
            sum(y * y for y, _ in rows),
            sum(y * x for y, x in rows),
            sum(x * x for _, x in rows),
        ),
    )
    return vector_of(sums, (Grid(0.0, top.power), Grid(0.0, bottom.power)))
