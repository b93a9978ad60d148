"""What was set aside: counted, shown without a value, read again once it is mended."""

from datetime import timedelta

import pytest

from analysis.compactor import compact_once, erase_once
from analysis.customer_data import copy_of
from experiments import audit, data_requests, quarantine
from experiments.actors import SYSTEM, Actor
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import Forbidden
from experiments.quarantine import Pile, Replayed
from experiments.replay import Mending
from experiments.vocabulary import IdKind, PersonRole, QuarantineReason
from tests.analysis.intake import events, quarantined, send
from tests.clock import FakeClock
from tests.experiments.sent_messages import HIDE, track

FUTURE = Pile("src1", "production", QuarantineReason.IN_THE_FUTURE)
EXPOSURE = Pile("src1", "production", QuarantineReason.INVALID_EXPOSURE)
SCORE = Pile("src1", "production", QuarantineReason.INVALID_SCORE)


def replay(context: Context, pile: Pile, mending: Mending | None = None) -> Replayed:
    with transaction(context.sessions) as session:
        done = quarantine.replay(
            session,
            context.settings,
            HIDE,
            pile,
            mending or Mending(),
            actor=SYSTEM,
            now=context.now(),
        )
    compact_once(context)
    return done


def viewed(variant: object, **message: object) -> dict[str, object]:
    seen = {"experimentId": "checkout", "variationId": variant}
    return track("Experiment Viewed", properties=seen, **message)


def ahead(now: FakeClock, **parts: float) -> str:
    return (now() + timedelta(**parts)).isoformat()


def test_groups__by_source_and_reason__are_counted_most_first(
    context: Context, now: FakeClock
) -> None:
    send(context, "bad", "bad", viewed("Variant B", messageId="m1"))
    compact_once(context)
    with transaction(context.sessions) as session:
        found = quarantine.groups(session)
    assert [(g.pile.reason, g.count, g.replayable_count) for g in found] == [
        (QuarantineReason.NOT_AN_OBJECT, 2, 0),
        (QuarantineReason.INVALID_EXPOSURE, 1, 1),
    ]
    assert found[1].last_at == now()
    assert found[1].example["properties"] == {
        "experimentId": "aaaaaaaa",
        "variationId": "aaaaaaa a",
    }


def test_replay__of_a_clock_ahead__is_good_once_the_time_has_come(
    context: Context, now: FakeClock
) -> None:
    sent = now()
    message = track("Opened", anonymousId="a1", timestamp=ahead(now, hours=5))
    send(context, message)
    compact_once(context)
    assert replay(context, FUTURE) == Replayed(
        0, 1, "The event is stamped more than 10 minutes ahead of its arrival."
    )
    now.advance(hours=6)
    assert replay(context, FUTURE) == Replayed(1, 0, None)
    assert quarantined(context) == []
    (row,) = events(context)
    assert (row["name"], row["occurred_at"]) == ("Opened", sent + timedelta(hours=5))
    assert (row["customer"], row["anonymous"]) == (
        HIDE.customer("u1"),
        HIDE.anonymous("a1"),
    )
    assert row["message_id"] == HIDE.message("src1", b"m1")
    # The client sends it again: it is known by its id, whatever it says now.
    send(context, message)
    compact_once(context)
    assert len(events(context)) == 1


def test_replay__at_arrival__takes_the_time_it_came(
    context: Context, now: FakeClock
) -> None:
    arrived = now()
    send(context, track(timestamp=ahead(now, days=300)))
    compact_once(context)
    now.advance(days=1)
    assert replay(context, FUTURE, Mending(at_arrival=True)).stored_count == 1
    assert events(context)[0]["occurred_at"] == arrived


def test_replay__with_values_put_right__is_an_exposure(context: Context) -> None:
    send(context, viewed("Variant B"), viewed("Variant C", messageId="m2"))
    compact_once(context)
    mending = Mending({"Variant B": "nudge"})
    assert replay(context, EXPOSURE, mending).stored_count == 1
    (row,) = events(context)
    assert (row["kind"], row["experiment"], row["variant"]) == (
        "exposure",
        "checkout",
        "nudge",
    )
    assert len(quarantined(context)) == 1


def test_replay__of_scores_as_text__stores_the_answer(context: Context) -> None:
    said = {"score": "Good", "scale": 5}
    send(context, track("CSAT Submitted", properties=said))
    compact_once(context)
    assert replay(context, SCORE, Mending({"Good": "5"})).stored_count == 1
    (row,) = events(context)
    assert (row["value"], row["scale"]) == (5.0, 5)


@pytest.mark.parametrize(
    "message",
    [
        viewed("ada@example.com and more"),
        viewed("call +44 20 7946 0958", userId="u1"),
        viewed("of customer-0007 here", userId="customer-0007"),
        {"type": "page", "userId": "u1", "timestamp": "2999-01-01T00:00:00Z"},
        track("by customer-0007", userId="customer-0007", timestamp="2999-01-01"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_kept_message__personal_values_and_ids__are_left_out(
    context: Context, message: dict[str, object]
) -> None:
    send(context, message)
    compact_once(context)
    kept = repr([row.replay for row in quarantined(context)])
    for personal in ("ada", "7946", "0007"):
        assert personal not in kept


def test_set_aside__of_an_erased_customer__goes_and_stays_away(
    context: Context,
) -> None:
    send(context, viewed("Variant B"), viewed("Variant B", userId="u2", messageId="2"))
    compact_once(context)
    copy = copy_of(context, HIDE, "u1", IdKind.CUSTOMER)
    assert [one["reason"] for one in copy["set_aside"]] == ["invalid_exposure"]
    with transaction(context.sessions) as session:
        data_requests.request_erasure(
            session, HIDE, "u1", IdKind.CUSTOMER, actor=SYSTEM, now=context.now()
        )
    erase_once(context)
    send(context, viewed("Variant D", messageId="m3"))
    compact_once(context)
    assert [row.customer for row in quarantined(context)] == [HIDE.customer("u2")]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_replay__of_a_source_that_there_is_not__is_not_on_record(
    context: Context,
) -> None:
    # The audit is never rewritten: an id typed for a source would stay for ever.
    pile = Pile("customer-1", "production", QuarantineReason.INVALID_SCORE)
    assert replay(context, pile) == Replayed(0, 0, None)
    with transaction(context.sessions) as session:
        assert audit.entries(session, subject_kind="source") == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_replay__by_a_viewer__is_refused(context: Context) -> None:
    viewer = Actor("person:1", PersonRole.VIEWER, 1)
    with transaction(context.sessions) as session, pytest.raises(Forbidden):
        quarantine.replay(
            session,
            context.settings,
            HIDE,
            EXPOSURE,
            Mending(),
            actor=viewer,
            now=context.now(),
        )
    with transaction(context.sessions) as session:
        assert audit.entries(session, subject_kind="source") == []
