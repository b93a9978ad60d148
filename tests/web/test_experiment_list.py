"""The list of experiments: filters, table, timeline and file."""

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from experiments import segments
from experiments.context import Context
from experiments.db import transaction
from experiments.models import SegmentSize
from experiments.vocabulary import PersonRole
from tests.factories import (
    NOW,
    external_design,
    make_actor,
    make_experiment,
    make_segment,
    start_experiment,
)
from tests.web.conftest import Visitor
from web.presenters.timeline_bars import Bar, Scale

SignIn = Callable[..., Visitor]


@pytest.fixture
def three(signed_in: SignIn, context: Context) -> Visitor:
    """One draft, one that runs in another segment, one that ran elsewhere."""
    visitor = signed_in(PersonRole.VIEWER)
    with transaction(context.sessions) as session:
        ada = make_actor(session, "Ada", PersonRole.ADMIN)
        make_experiment(session, ada, key="draft", name="100 % =draft")
        grace = make_actor(session, "Grace", PersonRole.ADMIN)
        make_segment(session, "pro", name="Pro customers", condition={"plan": "pro"})
        start_experiment(
            session,
            grace,
            now=context.now(),
            key="runs",
            name="It runs",
            segment="pro",
        )
        past = external_design(key="past", name="=Elsewhere")
        start_experiment(session, grace, past, now=context.now())
    return visitor


def names(page: str) -> list[str]:
    return re.findall(r'rowheader"[^>]*><a[^>]*>([^<]*)</a>', page)


def test_list__filtered__shows_what_fits(three: Visitor) -> None:
    every = ["=Elsewhere", "It runs", "100 % =draft"]
    for query, found in (
        ("", every),
        ("?q=RUNS", ["It runs"]),
        ("?q=100+%25", ["100 % =draft"]),
        ("?q=_", []),
        ("?q=%00", every),
        ("?status=draft", ["100 % =draft"]),
        ("?segment=pro", ["It runs"]),
        ("?segment=nonsense", every),
        ("?stage=renewal&segment=business", ["=Elsewhere", "100 % =draft"]),
        ("?stage=advocacy", []),
        ("?owner=x", every),
    ):
        page = three.get(f"/experiments{query}").text
        assert names(page) == found, query
        assert ("Nothing matches" in page) == (not found), query
    page = three.get("/experiments").text
    owner = re.search(r'<option value="(\d+)">Ada</option>', page)
    assert owner is not None
    page = three.get(f"/experiments?owner={owner[1]}&view=timeline").text
    assert names(page) == ["100 % =draft"]
    assert f'href="/experiments.csv?owner={owner[1]}"' in page
    assert "Not started; planned until" in page


def test_list__as_a_file__holds_the_same_and_no_formula(three: Visitor) -> None:
    answer = three.get("/experiments.csv?stage=renewal")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["key"], row["name"], row["state"]) for row in rows] == [
        ("past", "'=Elsewhere", "running"),
        ("runs", "It runs", "running"),
        ("draft", "100 % =draft", "draft"),
    ]
    assert rows[1]["segment"] == "Pro customers"
    assert rows[2]["started_at"] == ""
    assert len(three.get("/experiments.csv?q=nobody").text.splitlines()) == 1


def test_timeline__of_live_experiments__says_what_they_share(
    three: Visitor, context: Context
) -> None:
    with transaction(context.sessions) as session:
        size = SegmentSize(
            segment_version_id=segments.get(session, "pro").versions[-1].id,
            measured_at=context.now(),
            store_version=1,
            customers_count=50,
            everybody_count=80,
            known_count=80,
            taken_count=50,
            overlaps=[
                {"experiment": "past", "shared_count": 19, "seen_count": 10},
                {"experiment": "runs", "shared_count": 50, "seen_count": 10},
                {"experiment": "gone", "shared_count": 50, "seen_count": 10},
            ],
            chart=None,
        )
        session.add(size)
    page = three.get("/experiments?view=timeline").text
    # By hand: 19 of 50; neither itself nor one that is over.
    assert page.count("Shares 38 % of its segment with =Elsewhere.") == 1
    assert page.count("Shares") == 1
    assert page.count('class="bars bars-running"') == 2


def test_scale__of_known_days__places_bars_and_months() -> None:
    # By hand: 100 days, of which 40 have passed, so that today is at 400 of 1000.
    first = NOW.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
    now, last = first + timedelta(days=40), first + timedelta(days=100)
    scale = Scale.over([(first, first + timedelta(days=20)), (now, last)], now)
    assert scale is not None
    assert scale.today == 400
    assert scale.bar(first, first + timedelta(days=20), now) == Bar(0, 200, 0)
    assert scale.bar(first + timedelta(days=30), last, now) == Bar(300, 100, 600)
    # One that ended at once is seen all the same, and not beyond the edge.
    assert scale.bar(last, last, last) == Bar(994, 6, 0)
    assert [x for x, _ in scale.marks] == [310, 590, 900]  # after 31, 59 and 90 days
    assert Scale.over([], now) is None
