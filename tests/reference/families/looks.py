"""Looking more than once: boundaries, their price, and ranges that hold on any day."""

import math
from collections import defaultdict

from scipy import optimize

from analysis.stats.boundaries import Bounds, boundaries, exit_chances
from analysis.stats.confidence_sequence import multiplier, p_value
from analysis.stats.intervals import normal_p_value
from analysis.stats.sequential_power import inflation, power_of
from analysis.stats.spending import obrien_fleming, pocock, power, spent_by
from tests.reference.book import Record, Values, covers

SPENDING = {"LD_OBF": obrien_fleming, "LD_Pocock": pocock, "power2": power(2)}
LOOKS = tuple(k / 5 for k in range(1, 6))
SHAPES = {"obf": 0.5, "pocock": 0.0}
ASOS = "asos_dec/asos_digital_experiments_dataset.csv"


@covers("gs.LD_OBF.K5", "gs.LD_Pocock.K5", "gs.power2.K5")
def spent(record: Record) -> Values:
    times, alpha = record.inputs["t"], record.inputs["alpha"]
    spend = SPENDING[record.id.split(".")[1]]
    found = boundaries(times, spent_by(times, alpha / 2, spend))
    above, below = exit_chances(found, 0.0)
    return {
        "bounds": list(found.upper),
        "total_alpha": float(above.sum() + below.sum()),
    }


@covers("gs.classical.K5")
def classical(record: Record) -> Values:
    return {name: constant(name.removeprefix("C_")) for name in record.expected}


@covers("gs.inflation.OBF.K5", "gs.inflation.Pocock.K5")
def price(record: Record) -> Values:
    shape = record.id.split(".")[2].lower()
    bounds = shaped(constant(shape), SHAPES[shape])
    return {"inflation": inflation(bounds, 0.05, record.inputs["power"])}


def shaped(constant_: float, exponent: float) -> Bounds:
    upper = tuple(constant_ / t**exponent for t in LOOKS)
    return Bounds(LOOKS, upper, tuple(-b for b in upper))


def constant(shape: str) -> float:
    return float(
        optimize.brentq(
            lambda c: power_of(shaped(c, SHAPES[shape]), 0.0) - 0.05, 1.5, 3
        )
    )


@covers(
    "cookie.retention_1.asympcs.N5000",
    "cookie.retention_1.asympcs.N90189",
    "cookie.retention_7.asympcs.N5000",
    "cookie.retention_7.asympcs.N90189",
    lacks={"rho": "only its product with the customers enters, as their share"},
)
def any_day(record: Record) -> Values:
    given = record.inputs
    control, treatment = given["x_c"] / given["n_c"], given["x_t"] / given["n_t"]
    t = (given["n_c"] + given["n_t"]) / given["n_star"]
    error = math.sqrt(
        treatment * (1 - treatment) / given["n_t"] / control**2
        + control * (1 - control) / given["n_c"] * treatment**2 / control**4
    )
    lift = treatment / control - 1
    half = error * multiplier(t, given["alpha"])
    return {
        "halfwidth": half,
        "lo": lift - half,
        "hi": lift + half,
        "p": p_value(lift / error, t, given["alpha"]),
    }


@covers("asos.036afc.v2.m4")
def one_stream(record: Record) -> Values:
    given = record.inputs
    variances = (given[f"variance_{arm}"] / given[f"count_{arm}"] for arm in "ct")
    error = math.sqrt(sum(variances))
    effect = given["mean_t"] - given["mean_c"]
    half = error * multiplier((given["count_c"] + given["count_t"]) / 5000, 0.05)
    return {
        "diff": effect,
        "se": error,
        "p": normal_p_value(effect / error),
        "cs": [effect - half, effect + half],
    }


@covers("asos.sequential_census")
def all_streams(record: Record) -> Values:
    streams = defaultdict(list)
    for row in record.table(ASOS).to_pylist():
        look = z_and_size(row)
        if look is not None:
            key = (row["experiment_id"], row["variant_id"], row["metric_id"])
            streams[key].append(look)
    found = {"final": 0, "ever": 0, "cs_oracleN": 0, "cs_5000": 0}
    for looks in streams.values():
        found["final"] += normal_p_value(looks[-1][0]) < 0.05
        found["ever"] += any(normal_p_value(z) < 0.05 for z, _ in looks)
        for name, size in (("cs_oracleN", looks[-1][1]), ("cs_5000", 5000)):
            found[name] += any(abs(z) > multiplier(n / size, 0.05) for z, n in looks)
    return found


def z_and_size(row: dict[str, float | None]) -> tuple[float, float] | None:
    variances = row["variance_c"], row["variance_t"]
    counts = row["count_c"] or 0.0, row["count_t"] or 0.0
    if variances[0] is None or variances[1] is None or not min(counts) > 0:
        return None
    variance = variances[0] / counts[0] + variances[1] / counts[1]
    if not variance > 0:
        return None
    effect = (row["mean_t"] or 0.0) - (row["mean_c"] or 0.0)
    return effect / math.sqrt(variance), sum(counts)
