"""Signed webhooks: taken, known again, kept until mapped, read again, erased."""

import json
import threading
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from analysis.compactor import compact_once, erase_once
from analysis.customer_data import copy_of
from analysis.expiry import delete_expired
from analysis.store import EventStore
from experiments import (
    connector_replay,
    connectors,
    data_requests,
    intake_view,
    quarantine,
    refused_hooks,
    waiting_bodies,
)
from experiments.actors import SYSTEM
from experiments.connector_presets import EXAMPLE, PRESETS
from experiments.context import Context
from experiments.db import transaction
from experiments.inbox import Inbox
from experiments.privacy import load_pseudonymiser
from experiments.sealing import load_sealer
from experiments.vocabulary import ConnectorKind, Environment, IdKind
from tests.analysis.intake import events, quarantined, sources
from tests.api.hook_doors import (
    SECRET,
    Hooks,
    read_waiting,
    register,
    replay,
    save_mapping,
)
from tests.clock import FakeClock
from tests.experiments.vendor_bodies import delighted, intercom, typeform, zendesk

BLUEHUB = {
    "id": "r-1",
    "customer_id": "canary0001wren",
    "score": 4,
    "submitted_at": "2026-03-14T09:00:00Z",
    "contact": {"email": "canary0001wren@example.com"},
}
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def inbox(context: Context) -> Iterator[Inbox]:
    made = Inbox.for_settings(context.settings)
    yield made
    made.close()


@pytest.fixture
def hooks(context: Context, inbox: Inbox) -> Hooks:
    return Hooks(context, inbox)


def test_replay__asked_twice_at_once__stores_and_counts_each_body_once(
    context: Context, hooks: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, together = register(context), threading.Barrier(2)
    assert hooks.send(row, BLUEHUB).status_code == 200
    compact_once(context)
    save_mapping(context, row, EXAMPLE)
    store = quarantine.store

    def store_together(*given: Any) -> None:  # noqa: ANN401  # as the one it replaces
        # Were both let in, they would meet here; one alone goes on after a moment.
        with suppress(threading.BrokenBarrierError):
            together.wait(0.5)
        store(*given)

    monkeypatch.setattr(quarantine, "store", store_together)
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(partial(read_waiting, context), [row, row]))
    assert sorted(one.stored_count for one in done) == [0, 1]
    compact_once(context)
    assert len(events(context)) == 1


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (ConnectorKind.INTERCOM, intercom()),
        (
            ConnectorKind.ZENDESK,
            zendesk("csat_received", {"satisfaction_score": {"score": "GOOD"}}),
        ),
        (ConnectorKind.TYPEFORM, typeform()),
        (ConnectorKind.DELIGHTED, delighted()),
    ],
)
def test_webhook__of_a_vendor_sent_twice__is_one_stored_answer(
    context: Context, hooks: Hooks, kind: ConnectorKind, body: object
) -> None:
    row = register(context, kind)
    for _ in range(2):
        answer = hooks.send(row, body)
        assert (answer.status_code, answer.json) == (200, {"success": True})
    compact_once(context)
    (stored,) = events(context)
    assert (stored["kind"], stored["source"]) == ("survey_answer", row.public_id)
    assert stored["environment"] == "production"
    assert quarantined(context) == []
    with transaction(context.sessions) as session:
        (source,) = intake_view.sources(session, context.now())
    assert (source.name, source.duplicate_count) == ("Support desk", 1)


@on_sqlite
def test_webhook__wrongly_signed__is_refused_alike_whatever_is_wrong(
    context: Context, hooks: Hooks, now: FakeClock
) -> None:
    row = register(context)
    raw = b'{"id": 1}'
    hooks.look()
    good = hooks.signed(row, raw, SECRET)
    ended = register(context)
    with transaction(context.sessions) as session:
        connectors.end(session, ended.public_id, actor=SYSTEM, now=now())
    unknown = register(context)
    unknown.public_id = "a" * 12
    answers = [
        hooks.send(row, raw, headers={}),
        hooks.send(row, raw, secret=SECRET + "x"),
        hooks.send(row, raw + b" ", headers=good),
        hooks.send(ended, raw),
        hooks.send(unknown, raw),
    ]
    now.advance(minutes=6)
    answers.append(hooks.send(row, raw, headers=good))
    for answer in answers:
        assert answer.status_code == 401
        assert b'"code":"unauthenticated"' in answer.data
    assert len({answer.data for answer in answers}) == 1
    assert hooks.send(row, raw).status_code == 200
    hooks.refusals.record()  # what a thread does some seconds later
    compact_once(context)
    with transaction(context.sessions) as session:
        ids = [row.public_id, ended.public_id, unknown.public_id]
        found = refused_hooks.lately(session, ids, now())
    # What is not registered leaves no trace: its address is anybody's guess.
    assert {one: refused.count for one, refused in found.items()} == {row.public_id: 4}
    assert not any(source.source == "" for source in sources(context))


@on_sqlite
def test_address__asked_by_head_or_get__does_not_tell_whether_it_is_one(
    context: Context, hooks: Hooks
) -> None:
    row = register(context, ConnectorKind.INTERCOM)
    hooks.look()
    for method in ("HEAD", "GET", "POST"):
        answers = {
            (answer.status_code, answer.text)
            for name in (row.public_id, "unknown")
            for answer in [hooks.client.open(f"/hooks/{name}", method=method)]
        }
        assert len(answers) == 1
        assert {status for status, _ in answers} == {401 if method == "POST" else 200}


@on_sqlite
def test_body__behind_a_byte_order_mark__is_read(
    context: Context, hooks: Hooks
) -> None:
    row = register(context, mapping=EXAMPLE)
    body = b"\xef\xbb\xbf" + json.dumps(BLUEHUB).encode()
    assert hooks.send(row, body).status_code == 200
    compact_once(context)
    assert len(events(context)) == 1


@on_sqlite
def test_body__over_the_cap__is_refused(context: Context, hooks: Hooks) -> None:
    row = register(context)
    assert hooks.send(row, b"x" * (256 * 1024 + 1)).status_code == 413


def test_secret__changed__old_one_holds_for_the_stated_time(
    context: Context, hooks: Hooks, now: FakeClock
) -> None:
    row = register(context)
    with transaction(context.sessions) as session:
        connectors.change_secret(
            session,
            row.public_id,
            "the-new-secret-0123",
            24,
            load_sealer(context.settings),
            actor=SYSTEM,
            now=now(),
        )
    new = "the-new-secret-0123"
    assert hooks.send(row, BLUEHUB, secret=new).status_code == 200
    assert hooks.send(row, BLUEHUB).status_code == 200
    now.advance(hours=24)
    assert hooks.send(row, BLUEHUB, secret=new).status_code == 200
    assert hooks.send(row, BLUEHUB).status_code == 401


def test_body__without_a_mapping__is_kept_and_read_once_it_is_mapped(
    context: Context, hooks: Hooks, now: FakeClock
) -> None:
    row = register(context)
    for number in (1, 1, 2):  # one of them is delivered twice
        sent = {**BLUEHUB, "id": f"r-{number}"}
        assert hooks.send(row, sent).status_code == 200
    compact_once(context)
    assert events(context) == []
    with transaction(context.sessions) as session:
        (group,) = connector_replay.groups(session, row)
        example = connector_replay.examples(session, row)[0]
        # The pile of the data page has them too, and cannot read them.
        (pile,) = quarantine.groups(session)
    assert (group.count, group.detail) == (3, "This connector has no mapping yet.")
    assert (pile.count, pile.replayable_count) == (3, 0)
    assert example.message == {
        "id": "a-0",
        "customer_id": "aaaaaa0000aaaa",
        "score": 0,
        "submitted_at": "0000-00-00a00:00:00a",
        "contact": {"email": "aaaaaa0000aaaa@aaaaaaa.aaa"},
    }
    now.advance(days=3)
    wrong = {"facts": [{**EXAMPLE["facts"][0], "score": "rating"}]}
    save_mapping(context, row, wrong)
    done = replay(context, row)
    assert (done.stored_count, done.refused_count) == (0, 3)
    assert done.refusal == "score: nothing stands at rating."
    save_mapping(context, row, EXAMPLE)
    assert replay(context, row).stored_count == 3
    assert replay(context, row).stored_count == 0
    found = events(context)
    assert [(e["value"], e["scale"], e["name"]) for e in found] == [
        (4.0, 5, "after-support")
    ] * 2
    assert {e["occurred_at"].hour for e in found} == {9}
    # The sender repeats itself once more: it is known, as on the first day.
    assert hooks.send(row, BLUEHUB).status_code == 200
    compact_once(context)
    assert len(events(context)) == 2
    assert quarantined(context) == []


def test_bodies__more_than_may_wait__are_refused_until_there_is_room(
    context: Context,
    hooks: Hooks,
    inbox: Inbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waiting_bodies, "MOST_BODIES", 3)
    monkeypatch.setattr(waiting_bodies, "LOOK_SECONDS", 0)
    row, other = register(context, mapping=EXAMPLE), register(context)
    unmapped = {"id": "r-1", "customer_id": "u1"}
    for _ in range(3):
        assert hooks.send(row, unmapped).status_code == 200
    # Before anything reached the database: this door has counted what it let in.
    refused = hooks.send(row, unmapped)
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "600"
    assert "as many bodies" in refused.get_json()["message"].lower()
    compact_once(context)
    assert hooks.send(row, unmapped).status_code == 429
    # Another process, which let nothing in, has it from the file.
    assert Hooks(context, inbox).send(row, unmapped).status_code == 429
    with transaction(context.sessions) as session:
        waiting = waiting_bodies.of(session, row.public_id)
        assert waiting_bodies.full(session) == [row.public_id]
        sealed = [held.replay for held in connector_replay.examples(session, row)]

    assert waiting.count == 3
    assert waiting.bytes == sum(len(held["sealed"]) for held in sealed if held)
    # What fits is taken, other connectors go on, and no body is lost or counted twice.
    assert hooks.send(row, BLUEHUB).status_code == 200
    assert hooks.send(other, unmapped).status_code == 200
    with transaction(context.sessions) as session:
        assert connector_replay.discard(
            session, row.public_id, actor=SYSTEM, now=context.now()
        )
    assert hooks.send(row, unmapped).status_code == 200
    compact_once(context)
    assert len(events(context)) == 1
    with transaction(context.sessions) as session:
        counts = waiting_bodies.by_connector(session)
    assert {name: one.count for name, one in counts.items()} == {
        row.public_id: 1,
        other.public_id: 1,
    }


def test_bodies__too_large_together__are_refused(
    context: Context, hooks: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_bodies, "MOST_BYTES", 100)  # sealed, packed
    row = register(context)
    large = {"text": "a" * 30_000}
    assert [hooks.send(row, large).status_code for _ in range(2)] == [200, 429]


def test_replay__of_a_body_without_a_time__happened_when_it_came(
    context: Context, hooks: Hooks, now: FakeClock
) -> None:
    row, came_at = register(context), now()
    sent = {"id": "r-1", "customer_id": "u1"}
    hooks.send(row, sent)
    compact_once(context)
    now.advance(days=2)
    fact = {"event": "Called", "customer": "customer_id", "message_id": "id"}
    save_mapping(context, row, {"facts": [fact]})
    assert replay(context, row).stored_count == 1
    # A late repeat says the same, though it comes at another time.
    hooks.send(row, sent)
    compact_once(context)
    (stored,) = events(context)
    assert stored["occurred_at"] == came_at
    assert quarantined(context) == []


def test_body__with_a_wrong_score__waits_as_a_whole(
    context: Context, hooks: Hooks
) -> None:
    fact = EXAMPLE["facts"][0]
    called = {"event": "Called", "customer": "customer_id", "message_id": "id"}
    row = register(context, mapping={"facts": [called, fact]})
    hooks.send(row, {**BLUEHUB, "score": 9})
    compact_once(context)
    assert events(context) == []
    with transaction(context.sessions) as session:
        (group,) = connector_replay.groups(session, row)
    assert group.reason == "invalid_score"
    save_mapping(context, row, {"facts": [called, {**fact, "scale": 10}]})
    assert replay(context, row).stored_count == 1
    assert sorted(e["kind"] for e in events(context)) == ["activity", "survey_answer"]


@on_sqlite
def test_body__whose_survey_would_be_an_address__waits(
    context: Context, hooks: Hooks
) -> None:
    fact = {**EXAMPLE["facts"][0], "survey": "contact.email"}
    row = register(context, mapping={"facts": [fact]})
    hooks.send(row, BLUEHUB)
    compact_once(context)
    (aside,) = quarantined(context)
    assert aside.detail == "survey: what stands there looks like personal data."
    assert events(context) == []


@on_sqlite
@pytest.mark.parametrize("raw", [b"{", b"[]", b"\xff", b"", b'{"a":' * 900, b"null"])
def test_body__that_is_no_object__is_counted_and_not_kept(
    context: Context, hooks: Hooks, raw: bytes
) -> None:
    row = register(context)
    assert hooks.send(row, raw).status_code == 200
    compact_once(context)
    (aside,) = quarantined(context)
    assert (aside.reason, aside.replay) == ("not_an_object", None)


@on_sqlite
def test_body__of_a_development_connector__is_a_development_event(
    context: Context, hooks: Hooks
) -> None:
    row = register(
        context,
        ConnectorKind.TYPEFORM,
        environment=Environment.DEVELOPMENT,
    )
    hooks.send(row, typeform())
    compact_once(context)
    assert [e["environment"] for e in events(context)] == ["development"]


def test_erasure__of_a_customer_in_waiting_bodies__takes_those_and_later_ones(
    context: Context, hooks: Hooks
) -> None:
    row, hide = register(context), load_pseudonymiser(context.settings)
    mine, other = BLUEHUB, {**BLUEHUB, "id": "r-2", "customer_id": "u2"}
    for body in (mine, {"who": {"x": ["canary0001wren"]}}, other):
        hooks.send(row, body)
    compact_once(context)
    copy = copy_of(context, hide, "canary0001wren", IdKind.CUSTOMER)
    assert [one["reason"] for one in copy["set_aside"]] == ["unmapped"] * 2
    with transaction(context.sessions) as session:
        data_requests.request_erasure(
            session,
            hide,
            "canary0001wren",
            IdKind.CUSTOMER,
            actor=SYSTEM,
            now=context.now(),
        )
    erase_once(context)
    hooks.send(row, mine)
    compact_once(context)
    assert len(quarantined(context)) == 1
    save_mapping(context, row, EXAMPLE)
    assert replay(context, row).stored_count == 1
    assert [e["customer"] for e in events(context)] == [hide.customer("u2")]


@on_sqlite
def test_waiting_bodies__after_thirty_days__are_deleted(
    context: Context, hooks: Hooks, now: FakeClock
) -> None:
    row = register(context)
    hooks.send(row, BLUEHUB)
    compact_once(context)
    writer = EventStore(context.settings).writer()
    now.advance(days=30)
    delete_expired(context, writer)
    assert len(quarantined(context)) == 1
    now.advance(seconds=1)
    delete_expired(context, writer)
    assert quarantined(context) == []


@on_sqlite
def test_waiting_bodies__thrown_away__are_gone(context: Context, hooks: Hooks) -> None:
    row, other = register(context), register(context)
    for one in (row, row, other):
        hooks.send(one, BLUEHUB)
    compact_once(context)
    with transaction(context.sessions) as session:
        count = connector_replay.discard(
            session, row.public_id, actor=SYSTEM, now=context.now()
        )
    assert count == 2
    assert [one.source for one in quarantined(context)] == [other.public_id]


def test_raw_ids_and_secrets__of_webhooks__are_in_no_file(
    context: Context, hooks: Hooks, capfd: pytest.CaptureFixture[str]
) -> None:
    kinds = {kind: register(context, kind) for kind in ConnectorKind}
    hooks.send(kinds[ConnectorKind.GENERIC], BLUEHUB)
    hooks.send(kinds[ConnectorKind.GENERIC], {"canary0002wren": "canary0002wren"})
    hooks.send(kinds[ConnectorKind.TYPEFORM], typeform(user_id="canary0003wren"))
    hooks.send(kinds[ConnectorKind.INTERCOM], intercom("x", note="canary0004wren"))
    hooks.send(kinds[ConnectorKind.GENERIC], b'{"x": "canary0005wren"')
    assert marks_in(context) == []
    compact_once(context)
    assert len(events(context)) == 1
    assert len(quarantined(context)) == 4
    assert marks_in(context) == []
    output = capfd.readouterr()
    for mark in (b"wren", SECRET.encode()):
        assert mark.decode() not in output.out + output.err


def marks_in(context: Context) -> list[str]:
    """Name what holds a raw id or a secret: files, and all that the database says."""
    marks = ("wren", SECRET)
    found = [
        str(path)
        for path in Path(context.settings.data_dir).rglob("*")
        if path.is_file() and any(m.encode() in path.read_bytes() for m in marks)
    ]
    with transaction(context.sessions) as session:
        for table in ("connector", "ruleset", "quarantined_message", "audit_entry"):
            rows = session.execute(text(f"SELECT * FROM {table}")).all()  # noqa: S608  # named here
            said = repr([tuple(map(_readable, row)) for row in rows])
            found += [f"{table}: {mark}" for mark in marks if mark in said]
    return found


def _readable(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value


@on_sqlite
def test_preset__is_the_first_version__and_can_be_changed(context: Context) -> None:
    row = register(context, ConnectorKind.TYPEFORM)
    save_mapping(context, row, EXAMPLE)
    with transaction(context.sessions) as session:
        saved = connectors.versions(session, row)
        assert [one.version for one in saved] == [2, 1]
        assert saved[1].content == PRESETS[ConnectorKind.TYPEFORM]
        assert (
            connectors.mapping_of(session, connectors.get(session, row.public_id))
            == EXAMPLE
        )


@on_sqlite
def test_secret__whose_key_is_lost__is_told_and_can_be_entered_again(
    context: Context, inbox: Inbox
) -> None:
    row = register(context)
    (context.settings.keys_dir / "sealing").unlink()
    lost = Hooks(context, inbox).send(row, BLUEHUB)
    assert (lost.status_code, lost.headers["Retry-After"]) == (503, "300")
    assert b"keys/sealing" in lost.data
    with transaction(context.sessions) as session:
        connectors.change_secret(
            session,
            row.public_id,
            SECRET,
            24,
            load_sealer(context.settings),
            actor=SYSTEM,
            now=context.now(),
        )
    assert Hooks(context, inbox).send(row, BLUEHUB).status_code == 200


@on_sqlite
def test_sealed_body__with_another_key__is_told_in_words(context: Context) -> None:
    sealer = load_sealer(context.settings)
    sealed = sealer.seal(b"{}", "held body")
    assert zlib.compress(b"{}") not in sealed
    (context.settings.keys_dir / "sealing").unlink()
    other = load_sealer(context.settings)
    with pytest.raises(Exception, match="keys/sealing"):
        other.open(sealed, "held body")
    with pytest.raises(Exception, match="keys/sealing"):
        sealer.open(sealed, "connector secret")
    assert sealer.open(sealed, "held body") == b"{}"
