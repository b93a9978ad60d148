"""One customer goes, whole, and nobody else: store, log, inboxes, database."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import LargeBinary, func, select

from analysis import leases
from analysis.compactor import compact_once, erase_once
from analysis.customer_data import copy_of
from analysis.erasing import stitched_ids
from analysis.store import EventStore
from analysis.unit_store import UNIT_SCHEMA, UnitStore
from experiments import audit, data_requests
from experiments.actors import SYSTEM
from experiments.context import Context
from experiments.db import Base, transaction
from experiments.inbox import Inbox
from experiments.models import (
    ErasedExposure,
    Erasure,
    ListedUnit,
    RulesetRow,
    Tombstone,
)
from experiments.vocabulary import ErasureState, IdKind, PersonRole
from tests import factories
from tests.analysis.event_files import EventFile, pseudonym
from tests.analysis.intake import events, send, sources
from tests.clock import FakeClock
from tests.experiments.sent_messages import HIDE, track

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def ask(context: Context, customer_id: str, kind: IdKind = IdKind.CUSTOMER) -> int:
    with transaction(context.sessions) as session:
        return data_requests.request_erasure(
            session, HIDE, customer_id, kind, actor=SYSTEM, now=context.now()
        ).id


def erase(context: Context, customer_id: str, kind: IdKind = IdKind.CUSTOMER) -> int:
    number = ask(context, customer_id, kind)
    assert erase_once(context)
    with transaction(context.sessions) as session:
        erasure = data_requests.get(session, number)
        assert erasure.state == ErasureState.DONE.value
        return erasure.event_count


def viewed(variant: str, **message: object) -> dict[str, Any]:
    seen = {"experimentId": "checkout", "variationId": variant}
    return track("Experiment Viewed", properties=seen, **message)


def names(context: Context) -> list[str]:
    return [row["name"] for row in events(context)]


def test_erasure__of_a_customer__leaves_everybody_else(context: Context) -> None:
    send(
        context,
        *(track(f"Event {i}", userId=f"u{i % 3}", messageId=f"m{i}") for i in range(9)),
    )
    compact_once(context)
    assert erase(context, "u1") == 3
    assert names(context) == [f"Event {i}" for i in (0, 2, 3, 5, 6, 8)]
    assert {row["customer"] for row in events(context)} == {
        HIDE.customer("u0"),
        HIDE.customer("u2"),
    }


def test_erasure__of_who_waits_in_an_inbox__drops_it(context: Context) -> None:
    inbox = Inbox.for_settings(context.settings)
    number = ask(context, "u1")
    send(context, track(userId="u1"), track(userId="u2", messageId="m2"), inbox=inbox)
    assert erase_once(context)
    inbox.close()
    assert [row["customer"] for row in events(context)] == [HIDE.customer("u2")]
    (source,) = sources(context)
    assert (source.event_count, source.erased_count) == (1, 1)
    with transaction(context.sessions) as session:
        assert data_requests.get(session, number).event_count == 0


def test_erased_customer__who_comes_back__is_dropped_on_arrival(
    context: Context, now: FakeClock
) -> None:
    send(context, track(userId="u1"))
    compact_once(context)
    erase(context, "u1")
    now.advance(days=30)
    send(context, track(userId="u1", messageId="later"))
    assert compact_once(context).event_count == 0
    assert events(context) == []


def test_erasure__stitched_ids__go_with_the_customer(context: Context) -> None:
    identify = {"type": "identify", "userId": "u1", "anonymousId": "a1"}
    alias = {"type": "alias", "userId": "u1", "previousId": "old"}
    send(
        context,
        track("As a1", userId=None, anonymousId="a1", messageId="m1"),
        {**identify, "messageId": "m2"},
        {**alias, "messageId": "m3"},
        track("As old", userId="old", messageId="m4"),
        track("Another", userId=None, anonymousId="a2", messageId="m5"),
    )
    compact_once(context)
    erase(context, "u1")
    assert names(context) == ["Another"]
    send(context, track("As a1 again", userId=None, anonymousId="a1", messageId="m6"))
    compact_once(context)
    assert names(context) == ["Another"]


def test_erasure__of_a_shared_device__keeps_what_its_owner_did(
    context: Context, now: FakeClock
) -> None:
    # u0 was seen first with a1, so that a1's own events are u0's.
    send(
        context,
        track("Owner", userId="u0", anonymousId="a1", messageId="m1"),
        track("Alone", userId=None, anonymousId="a1", messageId="m2"),
    )
    now.advance(hours=1)
    send(context, track("Guest", userId="u1", anonymousId="a1", messageId="m3"))
    compact_once(context)
    erase(context, "u1")
    assert sorted(names(context)) == ["Alone", "Owner"]
    erase(context, "u0")
    assert names(context) == []


def test_erasure__of_the_owner_of_a_shared_device__unties_the_guest(
    context: Context, now: FakeClock
) -> None:
    send(context, track("Owner", userId="u0", anonymousId="a1", messageId="m1"))
    now.advance(hours=1)
    guest = track("Guest", userId="u1", anonymousId="a1", messageId="m2")
    send(context, guest)
    compact_once(context)
    erase(context, "u0")
    (row,) = events(context)
    assert (row["name"], row["anonymous"]) == ("Guest", None)
    send(context, {**guest, "event": "Later", "messageId": "m3"})
    compact_once(context)
    assert [row["anonymous"] for row in events(context)] == [None, None]


def test_erased_customer__who_signs_in_on_a_new_device__takes_it_along(
    context: Context,
) -> None:
    send(context, track(userId="u1"))
    compact_once(context)
    erase(context, "u1")
    send(context, track("Browsed", userId=None, anonymousId="a9", messageId="m2"))
    compact_once(context)
    assert names(context) == ["Browsed"]
    send(context, track("Came in", userId="u1", anonymousId="a9", messageId="m3"))
    compact_once(context)
    assert erase_once(context)
    assert events(context) == []


def test_stitched_ids__as_analysis_stitches__are_found_both_ways(
    tmp_path: Path,
) -> None:
    file = EventFile().linked("anon1", "ada", 1).linked("anon2", "ada", 2)
    file.linked("anon1", "eve", 3).linked("anon3", "eve", 4).active("anon1", 0)
    files = [file.write(tmp_path)]
    adas = {pseudonym(who) for who in ("ada", "anon1", "anon2")}
    assert stitched_ids(files, {pseudonym("ada")}) == adas
    assert stitched_ids(files, {pseudonym("anon2")}) == adas
    eves = {pseudonym("eve"), pseudonym("anon3")}
    assert stitched_ids(files, {pseudonym("eve")}) == eves
    assert stitched_ids([], {b"x"}, {b"y"}) == {b"x"}


def test_erasure__units_of_an_import__go_too(context: Context) -> None:
    store = UnitStore(context.settings)
    customers = [HIDE.customer(name) for name in ("u1", "u2")]
    schema = pa.schema([f for f in UNIT_SCHEMA if f.name != "experiment"])
    rows = [
        {
            "import_id": "i",
            "customer": customer,
            "variant": "control",
            "metric": "kept",
            "value": 1.0,
        }
        for customer in customers
    ]
    store.replace("imported", pa.Table.from_pylist(rows, schema=schema))
    copy = copy_of(context, HIDE, "u1", IdKind.CUSTOMER)
    assert copy["imported"] == [
        {
            "experiment": "imported",
            "variant": "control",
            "metric": "kept",
            "value": 1.0,
            "attributes": {},
        }
    ]
    assert erase(context, "u1") == 1
    units = store.of("imported")
    assert units is not None
    assert copy_of(context, HIDE, "u1", IdKind.CUSTOMER)["imported"] == []
    assert len(copy_of(context, HIDE, "u2", IdKind.CUSTOMER)["imported"]) == 1
    assert found_in(context, customers[:1]) == []
    assert counts(context) == {("imported", "control"): 1}


def test_erasure__of_who_is_listed_by_hand__takes_the_customer_off_the_lists(
    context: Context, now: FakeClock
) -> None:
    with transaction(context.sessions) as session:
        root = factories.make_actor(session, "Root", PersonRole.ADMIN)
        experiment = factories.start_experiment(session, root)
        for name in ("u1", "u2"):
            listed = ListedUnit(
                experiment_id=experiment.id,
                pseudonym=HIDE.customer(name),
                variant=None,
                note="",
                created_at=now(),
                created_by="Root",
                removed_at=None,
            )
            session.add(listed)
    before = published(context)
    erase(context, "u1")
    with transaction(context.sessions) as session:
        (left,) = session.scalars(select(ListedUnit))
    assert left.pseudonym == HIDE.customer("u2")
    assert published(context) == before + 1  # doors read the lists from there


def published(context: Context) -> int:
    with transaction(context.sessions) as session:
        return session.scalars(select(func.max(RulesetRow.revision))).one()


def test_erasure__what_was_seen__is_counted_by_variant_only(context: Context) -> None:
    send(
        context,
        viewed("control", userId="u1", messageId="m1"),
        viewed("nudge", userId="u2", messageId="m2"),
        viewed("nudge", userId="u3", messageId="m3"),
        viewed("nudge", userId="u3", messageId="m4"),
    )
    compact_once(context)
    for customer in ("u1", "u3", "nobody"):
        erase(context, customer)
    assert counts(context) == {("checkout", "control"): 1, ("checkout", "nudge"): 1}
    with transaction(context.sessions) as session:
        assert [row.exposures for row in session.scalars(select(Erasure))] == [{}] * 3


def counts(context: Context) -> dict[tuple[str, str], int]:
    with transaction(context.sessions) as session:
        rows = session.scalars(select(ErasedExposure))
        return {(row.experiment, row.variant): row.customer_count for row in rows}


def test_erasure__while_an_analysis_reads__waits_for_it(context: Context) -> None:
    send(context, track(userId="u1"))
    compact_once(context)
    number = ask(context, "u1")
    with leases.held(context, leases.ANALYSIS) as token:
        assert token is not None
        assert erase_once(context)
        assert len(events(context)) == 1
        with transaction(context.sessions) as session:
            state = data_requests.get(session, number).state
        assert state == ErasureState.WAITING.value
    assert erase_once(context)
    assert events(context) == []


def test_erasure__while_another_process_compacts__is_left_to_it(
    context: Context,
) -> None:
    ask(context, "u1")
    with leases.held(context, "compactor", timedelta(seconds=30)):
        assert not erase_once(context)


def test_erasure__dying_before_the_commit__is_carried_out_again(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(context, viewed("nudge", userId="u1"))
    compact_once(context)
    ask(context, "u1")

    def die(*_: object, **__: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr("analysis.delta.DeltaWriter.commit", die)
        with pytest.raises(RuntimeError):
            erase_once(context)
    assert len(events(context)) == 1
    with monkeypatch.context() as patched:
        patched.setattr("experiments.data_requests.finish", die)
        with pytest.raises(RuntimeError):
            erase_once(context)
    assert events(context) == []
    assert erase_once(context)
    assert counts(context) == {("checkout", "nudge"): 1}


def test_request__asked_again__waits_once_and_starts_anew_when_done(
    context: Context,
) -> None:
    first = ask(context, "u1")
    assert ask(context, "u1") == first
    assert erase_once(context)
    second = ask(context, "u1")
    assert second != first
    with transaction(context.sessions) as session:
        (stone,) = session.scalars(select(Tombstone))
        assert (stone.pseudonym, stone.erasure_id) == (HIDE.customer("u1"), second)
        rows = audit.entries(session, subject_kind="erasure")
        assert [row.subject_key for row in rows] == [str(second), str(first)]
        assert [row.after for row in rows] == [{"id_kind": "customer"}] * 2


def test_erasure__searched_for_byte_by_byte__is_in_the_tombstones_only(
    context: Context,
) -> None:
    """P2: every file of the data folder, and every binary column there is."""
    inbox = Inbox.for_settings(context.settings)
    ids = [HIDE.customer("u1"), HIDE.anonymous("a1")]
    messages = [
        track(userId=f"u{i % 5}", anonymousId=f"a{i % 5}", messageId=f"m{i}")
        for i in range(100)
    ]
    send(context, *messages[:50], inbox=inbox)
    compact_once(context)
    send(context, *messages[50:], inbox=inbox)
    assert len(found_in(context, ids)) > 0
    erase(context, "u1")
    inbox.close()
    assert found_in(context, ids) == []
    assert len(events(context)) == 80


def found_in(context: Context, ids: Sequence[bytes]) -> list[str]:
    """Name the files, and binary columns other than tombstones, that hold an id."""
    with transaction(context.sessions) as session:
        found = [
            f"{table.name}.{column.name}"
            for table in Base.metadata.sorted_tables
            if table.name != "tombstone"
            for column in table.columns
            if isinstance(column.type, LargeBinary)
            for value in session.scalars(select(column))
            if value is not None and any(one in value for one in ids)
        ]
    for path in context.settings.data_dir.rglob("*"):
        if path.is_file() and not path.name.startswith("abide.db"):
            content = path.read_bytes()
            if path.suffix == ".parquet":
                content += repr(pq.read_table(path).to_pylist()).encode()
            if any(one in content or repr(one).encode() in content for one in ids):
                found.append(str(path))
    return found


@on_sqlite
def test_copy__of_a_customer__has_every_event_in_words(
    context: Context, now: FakeClock
) -> None:
    send(
        context,
        track(
            "Song Played",
            userId="u1",
            anonymousId="a1",
            timestamp="2026-03-14T09:00:00Z",
            properties={"plan": "pro", "value": 2},
        ),
        viewed("nudge", userId=None, anonymousId="a1", messageId="m2"),
        track(userId="u2", messageId="m3"),
    )
    compact_once(context)
    copy = copy_of(context, HIDE, "u1", IdKind.CUSTOMER)
    received = now().isoformat().replace("+00:00", "Z")
    assert copy == {
        "made_at": received,
        # The moment of the round, less the 5 s that may be in flight.
        "complete_through": "2026-03-14T09:29:55Z",
        "ids": 2,
        "events": [
            {
                "kind": "activity",
                "name": "Song Played",
                "occurred_at": "2026-03-14T09:00:00Z",
                "received_at": received,
                "environment": "production",
                "source": "src1",
                "value": 2.0,
                "properties": {"plan": "pro"},
            },
            {
                "kind": "exposure",
                "name": "Experiment Viewed",
                "occurred_at": received,
                "received_at": received,
                "environment": "production",
                "source": "src1",
                "experiment": "checkout",
                "variant": "nudge",
            },
        ],
        "imported": [],
        "uploaded": [],
        "set_aside": [],
        "refused_rows": [],
        "surveys": [],
        "opt_outs": [],
    }
    assert EventStore(context.settings).files()
    assert copy_of(context, HIDE, "nobody", IdKind.CUSTOMER)["events"] == []
