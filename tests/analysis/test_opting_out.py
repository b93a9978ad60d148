"""Who opted out: nothing more is stored of them, under whichever id they come."""

from typing import Any

import pytest

from analysis.compactor import Compactor, compact_once, erase_once
from analysis.customer_data import copy_of
from analysis.opting_out import OtherIds, find_other_ids
from analysis.store import EventStore
from experiments import data_requests, opt_outs
from experiments.actors import SYSTEM
from experiments.context import Context
from experiments.db import transaction
from experiments.enrolled import OPTED_OUT, read_set
from experiments.models import SurveyComment
from experiments.opt_out_file import OptOutFile
from experiments.vocabulary import IdKind
from tests.analysis.intake import events, quarantined, send, sources
from tests.clock import FakeClock
from tests.experiments.sent_messages import HIDE, track

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def choose(context: Context, pseudonym: bytes, *, out: bool = True) -> None:
    act = opt_outs.opt_out if out else opt_outs.opt_in
    with transaction(context.sessions) as session:
        assert act(session, pseudonym, now=context.now())


def names(context: Context) -> list[str]:
    return [row["name"] for row in events(context)]


def took_in(context: Context, *messages: object) -> list[str]:
    """Send messages, compact, and name all that is stored."""
    send(context, *messages)
    compact_once(context)
    return names(context)


def known_ids(context: Context) -> set[bytes]:
    with transaction(context.sessions) as session:
        return set(opt_outs.opted_out(session))


def test_events__of_who_opted_out__counted_as_refused_until_they_take_part_again(
    context: Context, now: FakeClock
) -> None:
    choose(context, HIDE.customer("u1"))
    answer = {"survey": "s", "score": 4, "scale": 5, "comment": "canary words"}
    stored = took_in(
        context,
        track("Kept", userId="u2", messageId="m1"),
        track("Dropped", userId="u1", messageId="m2"),
        track("CSAT Submitted", userId="u1", messageId="m3", properties=answer),
        # Nothing is set aside of them either: this one says something else.
        track("Differs", userId="u1", messageId="m2"),
    )
    assert stored == ["Kept"]
    assert quarantined(context) == []
    (source,) = sources(context)
    assert (source.event_count, source.consent_refused_count) == (1, 3)
    assert (source.erased_count, source.duplicate_count) == (0, 0)
    with transaction(context.sessions) as session:
        assert session.query(SurveyComment).count() == 0
    now.advance(days=1)
    choose(context, HIDE.customer("u1"), out=False)
    assert took_in(context, track("Back", userId="u1", messageId="m5")) == [
        "Kept",
        "Back",
    ]


@on_sqlite
def test_opt_out__of_a_stitched_customer__is_for_every_id(
    context: Context, now: FakeClock
) -> None:
    visit: dict[str, Any] = {"userId": None, "anonymousId": "laptop"}
    login = {"type": "identify", "userId": "u1", "anonymousId": "laptop"}
    took_in(context, track("Visit", messageId="m1", **visit))
    took_in(
        context,
        {**login, "messageId": "m2"},
        track("Other", userId="u2", messageId="m3"),
    )
    choose(context, HIDE.customer("u1"))
    compact_once(context)  # looks for the other ids
    assert known_ids(context) == {HIDE.customer("u1"), HIDE.anonymous("laptop")}
    before = names(context)
    assert took_in(context, track("Again", messageId="m3", **visit)) == before
    with context.sessions() as session:
        folder = context.settings.data_dir / "ruleset"
        OptOutFile(folder).follow(session)
    assert read_set(folder / OPTED_OUT) == b"".join(
        sorted([HIDE.customer("u1")[:8], HIDE.anonymous("laptop")[:8]])
    )
    now.advance(days=1)
    choose(context, HIDE.anonymous("laptop"), out=False)
    assert known_ids(context) == set()
    assert len(took_in(context, track("Back", messageId="m4", **visit))) == (
        len(before) + 1
    )


@on_sqlite
def test_opt_out__new_device__is_learnt_from_an_event_that_is_not_stored(
    context: Context, now: FakeClock
) -> None:
    choose(context, HIDE.customer("u1"))
    phone: dict[str, Any] = {"userId": None, "anonymousId": "phone"}
    kiosk: dict[str, Any] = {"userId": None, "anonymousId": "kiosk"}
    # Somebody else was on the kiosk first, so it is not this customer's.
    took_in(context, track("Mine", userId="u2", anonymousId="kiosk", messageId="m0"))
    took_in(context, track("Visit", messageId="m1", **phone))
    now.advance(minutes=1)
    took_in(
        context,
        track("In", userId="u1", anonymousId="phone", messageId="m2"),
        track("In", userId="u1", anonymousId="kiosk", messageId="m3"),
    )
    assert known_ids(context) == {HIDE.customer("u1"), HIDE.anonymous("phone")}
    now.advance(minutes=1)
    stored = took_in(
        context,
        track("Visit again", messageId="m4", **phone),
        track("Somebody", messageId="m5", **kiosk),
    )
    assert stored == ["Mine", "Visit", "Somebody"]


@on_sqlite
def test_opt_out__of_a_visitor__follows_them_when_they_become_known(
    context: Context, now: FakeClock
) -> None:
    choose(context, HIDE.anonymous("tablet"))
    compact_once(context)
    now.advance(minutes=1)
    login = {"type": "identify", "userId": "u1", "anonymousId": "tablet"}
    took_in(context, {**login, "messageId": "m1"})
    assert known_ids(context) == {HIDE.customer("u1"), HIDE.anonymous("tablet")}
    now.advance(minutes=1)
    # A second person on the same device made no such choice.
    stored = took_in(
        context,
        track("First", userId="u1", messageId="m2"),
        track("Second", userId="u2", anonymousId="tablet", messageId="m3"),
    )
    assert "First" not in stored
    assert "Second" in stored
    assert find_other_ids(context, []) == 0


@on_sqlite
def test_copy_of_a_customer__who_opted_out__says_when(
    context: Context, now: FakeClock
) -> None:
    choose(context, HIDE.customer("u1"))
    now.advance(days=1)
    choose(context, HIDE.customer("u1"), out=False)
    now.advance(days=1)
    choose(context, HIDE.customer("u1"))
    assert copy_of(context, HIDE, "u1", IdKind.CUSTOMER)["opt_outs"] == [
        {"opted_out_at": "2026-03-14T09:30:00Z", "opted_in_at": "2026-03-15T09:30:00Z"},
        {"opted_out_at": "2026-03-16T09:30:00Z", "opted_in_at": None},
    ]
    assert copy_of(context, HIDE, "u2", IdKind.CUSTOMER)["opt_outs"] == []


@on_sqlite
def test_erasure__of_who_opted_out__keeps_the_choice_and_the_tombstone(
    context: Context,
) -> None:
    took_in(context, track("Before", userId="u1", messageId="m1"))
    choose(context, HIDE.customer("u1"))
    with transaction(context.sessions) as session:
        data_requests.request_erasure(
            session, HIDE, "u1", IdKind.CUSTOMER, actor=SYSTEM, now=context.now()
        )
    assert erase_once(context)
    assert names(context) == []
    assert known_ids(context) == {HIDE.customer("u1")}
    assert took_in(context, track("After", userId="u1", messageId="m2")) == []
    (source,) = sources(context)
    # Erased comes first: a message is counted once.
    assert (source.erased_count, source.consent_refused_count) == (1, 0)


@pytest.mark.parametrize("back", [False, True])
def test_erasure_and_copy__visitor_tied_only_by_a_dropped_event__are_whole(
    context: Context, now: FakeClock, *, back: bool
) -> None:
    choose(context, HIDE.customer("u1"))
    phone: dict[str, Any] = {"userId": None, "anonymousId": "phone"}
    took_in(context, track("Visit", messageId="m1", **phone))
    now.advance(minutes=1)
    login = {"type": "identify", "userId": "u1", "anonymousId": "phone"}
    took_in(
        context,
        {**login, "messageId": "m2"},
        track("Other", userId="u2", messageId="m3"),
    )
    if back:
        choose(context, HIDE.customer("u1"), out=False)
    for who, kind in (("u1", IdKind.CUSTOMER), ("phone", IdKind.ANONYMOUS)):
        copy = copy_of(context, HIDE, who, kind)
        assert copy["ids"] == 2
        assert [event["name"] for event in copy["events"]] == ["Visit"]
        assert len(copy["opt_outs"]) == 1
    with transaction(context.sessions) as session:
        erasure = data_requests.request_erasure(
            session, HIDE, "u1", IdKind.CUSTOMER, actor=SYSTEM, now=context.now()
        )
    assert erase_once(context)
    assert names(context) == ["Other"]
    with transaction(context.sessions) as session:
        assert data_requests.get(session, erasure.id).event_count == 1
        assert HIDE.anonymous("phone") in data_requests.tombstones(session)
    assert took_in(context, track("After", messageId="m5", **phone)) == ["Other"]


@on_sqlite
@pytest.mark.parametrize("is_stored", [False, True])
def test_opt_out__just_after_the_login__is_for_the_visitor_in_the_same_round(
    context: Context, now: FakeClock, *, is_stored: bool
) -> None:
    phone: dict[str, Any] = {"userId": None, "anonymousId": "phone"}
    kiosk: dict[str, Any] = {"userId": None, "anonymousId": "kiosk"}
    compactor = Compactor(context, EventStore(context.settings))
    send(context, track("Other's", userId="u2", anonymousId="kiosk", messageId="m0"))
    login = {"type": "identify", "userId": "u1", "anonymousId": "phone"}
    now.advance(seconds=1)
    send(context, {**login, "messageId": "m1"})
    if is_stored:
        compactor.round()
    choose(context, HIDE.customer("u1"))
    now.advance(seconds=1)
    send(
        context,
        track("Visit", messageId="m2", **phone),
        # Somebody else was on the kiosk before, which this round may tell as well.
        track("In", userId="u1", anonymousId="kiosk", messageId="m3"),
        track("Somebody", messageId="m4", **kiosk),
    )
    compactor.round()
    assert {"Visit", "In"}.isdisjoint(names(context))
    assert {"Other's", "Somebody"} <= set(names(context))
    assert known_ids(context) == {HIDE.customer("u1"), HIDE.anonymous("phone")}


@on_sqlite
@pytest.mark.parametrize("is_known", [False, True])
def test_opt_outs__of_a_visitor_and_then_the_customer__are_of_one_once_tied(
    context: Context, now: FakeClock, *, is_known: bool
) -> None:
    phone: dict[str, Any] = {"userId": None, "anonymousId": "phone"}
    took_in(context, track("Visit", messageId="m1", **phone))
    choose(context, HIDE.anonymous("phone"))
    choose(context, HIDE.customer("u1"))
    if is_known:  # both were looked for before anything ties them
        compact_once(context)
    login = {"type": "identify", "userId": "u1", "anonymousId": "phone"}
    assert took_in(context, {**login, "messageId": "m2"}) == ["Visit"]
    copy = copy_of(context, HIDE, "u1", IdKind.CUSTOMER)
    assert [row["name"] for row in copy["events"]] == ["Visit"]
    now.advance(days=1)
    choose(context, HIDE.customer("u1"), out=False)
    assert known_ids(context) == set()
    # Whichever id chooses next, it is the same customer's choice.
    choose(context, HIDE.anonymous("phone"))
    assert known_ids(context) == {HIDE.customer("u1"), HIDE.anonymous("phone")}


@on_sqlite
def test_search__that_took_two_seconds__rests_for_eight(context: Context) -> None:
    clock = iter([0.0, 2.0, 9.9, 10.0, 10.5, 10.6, 10.7])
    search = OtherIds(context, lambda: next(clock))
    done = []
    for who in ("u1", "u2", "u3", "u4"):
        choose(context, HIDE.customer(who))
        done.append(search.find([]))
    # The third looks for the second customer, too; a quick one is followed by the next.
    assert done == [1, 0, 2, 1]
