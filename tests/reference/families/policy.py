"""What a rule that gives different customers different variants is worth."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from analysis.stats.estimate import NotComputable
from analysis.stats.policy import (
    difference,
    doubly_robust_scores,
    value_of,
    weighted_values,
)
from tests.reference.book import Record, Values, covers, read_table

LETTERS = ("No E-Mail", "Mens E-Mail", "Womens E-Mail")
KNOWN_BEFORE = ("recency", "history", "mens", "womens", "newbie")


@covers("hillstrom.policy.visit")
def fixed_rules(record: Record) -> Values:
    table = read_table("hillstrom/hillstrom.csv")
    given = np.array([LETTERS.index(name) for name in table["segment"].to_pylist()])
    visits = _column(table, "visit")
    drawn = np.full(3, 1 / 3)
    scores = doubly_robust_scores(
        visits, given, np.column_stack([_column(table, n) for n in KNOWN_BEFORE]), drawn
    )
    assert not isinstance(scores, NotComputable)
    rules = _rules(table)
    assert list(rules) == record.inputs["policies"]
    values: dict[str, object] = {}
    for name, chosen in rules.items():
        found = weighted_values(visits, np.where(given == chosen, 3.0, 0.0))
        assert not isinstance(found, NotComputable)
        plain, normalised = found
        robust = value_of(scores, chosen, given, drawn)
        values |= {
            f"{name}.ips": plain.value,
            f"{name}.ips_se": plain.standard_error,
            f"{name}.snips": normalised.value,
            f"{name}.snips_se": normalised.standard_error,
            f"{name}.match_n": plain.matched,
            f"{name}.aipw": [robust.value, robust.standard_error],
        }
    pair = rules["by_history"], rules["all_mens"]
    value, error, _ = difference(scores, *pair)
    unmodelled = np.zeros_like(scores)
    unmodelled[np.arange(len(given)), given] = 3 * visits
    plain_value, plain_error, _ = difference(unmodelled, *pair)
    return {
        **values,
        "diff_aipw": [value, error],
        "diff_ips": [plain_value, plain_error],
    }


def _rules(table: pa.Table) -> dict[str, NDArray[np.int64]]:
    n = table.num_rows
    mens, womens = (_column(table, name) for name in ("mens", "womens"))
    return {
        "all_none": np.zeros(n, np.int64),
        "all_mens": np.ones(n, np.int64),
        "all_womens": np.full(n, 2),
        # Who only bought womenswear gets its letter, everybody else the other one.
        "by_history": np.where((womens == 1) & (mens == 0), 2, 1),
    }


def _column(table: pa.Table, name: str) -> NDArray[np.float64]:
    return np.asarray(table[name].to_numpy(), np.float64)


@covers("obd.all", "obd.men", "obd.women")
def bandit_logs(record: Record) -> Values:
    table = read_table("obd_small/obd_small.csv.gz")
    campaign = record.id.split(".")[1]
    table = table.filter(pa.compute.equal(table["campaign"], campaign))
    logs = {
        policy: table.filter(pa.compute.equal(table["policy"], policy))
        for policy in ("bts", "random")
    }
    bandit, uniform = logs["bts"], logs["random"]
    uniform_share = 1 / len(set(table["item_id"].to_pylist()))
    found = weighted_values(
        _column(bandit, "click"), uniform_share / _column(bandit, "propensity_score")
    )
    assert not isinstance(found, NotComputable)
    plain, normalised = found
    # On its own log a policy's weights are 1.
    own = [
        weighted_values(_column(log, "click"), np.ones(log.num_rows))
        for log in (uniform, bandit)
    ]
    assert not isinstance(own[0], NotComputable)
    assert not isinstance(own[1], NotComputable)
    return {
        "ips": plain.value,
        "ips_se": plain.standard_error,
        "snips": normalised.value,
        "ess": plain.effective,
        "on_policy_random": own[0][0].value,
        "on_policy_random_se": own[0][0].standard_error,
        "on_policy_bts": own[1][0].value,
    }
