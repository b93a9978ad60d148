"""Assigned, exposed, analysed, with an outcome: in words, and where they diverge."""

from datetime import UTC, date, datetime

import pytest

from analysis.reconciliation import reconcile
from analysis.trail import Place, Step, Trail
from experiments.vocabulary import CheckState, Reached

EVEN = {"control": 5000, "treatment": 5000}
UNTIL = datetime(2026, 3, 14, tzinfo=UTC)
PLACE = Place(date(2026, 3, 1), "app")


def trail(everybody: int, with_outcome: int, **others: int) -> Trail:
    """Make a trail of one day; who is not named has no event."""
    found = {Reached(name): n for name, n in others.items()}
    silent = everybody - with_outcome - sum(found.values())
    counts = {Reached.WITH_OUTCOME: with_outcome, Reached.NO_EVENT: silent, **found}
    return Trail(UNTIL, tuple(Step(PLACE, reached, n) for reached, n in counts.items()))


def test_reconcile__counts_that_fit__are_said() -> None:
    came = trail(9980, 9200, two_variants=5, not_mature=700)
    found = reconcile(EVEN, {"control": 4985, "treatment": 4990}, came, 9000)
    assert found.state == CheckState.PASSED
    assert found.sentence == (
        "Customers up to 14 Mar 2026, 00:00 UTC: assigned about 10,000, exposed 9,980,"
        " of them analysed 9,975, of them with an outcome 9,200. Assigned and not"
        " exposed: about 20. Left out: 5 seen in two variants. Analysed without an"
        " outcome: 700 not watched for long enough yet, 75 without an event that a"
        " metric reads."
    )
    assert found.facts["assigned_control"] == 5000
    assert (found.facts["analysed"], found.facts["no_event"]) == (9975, 75)
    assert found.facts["until"] == "2026-03-14T00:00:00+00:00"


@pytest.mark.parametrize(
    ("assigned", "analysed", "everybody", "with_outcome", "words"),
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
    analysed: dict[str, int],
    everybody: int,
    with_outcome: int,
    words: str,
) -> None:
    came = trail(everybody, with_outcome)
    found = reconcile(assigned, analysed, came, watched=everybody)
    assert found.state == CheckState.NOTICE
    assert words in found.sentence


@pytest.mark.parametrize(
    ("assigned", "analysed"),
    [
        (EVEN, {"control": 4500, "treatment": 4350}),  # within the sketch's error
        ({"control": 50, "treatment": 50}, {"control": 50, "treatment": 30}),  # few
    ],
)
def test_reconcile__difference_that_chance_explains__is_none(
    assigned: dict[str, int], analysed: dict[str, int]
) -> None:
    total = sum(analysed.values())
    found = reconcile(assigned, analysed, trail(total, total), total)
    assert found.state == CheckState.PASSED


def test_reconcile__nobody_has_been_watched_for_a_day__no_outcome_is_missed() -> None:
    analysed = {"control": 4990, "treatment": 4990}
    found = reconcile(EVEN, analysed, trail(9980, 0), 20)
    assert found.state == CheckState.PASSED


@pytest.mark.parametrize(
    ("assigned", "words"),
    [({}, "Assignments were not counted"), (None, "Another system assigned")],
)
def test_reconcile__nothing_was_assigned_here__says_so(
    assigned: dict[str, int] | None, words: str
) -> None:
    came = trail(10, 0, not_counted=10)
    found = reconcile(assigned, {"control": 5, "treatment": 5}, came, 0)
    assert found.state == CheckState.NOT_APPLICABLE
    assert found.sentence.startswith(
        "Customers up to 14 Mar 2026, 00:00 UTC: exposed 10, of them analysed 10."
        f" {words}"
    )
    assert found.facts["assigned"] is None


def test_reconcile__no_whole_day_is_over__says_so() -> None:
    found = reconcile({}, {"control": 0}, Trail(UNTIL), 0)
    assert found.state == CheckState.NOT_APPLICABLE
    assert found.sentence == (
        "Counted by whole days (UTC), and nobody was exposed before 14 Mar 2026, 00:00"
        " UTC."
    )
