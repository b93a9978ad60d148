"""Outcomes that are numbers: their sums by group, exact, in two passes.

The first pass finds the range of each column over all customers, whatever their
variant, and the cap: a quantile over everybody, zeros too, so that it is blind to who
got what. The second adds up whole numbers (stats/fixed_point.py). What leaves the
database are a few sums for each variant and mask of segments, and for each account
where accounts are drawn.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations_with_replacement
from typing import Any

import ibis

from analysis.measure import Column, Gauge, Mark, Rows
from analysis.measures_value import AmountMeasure, Values, to_whole
from analysis.stats.fixed_point import Grid, Sums, grid_of
from experiments.metric_definition import MetricDefinition
from experiments.survey_kinds import DETRACTORS_TO, PROMOTERS_FROM
from experiments.vocabulary import MetricKind

TOP = 0.999  # above this quantile are the 0.1 % who have most
LEAST_TOP = 10  # customers among these; fewer tell nothing of a tail
_MEANS = frozenset({MetricKind.EVENT_COUNT, MetricKind.VALUE_SUM})
_HALF = 25  # bits of half a whole number
_LOW = (1 << _HALF) - 1
_COUNTS = ("n", "immature", "missing", "nonfinite")


@dataclass(frozen=True, slots=True)
class GroupSums:
    """One group of customers: a variant, a mask of segments, maybe one account.

    Attributes:
        counts: `n` with a finite outcome; `immature`, `missing`, `nonfinite` apart.
        capped: sums of the vector: outcome, then what is below a ratio's line or the
            covariates.
        raw: sums of the outcome as it was, before the cap.
        low: smallest outcome as it was.
        high: largest.
    """

    counts: dict[str, int]
    capped: Sums
    raw: Sums
    low: float | None
    high: float | None
    cluster: int = 0


@dataclass(frozen=True, slots=True)
class NumberSums:
    """One metric: the grids of its columns and the sums of its groups.

    `cap` is the amount above which outcomes count as that; None caps nothing.
    `top_share` is the share of the sum, as it was before the cap, that the 0.1 % of
    customers with the most bring; None where they are too few, or it is not a mean.
    """

    grids: tuple[Grid, ...]
    raw_grid: Grid
    cap: float | None
    groups: dict[tuple[str, str], list[GroupSums]] = field(default_factory=dict)
    top_share: float | None = None


def is_number(gauge: Gauge) -> bool:
    """Whether sums are wanted of a metric: amounts, and what is adjusted."""
    return isinstance(gauge, AmountMeasure) or gauge.definition.covariate_days > 0


def number_columns(gauge: Gauge, units: Rows) -> dict[str, Column]:
    """Tell what the sums need of each customer beside value and mark.

    Args:
        gauge: of the metric.
        units: one row a customer, with what was gathered.

    Returns:
        Column name -> column.
    """
    columns = {}
    if isinstance(gauge, AmountMeasure) and gauge.definition.kind == MetricKind.RATIO:
        columns[gauge.per_name] = gauge.below(units)
    if gauge.definition.covariate_days:
        for name in (f"{gauge.name}_before", f"{gauge.name}_unknown"):
            columns[name] = units[name].cast("float64")
    return columns


def sums_of(table: Rows, gauges: Sequence[Gauge]) -> dict[str, NumberSums]:
    """Add up the outcomes of all customers.

    Args:
        table: one row a customer: variant, segments, cluster, and of each metric its
            value and mark and `number_columns`.
        gauges: of the metrics.

    Returns:
        Name of the gauge -> its sums.
    """
    columns = [_Columns(gauge, table) for gauge in gauges]
    asked = {k: v for one in columns for k, v in one.ranges().items()}
    [found] = table.agg(**asked).to_pyarrow().to_pylist()
    for one in columns:
        one.take_ranges(found)
    summed = {k: v for one in columns for k, v in one.sums().items()}
    groups = table.group_by(["variant", "segments", "cluster"]).agg(**summed)
    rows = groups.to_pyarrow().to_pylist()
    return {one.gauge.name: one.read(rows) for one in columns}


def scored(definition: MetricDefinition, value: Column) -> Column:
    """Turn a survey's answer into what its metric counts; others are as they are."""
    if definition.counts_upper_box:
        satisfied = (value >= definition.satisfied_from).cast("float64")
        return ibis.ifelse(value.isnull(), ibis.null("float64"), satisfied)
    if definition.kind == MetricKind.NPS:
        promoter = ibis.ifelse(value >= PROMOTERS_FROM, 100.0, 0.0)
        detractor = ibis.ifelse(value <= DETRACTORS_TO, 100.0, 0.0)
        return promoter - detractor
    return value


class _Columns:
    """The columns of one metric on their way to sums."""

    def __init__(self, gauge: Gauge, table: Rows) -> None:
        self.gauge = gauge
        name = gauge.name
        value = scored(gauge.definition, table[f"{name}_value"])
        self._mark = table[f"{name}_mark"]
        self._missing = value.isnull()
        others = [
            table[column]
            for column in (f"{name}_per", f"{name}_before", f"{name}_unknown")
            if column in table.columns
        ]
        finite = _finite(value)
        if f"{name}_per" in table.columns:
            finite &= _finite(others[0])
        self._counts = (self._mark != int(Mark.IMMATURE)) & finite.fill_null(False)  # noqa: FBT003
        self._value = value
        self._others = others
        self._caps = gauge.definition.cap_share < 1
        self._limits: dict[int, float | None] = {}
        self._constant: set[int] = set()  # columns of one value
        self._is_mean = gauge.definition.kind in _MEANS
        self._top: float | None = None
        self._grids: tuple[Grid, ...] = ()
        self.raw_grid = Grid(0.0, 0)

    def ranges(self) -> dict[str, Column]:
        """Ask for the ends and the cap of each column, over everybody."""
        asked = {f"{self.gauge.name}_n": self._counts.sum()}
        share = self.gauge.definition.cap_share
        for i, column in enumerate((self._value, *self._others)):
            key = f"{self.gauge.name}_{i}"
            asked[f"{key}_low"] = column.min(where=self._counts)
            asked[f"{key}_high"] = column.max(where=self._counts)
            if self._caps and i <= 1:  # the outcome and the amount before
                asked[f"{key}_cap"] = column.quantile(share, where=self._counts)
        if self._is_mean:
            top = self._value.quantile(TOP, where=self._counts)
            asked[f"{self.gauge.name}_top"] = top
        return asked

    def take_ranges(self, found: dict[str, Any]) -> None:
        """Lay the grids."""
        name = self.gauge.name
        self._top = found.get(f"{name}_top")
        n = int(found[f"{name}_n"] or 0)
        grids = []
        for i in range(1 + len(self._others)):
            low, high = found[f"{name}_{i}_low"], found[f"{name}_{i}_high"]
            if i == 0:
                self.raw_grid = grid_of(low, high, n)
            cap = found.get(f"{name}_{i}_cap")
            if cap is not None and not cap > low:
                # So few have an amount that a cap would leave nothing of them.
                cap = None
            self._limits[i] = cap
            if low == high:
                self._constant.add(i)
            grids.append(grid_of(low, high if cap is None else cap, n))
        self._grids = tuple(grids)

    def sums(self) -> dict[str, Column]:
        """Ask for the sums of each group."""
        name = self.gauge.name
        mature = self._mark != int(Mark.IMMATURE)
        vector = {
            i: self._on_grid(column, self._grids[i], self._limits[i])
            for i, column in enumerate((self._value, *self._others))
            if i not in self._constant  # which is 0 on its grid, and so are its sums
        }
        asked = {
            f"{name}_n": self._counts.sum(),
            f"{name}_immature": (~mature).sum(),
            f"{name}_missing": (mature & self._missing).sum(),
            f"{name}_nonfinite": (mature & ~self._missing & ~self._counts).sum(),
            f"{name}_low": self._value.min(where=self._counts),
            f"{name}_high": self._value.max(where=self._counts),
        }
        for i, one in vector.items():
            asked[f"{name}_s{i}"] = _wide(one.sum())
        for i, j in combinations_with_replacement(vector, 2):
            asked |= _products(f"{name}_p{i}_{j}", vector[i], vector[j])
        raw = self._on_grid(self._value, self.raw_grid, None)
        if self._caps:
            asked |= {f"{name}_s": _wide(raw.sum()), **_products(f"{name}_p", raw, raw)}
        if self._top is not None:
            most = (self._counts & (self._value > self._top)).fill_null(False)  # noqa: FBT003
            asked |= {f"{name}_tn": most.sum(), f"{name}_t": _wide(raw.sum(where=most))}
        return asked

    def _on_grid(self, column: Column, grid: Grid, cap: float | None) -> Column:
        if cap is not None:
            column = ibis.least(column, ibis.literal(cap))
        apart = (column - grid.centre) * 2.0**grid.exponent
        # Not a number cannot be a whole one, so what does not count is taken out first.
        return to_whole(ibis.ifelse(self._counts, apart, 0.0)).cast("int64")

    def read(self, rows: Iterable[dict[str, Any]]) -> NumberSums:
        """Read the sums of all groups."""
        groups: dict[tuple[str, str], list[GroupSums]] = defaultdict(list)
        top_n = top_sum = 0
        for row in rows:
            groups[row["variant"], row["segments"]].append(self._group(row))
            top_n += int(row.get(f"{self.gauge.name}_tn") or 0)
            top_sum += int(row.get(f"{self.gauge.name}_t") or 0)
        return NumberSums(
            self._grids,
            self.raw_grid,
            self._limits.get(0),
            dict(groups),
            self._share_of_top(groups, top_n, top_sum),
        )

    def _share_of_top(
        self, groups: dict[tuple[str, str], list[GroupSums]], n: int, on_grid: int
    ) -> float | None:
        """Tell which share of the sum those with the most have."""
        if n < LEAST_TOP:
            return None
        every = [each.raw for found in groups.values() for each in found]
        whole = _total(sum(s.n for s in every), sum(s.sums[0] for s in every), self)
        return _total(n, on_grid, self) / whole if whole > 0 else None

    def _group(self, row: dict[str, Any]) -> GroupSums:
        name, size = self.gauge.name, len(self._grids)
        counts = {each: int(row[f"{name}_{each}"] or 0) for each in _COUNTS}
        n = counts["n"]
        pairs = [(i, j) for i in range(size) for j in range(i, size)]
        capped = Sums(
            n,
            tuple(int(row.get(f"{name}_s{i}") or 0) for i in range(size)),
            tuple(_product(row, f"{name}_p{i}_{j}") for i, j in pairs),
        )
        raw = Sums(n, capped.sums[:1], capped.products[:1])
        if self._caps:
            raw = Sums(n, (int(row[f"{name}_s"] or 0),), (_product(row, f"{name}_p"),))
        low, high = row[f"{name}_low"], row[f"{name}_high"]
        return GroupSums(counts, capped, raw, low, high, row["cluster"])


def _total(n: int, on_grid: int, columns: _Columns) -> float:
    """Add up what customers have, from sums on the grid of what they had."""
    grid = columns.raw_grid
    return n * grid.centre + on_grid * 2.0**-grid.exponent


def _wide(total: Column) -> Column:
    """Read a sum of 64-bit numbers as what it is in DuckDB: one of 128 bits."""
    return total.cast("decimal(38, 0)")


def _products(key: str, one: Column, other: Column) -> dict[str, Column]:
    """Add up products of whole numbers of 50 bits, which take all digits there are.

    Each number is cut into halves, whose products are of 64 bits and quick: x is
    h 2^25 + l, so that x y is h h' 2^50 + (h l' + l h') 2^25 + l l'.
    """
    high, low = one >> _HALF, one & _LOW
    if other is one:
        middle, high_other, low_other = 2 * high * low, high, low
    else:
        high_other, low_other = other >> _HALF, other & _LOW
        middle = high * low_other + low * high_other
    return {
        f"{key}h": _wide((high * high_other).sum()),
        f"{key}m": _wide(middle.sum()),
        f"{key}l": _wide((low * low_other).sum()),
    }


def _product(row: dict[str, Any], key: str) -> int:
    """Put the sum of products together again."""
    high, middle, low = (int(row.get(f"{key}{part}") or 0) for part in "hml")
    return (high << 2 * _HALF) + (middle << _HALF) + low


def _finite(column: Column) -> Column:
    return ~(column.isnan() | column.isinf())


def values_of(events: Rows, names: Sequence[str]) -> Values:
    """Find what the values of some events have in common.

    Args:
        events: stored events.
        names: of the events whose values are added up; where there are none, nothing
            is read.

    Returns:
        Values.
    """
    if not names:
        return Values()
    rows = events.filter(events.name.isin(sorted(names)), events.value.notnull())
    # What is not a number comes after all numbers, so that the ends tell of it.
    ends = rows.agg(low=rows.value.min(), high=rows.value.max())
    [found] = ends.to_pyarrow().to_pylist()
    low, high = found["low"] or 0.0, found["high"] or 0.0
    if math.isfinite(low) and math.isfinite(high):
        return Values(max(abs(low), abs(high)), are_read=True)
    finite = rows.filter(_finite(rows.value))
    [found] = finite.agg(largest=finite.value.abs().max()).to_pyarrow().to_pylist()
    return Values(float(found["largest"] or 0.0), are_finite=False, are_read=True)
