"""Order statistics of amounts: a quantile of each variant and segment, and its error.

A quantile is no sum, so segments cannot be put together from masks: each variant and
segment is asked for its own three values (`stats.quantiles.ranks`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping

import ibis
import ibis.expr.datatypes as dt

from analysis.measure import Column, Gauge, Mark, Rows
from analysis.membership import Membership
from analysis.numbers import NumberSums
from analysis.stats.estimate import NotComputable
from analysis.stats.quantiles import OrderStatistics, ranks
from experiments.vocabulary import EVERYBODY

Orders = Mapping[tuple[str, str], OrderStatistics]


@ibis.udf.agg.builtin  # type: ignore[untyped-decorator]  # Ibis has no types
def quantile_disc(value: dt.float64, share: dt.float64) -> dt.float64:
    """The value at a rank, DuckDB's own: of rank r of n at the share (r - 1/2) / n."""


def orders_of(
    table: Rows,
    gauge: Gauge,
    sums: NumberSums,
    membership: Membership,
    variants: Iterable[str],
) -> Orders:
    """Read the order statistics of one metric.

    Args:
        table: one row a customer: variant, segments, and the metric's value and mark.
        gauge: of the metric, a quantile.
        sums: how many customers of each group have a finite amount.
        membership: knows the masks of segments.
        variants: names of the declared ones.

    Returns:
        (variant, segment) -> order statistics.
    """
    sizes = _sizes(sums, membership)
    value, mark = table[f"{gauge.name}_value"], table[f"{gauge.name}_mark"]
    counts = (mark != int(Mark.IMMATURE)) & value.notnull()
    counts &= ~(value.isnan() | value.isinf())
    counts = counts.fill_null(False)  # noqa: FBT003  # the value itself
    share = gauge.definition.quantile_share
    labels = (EVERYBODY, *membership.labels)
    asked: dict[str, Column] = {}
    cells = [(v, i) for v in variants for i in range(len(labels))]
    for place, (variant, i) in enumerate(cells):
        n = sizes[variant, labels[i], "n"]
        wanted = ranks(n, share)
        inside = counts & (table.variant == variant)
        if i:
            inside &= table.segments[i - 1] == "1"
        if not isinstance(wanted, NotComputable):
            for name in ("low", "middle", "high"):
                at = (getattr(wanted, name) - 0.5) / n
                asked[f"{name}{place}"] = quantile_disc(value, at, where=inside)
    found = table.agg(**asked).to_pyarrow().to_pylist()[0] if asked else {}
    return {
        (variant, labels[i]): OrderStatistics(
            n=sizes[variant, labels[i], "n"],
            share=share,
            value=found.get(f"middle{place}"),
            low=found.get(f"low{place}"),
            high=found.get(f"high{place}"),
            n_missing=sizes[variant, labels[i], "missing"],
            n_immature=sizes[variant, labels[i], "immature"],
            n_nonfinite=sizes[variant, labels[i], "nonfinite"],
        )
        for place, (variant, i) in enumerate(cells)
    }


def _sizes(sums: NumberSums, membership: Membership) -> Counter[tuple[str, str, str]]:
    """Count customers by variant, segment and whether they have an amount."""
    sizes: Counter[tuple[str, str, str]] = Counter()
    for (variant, mask), groups in sums.groups.items():
        for label in (EVERYBODY, *membership.labels_of(mask)):
            for group in groups:
                for name, n in group.counts.items():
                    sizes[variant, label, name] += n
    return sizes
