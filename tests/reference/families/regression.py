"""Regressions from counted cells, with errors of clusters."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from analysis.stats.compressed import Cells, Fit, least_squares
from analysis.stats.estimate import Estimate
from analysis.stats.means import welch
from analysis.stats.summary import Moments
from tests.reference.book import Record, Values, covers, read_table
from tests.reference.families.voters import CONTROL, columns, turnout

Rows = NDArray[np.float64]


def counted(x: Rows, y: Rows, cluster: Rows | None = None) -> Cells:
    """Count rows that are alike, for an outcome of 0 and 1."""
    keys = x if cluster is None else np.column_stack([x, cluster])
    # Small whole numbers, so a row is one number: np.unique of rows takes seconds.
    code = np.zeros(len(y), np.int64)
    for column in keys.astype(np.int64).T:
        code = code * (int(column.max()) + 1) + column
    _, first, places, n = np.unique(
        code, return_index=True, return_inverse=True, return_counts=True
    )
    distinct = keys[first]
    mean = np.bincount(places, weights=y) / n
    return Cells(
        x=distinct[:, : x.shape[1]],
        n=n,
        mean=mean,
        m2=n * mean * (1 - mean),
        cluster=None if cluster is None else distinct[:, -1].astype(np.int64),
    )


def fitted(x: Rows, y: Rows, cluster: Rows | None = None) -> Fit:
    found = least_squares(counted(x, y, cluster))
    assert isinstance(found, Fit)
    return found


def letters(arm: str, *names: str) -> tuple[Rows, Rows, Rows]:
    """Give x (constant, treated, names), y and block, with a letter or without."""
    parts = [
        np.insert(columns(of, "primary_06", "cluster", *names), 2, of == arm, axis=1)
        for of in (CONTROL, arm)
    ]
    rows = np.vstack(parts)
    return np.insert(rows[:, 2:], 0, 1, axis=1), rows[:, 0], rows[:, 1]


@covers("ggl.Civic_Duty.effect", "ggl.Neighbors.effect")
def letter(record: Record) -> Values:
    arm = record.id.split(".")[1].replace("_", " ")
    found = fitted(*letters(arm))
    alone = welch(_moments(CONTROL), _moments(arm))
    assert isinstance(alone, Estimate)
    level, effect = found.coefficients.tolist()
    return {
        "p_c": level,
        "p_t": level + effect,
        "diff": effect,
        "se_iid": alone.facts["standard_error"],
        "se_cluster": found.standard_errors.tolist()[1],
        "lift": effect / level,
    }


def _moments(arm: str) -> Moments:
    n, voted = turnout(arm)
    share = voted / n
    return Moments(n, share, n * share * (1 - share))


@covers("ggl.yoco")
def compressed_once(record: Record) -> Values:
    x, y, block = letters("Neighbors", *record.inputs["x"][1:])
    by_row, by_block = fitted(x, y), fitted(x, y, block)
    return {
        "coef": by_row.coefficients.tolist(),
        "hc1": by_row.standard_errors.tolist(),
        "cr1": by_block.standard_errors.tolist(),
    }


@covers("thornton.any")
def any_incentive(record: Record) -> Values:
    table = read_table("thornton_hiv/thornton_hiv.csv")
    names = ("any", "got", "villnum")
    for name in names:
        table = table.filter(pa.compute.is_valid(table[name]))
    given, got, village = (table[name].to_numpy().astype(float) for name in names)
    found = fitted(np.column_stack([np.ones(len(given)), given]), got, village)
    assert (found.n, found.clusters) == (record.inputs["n"], record.inputs["clusters"])
    return {
        "diff": found.coefficients.tolist()[1],
        "se": found.standard_errors.tolist()[1],
    }
