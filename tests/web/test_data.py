"""The data page: how fresh, how much against the usual, and what was set aside."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from analysis import reconciled, scheduler
from analysis.compactor import compact_once
from analysis.trail import Place, Step, Trail, to_json
from api.schemas.intake import ReconciliationSchema
from experiments import accounts, catalog, imported_sources, quarantine
from experiments.context import Context
from experiments.db import transaction
from experiments.events import Envelope, read_messages
from experiments.inbox import Inbox
from experiments.models import Person
from experiments.privacy import load_pseudonymiser
from experiments.vocabulary import PersonRole, Reached, ResultPhase
from tests import factories
from tests.analysis.intake import events, quarantined
from tests.analysis.run_examples import store_run
from tests.clock import FakeClock
from tests.experiments.sent_messages import SENDER, track
from tests.web.conftest import Visitor

PILE = "/data/set-aside/src1/production/invalid_exposure"


def send(context: Context, *messages: object) -> None:
    """Send with the installation's own key, as the door does."""
    hide = load_pseudonymiser(context.settings)
    inbox = Inbox.for_settings(context.settings)
    received = Envelope(context.now())
    inbox.append(read_messages(messages, SENDER, received, hide))
    inbox.close()
    compact_once(context)


def wrong_exposure(number: int = 1) -> dict[str, object]:
    seen = {"experimentId": "checkout", "variationId": "Variant B"}
    return track("Experiment Viewed", messageId=f"x{number}", properties=seen)


def test_data__before_the_first_event__says_how_to_send_it(
    signed_in: Callable[..., Visitor],
) -> None:
    page = signed_in(PersonRole.VIEWER).get("/data").text
    assert "Send your first event" in page
    assert "http://127.0.0.1:8000/v1/track" in page


def test_data__of_a_steady_source__is_fresh_and_has_its_usual_band(
    signed_in: Callable[..., Visitor], context: Context, now: FakeClock
) -> None:
    for day in range(5):
        send(context, *(track(messageId=f"{day}-{i}") for i in range(10 + day)))
        now.advance(days=1)
    now.advance(hours=-23)  # the hour after the last one that events came in
    visitor = signed_in(PersonRole.VIEWER)
    page = visitor.get("/data").text
    assert "All data is fresh. Last event 1 hour ago." in page
    # Of hours with 10, 11, 12, 13: half of the lowest to 1.5 x the highest + 10.
    assert "5 to 29" in page
    assert "Nothing is set aside" in page
    now.advance(hours=24)
    page = signed_in(PersonRole.ANALYST).get("/data").text
    assert "The last hour was not as usual" not in page  # it is silent: said first
    assert "Nothing has come from src1 for more than a day." in page


def test_data__unusual_hour__is_said(
    signed_in: Callable[..., Visitor], context: Context, now: FakeClock
) -> None:
    for day in range(5):
        count = 10 if day < 4 else 1
        send(context, *(track(messageId=f"{day}-{i}") for i in range(count)))
        now.advance(days=1)
    now.advance(hours=-23)
    page = signed_in(PersonRole.VIEWER).get("/data").text
    assert "The last hour was not as usual for src1." in page


def test_source__hour_by_hour__is_drawn_and_told_with_what_is_usual(
    signed_in: Callable[..., Visitor], context: Context, now: FakeClock
) -> None:
    for day in range(5):
        count = 10 if day < 4 else 1
        send(context, *(track(messageId=f"{day}-{i}") for i in range(count)))
        now.advance(days=1)
    now.advance(hours=-23)
    visitor = signed_in(PersonRole.VIEWER)
    assert 'href="/data/sources/src1/production"' in visitor.get("/data").text
    page = visitor.get("/data/sources/src1/production").text
    # Four days of ten and one of one: five bars, of which the last is odd.
    assert "41 events within seven days. 1 of 168 hours were not as usual." in page
    assert page.count("<rect") == 5
    assert page.count('class="odd"') == 1
    assert page.count("<polygon") == 1
    assert page.count('data-label="Events" class="num">10<') == 4
    assert "Complete up to" in page
    assert visitor.get("/data/sources/src1/development").status_code == 404
    assert visitor.get(f"/data/sources/{'x' * 65}/production").status_code == 404


def test_import__not_whole__is_said_on_both_pages(
    signed_in: Callable[..., Visitor], context: Context, now: FakeClock
) -> None:
    with transaction(context.sessions) as session:
        imported_sources.begin(session, "import-old", now(), ["Opened"])
    visitor, path = signed_in(PersonRole.VIEWER), "/data/sources/import-old/production"
    assert "Not whole" in visitor.get("/data").text
    page = visitor.get(path).text
    assert "import the same file again" in page
    assert 'data-label="Time"><span class="muted">' in page
    with transaction(context.sessions) as session:
        imported_sources.finish(session, "import-old")
    assert "Not whole" not in visitor.get("/data").text + visitor.get(path).text


def test_data__late_repeated_and_conflicting__are_counted(
    signed_in: Callable[..., Visitor], context: Context, now: FakeClock
) -> None:
    late = (now() - timedelta(hours=2)).isoformat()
    send(
        context,
        track(messageId="m1", timestamp=late),
        track(messageId="m1", timestamp=late),
        track("Other", messageId="m1", timestamp=late),
        wrong_exposure(),
    )
    visitor = signed_in(PersonRole.ANALYST)
    page = visitor.get("/data").text
    for label, number in (
        ("24 hours", 1),
        ("Late", 1),
        ("Repeated", 1),
        ("Set aside", 2),
    ):
        assert f'data-label="{label}" class="num">{number}<' in page
    assert "Same id, different message" in page
    assert PILE in page


def test_exposures__of_an_unknown_experiment__stand_first_and_by_day(
    signed_in: Callable[..., Visitor], context: Context
) -> None:
    visitor = signed_in(PersonRole.ADMIN)
    with transaction(context.sessions) as session:
        owner = accounts.actor_for(session.get_one(Person, 1))
        factories.start_experiment(session, owner)
    key = factories.EXPERIMENT
    path = f"/data/exposures/{key}"
    assert "No exposure has come" in visitor.get(path).text
    for number, name in enumerate((key, "checkuot")):
        seen = {"experimentId": name, "variationId": "nudge"}
        sent = track("Experiment Viewed", messageId=f"e{number}", properties=seen)
        send(context, sent)
    page = visitor.get("/data").text
    assert page.index("No such experiment") < page.index(path)
    days = " ".join(visitor.get(path).text.split())
    assert 'data-label="Exposures (events)" class="num">1<' in days
    assert visitor.get("/data/exposures/nothing").status_code == 404


def test_exposures__of_an_analysed_experiment__add_up_by_day_and_source(
    signed_in: Callable[..., Visitor], context: Context, now: FakeClock
) -> None:
    visitor = signed_in(PersonRole.ADMIN)
    path = f"/data/exposures/{factories.EXPERIMENT}"
    with transaction(context.sessions) as session:
        owner = accounts.actor_for(session.get_one(Person, 1))
        experiment = factories.start_experiment(session, owner)
        run = store_run(session, experiment, at=now(), phase=ResultPhase.COUNTING)
        midnight = now().replace(hour=0, minute=0, second=0, microsecond=0)
        day = (midnight - timedelta(days=1)).date()
        # By hand: 190 assigned; 172 = 17 + 155 exposed; 155 = 88 + 10 + 57 analysed.
        steps = {
            ("app", Reached.WITH_OUTCOME): 80,
            ("app", Reached.NOT_ANSWERED): 10,
            ("app", Reached.TWO_VARIANTS): 17,
            ("web", Reached.WITH_OUTCOME): 8,
            ("web", Reached.NO_EVENT): 57,
        }
        trail = Trail(
            midnight,
            tuple(Step(Place(day, key), to, n) for (key, to), n in steps.items()),
        )
        assigned = {"customers": 190, "places": [[str(day), "app", 120]]}
        run.counts = {**run.counts, "trail": to_json(trail), "assigned": assigned}
    page = " ".join(visitor.get(path).text.split())
    assert "assigned about 190, exposed 172, of them analysed 155, of them" in page
    assert "of them with an outcome 88." in page
    assert "Assigned and not exposed: about 18." in page
    assert "Left out: 17 seen in two variants." in page
    for label, number in (
        ("Assigned", 120),
        ("Exposed", 107),
        ("Analysed", 90),
        ("With an outcome", 80),
        ("Exposed", 65),
        ("With an outcome", 8),
    ):
        assert f'data-label="{label}" class="num">{number}<' in page
    assert "17 seen in two variants; 10 asked and without an answer" in page
    with transaction(context.sessions) as session:
        found = reconciled.read(session, catalog.get(session, factories.EXPERIMENT))
    assert found is not None
    sent = ReconciliationSchema().dump(found)
    assert [one["source"] for one in sent["days"]] == ["app", "web"]
    assert sent["days"][1]["counts"] == {
        "assigned_count": None,
        "exposed_count": 65,
        "analysed_count": 65,
        "with_outcome_count": 8,
        "differences": [
            {
                "reason": "no_event",
                "customer_count": 57,
                "words": "without an event that a metric reads",
            }
        ],
    }


def test_pile__for_a_viewer__is_closed(signed_in: Callable[..., Visitor]) -> None:
    assert signed_in(PersonRole.VIEWER).get(PILE).status_code == 403


def test_pile__of_examples__shows_shapes_and_reads_them_again(
    signed_in: Callable[..., Visitor], context: Context
) -> None:
    send(context, wrong_exposure(1), wrong_exposure(2))
    editor = signed_in(PersonRole.EDITOR)
    page = editor.get(PILE).text
    assert "aaaaaaa a" in page
    assert "Variant B" not in page.replace("Variant B = nudge", "")
    refused = editor.post(PILE, {"values": "Variant B"})
    assert refused.status_code == 400
    assert "write each line as: sent = meant." in refused.text
    assert len(quarantined(context)) == 2
    done = editor.post(PILE, {"values": "Variant B = nudge"}, follow=True)
    assert "Good now and on their way in: 2." in done.text
    compact_once(context)
    assert [row["variant"] for row in events(context)] == ["nudge", "nudge"]
    assert "Nothing is set aside here" in editor.get(PILE).text
    early = editor.post(PILE, {}, follow=True)
    assert "read again in a moment" in " ".join(early.text.split())
    assert editor.get("/data/set-aside/src1/production/nothing").status_code == 404


@pytest.mark.parametrize("source", ["x" * 70, "a%00b"])
def test_pile__of_a_source_that_cannot_be__is_not_found(
    signed_in: Callable[..., Visitor], source: str
) -> None:
    path = f"/data/set-aside/{source}/production/invalid_score"
    assert signed_in(PersonRole.ANALYST).get(path).status_code == 404


def test_pile__of_several_causes__counts_each(
    signed_in: Callable[..., Visitor], context: Context
) -> None:
    seen = {"experimentName": "Nudge", "variationId": "nudge"}
    nameless = track("Experiment Viewed", messageId="x3", properties=seen)
    send(context, wrong_exposure(1), wrong_exposure(2), nameless)
    with transaction(context.sessions) as session:
        (group,) = quarantine.groups(session)
    assert [cause.count for cause in group.causes] == [2, 1]
    assert "experimentName is its title" in group.causes[1].detail
    visitor = signed_in(PersonRole.ANALYST)
    for path in (PILE, "/data"):
        page = " ".join(visitor.get(path).text.split())
        assert "experimentName is its title" in page.replace("&#39;", "'")
        assert "An exposure needs variationId" in page


def test_pile__that_still_cannot_be_read__says_why(
    signed_in: Callable[..., Visitor], context: Context
) -> None:
    send(context, wrong_exposure())
    done = signed_in(PersonRole.EDITOR).post(PILE, {}, follow=True)
    assert "Still set aside: 1. An exposure needs variationId" in done.text


def test_data__behind_the_pages__is_told_to_analysts(
    signed_in: Callable[..., Visitor], context: Context
) -> None:
    send(context, track(messageId="m1"))
    assert "Behind the pages" not in signed_in(PersonRole.VIEWER).get("/data").text
    page = signed_in(PersonRole.ANALYST).get("/data").text
    # Nothing schedules in this test; the compactor has let go of its lease.
    assert "Nobody does this now: doing the jobs below at their times." in page
    assert "Results of all experiments" in page
    assert " in 1 file; " in page


def test_data__analysis_that_failed__is_named_with_its_reason(
    signed_in: Callable[..., Visitor], context: Context
) -> None:
    send(context, track(messageId="m1"))
    with transaction(context.sessions) as session:
        for _ in range(2):
            scheduler.note(session, "analyse:nudge", context.now(), "It broke.")
        scheduler.note(session, "segment_sizes", context.now(), "Disk full.")
    page = signed_in(PersonRole.ANALYST).get("/data").text
    assert "1 experiment has no new result, since analysing failed." in page
    assert "Failed 2 times in a row: It broke." in page
    assert "Sizes of segments failed last time." in page
    assert "Failed: Disk full." in page
