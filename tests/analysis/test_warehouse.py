"""From stored events to summaries: customers worked by hand, then a naive oracle."""

import math
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from analysis import event_rows
from analysis.bounds import Bounds
from analysis.cells import Earlier, Summaries
from analysis.stats.summary import Histogram, LifeDay, LifeTable, Successes
from analysis.warehouse import summarise_events
from experiments.metric_definition import MetricDefinition
from experiments.plan import Plan
from experiments.vocabulary import MetricKind, Role
from tests.analysis.event_files import (
    EventFile,
    at,
    churn,
    csat,
    plan_of,
    pseudonym,
    retention,
    time_to_churn,
)

Summarise = Callable[..., Summaries]


@pytest.fixture
def summarise(tmp_path: Path) -> Summarise:
    def run(
        events: EventFile,
        plan: Plan | dict[str, MetricDefinition],
        cutoff: datetime,
        *,
        as_of: datetime | None = None,
        earlier: Earlier | None = None,
        **bounds: object,
    ) -> Summaries:
        return summarise_events(
            plan if isinstance(plan, Plan) else plan_of(plan),
            [events.write(tmp_path)],
            Bounds(as_of=as_of or at(1000), data_cutoff=cutoff, **bounds),  # type: ignore[arg-type]
            tmp_path / "scratch",
            earlier,
        )

    return run


def test_earlier_phase_and_lists__their_customers__are_left_out_and_counted(
    summarise: Summarise,
) -> None:
    # The plan's exposures count from day 0. b was exposed in the phase before, which
    # began on day -10; c before that phase, which is no part of the experiment.
    events = EventFile()
    for who in ("a", "b"):
        events.exposed(who, "control")
    for who in ("c", "d", "qa"):
        events.exposed(who, "treatment")
    events.exposed("b", "control", at(-3)).exposed("c", "treatment", at(-20))
    counts = summarise(
        events,
        {"r": retention()},
        at(40),
        earlier_from=at(-10),
        listed=(pseudonym("qa"), pseudonym("nobody")),
    ).exposures
    assert counts.analysed == {"control": 1, "treatment": 2}
    assert (counts.earlier_phase, counts.listed) == (1, 1)
    assert (counts.only_outside, counts.everybody) == (0, 3)


def test_previews__who_used_a_link__is_left_out_and_counted(
    summarise: Summarise,
) -> None:
    # b used the link before the exposure and d long after; visitor anon-1, who used
    # it, is e, as was known later; c used one of another experiment; f never saw it.
    events = EventFile()
    for who in ("a", "b", "c", "anon-1"):
        events.exposed(who, "treatment")
    events.exposed("d", "control", at(1)).linked("anon-1", "e", 5)
    for who, day in (("b", -1), ("d", 20), ("anon-1", 0), ("f", 0)):
        events.add("preview", who, at(day), experiment="exp", variant="treatment")
    events.add("preview", "c", at(0), experiment="other", variant="treatment")
    counts = summarise(events, {"r": retention()}, at(40), previews=True).exposures
    assert counts.analysed == {"control": 0, "treatment": 2}
    assert (counts.previewed, counts.everybody) == (3, 2)


def test_retention__activity_around_the_window__counts_only_what_is_inside(
    summarise: Summarise,
) -> None:
    # Day 7 is [168 h, 192 h) since exposure. By hand: b and c are active in it.
    events = EventFile()
    second = 1 / 86400
    for who, day in (
        ("a", 7 - second),
        ("b", 7),
        ("c", 8 - second),
        ("d", 8),
        ("e", 0),
    ):
        events.exposed(who, "control").active(who, day)
    events.exposed("f", "control")  # never active
    events.exposed("g", "control").active("g", 7.5, name="Clicked")  # another event
    events.exposed("h", "treatment").active("h", 7.1, 7.2, 7.3)  # one customer, once
    found = summarise(events, {"r": retention()}, at(8)).arms("r")
    assert found["control"].summary == Successes(n=7, successes=2)
    assert found["treatment"].summary == Successes(n=1, successes=1)


def test_retention__customers_of_all_ages__are_mature_from_the_windows_end(
    summarise: Summarise,
) -> None:
    # The window ends 8 days after exposure: with the cut-off on day 10 a customer
    # exposed on day 2 is just mature, one a microsecond later is not.
    events = EventFile()
    events.exposed("old", "control", at(2)).active("old", 9.5)
    events.exposed("young", "control", at(2) + timedelta(microseconds=1))
    events.active("young", 9.5)
    events.exposed("after", "control", at(11))
    summary = summarise(events, {"r": retention()}, at(10)).arms("r")["control"].summary
    assert summary == Successes(n=1, successes=1, n_immature=2)


def test_retention__bracket_of_days__takes_any_activity_within(
    summarise: Summarise,
) -> None:
    events = EventFile()
    for who, day in (("a", 6.9), ("b", 7), ("c", 13.9), ("d", 14)):
        events.exposed(who, "control").active(who, day)
    definition = retention(day=7, window_days=7)
    summary = summarise(events, {"r": definition}, at(14)).arms("r")["control"].summary
    assert summary == Successes(n=4, successes=2)


# Churn by day 10 with a gap of 5 days, by hand: the start of the first gap of 5 days.
CHURN_CASES = {
    "never active: the clock starts at exposure": ((), 0.0),
    "first activity after more than 5 days": ((5.5,), 0.0),
    "first activity after exactly 5 days": ((5.0,), 0.0),
    "just under 5 days, then silence": ((4.99,), 4.99),
    "two activities, then a gap inside, then back": ((1.5, 3, 9), 3.0),
    "kept going to day 10, then silence": ((3, 6, 9, 10), 10.0),
    "silence begins after day 10": ((3, 6, 9, 10.5), 10.5),
    "order of arrival does not matter": ((9, 3, 1.5), 3.0),
}


@pytest.mark.parametrize("case", CHURN_CASES)
def test_churn__hand_worked_customers__by_start_of_first_gap(
    case: str, summarise: Summarise
) -> None:
    days, start = CHURN_CASES[case]
    events = EventFile().exposed("a", "control").active("a", *days)
    events.active("a", 2, 4, 6, 8, name="Clicked")  # does not interrupt a gap
    summary = summarise(events, {"c": churn()}, at(15)).arms("c")["control"].summary
    assert summary == Successes(n=1, successes=int(start <= 10))


def test_churn__before_day_n_plus_gap__customer_is_not_mature(
    summarise: Summarise,
) -> None:
    events = EventFile().exposed("a", "control")
    cutoff = at(15) - timedelta(microseconds=1)
    summary = summarise(events, {"c": churn()}, cutoff).arms("c")["control"].summary
    assert summary == Successes(n=0, successes=0, n_immature=1)


@pytest.mark.parametrize(
    ("days", "followed", "table"),
    [
        # Followed F days: known up to C = F - 5. Event on day ceil(T) when that is at
        # most floor(C), else censored on floor(C); nothing lies beyond day 10.
        pytest.param((), 15, LifeDay(0, 1, 0), id="T=0 churns at once"),
        pytest.param((), 5, LifeDay(0, 1, 0), id="T=0 is known after one gap"),
        pytest.param((1.5, 3), 15, LifeDay(3, 1, 0), id="T=3 stands on day 3"),
        pytest.param((1.5, 3.1), 15, LifeDay(4, 1, 0), id="T=3.1 stands on day 4"),
        pytest.param((1.5, 3.1), 9.0, LifeDay(4, 1, 0), id="C=4, just known"),
        pytest.param((1.5, 3.1), 8.9, LifeDay(3, 0, 1), id="C=3.9, not known yet"),
        pytest.param((3, 6, 9, 10), 15, LifeDay(10, 1, 0), id="T=10 is the last day"),
        pytest.param((3, 6, 9, 10.5), 15.5, LifeDay(10, 0, 1), id="T=10.5 is beyond"),
        pytest.param((3, 6, 9, 12), 30, LifeDay(10, 0, 1), id="retained to day 10"),
        pytest.param((3, 6), 9, LifeDay(4, 0, 1), id="active since, censored at F-W"),
    ],
)
def test_time_to_churn__hand_worked_customers__day_of_event_or_censoring(
    days: tuple[float, ...], followed: float, table: LifeDay, summarise: Summarise
) -> None:
    events = EventFile().exposed("a", "control").active("a", *days)
    cell = summarise(events, {"t": time_to_churn()}, at(followed)).arms("t")["control"]
    assert cell.summary == LifeTable(1, (table,))
    assert cell.n_immature == 0


@pytest.mark.parametrize("day", [30, 45])  # 7 gaps long, and 10
def test_time_to_churn__however_many_gaps_long__same_start_of_the_first_gap(
    day: int, summarise: Summarise
) -> None:
    # By hand: the starts of CHURN_CASES, each on day ceil(T), of customers together.
    events = EventFile()
    for who, (days, _) in CHURN_CASES.items():
        events.exposed(who, "control").active(who, *days)
        events.active(who, 2, 4, 6, 8, name="Clicked")  # does not interrupt a gap
    other = replace(retention(), events=("Clicked",))
    metrics = {"t": time_to_churn(day), "other": other}
    cell = summarise(events, metrics, at(60)).arms("t")["control"]
    starts = Counter(math.ceil(start) for _, start in CHURN_CASES.values())
    assert cell.summary == LifeTable(
        8, tuple(LifeDay(start, n, 0) for start, n in sorted(starts.items()))
    )


def test_time_to_churn__followed_for_less_than_a_gap__is_not_at_risk(
    summarise: Summarise,
) -> None:
    events = EventFile().exposed("a", "control")
    cell = summarise(events, {"t": time_to_churn()}, at(4.9)).arms("t")["control"]
    assert cell.summary == LifeTable(0, ())
    assert cell.n_immature == 1


def test_csat__waves_and_corrections__first_wave_with_its_latest_value(
    summarise: Summarise,
) -> None:
    # Window [0, 20) days. By hand: a answers 4 and corrects to 2 within 7 days; b's
    # second wave does not count; c answers after the window; d was asked and is
    # silent; e and g answer on other scales; f's correction comes after the window.
    events = EventFile()
    for who in "abcdefg":
        events.exposed(who, "control")
    events.asked("a", 1).answered("a", 2, 4).answered("a", 8.9, 2)
    events.answered("b", 2, 5).answered("b", 9, 1)
    events.asked("c", 19).answered("c", 20, 1)
    events.asked("d", 3)
    events.answered("e", 3, 2, scale=10).answered("g", 3, 9, scale=None)
    events.answered("f", 19, 3).answered("f", 21, 5)
    summary = summarise(events, {"s": csat()}, at(20)).arms("s")["control"].summary
    assert summary == Histogram(
        counts=((2.0, 1), (3.0, 1), (5.0, 1)), n_exposed=7, n_invited=3
    )


def test_csat__named_survey__takes_no_other(summarise: Summarise) -> None:
    events = EventFile().exposed("a", "control").asked("a", 1, "relationship")
    events.answered("a", 1, 1, "relationship")
    events.asked("a", 2, "support").answered("a", 3, 5, "support")
    metrics = {"one": csat(survey="support"), "any": csat()}
    found = summarise(events, metrics, at(20))
    one, either = (found.arms(key)["control"].summary for key in metrics)
    assert one == Histogram(((5.0, 1),), n_exposed=1, n_invited=1)
    # Any survey: the wave begins with the first answer, and 5 is its latest value.
    assert either == Histogram(((5.0, 1),), n_exposed=1, n_invited=1)


def test_surveys__of_three_kinds_under_one_name__each_takes_its_own(
    summarise: Summarise,
) -> None:
    # By hand: the customer is asked all three on day 1 and answers 4, 9 and 6.
    events = EventFile().exposed("a", "control")
    for kind, score, scale in (("survey", 4, 5), ("nps", 9, 10), ("ces", 6, 7)):
        events.asked("a", 1, "q2", kind).answered("a", 2, score, "q2", scale, kind)
    events.exposed("b", "control").asked("b", 1, "q2", "nps")
    metrics = {
        "csat": csat(),
        "nps": replace(
            csat(), kind=MetricKind.NPS, scale=10, satisfied_from=9, survey="q2"
        ),
        "ces": replace(csat(), kind=MetricKind.CES_MEAN, scale=7),
        "easy": replace(csat(), kind=MetricKind.CES_SHARE, scale=7, satisfied_from=5),
    }
    found = summarise(events, metrics, at(20))
    summaries = {key: found.arms(key)["control"].summary for key in metrics}
    effort = Histogram(((6.0, 1),), n_exposed=2, n_invited=1)
    assert summaries == {
        "csat": Histogram(((4.0, 1),), n_exposed=2, n_invited=1),
        "nps": Histogram(((9.0, 1),), n_exposed=2, n_invited=2),
        "ces": effort,
        "easy": effort,
    }


def test_csat__two_answers_of_one_moment__the_later_received_counts(
    summarise: Summarise,
) -> None:
    events = EventFile().exposed("a", "control")
    for score, received in ((5, 3), (1, 2)):
        events.add(
            "survey_answer",
            "a",
            at(2),
            received_at=at(received),
            value=score,
            scale=5,
        )
    summary = summarise(events, {"s": csat()}, at(20)).arms("s")["control"].summary
    assert summary == Histogram(((5.0, 1),), n_exposed=1, n_invited=0)


def test_exposures__of_all_kinds__each_is_analysed_or_counted(
    summarise: Summarise,
) -> None:
    events = EventFile()
    events.exposed("a", "control", at(1)).exposed("a", "control", at(2))
    events.exposed("b", "treatment", at(3))
    events.exposed("both", "control", at(1)).exposed("both", "treatment", at(9))
    events.exposed("stray", "blue", at(1))
    events.exposed("mixed", "blue", at(1)).exposed("mixed", "control", at(2))
    events.exposed("early", "control", at(-1))
    events.exposed("late", "control", at(20))
    events.exposed("paused", "control", at(5.5))
    events.exposed("resumed", "control", at(5.5)).exposed("resumed", "treatment", at(6))
    events.exposed("elsewhere", "control", at(1), experiment="other")
    events.exposed("test", "control", at(1), environment="development")
    counts = summarise(
        events,
        {"r": retention()},
        at(30),
        exposures_until=at(20),
        breaks=((at(5), at(6)),),
    ).exposures
    assert counts.analysed == {"control": 2, "treatment": 2}  # a, mixed; b, resumed
    assert counts.two_variants == 1
    assert counts.unknown_variants == 2
    assert counts.undeclared_names == ("blue",)
    assert counts.only_outside == 3  # early, late, paused
    assert [(str(d), v, n) for d, v, n in counts.by_day] == [
        ("2026-01-02", "control", 1),
        ("2026-01-03", "control", 1),
        ("2026-01-04", "treatment", 1),
        ("2026-01-07", "treatment", 1),
    ]
    assert (counts.first_at, counts.last_at) == (at(1), at(6))


def test_exposures__not_as_assigned__are_counted_and_not_analysed(
    summarise: Summarise,
) -> None:
    right, wrong = '{"assignment":"agrees"}', '{"assignment":"contradicts"}'
    events = EventFile()
    events.exposed("right", "control", at(1), properties=right)
    events.exposed("unchecked", "control", at(1))
    events.exposed("wrong", "treatment", at(1), properties=wrong)
    # Before it was covered, and again when it was: from then on it counts.
    events.exposed("early", "treatment", at(1), properties=wrong)
    events.exposed("early", "treatment", at(2), properties=right)
    # Has seen both, one of them by mistake: which one worked cannot be told.
    events.exposed("both", "treatment", at(1), properties=wrong)
    events.exposed("both", "control", at(2), properties=right)
    events.exposed("outside", "control", at(-1), properties=wrong)
    counts = summarise(events, {"r": retention()}, at(30)).exposures
    assert counts.analysed == {"control": 2, "treatment": 1}
    assert counts.wrongly_shown == 3  # wrong, early, both
    assert counts.only_wrongly_shown == 1
    assert counts.two_variants == 1
    assert counts.unchecked == 1
    assert (counts.contradicting, counts.everybody) == (3, 5)
    assert counts.only_outside == 1
    assert counts.first_at == at(1)
    assert ("2026-01-03", "treatment", 1) in [
        (str(d), v, n) for d, v, n in counts.by_day
    ]


def test_with_outcome__counts_customers_whom_any_metric_saw(
    summarise: Summarise,
) -> None:
    events = EventFile()
    for who in ("active", "answered", "both", "silent", "before"):
        events.exposed(who, "control", at(1))
    events.active("active", 2, 8).active("both", 3).active("before", 0)
    events.active("silent", 2, name="Read by no metric")
    events.answered("answered", 3, 5).answered("both", 3, 4)
    metrics = {"r": retention(), "c": csat(), "t": time_to_churn()}
    trail = summarise(events, metrics, at(60)).trail
    assert trail is not None
    assert trail.with_outcome == 3


def test_exposures__more_than_once__outcome_counts_from_the_first(
    summarise: Summarise,
) -> None:
    events = EventFile().exposed("a", "control", at(3)).exposed("a", "control", at(0))
    events.active("a", 7.5)  # day 7 of the first exposure, day 4 of the second
    summary = summarise(events, {"r": retention()}, at(30)).arms("r")["control"].summary
    assert summary == Successes(n=1, successes=1)


def test_exposures__planned_size_reached__later_customers_are_counted_apart(
    summarise: Summarise,
) -> None:
    events = EventFile()
    for i in range(6):
        events.exposed(f"u{i}", "control", at(i))
    counts = summarise(events, {"r": retention()}, at(12), size=4).exposures
    assert counts.analysed == {"control": 4, "treatment": 0}
    assert counts.beyond_size == 2
    assert counts.last_at == at(3)
    assert counts.mature == {"control": 4, "treatment": 0}
    few = summarise(events, {"r": retention()}, at(12), size=40).exposures
    assert few.analysed == {"control": 6, "treatment": 0}
    # The window of 8 days has passed for those exposed on days 0 to 4.
    assert few.mature == {"control": 5, "treatment": 0}


def test_stitching__identified_later__anonymous_events_become_the_customers(
    summarise: Summarise,
) -> None:
    # The visitor sees control before signing in, and the account on another device
    # earlier still: one customer, exposed on day 0, active on day 7 while signed out.
    events = EventFile()
    events.exposed("anon-1", "control", at(1)).exposed("ada", "control", at(0))
    events.linked("anon-1", "ada", day=9)
    events.active("anon-1", 7.2)
    # Two customers on one device: the first who was seen there owns what is unsigned.
    events.linked("anon-1", "bob", day=10)
    # Never identified: a customer of its own.
    events.exposed("anon-2", "treatment", at(0)).active("anon-2", 7.2)
    # An alias call merges two known ids, over two steps.
    events.exposed("anon-4", "treatment").linked("anon-4", "old", day=1)
    events.linked("old", "new", day=2).active("new", 7.3)
    # Stitching shows that one customer saw both variants.
    events.exposed("anon-3", "control").exposed("eve", "treatment")
    events.linked("anon-3", "eve", day=2)
    found = summarise(events, {"r": retention()}, at(30))
    assert found.exposures.analysed == {"control": 1, "treatment": 2}
    assert found.exposures.two_variants == 1
    assert found.arms("r")["control"].summary == Successes(1, 1)
    assert found.arms("r")["treatment"].summary == Successes(2, 2)


def test_segments__attributes_change__the_last_value_before_exposure_counts(
    summarise: Summarise,
) -> None:
    splits: dict[str, dict[str, Any]] = {
        "pro": {"plan": "pro"},
        "tenured": {"tenure": {"$gte": 30}},
        "abroad": {"address.country": {"$ne": "SE"}},
    }
    events = EventFile()
    # a: upgraded before exposure, downgraded after; b: plan known only afterwards;
    # c: two messages that each tell a part; d: nothing known, so $ne holds.
    events.traits("a", -3, plan="free").traits("a", -1, plan="pro")
    events.traits("a", 1, plan="free", tenure=99)
    events.traits("b", 1, plan="pro")
    events.traits("c", -2, plan="pro", address={"country": "SE"})
    events.traits("c", -1, tenure=30)
    for who in "abcd":
        events.exposed(who, "control").active(who, 7.5)
    plan = plan_of({"r": retention()}, breakdowns=splits)
    found = summarise(events, plan, at(30))
    sizes = {
        label: found.arms("r", label)["control"].summary for label in ["", *splits]
    }
    assert sizes == {
        "": Successes(4, 4),
        "pro": Successes(2, 2),  # a, c
        "tenured": Successes(1, 1),  # c
        "abroad": Successes(3, 3),  # a, b, d
    }


def test_segments__names_that_mean_something_in_a_path__are_read_as_names(
    summarise: Summarise,
) -> None:
    names = ["plan[0]", 'the "plan"', "it's", "a/b", "~1", "*", "#-1"]
    splits = {f"s{i}": {name: "pro"} for i, name in enumerate(names)}
    events = EventFile()
    events.traits("a", -1, **dict.fromkeys(names, "pro"))
    for who in "ab":
        events.exposed(who, "control").active(who, 7.5)
    plan = plan_of({"r": retention()}, breakdowns=splits)
    found = summarise(events, plan, at(30))
    sizes = [found.arms("r", label)["control"].summary for label in splits]
    assert sizes == [Successes(1, 1)] * len(names)  # a alone has said so


def test_received_later_than_as_of__does_not_exist_yet(summarise: Summarise) -> None:
    events = EventFile().exposed("a", "control")
    events.active("a", 7.5, received_at=at(20))
    metrics = {"r": retention()}
    before = summarise(events, metrics, at(10), as_of=at(19))
    after = summarise(
        events, metrics, at(10), as_of=at(20), earlier=Earlier(at(19), at(10))
    )
    assert before.arms("r")["control"].summary == Successes(1, 0)
    assert after.arms("r")["control"].summary == Successes(1, 1)
    assert (before.late_event_count, after.late_event_count) == (None, 1)


def test_metric__that_cannot_be_measured__fails_alone(summarise: Summarise) -> None:
    events = EventFile().exposed("a", "control").active("a", 7.5)
    # Beyond 64 bits of microseconds: the engine refuses the query.
    poison = retention(day=9 * 10**8)
    found = summarise(events, {"good": retention(), "bad": poison}, at(30))
    assert set(found.failed) == {"bad"}
    assert found.arms("bad") == {}
    assert found.arms("good")["control"].summary == Successes(1, 1)


def test_no_events_at_all__every_cell_is_there_and_empty(
    tmp_path: Path, summarise: Summarise
) -> None:
    plan = plan_of(
        {"r": retention(), "t": time_to_churn(), "s": csat()},
        breakdowns={"pro": {"plan": "pro"}},
    )
    bounds = Bounds(as_of=at(9), data_cutoff=at(8))
    for found in (
        summarise(EventFile(), plan, at(8)),
        summarise_events(plan, [], bounds, tmp_path / "scratch"),
    ):
        assert len(found.cells) == 3 * 2 * 2
        assert found.exposures.units == 0
        assert not found.failed


# A second, naive way to the same numbers: one customer at a time, in Python.

METRICS = {
    "r": retention(3, 2),
    "c": churn(6, 3),
    "t": time_to_churn(6, 3),
    "c2": churn(4, 2),
    "s": csat(8),
}


def _first_gap(days: list[float], gap: float) -> float:
    start = 0.0
    for day in sorted(days):
        if day - start >= gap:
            return start
        start = day
    return start


@pytest.mark.parametrize(
    ("seed", "bucket_size"), [(0, 1_000_000), (1, 1_000_000), (2, 1_000_000), (3, 200)]
)
def test_random_customers__agree_with_one_by_one_in_python(
    seed: int,
    bucket_size: int,
    summarise: Summarise,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_rows, "EVENTS_A_BUCKET", bucket_size)
    dice = random.Random(seed)  # noqa: S311  # a fixed seed is the point
    events = EventFile()
    cutoff = 9
    retained: Counter[tuple[str, object]] = Counter()
    churned: Counter[tuple[str, int, object]] = Counter()
    lives: Counter[tuple[str, object]] = Counter()
    scores: Counter[tuple[str, object]] = Counter()
    for i in range(120):
        who, variant = f"u{i}", dice.choice(["control", "treatment"])
        start = dice.choice([0, 1.25, 3, 4.5])
        days = [dice.randrange(40) / 4 for _ in range(dice.randrange(6))]
        events.exposed(who, variant, at(start))
        events.active(who, *(start + day for day in days))
        follow_up = cutoff - start
        seen = [day for day in days if start + day < cutoff]
        age = follow_up >= 5
        retained[variant, any(3 <= d < 5 for d in seen) if age else None] += 1
        for day, gap in ((6, 3), (4, 2)):
            age = follow_up >= day + gap
            first = _first_gap(seen, gap)
            churned[variant, day, first <= day if age else None] += 1
        known = follow_up - 3
        if known < 0:
            lives[variant, None] += 1
        else:
            last, first = min(int(known), 6), -(-_first_gap(seen, 3) // 1)
            event = first <= last
            lives[variant, (int(first) if event else last, event)] += 1
        score = dice.choice([None, 1, 2, 3, 4, 5])
        if score is not None:
            events.answered(who, start + 1, score)
        scores[variant, score if follow_up >= 8 else "young"] += 1
    found = summarise(events, METRICS, at(cutoff))
    for variant in ("control", "treatment"):
        young = retained[variant, None]
        yes, no = retained[variant, True], retained[variant, False]
        assert found.arms("r")[variant].summary == Successes(yes + no, yes, 0, young)
        for key, day in (("c", 6), ("c2", 4)):
            yes, no = (churned[variant, day, flag] for flag in (True, False))
            young = churned[variant, day, None]
            summary = found.arms(key)[variant].summary
            assert summary == Successes(yes + no, yes, 0, young)
        table = found.arms("t")[variant].summary
        assert isinstance(table, LifeTable)
        expected = {k[1]: n for k, n in lives.items() if k[0] == variant and k[1]}
        by_day = {(d.day, True): d.events for d in table.days}
        by_day |= {(d.day, False): d.censored for d in table.days}
        assert {k: n for k, n in by_day.items() if n} == expected
        histogram = found.arms("s")[variant].summary
        assert isinstance(histogram, Histogram)
        assert dict(histogram.counts) == {
            float(score): scores[variant, score]
            for score in range(1, 6)
            if scores[variant, score]
        }
        assert histogram.n_immature == scores[variant, "young"]


def test_same_events_in_any_order_and_file__give_equal_summaries(
    tmp_path: Path,
) -> None:
    dice = random.Random(7)  # noqa: S311  # a fixed seed is the point
    events = EventFile()
    for i in range(60):
        who = f"u{i}"
        events.traits(who, -1, plan=dice.choice(["pro", "free"]))
        events.exposed(who, dice.choice(["control", "treatment"]))
        events.active(who, *(dice.random() * 12 for _ in range(4)))
        events.answered(who, 2, dice.randint(1, 5))
    plan = plan_of(METRICS, breakdowns={"pro": {"plan": "pro"}})
    bounds = Bounds(as_of=at(100), data_cutoff=at(20))
    results: list[Summaries] = []
    for _ in range(3):
        dice.shuffle(events.rows)
        half = EventFile(events.rows[:100]), EventFile(events.rows[100:])
        folder = tmp_path / str(len(results))
        folder.mkdir()
        files = [part.write(folder) for part in half]
        results.append(summarise_events(plan, files, bounds, tmp_path / "scratch"))
    assert results[0] == results[1] == results[2]


def test_roles__maturity_that_decides__is_of_primary_and_guardrails_only(
    summarise: Summarise,
) -> None:
    events = EventFile().exposed("a", "control")
    metrics = {"r": retention(3), "long": retention(50)}
    plan = plan_of(metrics, roles=(Role.PRIMARY, Role.SECONDARY))
    assert summarise(events, plan, at(10)).exposures.mature["control"] == 1
    plan = plan_of(metrics, roles=(Role.PRIMARY, Role.GUARDRAIL))
    assert summarise(events, plan, at(10)).exposures.mature["control"] == 0
