"""One stage of the journey: what changed, where, and what was done about it."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from analysis.stage_health import Health, Week
from analysis.stage_view import Group, Shipped, StageMetric, StageView
from experiments import accounts, backlog, lifecycle
from experiments.context import Context
from experiments.db import transaction
from experiments.decisions import Recommendation
from experiments.models import Person
from experiments.vocabulary import Action, Decision, PersonRole, Verdict
from tests.analysis.event_files import retention
from tests.factories import (
    NOW,
    RETENTION,
    SEGMENT,
    make_experiment,
    make_hypothesis,
    start_experiment,
)
from tests.stages import choose, keep_weeks
from tests.web.conftest import Visitor
from tests.web.markup import text_of
from web.presenters.sparkline import EDGE, WIDTH
from web.presenters.stage import multiples

SignIn = Callable[..., Visitor]
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def health_of(*shares: float) -> Health:
    weeks = (
        Week(MONDAY + timedelta(weeks=number), 2_500, share, 0.004)
        for number, share in enumerate(shares)
    )
    return Health("kept", "Renewal", retention(7), tuple(weeks))


def view_of(*healths: tuple[str, Health], shipped: Sequence[Shipped] = ()) -> StageView:
    groups = tuple(Group(name.lower(), name, health) for name, health in healths)
    metric = StageMetric("kept", "Renewal", groups)
    return StageView("renewal", "Renewal", (metric,), tuple(shipped))


FELL = health_of(0.712, *[0.705] * 7, 0.685)
ROSE = health_of(0.650, *[0.660] * 7, 0.690)
STAYED = health_of(0.701, *[0.703] * 7, 0.704)


@pytest.mark.parametrize(
    ("healths", "sentence"),
    [
        (
            [("", STAYED), ("Second year", FELL)],
            "Renewal among Second year fell from 71.2 % to 68.5 % in 8 weeks.",
        ),
        (
            [("", ROSE), ("Bakeries", FELL)],
            (
                "Renewal among Bakeries fell from 71.2 % to 68.5 % in 8 weeks."
                " Renewal rose from 65.0 % to 69.0 % in 8 weeks."
            ),
        ),
        ([("", STAYED)], "Nothing has clearly changed in 8 weeks."),
        (
            [("", health_of(0.7, 0.7))],
            "Whether it changes can be said once 8 weeks have passed.",
        ),
    ],
)
def test_sentence__of_a_stage__says_the_clearest_fall_and_rise(
    healths: list[tuple[str, Health]], sentence: str
) -> None:
    assert view_of(*healths).sentence == sentence


def test_sentence__many_groups_of_which_one_just_moved__calls_it_no_change() -> None:
    # A fall of 2.1 standard errors: clear alone, not as the most extreme of nine.
    just = health_of(0.700, *[0.700] * 7, 0.700 - 2.1 * 0.004 * 2**0.5)
    assert "fell" in view_of(("", just)).sentence
    groups = [("", just), *((f"Group {n}", STAYED) for n in range(8))]
    assert view_of(*groups).sentence == "Nothing has clearly changed in 8 weeks."


def test_multiples__of_one_metric__share_an_axis_and_mark_what_was_shipped() -> None:
    third = MONDAY + timedelta(weeks=2, days=3)
    shipped = [Shipped("nudge", "Nudge", third, "bakeries", "Bakeries")]
    view = view_of(("", STAYED), ("Bakeries", FELL), ("Cafes", ROSE), shipped=shipped)
    (found,) = multiples(view)
    drawn = [panel.drawn for panel in found.panels if panel.drawn]
    assert len({(each.bottom, each.top) for each in drawn}) == 1
    assert found.axis.startswith("All charts of Renewal go from 64.22 % to 71.98 %")
    everybody, bakeries, cafes = drawn
    # By hand: 17 days of the 56 from the first week to the last.
    assert bakeries.ticks == everybody.ticks == (round(EDGE + 17 / 56 * 232, 1),)
    assert WIDTH - 2 * EDGE == 232
    assert cafes.ticks == ()
    marked = [(row.week, row.happened) for row in bakeries.rows if row.happened]
    assert marked == [("16 Mar 2026", "Nudge")]


@pytest.fixture
def visitor(signed_in: SignIn, context: Context) -> Visitor:
    signed_in(PersonRole.EDITOR)
    with transaction(context.sessions) as session:
        owner = accounts.actor_for(session.get_one(Person, 1))
        start_experiment(session, owner, key="shipped", name="Yearly saving")
        lifecycle.transition(
            session,
            "shipped",
            Action.DECIDE,
            owner,
            NOW - timedelta(days=30),
            decision=Decision.SHIP,
            variant="nudge",
            reason="It keeps customers and harms nobody.",
            recommendation=Recommendation(Verdict.SHIP, "nudge"),
        )
        make_experiment(session, owner, key="draft", name="A reminder", hypothesis="b")
        make_hypothesis(session, owner, key="c", title="Parked for now")
        backlog.park(session, "c", "Nobody has time.", owner, NOW)
        choose(session, owner, RETENTION, NOW)
        keep_weeks(session, RETENTION, [0.70] * 12, NOW)
        keep_weeks(session, RETENTION, [0.72, *[0.71] * 7, 0.64], NOW, SEGMENT)
    return signed_in(PersonRole.VIEWER)


def test_page__of_a_stage__says_how_it_does_and_what_belongs_to_it(
    visitor: Visitor,
) -> None:
    page = text_of(visitor.get("/stages/renewal").text)
    for words in (
        "Day-30 retention among Business customers fell from 72.0 % to 64.0 %",
        "All customers 70.0 % (95 % CI 68.0 % to 72.0 %) of 2,500 customers",
        "half year 12 Feb 2026 : Yearly saving , for Business customers",
        "The saving is hidden behind a link.",
        "Being planned · Business customers",
        "A reminder For Business customers; owner",
        "What was learned Decided without a result: ship.",
    ):
        assert words in page, page
    assert "Parked for now" not in page
    assert "/stages/renewal" in visitor.get("/").text


def test_page__stage_without_a_metric__says_what_to_do(visitor: Visitor) -> None:
    page = text_of(visitor.get("/stages/advocacy").text)
    assert "No metric is chosen yet to tell how this stage does." in page
    assert "No hypothesis is about this stage yet." in page
    assert visitor.get("/stages/nowhere").status_code == 404
