"""Outcomes of customers on their way out of the database: counted, and added up."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from analysis.cohort import Places
from analysis.customer_outcomes import CustomerOutcomes
from analysis.event_rows import Column, Rows, replaced
from analysis.measure import Gauge, Mark, Measure, OutcomeCount, Share
from analysis.numbers import NumberSums, is_number, sums_of
from analysis.orders import Orders, orders_of
from analysis.trail_query import TrailQuery
from experiments.vocabulary import MetricKind

_GROUP = ("variant", "segments", "cluster")
_Key = tuple[str, str, int, float | None, int]  # of `_GROUP`, then value and mark
# Of each metric, by (variant, mask of segments): how often each outcome.
Counted = dict[str, dict[tuple[str, str], list[OutcomeCount]]]


@dataclass(frozen=True, slots=True)
class Measured:
    """What left the database, by metric; and how far customers came."""

    counted: Counted = field(default_factory=dict)
    numbers: dict[str, NumberSums] = field(default_factory=dict)
    orders: dict[str, Orders] = field(default_factory=dict)
    reached: Places | None = None


def measured_of(
    outcomes: CustomerOutcomes,
    measures: Mapping[str, Gauge],
    variants: Sequence[str],
    trail: TrailQuery | None,
) -> Measured:
    """Count equal outcomes of each metric, and add up those that are numbers.

    Args:
        outcomes: of the customers.
        measures: of the metrics, by key.
        variants: names of the declared ones.
        trail: counts how far customers came, where that is wanted.

    Returns:
        Both, by key of the metric.
    """
    few = {key: m for key, m in measures.items() if isinstance(m, Measure)}
    numbers = {key: m for key, m in measures.items() if is_number(m)}
    totals: dict[str, Counter[_Key]] = {key: Counter() for key in few}
    for bucket in outcomes.buckets:
        table = outcomes.of(bucket, measures.values(), trail=trail)
        _count(table, few, totals)
        if trail is not None:
            trail.take(table)
        if numbers:
            _keep(outcomes, table, is_first=bucket is outcomes.buckets[0])
    counted = {key: _grouped(counter) for key, counter in totals.items()}
    reached = None if trail is None else trail.result()
    if not numbers:
        return Measured(counted, reached=reached)
    kept = _kept(outcomes)
    summed = sums_of(kept, list(numbers.values()))
    membership = outcomes.membership
    return Measured(
        counted,
        {key: summed[gauge.name] for key, gauge in numbers.items()},
        {
            key: orders_of(kept, gauge, summed[gauge.name], membership, variants)
            for key, gauge in numbers.items()
            if gauge.definition.kind == MetricKind.VALUE_QUANTILE
        },
        reached,
    )


def _keep(outcomes: CustomerOutcomes, table: Rows, *, is_first: bool) -> None:
    """Keep the outcomes of all buckets: their ranges are needed before the sums."""
    if len(outcomes.buckets) == 1:
        return
    if is_first:
        replaced(outcomes.connection, "numbers", table)
    else:
        outcomes.connection.insert("numbers", table)


def _kept(outcomes: CustomerOutcomes) -> Rows:
    is_one = len(outcomes.buckets) == 1
    return outcomes.connection.table("outcomes" if is_one else "numbers")


def _count(
    table: Rows, measures: Mapping[str, Measure], totals: Mapping[str, Counter[_Key]]
) -> None:
    """Count the equal outcomes of a table: of all shares in one pass."""
    shares = {key: m for key, m in measures.items() if isinstance(m, Share)}
    for key, found in _shares(table, shares) if shares else ():
        totals[key][found[:-1]] += found[-1]
    for key, measure in measures.items():
        if key not in shares:
            for found in _equal_outcomes(table, measure):
                totals[key][found[:-1]] += found[-1]


def _equal_outcomes(table: Rows, measure: Gauge) -> list[Any]:
    columns = [*_GROUP, f"{measure.name}_value", f"{measure.name}_mark"]
    found = table.group_by(columns).agg(n=table.count()).to_pyarrow()
    return list(zip(*(column.to_pylist() for column in found.columns), strict=True))


def _shares(
    table: Rows, shares: Mapping[str, Share]
) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Count yes, no and nothing of each share: (key, outcome and how often)."""
    asked: dict[str, Column] = {"n": table.count()}
    for measure in shares.values():
        value, mark = table[f"{measure.name}_value"], table[f"{measure.name}_mark"]
        asked[f"{measure.name}_known"] = value.count()
        asked[f"{measure.name}_yes"] = value.sum()
        asked[f"{measure.name}_young"] = (mark == int(Mark.IMMATURE)).sum()
    for row in table.group_by(_GROUP).agg(**asked).to_pyarrow().to_pylist():
        group = tuple(row[name] for name in _GROUP)
        for key, measure in shares.items():
            known, yes, young = (
                int(row[f"{measure.name}_{name}"] or 0)
                for name in ("known", "yes", "young")
            )
            missing = row["n"] - known - young
            outcomes = (
                (1.0, Mark.PLAIN, yes),
                (0.0, Mark.PLAIN, known - yes),
                (None, Mark.PLAIN, missing),
                (None, Mark.IMMATURE, young),
            )
            yield from (
                (key, (*group, value, int(mark), n)) for value, mark, n in outcomes if n
            )


def _grouped(counter: Counter[_Key]) -> dict[tuple[str, str], list[OutcomeCount]]:
    groups: dict[tuple[str, str], list[OutcomeCount]] = defaultdict(list)
    for (variant, mask, cluster, value, mark), count in counter.items():
        groups[variant, mask].append(OutcomeCount(value, mark, count, cluster))
    return dict(groups)
