"""The event doors, mounted as they are served, down to what is then stored."""

import gzip
import json
from collections.abc import Iterator

import pysqlite3.dbapi2 as sqlite
import pytest
from sqlalchemy import text
from werkzeug.test import Client

from api import tracking
from experiments.context import Context
from experiments.errors import StorageFull
from experiments.inbox import Inbox
from experiments.inbox_slots import INBOX_FOLDER, SqliteSlot
from tests.analysis.intake import quarantined
from tests.api.event_doors import (
    CLIENT,
    DEVELOPMENT,
    SERVER,
    UNKNOWN,
    WRITE,
    WRITE_KEY,
    basic,
    door_client,
    message,
    post,
    stored,
)

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def inbox(context: Context) -> Iterator[Inbox]:
    opened = Inbox.for_settings(context.settings)
    yield opened
    opened.close()


@pytest.fixture
def client(context: Context, inbox: Inbox) -> Client:
    return door_client(context, inbox)


# What each address makes of one message that would fit all of them.
KINDS = {
    "identify": ["attributes"],
    "track": ["activity"],
    "page": ["activity"],
    "screen": ["activity"],
    "group": ["identity"],
    "alias": ["identity", "identity"],
}


@pytest.mark.parametrize("name", KINDS)
def test_address__long_and_short__takes_its_kind_of_message(
    client: Client, context: Context, name: str
) -> None:
    body = message(groupId="g1", previousId="p1", writeKey=WRITE, context={})
    answer = post(client, f"/v1/{name}", body)
    assert (answer.status_code, answer.data) == (200, b'{"success":true}')
    assert answer.content_type == "application/json"
    # Chromium holds memory for each answer that a page leaves unread.
    answer = post(client, f"/v1/{tracking.TYPES[name]}", body)
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Content-Length"] == "0"
    assert [row["kind"] for row in stored(context)] == KINDS[name]


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/b"])
def test_batch__as_a_server_client_sends_it__is_stored_once(
    client: Client, context: Context, path: str
) -> None:
    body = {
        "batch": [message(n, type="track") for n in range(30)],
        "sentAt": "2026-03-14T09:30:00Z",
        "writeKey": WRITE,
        "context": {"library": {"name": "analytics-python"}},
        "integrations": {},
    }
    for _ in range(2):  # the client did not hear our answer
        assert post(client, path, body).status_code == 200
    rows = stored(context)
    assert len(rows) == 30
    assert {row["source"] for row in rows} == {WRITE_KEY.public_id}
    assert {row["environment"] for row in rows} == {"production"}


@pytest.mark.parametrize(
    ("headers", "in_body"),
    [
        (basic(WRITE), None),
        ({"Authorization": f"Bearer {SERVER}"}, None),
        ({"X-API-Key": SERVER}, None),
        ({}, WRITE),
    ],
    # Keys are made anew by each process, so their text must not name the case.
    ids=["basic", "bearer", "header", "body"],
)
def test_key__in_each_place__opens_the_door(
    client: Client, headers: dict[str, str], in_body: str | None
) -> None:
    body = {"batch": [message()], "writeKey": in_body}
    assert post(client, "/v1/batch", body, headers).status_code == 200


@pytest.mark.parametrize(
    ("headers", "in_body", "status"),
    [
        ({}, None, 401),
        ({}, "", 401),
        ({}, UNKNOWN, 401),
        ({}, 17, 401),
        ({}, "\ud800", 401),
        (basic(UNKNOWN), None, 401),
        (basic(UNKNOWN), WRITE, 401),
        (basic(CLIENT), None, 403),
    ],
    ids=["none", "empty", "unknown", "number", "half", "basic", "both", "client"],
)
def test_key__that_is_wrong__stores_nothing(
    client: Client,
    context: Context,
    headers: dict[str, str],
    in_body: object,
    status: int,
) -> None:
    body = {"batch": [message()], "writeKey": in_body}
    answer = post(client, "/v1/batch", body, headers)
    assert answer.status_code == status
    assert set(json.loads(answer.data)) == {"code", "message", "fields"}
    assert stored(context) == []


def test_development_key__marks_its_events(client: Client, context: Context) -> None:
    post(client, "/v1/track", message(), basic(DEVELOPMENT))
    (row,) = stored(context)
    assert row["environment"] == "development"


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "", "application/json"],
)
@pytest.mark.parametrize("packed", [False, True])
def test_body__of_any_content_type__is_read_as_json(
    client: Client, context: Context, content_type: str, *, packed: bool
) -> None:
    raw = json.dumps({"batch": [message()]}).encode()
    headers = {**basic(WRITE), "Content-Type": content_type}
    if packed:
        raw, headers["Content-Encoding"] = gzip.compress(raw), "gzip"
    assert post(client, "/v1/batch", raw, headers).status_code == 200
    assert len(stored(context)) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"null", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"batch":{}}', 400),
        (b'{"batch":null}', 400),
        (b'{"batch":[' + b"1," * 5000 + b"1]}", 400),
        (b"[" * 100_000, 400),
        (b'{"batch":[' * 40_000, 400),
        (b"\xff\xfe\x00", 400),
        (b'{"batch":[], "x":"' + b"x" * 500_000 + b'"}', 413),
    ],
)
def test_body__that_is_no_batch__is_refused_in_words(
    client: Client, context: Context, body: bytes, status: int
) -> None:
    answer = post(client, "/v1/batch", body)
    assert answer.status_code == status
    said = json.loads(answer.data)
    assert said["code"]
    assert said["message"].endswith(".")
    assert stored(context) == []


def test_gzip_bomb__is_refused(client: Client) -> None:
    bomb = gzip.compress(b" " * 10_000_000)
    headers = {**basic(WRITE), "Content-Encoding": "gzip"}
    assert post(client, "/v1/batch", bomb, headers).status_code == 413


def test_empty_batch__is_done(client: Client, context: Context) -> None:
    assert post(client, "/v1/batch", {"batch": []}).status_code == 200
    assert stored(context) == []


def test_bad_message__in_a_batch__harms_no_other(
    client: Client, context: Context
) -> None:
    good = json.dumps(message(1)).encode(), json.dumps(message(2)).encode()
    bad = (
        b"NaN",
        b'{"type":"track","userId":"u","event":"\\ud800"}',
        b'{"type":"track","userId":"u","event":"\\u0000"}',
        b'{"type":"track","userId":"u","event":"e","properties":{"a":1e999}}',
        b"[" * 5000 + b"]" * 5000,
        b'{"type":"track","userId":"u","event":"' + b"x" * 40_000 + b'"}',
    )
    body = b'{"batch":[' + b",".join([good[0], *bad, good[1]]) + b"]}"
    assert post(client, "/v1/batch", body).status_code == 200
    assert len(stored(context)) == 2
    assert [one.reason for one in quarantined(context)] == [
        "not_an_object",
        "invalid_text",
        "invalid_text",
        "invalid_properties",
        "not_an_object",
        "too_large",
    ]


def test_consent_that_is_refused__stores_nothing(
    client: Client, context: Context
) -> None:
    post(client, "/v1/track", message(1, consent=False))
    escaped = json.dumps(message(2, consent=False)).replace("consent", "\\u0063onsent")
    post(client, "/v1/track", escaped.encode())
    assert stored(context) == []
    with context.sessions() as session:
        refused = session.scalar(text("SELECT consent_refused_count FROM event_source"))
    assert refused == 2


@on_sqlite
def test_full_disk__is_said_in_words(context: Context) -> None:
    def open_small() -> SqliteSlot:
        slot = SqliteSlot(context.settings.data_dir / INBOX_FOLDER)
        slot._connection.execute("PRAGMA max_page_count = 5")  # noqa: SLF001
        return slot

    inbox = Inbox(open_small)
    client = door_client(context, inbox)
    body = {"batch": [message(n) for n in range(500)]}
    answer = post(client, "/v1/batch", body)
    assert answer.status_code == 507
    assert json.loads(answer.data)["code"] == StorageFull.code
    assert post(client, "/v1/track", message()).status_code == 200
    inbox.close()
    assert len(stored(context)) == 1


@on_sqlite
def test_store_that_does_not_answer__asks_to_come_back(
    client: Client, context: Context
) -> None:
    post(client, "/v1/track", message(1))
    (path,) = (context.settings.data_dir / INBOX_FOLDER).glob("inbox-*.db")
    holder = sqlite.connect(str(path), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    answer = post(client, "/v1/track", message(2))
    holder.close()
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1
    assert len(stored(context)) == 1


def test_openapi__describes_each_address() -> None:
    addresses = {f"/v1/{p}" for pair in tracking.TYPES.items() for p in pair}
    assert set(tracking.OPENAPI_PATHS) == addresses
    names = [item["post"]["operationId"] for item in tracking.OPENAPI_PATHS.values()]
    assert len(set(names)) == len(names)
