"""Counted events, funnels and contacts: customers worked by hand, at every edge."""

from collections.abc import Mapping
from pathlib import Path

from analysis.bounds import Bounds
from analysis.stats.summary import Funnel, Successes, Summary
from analysis.warehouse import summarise_events
from experiments.metric_definition import MetricDefinition
from experiments.vocabulary import Direction, MetricKind
from tests.analysis.cases import SECOND, Did, measured
from tests.analysis.event_files import EventFile, at, plan_of

REPEAT = MetricDefinition(
    MetricKind.EVENT_SHARE,
    Direction.INCREASE,
    events=("Ordered", "Renewed"),
    day=0,
    window_days=10,
    at_least=2,
)
STEPS = MetricDefinition(
    MetricKind.FUNNEL,
    Direction.INCREASE,
    events=("Viewed", "Added", "Paid"),
    day=7,
)
CONTACT = MetricDefinition(
    MetricKind.FIRST_CONTACT_RESOLUTION,
    Direction.INCREASE,
    events=("Wrote", "Called"),
    day=10,
    gap_days=5,
)
LATER = MetricDefinition(
    MetricKind.UNBOUNDED_RETENTION,
    Direction.INCREASE,
    events=("Opened",),
    day=30,
    window_days=30,
)


def summaries(
    tmp_path: Path,
    definition: MetricDefinition,
    cases: Mapping[str, tuple[Did, Summary]],
    followed: float,
) -> dict[str, Summary]:
    """Measure each case, followed for so many days."""
    cells = measured(
        tmp_path,
        definition,
        {name: (did, followed) for name, (did, _) in cases.items()},
    )
    return {name: cell.summary for name, cell in cells.items()}


def expected(cases: Mapping[str, tuple[Did, Summary]]) -> dict[str, Summary]:
    return {name: summary for name, (_, summary) in cases.items()}


YES, NO = Successes(1, 1), Successes(1, 0)
MISSING = Successes(0, 0, n_missing=1)
YOUNG = Successes(0, 0, n_immature=1)

REPEATED: dict[str, tuple[Did, Summary]] = {
    "twice": ([("Ordered", 1), ("Ordered", 2)], YES),
    "once each": ([("Ordered", 1), ("Renewed", 2)], YES),
    "once": ([("Ordered", 1)], NO),
    "another event": ([("Ordered", 1), ("Other", 2)], NO),
    "both ends": ([("Ordered", 0), ("Ordered", 10 - SECOND)], YES),
    "second after the end": ([("Ordered", 1), ("Ordered", 10)], NO),
    "first before the exposure": ([("Ordered", -1), ("Ordered", 1)], NO),
    "none": ([], NO),
}
STEPPED: dict[str, tuple[Did, Summary]] = {
    "in order": ([("Viewed", 1), ("Added", 2), ("Paid", 3)], Funnel(1, (1, 1, 1))),
    "out of order": ([("Added", 1), ("Viewed", 2), ("Paid", 3)], Funnel(1, (1, 0, 0))),
    "paid before it was added again": (
        [("Added", 1), ("Viewed", 2), ("Paid", 2.5), ("Added", 3)],
        Funnel(1, (1, 1, 0)),
    ),
    "paid twice": (
        [("Viewed", 1), ("Paid", 2), ("Added", 3), ("Paid", 4)],
        Funnel(1, (1, 1, 1)),
    ),
    "at once": ([("Viewed", 1), ("Added", 1), ("Paid", 1)], Funnel(1, (1, 1, 1))),
    "paid after the end": (
        [("Viewed", 1), ("Added", 2), ("Paid", 7)],
        Funnel(1, (1, 1, 0)),
    ),
    "never viewed": ([("Added", 1), ("Paid", 2)], Funnel(1, (0, 0, 0))),
    "nothing": ([], Funnel(1, (0, 0, 0))),
}
CONTACTED: dict[str, tuple[Did, Summary]] = {
    "once": ([("Wrote", 3)], YES),
    "again": ([("Wrote", 3), ("Called", 4)], NO),
    "two at once": ([("Wrote", 3), ("Called", 3)], NO),
    "5 days later": ([("Wrote", 3), ("Wrote", 8)], YES),
    "just within 5 days": ([("Wrote", 3), ("Wrote", 8 - SECOND)], NO),
    "first at the last moment": ([("Wrote", 10 - SECOND), ("Wrote", 12)], NO),
    "too late": ([("Wrote", 10)], MISSING),
    "no contact": ([("Other", 3)], MISSING),
    "nothing": ([], MISSING),
}


def test_event_share__at_least_twice_in_ten_days(tmp_path: Path) -> None:
    assert summaries(tmp_path, REPEAT, REPEATED, 10) == expected(REPEATED)
    # A second of follow-up short of the window: not known yet, whatever happened.
    young = summaries(tmp_path, REPEAT, REPEATED, 10 - SECOND)
    assert young == dict.fromkeys(REPEATED, YOUNG)


def test_unbounded_retention__back_on_day_30_or_later__watched_to_day_60(
    tmp_path: Path,
) -> None:
    cases: dict[str, tuple[Did, Summary]] = {
        "before": ([("Opened", 29.9)], NO),
        "day 30": ([("Opened", 30)], YES),
        "day 59": ([("Opened", 59.9)], YES),
        "after": ([("Opened", 60)], NO),
    }
    assert summaries(tmp_path, LATER, cases, 60) == expected(cases)
    young = summaries(tmp_path, LATER, cases, 59.9)
    assert young == dict.fromkeys(cases, YOUNG)


def test_funnel__steps_in_their_order__as_far_as_the_customer_came(
    tmp_path: Path,
) -> None:
    assert summaries(tmp_path, STEPS, STEPPED, 7) == expected(STEPPED)
    young = summaries(tmp_path, STEPS, STEPPED, 6.9)
    assert young == dict.fromkeys(STEPPED, Funnel(0, (0, 0, 0), n_immature=1))


def test_funnel__several_customers__counts_by_step(tmp_path: Path) -> None:
    file = EventFile()
    for who, names in {"a": 3, "b": 2, "c": 2, "d": 1, "e": 0}.items():
        file.exposed(who, "control")
        for i, name in enumerate(("Viewed", "Added", "Paid")[:names]):
            file.active(who, i + 0.5, name=name)
    found = summarise_events(
        plan_of({"m": STEPS}),
        [file.write(tmp_path)],
        Bounds(as_of=at(1000), data_cutoff=at(20)),
        tmp_path / "scratch",
    )
    assert found.arms("m")["control"].summary == Funnel(5, (4, 3, 1))
    assert found.trail is not None
    assert found.trail.with_outcome == 4


def test_first_contact__resolved_when_no_other_follows_within_5_days(
    tmp_path: Path,
) -> None:
    # Mature 10 + 5 days after the exposure, with or without a contact before.
    assert summaries(tmp_path, CONTACT, CONTACTED, 15) == expected(CONTACTED)
    young = summaries(tmp_path, CONTACT, CONTACTED, 14.9)
    assert young == dict.fromkeys(CONTACTED, YOUNG)
