"""Sizes in words: honest about few customers, and about what is not known."""

from dataclasses import replace

import pytest

from analysis.segment_sizes import Overlap, SizeView, share, size, to_json, trend
from tests.analysis.event_files import at

VIEW = SizeView(
    version=3,
    measured_at=at(1),
    customers=22_143,
    everybody=71_420,
    known=71_000,
    taken=886,
    attributes=("plan", "tenure_days"),
    overlaps=(Overlap("nudge", 8_414, 886),),
    chart=None,
)


def test_sentence__usual_segment__size_share_and_overlap() -> None:
    # 22,143 of 71,420 is 31.0 %; 886 of 22,143 is 4.0 %.
    assert VIEW.sentence == (
        "About 22,100 customers, 31 % of all, seen in the last 91 days; 4 % are in"
        " running experiments."
    )
    assert VIEW.short == "about 22,100, 31 % of all"
    assert VIEW.gap == ""
    assert VIEW.part(8_414) == "38 %"


def test_sentence__no_experiment_runs__says_nothing_of_experiments() -> None:
    alone = replace(VIEW, overlaps=(), taken=0)
    assert alone.sentence.endswith("seen in the last 91 days.")
    full = replace(VIEW, taken=22_143)
    assert full.sentence.endswith("; all are in running experiments.")
    beside = replace(VIEW, taken=0)
    assert beside.sentence.endswith("; none are in running experiments.")


@pytest.mark.parametrize("customers", [1, 9])
def test_words__fewer_than_ten__are_not_told_apart(customers: int) -> None:
    few = replace(VIEW, customers=customers, taken=1)
    assert few.sentence == (
        "Fewer than 10 of about 71,400 customers seen in the last 91 days are in it."
    )
    assert few.short == "fewer than 10"
    assert few.part(1) == "too few to say"
    shown = to_json(few)
    assert shown["customers_count"] is None
    assert shown["in_running_experiments_count"] is None
    assert shown["everybody_count"] == 71_420


def test_words__attributes_not_seen__say_which() -> None:
    unknown = replace(VIEW, known=0)
    assert unknown.sentence == (
        "The size is not known: plan and tenure_days have not been seen of any"
        " customer in the last 91 days."
    )
    assert unknown.short == "not known yet"
    assert to_json(unknown)["customers_count"] is None
    half = replace(VIEW, known=35_710)
    assert half.gap.startswith(
        "At least one of plan and tenure_days is known of 50 % of all customers;"
    )


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [
        (0, 50, "none"),
        (9, 50, "fewer than 10"),
        (10, 50, "20 %"),
        (10, 5_000, "under 1 %"),
        (4_999, 5_000, "over 99 %"),
        (5_000, 5_000, "100 %"),
    ],
)
def test_share__small_and_nearly_whole__does_not_pretend(
    part: int, whole: int, words: str
) -> None:
    assert share(part, whole) == words


@pytest.mark.parametrize(
    ("customers", "words"),
    [
        (0, "none"),
        (1, "fewer than 10"),
        (999, "999"),
        (1_234, "about 1,230"),
        (22_150, "about 22,200"),
        (999_500, "about 1,000,000"),
    ],
)
def test_size__any_number__three_digits_and_about(customers: int, words: str) -> None:
    assert size(customers) == words


def test_trend__up_down_and_steady__is_said_with_its_first_day() -> None:
    # By hand: 130 of 100 is 30 % more; 101 is within 2 %.
    weeks = [(at(0), 4), (at(7), 100), (at(14), 130)]
    assert trend(weeks) == "On 8 Jan 2026 there were 100; there are 30 % more now."
    assert trend([(at(0), 100), (at(7), 50)]).endswith("there are 50 % fewer now.")
    assert trend([(at(0), 100), (at(7), 101)]).endswith("about as many now.")
    assert trend([(at(0), 100), (at(7), 670)]).endswith("are 6.7 times as many now.")
    assert trend([(at(0), 100)]) == ""
    assert trend([(at(0), 100), (at(7), 3)]) == ""
