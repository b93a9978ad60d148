import gzip
import io
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override
from werkzeug.test import Client, TestResponse
from werkzeug.wrappers import Response as AppResponse

from api.door_body import decode_json
from api.door_values import Door, Refusal, Request, Response, json_response
from api.doors import DoorGroup, Gate, mount
from api.errors import HEADERS
from api.json_body import MalformedJson
from experiments.errors import InvalidInput, StorageFull, TooManyRequests

CAP = 1_000


def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:  # noqa: ANN401
    """Stand for the Flask app behind the doors."""
    return AppResponse("a page")(environ, start_response)


def echo(request: Request) -> Response:
    """Tell what reached the door."""
    return json_response(
        200,
        {
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "key": request.headers.get("x-api-key"),
            "type": request.headers.get("content-type"),
            "length": len(request.body),
        },
    )


def decode(request: Request) -> Response:
    decode_json(request.body)
    return json_response(200, {})


def caller(
    *doors: tuple[str, str, Door], at_once: int = 4, app_gate: Gate | None = None
) -> Client:
    group = DoorGroup(
        {(method, path): door for method, path, door in doors},
        body_cap=CAP,
        at_once=at_once,
        accepts_gzip=True,
    )
    mounted = mount(
        app,
        [group],
        trusted_hosts=["localhost", ".example.com"],
        app_gate=app_gate or Gate(4),
    )
    return Client(mounted)


@pytest.fixture
def client() -> Client:
    return caller(
        ("POST", "/echo", echo), ("GET", "/look", echo), ("POST", "/j", decode)
    )


def refusal(answer: TestResponse) -> tuple[int, str, str]:
    """Read an error in the one shape."""
    body = orjson.loads(answer.data)
    assert set(body) == {"code", "message", "fields"}
    assert answer.headers["Content-Type"] == "application/json"
    assert body["message"].endswith(".")
    return answer.status_code, body["code"], body["message"]


# Routing


def test_door__request__gets_all_parts_of_it(client: Client) -> None:
    answer = client.post(
        "/echo?a=b&c",
        data=b"hello",
        headers={"X-API-Key": "k", "Content-Type": "text/plain"},
    )

    assert orjson.loads(answer.data) == {
        "method": "POST",
        "path": "/echo",
        "query": "a=b&c",
        "key": "k",
        "type": "text/plain",
        "length": 5,
    }


def test_mount__path_of_no_door__goes_to_the_app(client: Client) -> None:
    assert client.get("/").text == "a page"
    assert client.post("/echo/").text == "a page"


def test_door__path_that_ends_in_a_name__takes_any_last_part() -> None:
    def greet(request: Request) -> Response:
        return json_response(200, [request.path, request.name])

    client = caller(("GET", "/named/{name}", greet), ("GET", "/named/own", echo))

    for path, name in (("/named/a.b~c", "a.b~c"), ("/named/", ""), ("/named/é", "é")):
        assert client.get(path).json == ["/named/{name}", name], path
    assert orjson.loads(client.get("/named/own").data)["path"] == "/named/own"
    for elsewhere in ("/named", "/named/a/b", "/other/a"):
        assert client.get(elsewhere).text == "a page", elsewhere


def test_door__group_with_a_wording_of_its_own__words_every_refusal() -> None:
    def shout(refusal: Refusal, name: str) -> Response:
        return Response(refusal.status, [*refusal.headers], f"{name}!".encode())

    def fail(_request: Request) -> Response:
        raise ValueError

    routes = {("POST", "/loud/{name}"): fail}
    groups = [DoorGroup(routes, CAP, at_once=4, wording=shout)]
    client = Client(
        mount(app, groups, trusted_hosts=["localhost"], app_gate=Gate(1)),
    )

    assert (client.post("/loud/x").status_code, client.post("/loud/x").text) == (
        500,
        "x!",
    )
    assert client.post("/loud/x", data=b"." * (CAP + 1)).status_code == 413
    assert client.get("/loud/x").headers["Allow"] == "OPTIONS, POST"
    assert client.get("/loud/x").text == "x!"
    assert client.post("/loud/x", headers={"Host": "evil.example"}).text == "x!"


def test_door__not_modified__has_no_body_and_no_length() -> None:
    answer = caller(("GET", "/c", lambda _r: Response(304, [("ETag", '"1"')]))).get(
        "/c"
    )

    assert (answer.status_code, answer.data) == (304, b"")
    assert "Content-Length" not in answer.headers
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]


def test_door__answer__carries_security_headers_and_length(client: Client) -> None:
    answer = client.post("/echo")

    assert {name: answer.headers[name] for name in HEADERS} == dict(HEADERS)
    assert answer.headers["Content-Length"] == str(len(answer.data))
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Set-Cookie" not in answer.headers


def test_door__own_cache_control__is_kept_once() -> None:
    def cached(_request: Request) -> Response:
        return Response(200, [("cache-control", "max-age=5")], b"x")

    answer = caller(("GET", "/c", cached)).get("/c")

    assert answer.headers.getlist("Cache-Control") == ["max-age=5"]


def test_request_id__none_or_odd_given__made_and_never_twice(client: Client) -> None:
    own = client.post("/echo", headers={"X-Request-Id": "abc-1"})
    made = [client.post("/echo").headers["X-Request-Id"] for _ in range(3)]
    odd = client.post("/echo", headers={"X-Request-Id": "a b<c>"})

    assert own.headers["X-Request-Id"] == "abc-1"
    assert len({*made, odd.headers["X-Request-Id"]}) == 4
    assert "<" not in odd.headers["X-Request-Id"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "TRACE", "BREW"])
def test_door__other_method__405_names_those_allowed(
    client: Client, method: str
) -> None:
    answer = client.open("/echo", method=method)

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "OPTIONS, POST"
    assert answer.data == b"" if method == "HEAD" else refusal(answer)[1]


def test_head__door_with_get__headers_of_get_without_body(client: Client) -> None:
    answer = client.head("/look")

    assert (answer.status_code, answer.data) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 0


def test_options__door__says_what_a_page_may_send(client: Client) -> None:
    answer = client.options("/look", headers={"Origin": "https://shop.example"})

    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
    allowed = answer.headers["Access-Control-Allow-Headers"].split(", ")
    # What analytics-next 1.84 and analytics-js 3.34 send beside the usual ones; the
    # star, for what others may send, never stands for Authorization (Fetch, 3.3.4).
    assert {"Authorization", "X-Retry-Count", "AnonymousId", "SentAt", "*"} <= {
        *allowed
    }


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("localhost:8000", 200),
        ("api.example.com", 200),
        ("example.com", 200),
        ("evil.test", 400),
        ("localhost.evil.test", 400),
        ("", 400),
        ("\x7f", 400),
    ],
)
def test_door__host__only_trusted_ones_are_answered(
    client: Client, host: str, status: int
) -> None:
    answer = client.get("/look", environ_overrides={"HTTP_HOST": host})

    assert answer.status_code == status
    assert status == 200 or refusal(answer)[1] == "untrusted_host"


# Bodies


def test_body__at_the_cap__read_and_one_byte_more_refused(client: Client) -> None:
    fits = client.post("/echo", data=b"x" * CAP)
    over = client.post("/echo", data=b"x" * (CAP + 1))

    assert orjson.loads(fits.data)["length"] == CAP
    assert refusal(over) == (413, "too_large", "Send at most 1,000 bytes.")


class Endless(io.RawIOBase):
    """A chunked body that never ends; counts what was taken of it."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = 0

    @override
    def read(self, size: int = -1) -> bytes:
        assert size >= 0, "reading all of it would never end"
        self.taken += size
        return b"x" * size


def post_stream(client: Client, stream: io.IOBase) -> TestResponse:
    """Send a body without its length, as servers hand on a chunked one."""
    return client.post(
        "/echo",
        environ_overrides={
            "HTTP_TRANSFER_ENCODING": "chunked",
            "CONTENT_LENGTH": "",
            "wsgi.input": stream,
        },
    )


def test_body__chunked_without_end__refused_at_the_cap(client: Client) -> None:
    stream = Endless()

    assert refusal(post_stream(client, stream))[0] == 413
    assert stream.taken == CAP + 1


@pytest.mark.parametrize(
    ("length", "taken"), [(10_000_000, 10_000_000), (10**12, 16 * 1024 * 1024)]
)
def test_body__far_too_long__taken_so_that_clients_read_the_refusal(
    client: Client, length: int, taken: int
) -> None:
    # A client that sends all before it reads would else see a broken connection.
    stream = Endless()
    answer = client.post(
        "/echo", environ_overrides={"CONTENT_LENGTH": str(length), "wsgi.input": stream}
    )

    assert refusal(answer)[0] == 413
    assert stream.taken == taken


def test_body__app_answers_without_reading__taken_all_the_same(
    client: Client,
) -> None:
    stream = Endless()
    answer = client.post(
        "/", environ_overrides={"CONTENT_LENGTH": "100000", "wsgi.input": stream}
    )

    assert answer.status_code == 200
    assert stream.taken == 100_000


def test_body__chunked__read_to_its_end(client: Client) -> None:
    answer = post_stream(client, io.BytesIO(b"y" * CAP))

    assert orjson.loads(answer.data)["length"] == CAP


@pytest.mark.parametrize(
    ("length", "status"),
    [("5", 200), ("10", 400), ("-1", 400), ("1e3", 400), ("9" * 20, 400), ("0", 200)],
)
def test_body__length_that_does_not_fit__refused(
    client: Client, length: str, status: int
) -> None:
    answer = client.post(
        "/echo", data=b"hello", environ_overrides={"CONTENT_LENGTH": length}
    )

    assert answer.status_code == status
    assert status == 200 or refusal(answer)[1] == "invalid_input"


def post_packed(client: Client, packed: bytes, encoding: str = "gzip") -> TestResponse:
    return client.post("/echo", data=packed, headers={"Content-Encoding": encoding})


def test_body__gzip__unpacked_up_to_the_cap(client: Client) -> None:
    fits = post_packed(client, gzip.compress(b"z" * CAP), "GZip")
    bomb = post_packed(client, gzip.compress(bytes(900_000)))

    assert orjson.loads(fits.data)["length"] == CAP
    assert refusal(bomb)[0] == 413


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"not gzip",
        gzip.compress(b"whole")[:-4],
        gzip.compress(b"one") + gzip.compress(b"two"),
        gzip.compress(b"one") + b"rest",
    ],
    # Packed bytes hold the time of day, so they cannot name the case.
    ids=["empty", "plain", "cut", "two", "rest"],
)
def test_body__broken_gzip__refused_in_words(client: Client, packed: bytes) -> None:
    assert refusal(post_packed(client, packed))[0] == 400


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "zstd"])
def test_body__other_packing__415(client: Client, encoding: str) -> None:
    assert refusal(post_packed(client, b"x", encoding))[0] == 415


# JSON


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{} {}",
        b"{'a':1}",
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":1e999}',
        b'{"a":-1e999}',
        b"1" * 500,
        b'{"a":"\x00"}',
        b'{"a":"\\u0000"}',
        b'{"\\u0000":1}',
        b'[["x",{"a":["b\\u0000"]}]]',
        b'"\\ud800"',
        b'"\\udc00"',
        b'"\\udc00\\ud800"',
        b'"\xed\xa0\x80"',
        b'"\xff"',
        b"{}\xef\xbb\xbf",
        b"[" * 65 + b"]" * 65,
        b'{"a":' * 65 + b"1" + b"}" * 65,
        b"[{}," * 100 + b"1" + b"]" * 100,
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"]" * 1000 + b"[" * 1000,
        b'["]",' * 500 + b"1" + b"]" * 500,
        b'["\\"]",' * 500 + b"1" + b"]" * 500,
        b'["\\\\",' * 500 + b"1" + b"]" * 500,
    ],
)
def test_decode_json__not_strict_json__refused_in_words(body: bytes) -> None:
    with pytest.raises(MalformedJson) as refused:
        decode_json(body)

    assert refused.value.message.endswith((".", ")."))


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a":1,"a":2}', {"a": 2}),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        ("\U0001f600".join('""').encode(), "\U0001f600"),
        (b'"\\\\u0000"', "\\u0000"),
        (b"12345678901234567890123", 1.2345678901234568e22),
        (b'"' + b"[" * 200 + b'"', "[" * 200),
        (b'"\\"' + b"[" * 200 + b'"', '"' + "[" * 200),
        (b"[" + b"[],{}," * 100 + b"1]", [*([[], {}] * 100), 1]),
        (b'["' + b"[" * 100 + b'","' + b"]" * 100 + b'"]', ["[" * 100, "]" * 100]),
    ],
)
def test_decode_json__odd_but_valid__read(body: bytes, value: object) -> None:
    assert decode_json(body) == value


def test_decode_json__64_levels__read() -> None:
    value = decode_json(b'{"a":[' * 32 + b"]}" * 32)

    assert isinstance(value, dict)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("ab[]{}\"\\'", max_size=5), inner, max_size=3)
    ),
    max_leaves=30,
)


@settings(max_examples=200)
@given(value=JSON, wrappers=st.integers(0, 80))
def test_decode_json__any_value_at_any_depth__read_exactly_up_to_64(
    value: object, wrappers: int
) -> None:
    def depth(item: Any) -> int:  # noqa: ANN401  # any JSON value
        if isinstance(item, dict):
            return 1 + max(map(depth, item.values()), default=0)
        if isinstance(item, list):
            return 1 + max(map(depth, item), default=0)
        return 0

    for _ in range(wrappers):
        value = [value, {}]
    body = orjson.dumps(value)

    if depth(value) <= 64:
        assert decode_json(body) == value
    else:
        with pytest.raises(MalformedJson, match="at most 64"):
            decode_json(body)


@settings(max_examples=300)
@given(body=st.binary(max_size=CAP), packed=st.booleans())
def test_door__any_bytes__never_a_fault_of_ours(body: bytes, *, packed: bool) -> None:
    client = caller(("POST", "/j", decode))
    headers = {"Content-Encoding": "gzip"} if packed else {}

    answer = client.post("/j", data=body, headers=headers)

    assert answer.status_code == 200 or 400 <= refusal(answer)[0] < 500


# Refusals and faults


def test_door__refusal_of_the_house__its_status_fields_and_retry() -> None:
    def full(_request: Request) -> Response:
        raise StorageFull("The disk is full.")

    def busy(_request: Request) -> Response:
        raise TooManyRequests("Slow down.", retry_after=7)

    def invalid(_request: Request) -> Response:
        raise InvalidInput("No.", {"unit": "Give one."})

    client = caller(
        ("POST", "/full", full), ("POST", "/busy", busy), ("POST", "/no", invalid)
    )

    assert refusal(client.post("/full"))[:2] == (507, "storage_full")
    assert refusal(client.post("/busy"))[:2] == (429, "too_many_requests")
    assert client.post("/busy").headers["Retry-After"] == "7"
    assert refusal(client.post("/no"))[:2] == (422, "invalid_input")
    assert orjson.loads(client.post("/no").data)["fields"] == {"unit": "Give one."}


def test_door__fault_of_ours__incident_without_the_body(
    logged: io.StringIO,
) -> None:
    def broken(request: Request) -> Response:
        raise ValueError(request.body.decode())

    answer = caller(("POST", "/b", broken)).post("/b", data=b"ada@example.com")
    status, code, message = refusal(answer)

    incident = message.split()[-1].rstrip(".")
    assert (status, code) == (500, "internal_error")
    assert incident in logged.getvalue()
    assert "ada@example.com" not in logged.getvalue() + answer.text


# Limits


class Held:
    """A door or app that stays inside until it is let go."""

    def __init__(self) -> None:
        self.inside = threading.Semaphore(0)
        self.let_go = threading.Event()

    def door(self, _request: Request) -> Response:
        self.inside.release()
        self.let_go.wait(10)
        return json_response(200, {})


def test_limit__doors_full__503_with_retry_while_the_app_goes_on() -> None:
    held = Held()
    client = caller(("POST", "/held", held.door), at_once=2)
    with ThreadPoolExecutor(2) as pool:
        slow = [pool.submit(client.post, "/held") for _ in range(2)]
        for _ in slow:
            assert held.inside.acquire(timeout=5)
        over = client.post("/held")
        page = client.get("/")
        held.let_go.set()

    assert refusal(over)[:2] == (503, "unavailable")
    assert over.headers["Retry-After"] == "1"
    assert page.status_code == 200
    assert [answer.result().status_code for answer in slow] == [200, 200]
    assert client.post("/held").status_code == 200


def test_limit__app_full__503_while_the_doors_go_on() -> None:
    gate = Gate(1)
    client = caller(("POST", "/echo", echo), app_gate=gate)
    assert gate.enter()
    over = client.get("/")
    door = client.post("/echo")
    gate.leave()

    assert (over.status_code, over.headers["Retry-After"]) == (503, "1")
    assert door.status_code == 200
    assert client.get("/").status_code == 200


def test_limit__app_answer_not_finished__place_held_until_closed() -> None:
    gate = Gate(1)
    client = caller(("POST", "/echo", echo), app_gate=gate)
    first = client.get("/", buffered=False)
    over = client.get("/").status_code
    first.close()
    first.close()

    assert over == 503
    assert client.get("/", buffered=True).status_code == 200
    assert gate.enter()
    assert not gate.enter()


def test_limit__app_raises__place_given_back() -> None:
    def broken(_environ: object, _start: object) -> Iterable[bytes]:
        msg = "no"
        raise RuntimeError(msg)

    mounted = mount(broken, [], trusted_hosts=["localhost"], app_gate=Gate(1))
    for _ in range(3):
        with pytest.raises(RuntimeError):
            Client(mounted).get("/")


def test_gate__waiting_allowed__a_few_wait_and_the_rest_turn_away() -> None:
    gate = Gate(1, waiting=1, seconds=5)
    assert gate.enter()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(gate.enter)
        time.sleep(0.05)
        turned_away = not gate.enter()
        gate.leave()

        assert turned_away
        assert waiting.result()


def test_gate__nobody_leaves__patience_ends() -> None:
    gate = Gate(1, waiting=1, seconds=0.05)

    assert gate.enter()
    assert not gate.enter()
    gate.leave()
    assert gate.enter()
