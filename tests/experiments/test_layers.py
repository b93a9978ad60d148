from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.buckets import BUCKET_COUNT
from experiments.layers import (
    Range,
    Taken,
    allocate,
    bucket_count,
    free_ranges,
    refusal,
    share_of,
)

edges = st.integers(0, BUCKET_COUNT)
ranges = st.lists(st.tuples(edges, edges).map(lambda p: (min(p), max(p))), max_size=12)


def buckets(parts: list[Range]) -> set[int]:
    return {bucket for first, end in parts for bucket in range(first, end)}


@given(ranges)
def test_free_ranges__any_taken__are_all_the_others(taken: list[Range]) -> None:
    free = free_ranges(taken)
    assert buckets(free) == set(range(BUCKET_COUNT)) - buckets(taken)
    assert all(first < end for first, end in free)
    assert free == sorted(free)


@given(ranges, st.integers(1, BUCKET_COUNT))
def test_allocate__any_gaps__so_many_free_buckets_or_none(
    taken: list[Range], wanted: int
) -> None:
    free = free_ranges(taken)
    chosen = allocate(free, wanted)
    if chosen is None:
        assert len(buckets(free)) < wanted
        return
    found = buckets(chosen)
    assert len(found) == wanted == sum(end - first for first, end in chosen)
    assert found <= buckets(free)
    assert chosen == sorted(chosen)


@pytest.mark.parametrize(
    ("free", "wanted", "expected"),
    [
        ([(0, 10_000)], 3000, [(0, 3000)]),
        ([(0, 5000), (7000, 9000)], 2000, [(7000, 9000)]),  # the smallest that holds it
        ([(0, 500), (900, 1000), (2000, 2600)], 1000, [(0, 400), (2000, 2600)]),
        ([(0, 500)], 501, None),
        ([], 1, None),
    ],
)
def test_allocate__gaps__keeps_large_ones_large(
    free: list[Range], wanted: int, expected: list[Range] | None
) -> None:
    assert allocate(free, wanted) == expected


@pytest.mark.parametrize(
    ("share", "count"), [(1, 10_000), (0.5, 5000), (1 / 3, 3333), (1e-9, 1)]
)
def test_bucket_count__share__of_ten_thousand(share: float, count: int) -> None:
    assert bucket_count(share) == count
    assert share_of([(0, count)]) == count / 10_000


def test_refusal__says_what_would_fit_now_and_later() -> None:
    april = datetime(2026, 4, 1, 8, 30, tzinfo=UTC)
    taken = [
        Taken(0, 2000, 'Experiment "nudge"', april),
        Taken(2000, 4000, 'Experiment "nudge"', april),
        Taken(5000, 9500, 'The reservation "May"'),
    ]
    assert refusal("Checkout", 0.5, taken) == (
        'The layer "Checkout" has 15 % free, and 50 % is asked for. Up to 15 % would'
        ' fit now. Experiment "nudge" has 40 %, until 2026-04-01 08:30 UTC. The'
        ' reservation "May" has 45 %, with no end known.'
    )
    full = refusal("Checkout", 0.1, [Taken(0, 10_000, "X")])
    assert full == (
        'The layer "Checkout" has 0 % free, and 10 % is asked for. X has 100 %, with'
        " no end known."
    )
