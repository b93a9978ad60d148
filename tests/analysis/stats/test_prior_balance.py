"""The joint test of what was before, beside statsmodels' own; and where it has none."""

import numpy as np
import pytest
from numpy.typing import NDArray
from statsmodels.multivariate.manova import MANOVA
from statsmodels.stats.oneway import anova_oneway

from analysis.stats.estimate import NotComputable
from analysis.stats.prior_balance import TraitSums, prior_balance
from experiments.vocabulary import Reason

Whole = NDArray[np.int64]
NAMES = ("opened", "bought", "plus")


def sums_of(rows: Whole) -> TraitSums:
    size = rows.shape[1]
    products = rows.T @ rows
    return TraitSums(
        len(rows),
        tuple(int(x) for x in rows.sum(axis=0)),
        tuple(int(products[i, j]) for i in range(size) for j in range(i, size)),
    )


def customers(n: int, seed: int, more: float = 0.0) -> Whole:
    random = np.random.default_rng(seed)
    keen = random.normal(more, 1, n)
    opened = np.ceil(np.log2(random.poisson(np.exp(keen)) + 1))
    bought = np.ceil(np.log2(random.poisson(np.exp(keen / 2 - 1)) + 1))
    return np.column_stack([opened, bought, keen > 1]).astype(np.int64)


@pytest.mark.parametrize("sizes", [(400, 300), (300, 250, 500)])
def test_prior__two_or_three_variants__manova(sizes: tuple[int, ...]) -> None:
    arms = [customers(n, seed, seed / 10) for seed, n in enumerate(sizes)]

    found = prior_balance(NAMES, {str(i): sums_of(arm) for i, arm in enumerate(arms)})

    assert not isinstance(found, NotComputable)
    group = np.repeat(np.arange(len(arms)), sizes)
    dummies = np.column_stack([group == g for g in range(len(arms))]).astype(float)
    contrast = np.eye(len(arms))[1:] - np.eye(len(arms))[:1]
    test = MANOVA(np.vstack(arms).astype(float), dummies)
    row = test.mv_test([("variant", contrast)]).results["variant"]["stat"]
    if len(arms) == 2:
        # Of two variants all four statistics of statsmodels have one F.
        assert found.statistic == pytest.approx(
            row.loc["Hotelling-Lawley trace", "F Value"], rel=1e-9
        )
        assert found.p_value == pytest.approx(
            row.loc["Hotelling-Lawley trace", "Pr > F"], rel=1e-6
        )
    # The trace itself, whatever F is made of it.
    (first, second), k, p = found.dof, len(arms) - 1, len(NAMES)
    trace = found.statistic * min(p, k) * first / second
    assert trace == pytest.approx(
        float(row.loc["Hotelling-Lawley trace", "Value"]), rel=1e-9
    )


def test_prior__one_trait__analysis_of_variance() -> None:
    arms = [customers(300, 1)[:, :1], customers(200, 2, 0.2)[:, :1]]

    found = prior_balance(("opened",), {"a": sums_of(arms[0]), "b": sums_of(arms[1])})

    assert not isinstance(found, NotComputable)
    expected = anova_oneway([arm[:, 0] for arm in arms], use_var="equal")
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9)
    [trait] = found.traits
    assert trait.p_value == pytest.approx(expected.pvalue, rel=1e-9)
    pooled = np.sqrt(sum(((arm - arm.mean()) ** 2).sum() for arm in arms) / (500 - 2))
    apart = abs(arms[0].mean() - arms[1].mean()) / pooled
    assert trait.difference == pytest.approx(apart, rel=1e-9)


def test_prior__parts_added__as_all_at_once() -> None:
    rows = customers(500, 4)

    assert sums_of(rows[:123]) + sums_of(rows[123:]) == sums_of(rows)


def test_prior__same_trait_twice__counts_once() -> None:
    twice = [np.column_stack([arm, arm[:, :1]]) for arm in (
        customers(200, 5), customers(220, 6)
    )]  # fmt: skip

    found = prior_balance(
        (*NAMES, "again"), {"a": sums_of(twice[0]), "b": sums_of(twice[1])}
    )

    assert not isinstance(found, NotComputable)
    assert len(found.traits) == 3


def test_prior__trait_that_one_variant_alone_has__is_found() -> None:
    ours, theirs = customers(400, 7), customers(400, 8)
    ours[:, 2] = 0

    found = prior_balance(NAMES, {"a": sums_of(ours), "b": sums_of(theirs)})

    assert not isinstance(found, NotComputable)
    assert found.p_value < 1e-6
    assert found.traits[0].trait == "plus"


NOBODY = TraitSums(0, (0, 0, 0), (0,) * 6)
ALIKE = TraitSums(500, (500, 0, 500), (500, 0, 500, 0, 0, 500))


@pytest.mark.parametrize(
    ("names", "arms", "reason"),
    [
        (NAMES, {}, Reason.TOO_FEW_UNITS),
        (NAMES, {"a": ALIKE}, Reason.TOO_FEW_UNITS),
        (NAMES, {"a": NOBODY, "b": NOBODY}, Reason.TOO_FEW_UNITS),
        (NAMES, {"a": ALIKE, "b": NOBODY}, Reason.TOO_FEW_UNITS),
        (NAMES, {"a": ALIKE, "b": sums_of(customers(1, 1))}, Reason.TOO_FEW_UNITS),
        (NAMES, {"a": ALIKE, "b": ALIKE}, Reason.NO_VARIATION),
        ((), {"a": TraitSums(500, (), ()), "b": TraitSums(500, (), ())},
         Reason.NO_VARIATION),
    ],
)  # fmt: skip
def test_prior__nothing_to_compare__a_reason(
    names: tuple[str, ...], arms: dict[str, TraitSums], reason: Reason
) -> None:
    found = prior_balance(names, arms)

    assert isinstance(found, NotComputable)
    assert found.reason is reason


def test_trait_sums__of_another_size__refused() -> None:
    with pytest.raises(ValueError, match="2 traits do not have 2 products"):
        TraitSums(1, (1, 2), (1, 2))
