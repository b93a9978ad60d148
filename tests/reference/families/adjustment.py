"""Adjusted by what was known before: CUPED, and Lin's regression in each variant."""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from analysis.stats.adjustment import cuped, lin
from analysis.stats.summary import VectorMoments
from tests.reference.book import Record, Values, covers
from tests.reference.families.voters import CONTROL, columns
from tests.reference.reading import estimated, lifted

SAMPLE = "takes these customers for all there are; Abide takes them for a sample"
ANCOVA = "one slope by least squares: no better than Lin's, and biased in small samples"


@covers(
    "hillstrom.mens.cuped.spend_on_history",
    "hillstrom.mens.cuped.visit_on_recency",
    "hillstrom.womens.cuped.visit_on_recency",
    "ggl.Civic_Duty.cuped.primary_04",
    "ggl.Neighbors.cuped.primary_04",
    "sps.cuped.spend",
    "sps.cuped.spend_wins95",
    "nsw.cuped.re75",
    lacks={"lin_se_neyman": SAMPLE, "ancova_diff": ANCOVA, "ancova_se_hc2": ANCOVA},
)
def one_covariate(record: Record) -> Values:
    given = record.inputs
    arms = (
        _moments(given["n_c"], given["sums_c"]),
        _moments(given["n_t"], given["sums_t"]),
    )
    # The records do not charge for the slopes; a result does.
    found, by_lin = estimated(cuped(*arms)), estimated(lin(*arms, slopes_cost=False))
    ratio = found.facts["variance_ratio"]
    assert isinstance(ratio, float)
    return {
        "unadj_diff": found.facts["unadjusted_effect"],
        "unadj_se": found.facts["unadjusted_standard_error"],
        "theta": found.facts["theta"],
        "cuped_diff": found.effect,
        "cuped_se": found.facts["standard_error"],
        "var_reduction": 1 - ratio,
        "adj_mean_c": found.control.value,
        "adj_mean_t": found.treatment.value,
        "rel_lift_unadj_denominator": lifted(found.lift).value,
        "rel_se_delta": found.facts["lift_standard_error"],
        "lin_diff": by_lin.effect,
        "lin_se_superpop": by_lin.facts["standard_error"],
    }


def _moments(n: int, sums: list[float]) -> VectorMoments:
    """Make moments of the record's sums: y, y^2, x, x^2, xy; exact, then rounded."""
    y, yy, x, xx, xy = map(Fraction, sums)
    cross = float(xy - x * y / n)
    return VectorMoments(
        n,
        (float(y / n), float(x / n)),
        ((float(yy - y * y / n), cross), (cross, float(xx - x * x / n))),
    )


@covers("ggl.Neighbors.lin7", lacks={"se_neyman": SAMPLE})
def seven_covariates(record: Record) -> Values:
    names = ("primary_06", *record.inputs["covariates"])
    found = estimated(
        lin(_of_rows(columns(CONTROL, *names)), _of_rows(columns("Neighbors", *names)))
    )
    return {"diff": found.effect, "se_superpop": found.facts["standard_error"]}


def _of_rows(rows: NDArray[np.float64]) -> VectorMoments:
    mean = rows.mean(axis=0)
    products = (rows - mean).T @ (rows - mean)
    return VectorMoments(
        len(rows), tuple(mean.tolist()), tuple(map(tuple, products.tolist()))
    )
