"""From single customers and their groups to the summaries that production makes.

What has few outcomes is counted and decoded by its own measure. Numbers are added up
around the mean of all, which does not depend on the split, so each split costs one
pass; caps are taken over everybody, as always.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from analysis.cells import Cell, Summaries, roll_up
from analysis.certificates.customers import Flags, Known, Numbers, Places
from analysis.certificates.trial_plan import METRIC
from analysis.exposure_counts import ExposureCounts
from analysis.measure import Mark, Measure, OutcomeCount
from analysis.membership import Membership
from analysis.metrics import measure_of
from analysis.number_cells import amount_cells, with_amounts
from analysis.stats.amounts import Amounts
from analysis.stats.estimate import NotComputable
from analysis.stats.quantiles import OrderStatistics, ranks
from analysis.stats.summary import Moments, VectorMoments
from experiments.metric_definition import NO_CAP, MetricDefinition
from experiments.plan import Plan
from experiments.survey_kinds import DETRACTORS_TO, PROMOTERS_FROM
from experiments.vocabulary import EVERYBODY, MetricKind

Groups = npt.NDArray[np.uint8]  # of each customer of a look: its variant's place
_NOBODY = Membership({})


class Grouping:
    """One look's customers, ready to be split."""

    def __init__(self, definition: MetricDefinition, known: Known) -> None:
        """Prepare what does not depend on the split.

        Args:
            definition: of the metric.
            known: what is known at the look.
        """
        self.known = known
        self._old = known.old.astype(np.float64)
        measure = measure_of(definition, "m0")
        self._few = (
            _Few(measure, known.value, known.missing, known.mark)
            if isinstance(measure, Measure)
            else None
        )
        adds = definition.is_amount or definition.covariate_days > 0
        self._numbers = _Numbers(definition, known) if adds else None

    def summaries(self, plan: Plan, groups: Groups) -> Summaries:
        """Summarise each group.

        Args:
            plan: names the variants.
            groups: of each customer known at the look.

        Returns:
            What the warehouse would have made of customers so grouped.
        """
        names = [variant.name for variant in plan.design.variants]
        amounts = None
        if self._numbers is not None:
            amounts = self._numbers.amounts(names, groups)
        if self._few is None:
            cells = amount_cells(plan.primary, amounts or {})
        else:
            cells = self._few.cells(plan, groups)
            cells = cells if amounts is None else with_amounts(cells, amounts)
        return Summaries(tuple(cells), self._exposures(names, groups))

    def _exposures(self, names: Sequence[str], groups: Groups) -> ExposureCounts:
        analysed = np.bincount(groups, minlength=len(names))
        mature = np.bincount(groups, self._old, minlength=len(names))
        return ExposureCounts(
            analysed={n: int(k) for n, k in zip(names, analysed, strict=True)},
            mature={n: int(k) for n, k in zip(names, mature, strict=True)},
        )


class _Few:
    """Outcomes that are few: each customer has the number of one."""

    def __init__(
        self, measure: Measure, value: Numbers, missing: Flags, mark: Places
    ) -> None:
        self._measure = measure
        values, which = np.unique(np.where(missing, 0.0, value), return_inverse=True)
        lowest, marks = int(mark.min()), int(np.ptp(mark)) + 1
        # One number for each outcome: its value's place, its mark, whether it is there.
        number = (which * marks + (mark - lowest)) * 2 + missing
        distinct, self._codes = np.unique(number, return_inverse=True)
        self._outcomes = [
            (
                None if one % 2 else float(values[one // 2 // marks]),
                one // 2 % marks + lowest,
            )
            for one in distinct.tolist()
        ]

    def cells(self, plan: Plan, groups: Groups) -> list[Cell]:
        names = [variant.name for variant in plan.design.variants]
        size = len(self._outcomes)
        places = groups.astype(np.int64) * size + self._codes
        counts = np.bincount(places, minlength=size * len(names))
        found = {
            (name, ""): [
                OutcomeCount(value, mark, n)
                for (value, mark), n in zip(self._outcomes, row, strict=True)
                if n
            ]
            for name, row in zip(
                names, counts.reshape(len(names), size).tolist(), strict=True
            )
        }
        return roll_up(plan, METRIC, self._measure, found, _NOBODY)


class _Numbers:
    """Outcomes that are numbers, with what is adjusted for or stands below a line."""

    def __init__(self, definition: MetricDefinition, known: Known) -> None:
        self._definition = definition
        self._counts = known.counts
        mature = known.mark != int(Mark.IMMATURE)
        value = _scored(definition, known.value)
        beside = [known.beside[n] for n in known.beside]
        columns = [np.where(self._counts, each, 0.0) for each in (value, *beside)]
        self._raw = columns[0].copy()
        self.cap, columns = _capped(definition, columns, self._counts)
        self._size = len(columns)
        n = max(1, int(self._counts.sum()))
        self._centres = [float(column.sum()) / n for column in columns]
        self._raw_centre = float(self._raw.sum()) / n
        self._value = columns[0]
        apart = [
            np.where(self._counts, column - centre, 0.0)
            for column, centre in zip(columns, self._centres, strict=True)
        ]
        raw = np.where(self._counts, self._raw - self._raw_centre, 0.0)
        products = [one * other for i, one in enumerate(apart) for other in apart[i:]]
        flags = [
            self._counts,
            ~mature,
            mature & known.missing,
            mature & ~known.missing & ~self._counts,
        ]
        self._features = np.stack(
            [
                *(flag.astype(np.float64) for flag in flags),
                *apart,
                *products,
                raw,
                raw**2,
            ]
        )
        self._sorted = np.zeros(0, np.int64)
        if definition.kind == MetricKind.VALUE_QUANTILE:
            self._sorted = np.argsort(self._value, kind="stable")
            self._sorted = self._sorted[self._counts[self._sorted]]

    def amounts(
        self, names: Sequence[str], groups: Groups
    ) -> dict[tuple[str, str], Amounts]:
        found = {}
        for place, name in enumerate(names):
            inside = groups == place
            sums = self._features @ inside.astype(np.float64)
            found[name, EVERYBODY] = self._amounts(sums, inside)
        return found

    def _amounts(self, sums: Numbers, inside: Flags) -> Amounts:
        n, immature, missing, nonfinite = (round(each) for each in sums[:4])
        counts = {
            "n_immature": immature,
            "n_missing": missing,
            "n_nonfinite": nonfinite,
        }
        there = inside & self._counts
        ends = _ends(self._value[there])
        vector = self._vector(n, sums[4:-2], ends, counts)
        total, squares = float(sums[-2]), float(sums[-1])
        raw = Moments(
            n,
            self._raw_centre + total / n if n else 0.0,
            max(0.0, squares - total * total / n) if n else 0.0,
            *_ends(self._raw[there]),
            **counts,
        )
        return Amounts(vector, raw, self.cap, order=self._order(n, inside, counts))

    def _vector(
        self,
        n: int,
        sums: Numbers,
        ends: tuple[float | None, float | None],
        counts: Mapping[str, int],
    ) -> VectorMoments:
        size = self._size
        if not n:
            zero = (0.0,) * size
            return VectorMoments(0, zero, (zero,) * size, **counts)
        means = [c + s / n for c, s in zip(self._centres, sums[:size], strict=True)]
        m2 = np.zeros((size, size))
        rest = iter(sums[size:])
        for i in range(size):
            for j in range(i, size):
                m2[i, j] = m2[j, i] = next(rest) - sums[i] * sums[j] / n
        np.fill_diagonal(m2, np.maximum(m2.diagonal(), 0.0))
        rows = tuple(tuple(map(float, row)) for row in m2)
        return VectorMoments(n, tuple(map(float, means)), rows, *ends, **counts)

    def _order(
        self, n: int, inside: Flags, counts: Mapping[str, int]
    ) -> OrderStatistics | None:
        if self._definition.kind != MetricKind.VALUE_QUANTILE:
            return None
        share = self._definition.quantile_share
        wanted = ranks(n, share)
        if isinstance(wanted, NotComputable):
            return OrderStatistics(n, share, None, None, None, **counts)
        ranked = self._value[self._sorted[inside[self._sorted]]]
        low, middle, high = (
            float(ranked[rank - 1]) for rank in (wanted.low, wanted.middle, wanted.high)
        )
        return OrderStatistics(n, share, middle, low, high, **counts)


def _scored(definition: MetricDefinition, value: Numbers) -> Numbers:
    """Turn a survey's answer into what its metric counts, as `numbers.scored` does."""
    if definition.counts_upper_box:
        score = np.where(value >= definition.satisfied_from, 1.0, 0.0)
    elif definition.kind == MetricKind.NPS:
        score = np.where(value >= PROMOTERS_FROM, 100.0, 0.0)
        score -= np.where(value <= DETRACTORS_TO, 100.0, 0.0)
    else:
        return value
    return np.where(np.isnan(value), value, score)


def _capped(
    definition: MetricDefinition, columns: list[Numbers], counts: Flags
) -> tuple[float | None, list[Numbers]]:
    """Cap the outcome, and the amount before, at a quantile over everybody."""
    if definition.cap_share == NO_CAP or not counts.any():
        return None, columns
    limits: list[float | None] = []
    for column in columns[:2]:
        there = column[counts]
        cap = float(np.quantile(there, definition.cap_share))
        limits.append(cap if cap > there.min() else None)
    capped = [
        column if limit is None else np.minimum(column, limit)
        for column, limit in zip(columns, limits, strict=False)
    ]
    return limits[0], [*capped, *columns[len(capped) :]]


def _ends(values: Numbers) -> tuple[float | None, float | None]:
    return (float(values.min()), float(values.max())) if len(values) else (None, None)


def skewness(definition: MetricDefinition, known: Known) -> float | None:
    """Tell how lopsided amounts are, after their cap; None where they are none."""
    counts = known.counts
    if not definition.is_amount or not counts.any():
        return None
    _, [value] = _capped(definition, [known.value], counts)
    apart = value[counts] - value[counts].mean()
    spread = float(np.sqrt(np.mean(apart**2)))
    return float(np.mean(apart**3)) / spread**3 if spread else None


def alike(known: Known) -> float:
    """Tell which share of known outcomes the most frequent one has."""
    there = known.value[known.counts]
    if not len(there):
        return 0.0
    _, counts = np.unique(there, return_counts=True)
    return float(counts.max()) / len(there)
