"""The review of a month: its decisions and no others, on screen and as one PDF."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pypdfium2
import pytest

from experiments import accounts, lifecycle
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import NotFound
from experiments.models import Person
from experiments.vocabulary import Action, Decision, PersonRole
from tests.analysis.run_examples import finish
from tests.clock import FakeClock
from tests.factories import EXPERIMENT, NOW, start_experiment
from tests.web.conftest import Visitor
from tests.web.markup import text_of
from web.presenters.review import Month

LATER = NOW + timedelta(days=60)  # 13 May 2026


@pytest.fixture
def viewer(
    signed_in: Callable[..., Visitor], context: Context, now: FakeClock
) -> Visitor:
    signed_in(PersonRole.EDITOR)
    now.time = datetime(2026, 6, 2, 8, 0, tzinfo=UTC)
    with transaction(context.sessions) as session:
        owner = accounts.actor_for(session.get_one(Person, 1))
        finish(session, start_experiment(session, owner), at=LATER)
        start_experiment(session, owner, key="missed", hypothesis="other")
        for key, days in ((EXPERIMENT, 0), ("missed", 1)):
            lifecycle.transition(
                session,
                key,
                Action.DECIDE,
                owner,
                LATER + timedelta(days=days),
                decision=Decision.DO_NOT_SHIP,
                reason="Support would not be able to explain it to customers.",
            )
    return signed_in(PersonRole.VIEWER)


def test_review__of_the_last_month__lists_gains_and_misses(viewer: Visitor) -> None:
    page = text_of(viewer.get("/review").text)
    assert "Review of May 2026" in page
    assert "2 experiments were decided in May 2026: 0 shipped, 2 not." in page
    assert "Day-30 retention rose by 1.9 points" in page
    assert "Support would not be able to explain it to customers." in page
    assert "April 2026 · June 2026" in page
    april = text_of(viewer.get("/review?month=2026-04").text)
    assert "Nothing was decided in April 2026." in april
    june = viewer.get("/review?month=2026-06").text
    assert "July 2026" not in june
    for wrong in ("2026-13", "x", "2026-5", "1999-01"):
        assert viewer.get(f"/review?month={wrong}").status_code == 404
    assert "/review" in viewer.get("/").text


def test_review__as_pdf__has_each_summary_on_a_page_of_its_own(viewer: Visitor) -> None:
    answer = viewer.get("/review.pdf?month=2026-05&paper=letter")
    assert answer.content_type == "application/pdf"
    document = pypdfium2.PdfDocument(answer.data)
    texts = [page.get_textpage().get_text_bounded() for page in document]
    document.close()
    assert len(texts) == 3
    assert texts[0].startswith("Review of May 2026")
    assert "What it is worth" in texts[1]
    assert "Not analysed yet" in texts[2]


def test_month__of_a_time__has_its_ends_and_neighbours() -> None:
    now = datetime(2026, 1, 31, 23, 59, tzinfo=UTC)
    month = Month.named(None, now)
    assert (month.key, month.name) == ("2025-12", "December 2025")
    assert month.end == datetime(2026, 1, 1, tzinfo=UTC)
    assert month.before.key == "2025-11"
    assert not month.holds(month.end)
    assert month.holds(month.begin)
    assert not month.holds(None)
    with pytest.raises(NotFound):
        Month.named("0000-01", now)
