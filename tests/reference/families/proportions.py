"""Shares, and their relative change: retention, Newcombe's examples."""

from analysis.stats.estimate import Lift
from analysis.stats.lift import fieller, koopman
from analysis.stats.means import squared_error
from analysis.stats.proportions import two_proportions
from analysis.stats.summary import Moments, Successes
from tests.reference.book import Record, Values, covers
from tests.reference.reading import ends, estimated, lifted

OTHERS = "another tool's interval; Abide gives Newcombe's"
DELTA = "not kept: its tails are 5.7 % and 0.0 % (statistics, section 4); see fieller"


def arms(record: Record) -> tuple[Successes, Successes]:
    given = record.inputs
    return (
        Successes(given["n_c"], given["x_c"]),
        Successes(given["n_t"], given["x_t"]),
    )


@covers(
    "newcombe1998.56_70_48_80",
    "newcombe1998.9_10_3_10",
    "newcombe1998.5_56_0_29",
    "newcombe1998.0_10_0_20",
    lacks={"wald": OTHERS, "mee": OTHERS, "mn": OTHERS},
)
def newcombe_examples(record: Record) -> Values:
    return {"newcombe": ends(estimated(two_proportions(*arms(record))).interval)}


@covers("koopman1984")
def koopman_example(record: Record) -> Values:
    lift = lifted(koopman(*arms(record)))
    return {"rr": 1 + lift.value, "ci": [1 + end for end in ends(lift.interval)]}


@covers(
    "cookie.retention_1.diff",
    "cookie.retention_7.diff",
    lacks={
        "se_unpooled": OTHERS,
        "wald": OTHERS,
        "miettinen_nurminen": OTHERS,
        "agresti_caffo": OTHERS,
        "p_unpooled_z": "the score test pools",
    },
)
def retention(record: Record) -> Values:
    found = estimated(two_proportions(*arms(record)))
    return {
        "p_c": found.control.value,
        "p_t": found.treatment.value,
        "diff": found.effect,
        "newcombe": ends(found.interval),
        "p_pooled_z": found.p_value,
    }


@covers(
    "cookie.retention_1.relative",
    "cookie.retention_7.relative",
    lacks={
        "se_delta": DELTA,
        "delta_normal": DELTA,
        "log": "Koopman's interval takes its place",
    },
)
def relative_retention(record: Record) -> Values:
    control, treatment = arms(record)
    lift = estimated(two_proportions(control, treatment)).lift
    assert isinstance(lift, Lift)
    (m_c, v_c), (m_t, v_t) = (_of_shares(each) for each in (control, treatment))
    return {
        "lift": lift.value,
        "koopman": ends(lift.interval),
        "fieller": ends(lifted(fieller(m_c, v_c, m_t, v_t)).interval),
    }


def _of_shares(arm: Successes) -> tuple[float, float]:
    share = arm.successes / arm.n
    return share, squared_error(Moments(arm.n, share, arm.n * share * (1 - share)))
