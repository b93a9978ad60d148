"""What every endpoint does with a request before its view sees it."""

import io
import json
from typing import Any

import pytest
from flask import Flask
from typing_extensions import override

from api.errors import HEADERS
from experiments import metrics
from experiments.context import Context
from experiments.db import transaction
from tests.api.conftest import Answer, Caller, metric_body


def is_error(answer: Answer, status: int, code: str) -> bool:
    body: dict[str, Any] = answer.json
    assert (answer.status_code, body["code"]) == (status, code), answer.text
    assert set(body) == {"code", "message", "fields"}
    assert body["message"].endswith(".")
    assert all(answer.headers[name] == value for name, value in HEADERS.items())
    return True


def stored(context: Context) -> int:
    with transaction(context.sessions) as session:
        return len(metrics.listing(session))


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b'{"key": "m", "key": "n"}', 400),
        (b'{"key": NaN}', 400),
        (b'{"key": 1e999}', 400),
        (b"[" * 100_000, 400),
        (b'{"key": ' + b"9" * 5000 + b"}", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b"[]", 422),
        (b'{"key": "a\\u0000b"}', 422),
        (b'{"key": "\\ud800"}', 422),
        (b"", 422),
        (b" " * 1_000_001, 413),
    ],
)
def test_bad_body__any_database__is_refused_and_nothing_stored(
    api: Caller, context: Context, raw: bytes, status: int
) -> None:
    answer = api("POST", "/metrics", data=raw, content_type="application/json")
    code = "too_large" if status == 413 else "invalid_input"
    assert is_error(answer, status, code)
    assert stored(context) == 0


on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@on_sqlite
@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": ""},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
def test_body__of_another_kind__is_unsupported(
    api: Caller, headers: dict[str, str]
) -> None:
    answer = api("POST", "/metrics", data=json.dumps(metric_body()), headers=headers)
    assert is_error(answer, 415, "unsupported_media_type")


@on_sqlite
def test_body__charset_utf_8__is_read(api: Caller) -> None:
    answer = api(
        "POST",
        "/metrics",
        data=json.dumps(metric_body()),
        headers={"Content-Type": "application/json; charset=UTF-8"},
    )
    assert answer.status_code == 201


class Endless(io.RawIOBase):
    """A stream without end, which counts what was read of it."""

    read_count = 0

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        buffer[:] = b" " * len(buffer)
        self.read_count += len(buffer)
        return len(buffer)


@on_sqlite
def test_body__chunked_without_end__is_refused_at_the_cap(api: Caller) -> None:
    stream = Endless()
    answer = api(
        "POST",
        "/metrics",
        content_type="application/json",
        # What granian sets: it ends chunked bodies itself.
        environ_overrides={"wsgi.input": stream, "wsgi.input_terminated": True},
    )
    assert is_error(answer, 413, "too_large")
    assert stream.read_count <= 1_100_000


@on_sqlite
def test_body__exactly_at_the_cap__is_read(api: Caller) -> None:
    raw = json.dumps(metric_body()).encode().ljust(1_000_000)
    answer = api("POST", "/metrics", data=raw, content_type="application/json")
    assert answer.status_code == 201


@on_sqlite
@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"nam": 1}, {"nam"}),
        ({"id": 7, "created_at": "2026-01-01T00:00:00Z"}, {"id", "created_at"}),
        ({"key": 1}, {"key"}),
        ({"key": None}, {"key"}),
        ({"key": "a b"}, {"key"}),
        ({"definition": []}, {"definition"}),
        ({"definition": {"kind": "retention"}}, {"definition.direction"}),
        (
            {"definition": {"kind": "x", "direction": [], "day": "1", "events": {}}},
            {
                "definition.kind",
                "definition.direction",
                "definition.day",
                "definition.events",
            },
        ),
        (
            {
                "definition": {
                    "kind": "retention",
                    "direction": "increase",
                    "events": ["Opened", 5],
                    "day": True,
                    "gap_days": 1.5,
                    "scale": 2**40,
                }
            },
            {
                "definition.events.1",
                "definition.day",
                "definition.gap_days",
                "definition.scale",
            },
        ),
    ],
)
def test_field__of_wrong_name_or_type__is_named_with_dots(
    api: Caller, changes: dict[str, Any], fields: set[str]
) -> None:
    answer = api.post("/metrics", metric_body(**changes))
    assert is_error(answer, 422, "invalid_input")
    assert set(answer.json["fields"]) == fields


@on_sqlite
def test_rule__broken__answers_with_the_words_of_the_rule(api: Caller) -> None:
    definition = {**metric_body()["definition"], "events": ["Experiment Viewed"]}
    answer = api.post("/metrics", metric_body(definition=definition))
    assert is_error(answer, 422, "invalid_input")
    assert "never counts as activity" in answer.json["fields"]["definition.events"]


@on_sqlite
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=1e1", "limit"),
        ("limit=-1", "limit"),
        ("limit=%D9%A1", "limit"),  # an Arabic 1 is a digit to Python
        ("limit=1&limit=2", "limit"),
        ("cursor=nonsense", "cursor"),
        ("cursor=", "cursor"),
        ("cursor=%00", "cursor"),
        ("cursor=" + "9" * 10_000, "cursor"),
        ("cursor=WyJrZXlzIiwyXQ", "cursor"),  # ["keys",2]: of another list
        ("sort=name", "sort"),
    ],
)
def test_query__wrong__is_refused_by_name(api: Caller, query: str, field: str) -> None:
    answer = api.get(f"/metrics?{query}")
    assert is_error(answer, 422, "invalid_input")
    assert set(answer.json["fields"]) == {field}


@pytest.mark.parametrize(
    "path",
    ["/metrics/a%00b", "/metrics/%ED%A0%80", "/metrics/a%20b", "/metrics/" + "a" * 65],
)
def test_path__not_a_key__is_not_found(api: Caller, path: str) -> None:
    assert is_error(api.get(path), 404, "not_found")


@on_sqlite
@pytest.mark.parametrize("path", ["/nothing", "/metrics/", "//metrics", "/metrics/a/b"])
def test_address__unknown__is_not_found_in_the_error_shape(
    api: Caller, path: str
) -> None:
    assert is_error(api.get(path), 404, "not_found")


@on_sqlite
@pytest.mark.parametrize("method", ["PATCH", "DELETE", "OPTIONS", "TRACE", "PUT"])
def test_method__not_taken__says_which_are(api: Caller, method: str) -> None:
    answer = api(method, "/metrics")
    assert is_error(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD, POST"


@on_sqlite
def test_view__fails__answers_an_incident_and_logs_no_content(
    api_app: Flask,
    api: Caller,
    monkeypatch: pytest.MonkeyPatch,
    logged: io.StringIO,
) -> None:
    def fail(*_: object, description: str, **__: object) -> None:
        raise RuntimeError(description)

    monkeypatch.setattr(metrics, "create", fail)
    answer = api.post("/metrics", metric_body(description="canary-4711"))
    assert is_error(answer, 500, "internal_error")
    incident = answer.json["message"].rstrip(".").split()[-1]
    assert incident in logged.getvalue()
    assert "canary" not in logged.getvalue() + answer.text
    assert api_app.name not in answer.text


@on_sqlite
def test_database__gone__answers_503_with_retry_after(
    api: Caller, context: Context
) -> None:
    database = context.settings.data_dir / "abide.db"
    context.sessions.kw["bind"].dispose()
    database.rename(database.with_suffix(".away"))
    database.mkdir()
    answer = api.get("/metrics")
    assert is_error(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) >= 1


@on_sqlite
def test_host__not_trusted__is_refused(api: Caller) -> None:
    api.client.application.config["TRUSTED_HOSTS"] = ["localhost"]
    answer = api.get("/metrics", headers={"Host": "evil.example"})
    assert is_error(answer, 400, "bad_request")
