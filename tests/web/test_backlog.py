"""The backlog: its order and why, places by hand, parking, duplicates, comparing."""

import re
from collections.abc import Callable

import pytest

from analysis.plan_basis import Basis
from experiments import accounts, hypotheses
from experiments.context import Context
from experiments.db import transaction
from experiments.hypothesis import BacklogInputs, Hypothesis
from experiments.models import Person
from experiments.vocabulary import Evidence, PersonRole
from tests.baselines import keep_baseline
from tests.factories import (
    CSAT,
    RETENTION,
    SEGMENT,
    hypothesis_value,
    make_experiment,
    make_hypothesis,
)
from tests.web.conftest import Visitor
from tests.web.markup import text_of as words_of
from tests.web.test_catalogue_pages import counted

SignIn = Callable[..., Visitor]
TITLES = ("Price list", "Guided start", "Calls", "Happier")


def text_of(page: str) -> str:
    """Read a page with signs as keyboards have them."""
    text = words_of(page).replace("\N{MULTIPLICATION SIGN}", "x")
    return text.replace("\N{MINUS SIGN}", "-")


def add(context: Context, value: Hypothesis, inputs: BacklogInputs) -> None:
    with transaction(context.sessions) as session:
        ada = accounts.actor_for(session.get_one(Person, 1))
        hypotheses.create(session, value, ada, context.now(), inputs)


@pytest.fixture
def visitor(signed_in: SignIn, context: Context) -> Visitor:
    """Sign an editor in where 4 hypotheses wait; 40 customers, of whom 70 % stay."""
    visitor = signed_in(PersonRole.EDITOR, "Ada")
    with transaction(context.sessions) as session:
        ada = accounts.actor_for(session.get_one(Person, 1))
        make_hypothesis(session, ada, key="happier", title="Happier", metric=CSAT)
        make_hypothesis(session, ada, key="price", title="Price list")
    counted(context, SEGMENT, customers_count=22_100, everybody_count=80_000)
    keep_baseline(context, RETENTION, Basis(0.7), segment=SEGMENT, version=1)
    for key, title, evidence, effort in (
        ("guided", "Guided start", Evidence.DATA_PATTERN, 3.0),
        ("calls", "Calls", Evidence.OPINION, 3.0),
    ):
        value = hypothesis_value(key=key, title=title, evidence=evidence)
        add(context, value, BacklogInputs(effort_weeks=effort))
    return visitor


def order_of(page: str) -> list[str]:
    text = text_of(page)
    text = text[text.index("Owner Status") :]
    return sorted((t for t in TITLES if t in text), key=text.index)


def test_backlog__by_score__shows_inputs_and_says_what_is_missing(
    visitor: Visitor,
) -> None:
    page = visitor.get("/hypotheses").text
    # By hand, as in test_backlog_score: 309.4 customers, 0.6 / 3 and 0.2 / 3 of them.
    assert order_of(page) == ["Guided start", "Calls", "Price list", "Happier"]
    text = text_of(page)
    for words in (
        "310 (-150 to 770)",
        "A pattern in the data 3 weeks 62 Ada Idea",
        "Opinion 3 weeks 21 Ada Idea",
        "Not ranked: the effort is missing.",
        "Not ranked: CSAT does not count customers who stay or leave.",
    ):
        assert words in text, words
    shown = text_of(visitor.get("/hypotheses/guided").text)
    for words in (
        "Expected: about 310 customers kept per quarter (-150 to 770).",
        "Score: 22,100 x 30 % x 4.7 % x 0.6 ÷ 3 ≈ 62.",
        "No decided experiment has measured this metric yet.",
        "22,100 customers a quarter Counted on 14 Mar 2026, of the 91 days before.",
        "stood at 70.0 %: measured on 14 Mar 2026, of the segment, 812 of them.",
    ):
        assert words in shown, words


def test_backlog__every_dot__stands_where_its_number_does(visitor: Visitor) -> None:
    page = visitor.get("/hypotheses").text
    ticks = [
        (float(x), float(label.replace(",", "").replace("\N{MINUS SIGN}", "-")))
        for x, label in re.findall(r'<text x="([\d.]+)%"[^>]*>([^<]+)</text>', page)
    ]
    (x0, v0), (x1, v1) = ticks[0], ticks[-1]
    dots = [float(x) for x in re.findall(r'<circle[^>]* cx="([\d.]+)%"', page)]
    assert len(dots) == 2  # those that have a score
    for x in dots:  # 309.4, by hand
        assert v0 + (x - x0) / (x1 - x0) * (v1 - v0) == pytest.approx(309.4, abs=1)
    zero = re.search(r'class="range-zero" x1="([\d.]+)%"', page)
    assert zero is not None
    assert (float(zero[1]), 0.0) in ticks


def test_backlog__stated_inputs__go_before_what_was_measured(
    visitor: Visitor, context: Context
) -> None:
    value = hypothesis_value(key="stated", title="Stated")
    inputs = BacklogInputs(effort_weeks=1, reach=1_000, baseline=0.5)
    add(context, value, inputs)
    text = text_of(visitor.get("/hypotheses/stated").text)
    # By hand: 1,000 customers, half lost; +2 % of 50 % is 1 point: 10 of them.
    assert "Score: 1,000 x 50 % x 2.0 % x 0.6 ÷ 1 ≈ 6." in text
    assert text.count("Stated by the team.") == 3
    form = visitor.get("/hypotheses/stated/edit").text
    for name, typed in (("effort_weeks", "1"), ("reach", "1000"), ("baseline", "50")):
        assert re.search(rf'name="{name}"[^>]* value="{typed}"', form), name


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("stage=renewal", 4),
        ("stage=advocacy", 0),
        ("show=parked", 0),
        ("show=all", 4),
        ("show=nonsense&owner=1", 4),
        ("segment=other", 0),
    ],
)
def test_backlog__filters__stand_in_the_address(
    visitor: Visitor, query: str, shown: int
) -> None:
    page = visitor.get(f"/hypotheses?{query}").text
    assert ("Nothing matches" in page) == (not shown)
    assert page.count('<th scope="row"') == shown


def test_order__by_number_and_buttons__goes_before_the_score(visitor: Visitor) -> None:
    visitor.post("/backlog/order/calls", {"to": "1"}, follow=True)
    page = visitor.get("/hypotheses").text
    assert order_of(page)[:2] == ["Calls", "Guided start"]
    assert "Placed by hand; 2nd by score." in page
    moving = visitor.get("/backlog/order").text
    number = re.search(r'name="(place-\d+-place)"[^>]*value="2"', moving)
    assert number is not None
    answer = visitor.post("/backlog/order/guided", {number[1]: "1"}, follow=True)
    assert "was moved" in answer.text
    assert order_of(visitor.get("/hypotheses").text)[:2] == ["Guided start", "Calls"]
    for key in ("guided", "calls"):
        visitor.post(f"/backlog/order/{key}", {"action": "free"})
    assert "Placed by hand" not in visitor.get("/hypotheses").text
    # One without a score can be placed as well.
    visitor.post("/backlog/order/happier", {"to": "1"})
    page = visitor.get("/hypotheses").text
    assert order_of(page)[0] == "Happier"
    assert "Placed by hand; it has no score." in page


def test_park__and_take_up__leaves_the_order_and_comes_back(visitor: Visitor) -> None:
    reason = {"reason": "Until prices are settled."}
    answer = visitor.post("/hypotheses/guided/park", reason, follow=True)
    assert "Until prices are settled." in text_of(answer.text)
    assert "Guided start" not in visitor.get("/hypotheses").text
    assert "Guided start" in visitor.get("/hypotheses?show=parked").text
    assert visitor.get("/").status_code == 200
    visitor.post("/hypotheses/guided/take-up")
    assert "Guided start" in visitor.get("/hypotheses").text


def test_merge__duplicate__its_experiments_follow(
    visitor: Visitor, context: Context
) -> None:
    with transaction(context.sessions) as session:
        ada = accounts.actor_for(session.get_one(Person, 1))
        make_experiment(session, ada, key="call-test", hypothesis="calls")
    asked = visitor.get("/hypotheses/calls/merge").text
    assert "1 experiment follows" in asked
    # Of another metric, so no duplicate.
    assert "Happier" not in asked
    answer = visitor.post("/hypotheses/calls/merge", {"into": "guided"}, follow=True)
    text = text_of(answer.text)
    assert "Merged into it Calls" in text
    assert "/experiments/call-test" in answer.text
    assert "Being planned" in text
    old = text_of(visitor.get("/hypotheses/calls").text)
    assert "It was merged into Guided start on 14 Mar 2026" in old
    assert "Calls" not in order_of(visitor.get("/hypotheses").text)


def test_compare__two__says_which_promises_more(visitor: Visitor) -> None:
    page = visitor.get("/backlog/compare?first=calls&second=guided").text
    # By hand: 0.6 / 0.2.
    assert "&#34;Guided start&#34; promises 3.0 times what" in page
    assert "Friction point" in page
    for query in ("", "?first=calls", "?first=calls&second=nothing"):
        empty = visitor.get(f"/backlog/compare{query}").text
        assert "Choose two hypotheses" in empty, query
    assert (
        "Choose two different ones"
        in visitor.get("/backlog/compare?first=calls&second=calls").text
    )
    unscored = visitor.get("/backlog/compare?first=calls&second=price").text
    assert "cannot be compared by score until both have one" in unscored


def test_backlog__nothing_yet__shows_the_pattern_with_an_example(
    signed_in: SignIn,
) -> None:
    page = text_of(signed_in(PersonRole.EDITOR).get("/hypotheses").text)
    assert "22,100 x 30 % x 5 % x 0.6 ÷ 3 ≈ 66" in page
    assert "Write the first one" in page
