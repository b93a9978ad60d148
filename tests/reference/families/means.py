"""Means: game rounds, spend, earnings."""

import math

from analysis.stats.dunnett import dunnett
from analysis.stats.estimate import Lift, NotComputable
from analysis.stats.lift import fieller
from analysis.stats.means import squared_error, welch
from analysis.stats.summary import Moments, moments_of
from tests.reference.book import Record, Values, covers, read_table
from tests.reference.reading import ends, estimated, lifted

DELTA = "not kept: its tails are 5.7 % and 0.0 % (statistics, section 4)"


@covers(
    "cookie.rounds.raw",
    "cookie.rounds.wins99.9",
    "cookie.rounds.wins99",
    lacks={"lift_delta": DELTA},
)
def game_rounds(record: Record) -> Values:
    cap = record.inputs["cap"] or math.inf
    table = read_table("cookie_cats/cookie_cats.csv")
    arms: dict[str, list[float]] = {"gate_30": [], "gate_40": []}
    for arm, rounds in zip(
        table["version"].to_pylist(), table["sum_game_rounds"].to_pylist(), strict=True
    ):
        arms[arm].append(min(float(rounds), cap))
    return compared(moments_of(arms["gate_30"]), moments_of(arms["gate_40"]))


def compared(control: Moments, treatment: Moments) -> dict[str, object]:
    """Compare two means, under the names of the records."""
    found = estimated(welch(control, treatment))
    assert isinstance(found.lift, Lift)
    low, high = ends(found.interval)
    return {
        "mean_c": found.control.value,
        "mean_t": found.treatment.value,
        "diff": found.effect,
        "se": found.facts["standard_error"],
        "t": found.facts["t"],
        "df": found.facts["dof"],
        "p": found.p_value,
        "lo": low,
        "hi": high,
        "lift": found.lift.value,
        # The records take the normal's critical value; the page takes Student's t.
        "lift_fieller": ends(
            lifted(
                fieller(
                    control.mean,
                    squared_error(control),
                    treatment.mean,
                    squared_error(treatment),
                )
            ).interval
        ),
    }


@covers(
    "hillstrom.mens.visit",
    "hillstrom.mens.conversion",
    "hillstrom.mens.spend",
    lacks={"lift_delta": DELTA, "lift_log": "Fieller's interval takes its place"},
)
def mailed(record: Record) -> Values:
    return compared(_of_sums(record, "c"), _of_sums(record, "t"))


@covers("nsw.ate")
def earnings(record: Record) -> Values:
    table = read_table("nsw_lalonde/nsw_lalonde.csv")
    columns = [table[name].to_pylist() for name in ("treat", "re78")]
    control, treatment = (
        moments_of(float(y) for arm, y in zip(*columns, strict=True) if arm == of)
        for of in (0, 1)
    )
    return difference(record, control, treatment)


def difference(record: Record, control: Moments, treatment: Moments) -> Values:
    """Compare two means, with a variance of each and with one for both."""
    assert (control.n, treatment.n) == (record.inputs["n_c"], record.inputs["n_t"])
    found = estimated(welch(control, treatment))
    # One variance for both groups, as Dunnett's test of a single treatment takes it.
    pooled = dunnett(control, [treatment])
    assert not isinstance(pooled, NotComputable)
    return {
        "diff": found.effect,
        "se_unequal": found.facts["standard_error"],
        "se_pooled": pooled[0].effect / pooled[0].statistic,
    }


@covers("hillstrom.mens.spend.peer_relative", lacks={"delta": DELTA})
def relative_spend(record: Record) -> Values:
    table = read_table("hillstrom/hillstrom.csv")
    columns = [table[n].to_pylist() for n in ("segment", record.inputs["metric"])]
    control, treatment = (
        moments_of(float(y) for arm, y in zip(*columns, strict=True) if arm == of)
        for of in ("No E-Mail", "Mens E-Mail")
    )
    found = compared(control, treatment)
    return {"abs_diff": found["diff"], "fieller": found["lift_fieller"]}


def _of_sums(record: Record, arm: str) -> Moments:
    n, total, squares = (record.inputs[f"{name}_{arm}"] for name in ("n", "sum", "ss"))
    return Moments(n, total / n, squares - total * total / n)
