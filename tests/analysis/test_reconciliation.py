"""Assigned, exposed, with an outcome: in words, and where they diverge."""

import pytest

from analysis.reconciliation import reconcile
from experiments.vocabulary import CheckState

EVEN = {"control": 5000, "treatment": 5000}


def test_reconcile__counts_that_fit__are_said() -> None:
    found = reconcile(EVEN, {"control": 4985, "treatment": 4990}, 9980, 9200, 9000)
    assert found.state == CheckState.PASSED
    assert found.sentence == (
        "Customers assigned about 10,000, exposed 9,980, with an outcome 9,200."
    )
    assert found.facts["assigned_control"] == 5000


@pytest.mark.parametrize(
    ("assigned", "exposed", "everybody", "with_outcome", "words"),
    [
        (EVEN, {"control": 6000, "treatment": 6000}, 12_000, 9000, "More were exposed"),
        (EVEN, {"control": 2000, "treatment": 2000}, 4000, 3000, "Most who were"),
        # 90 % against 80 %: the sketch's error of 1.6 % each does not explain that.
        (EVEN, {"control": 4500, "treatment": 4000}, 8500, 800, "Of treatment fewer"),
        (EVEN, {"control": 4900, "treatment": 4900}, 9800, 20, "Almost nobody"),
        ({}, {"control": 4900, "treatment": 4900}, 9800, 20, "Almost nobody"),
    ],
)
def test_reconcile__counts_that_diverge__are_a_notice(
    assigned: dict[str, int],
    exposed: dict[str, int],
    everybody: int,
    with_outcome: int,
    words: str,
) -> None:
    found = reconcile(assigned, exposed, everybody, with_outcome, watched=everybody)
    assert found.state == CheckState.NOTICE
    assert words in found.sentence


@pytest.mark.parametrize(
    ("assigned", "exposed"),
    [
        (EVEN, {"control": 4500, "treatment": 4350}),  # within the sketch's error
        ({"control": 50, "treatment": 50}, {"control": 50, "treatment": 30}),  # few
    ],
)
def test_reconcile__difference_that_chance_explains__is_none(
    assigned: dict[str, int], exposed: dict[str, int]
) -> None:
    total = sum(exposed.values())
    assert reconcile(assigned, exposed, total, total, total).state == CheckState.PASSED


def test_reconcile__nobody_has_been_watched_for_a_day__no_outcome_is_missed() -> None:
    exposed = {"control": 4990, "treatment": 4990}
    assert reconcile(EVEN, exposed, 9980, 0, 20).state == CheckState.PASSED


def test_reconcile__nothing_was_assigned_here__says_so() -> None:
    found = reconcile({}, {"control": 5, "treatment": 5}, 10, None, 0)
    assert found.state == CheckState.NOT_APPLICABLE
    assert found.sentence.startswith("Customers exposed 10. Assignments were not")
    assert found.facts["assigned"] is None
