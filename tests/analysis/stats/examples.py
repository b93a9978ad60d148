"""Summaries for property tests: any that real customers could have produced."""

from hypothesis import strategies as st

from analysis.stats.competing import CompetingTable, competing_table_of
from analysis.stats.summary import (
    Funnel,
    Histogram,
    LifeTable,
    Moments,
    Successes,
    VectorMoments,
    life_table_of,
    moments_of,
    vector_moments_of,
)

sizes = st.integers(min_value=0, max_value=400)
values = st.floats(min_value=-1e6, max_value=1e6, allow_subnormal=False)


@st.composite
def successes(draw: st.DrawFn, min_n: int = 0, max_n: int = 2000) -> Successes:
    n = draw(st.integers(min_n, max_n))
    return Successes(
        n=n,
        successes=draw(st.integers(0, n)),
        n_missing=draw(st.integers(0, 5)),
        n_immature=draw(st.integers(0, 5)),
    )


@st.composite
def moments(draw: st.DrawFn, min_n: int = 0) -> Moments:
    return moments_of(
        draw(st.lists(values, min_size=min_n, max_size=min_n + 40)),
        n_immature=draw(st.integers(0, 3)),
    )


@st.composite
def vectors(draw: st.DrawFn, min_n: int = 0, size: int = 3) -> VectorMoments:
    row = st.tuples(*([values] * size))
    rows = draw(st.lists(row, min_size=min_n, max_size=min_n + 20))
    return vector_moments_of(rows, size, n_immature=draw(st.integers(0, 3)))


@st.composite
def histograms(draw: st.DrawFn) -> Histogram:
    given = draw(st.lists(st.integers(0, 60), min_size=5, max_size=5))
    invited = sum(given) + draw(st.integers(0, 50))
    return Histogram(
        counts=tuple(zip((1.0, 2.0, 3.0, 4.0, 5.0), given, strict=True)),
        n_exposed=invited + draw(st.integers(0, 50)),
        n_invited=invited,
    )


@st.composite
def life_tables(draw: st.DrawFn, min_n: int = 0) -> LifeTable:
    times = st.tuples(st.integers(0, 30), st.booleans())
    table = life_table_of(draw(st.lists(times, min_size=min_n, max_size=min_n + 60)))
    return LifeTable(table.n + draw(st.integers(0, 20)), table.days)


@st.composite
def competing_tables(draw: st.DrawFn, min_n: int = 0) -> CompetingTable:
    ends = st.tuples(st.integers(0, 30), st.integers(0, 2))
    table = competing_table_of(
        draw(st.lists(ends, min_size=min_n, max_size=min_n + 60))
    )
    return CompetingTable(table.n + draw(st.integers(0, 20)), table.days)


@st.composite
def funnels(draw: st.DrawFn, steps: int = 3) -> Funnel:
    n = draw(sizes)
    counts = draw(st.lists(st.integers(0, n), min_size=steps, max_size=steps))
    return Funnel(
        n, tuple(sorted(counts, reverse=True)), n_immature=draw(st.integers(0, 5))
    )
