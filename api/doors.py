"""The hot doors: pure functions from request to response, in front of Flask.

Assignment and event intake answer without Flask's request context, which costs
20 times what the answer itself does. A door gets the whole body, already read under
its byte cap and unpacked, and returns the whole answer. Everything else goes to the
app behind.
"""

import functools
import itertools
import re
import secrets
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, NamedTuple, TypeAlias
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import orjson
import structlog
from prometheus_client import Histogram
from typing_extensions import override
from werkzeug.sansio.utils import host_is_trusted
from werkzeug.wsgi import ClosingIterator

from api.door_body import read_body
from api.errors import HEADERS, STATUS
from experiments.errors import (
    AbideError,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)

log = structlog.get_logger(__name__)

SECONDS = Histogram(
    "abide_door_seconds",
    "Time a door took to answer, with reading the body; its count is of answers.",
    ["door", "status"],
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_NO_CONTENT = HTTPStatus.NO_CONTENT.value
_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
# Doors are for programs and never look at cookies, so any page may call them.
_OPEN_TO_PAGES = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "Retry-After, X-Request-Id"),
)
_PREFLIGHT = (
    ("Access-Control-Allow-Headers", "Authorization, Content-Type, X-API-Key"),
    ("Access-Control-Max-Age", "7200"),
)


class Headers(Mapping[str, str]):
    """A request's headers by name in lower case, read where the server put them."""

    __slots__ = ("_environ",)

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self._environ = environ

    @override
    def __getitem__(self, name: str) -> str:
        return str(self._environ[_environ_name(name)])

    @override
    def get(self, name: str, default: Any = None) -> Any:
        # Mapping's own asks by exception, which most headers would raise.
        return self._environ.get(_environ_name(name), default)

    @override
    def __iter__(self) -> Iterator[str]:
        for name in self._environ:
            if name in {"CONTENT_TYPE", "CONTENT_LENGTH"} or name.startswith("HTTP_"):
                yield name.removeprefix("HTTP_").lower().replace("_", "-")

    @override
    def __len__(self) -> int:
        return sum(1 for _ in self)


@functools.lru_cache(100)
def _environ_name(name: str) -> str:
    plain = name.upper().replace("-", "_")
    return plain if plain in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{plain}"


class Request(NamedTuple):
    """One request, read completely; a tuple, since one is made for every request.

    Attributes:
        method: upper case, such as "POST".
        path: decoded, without the query string.
        query: what stands behind the question mark, undecoded.
        headers: names in lower case; a repeated header is joined by commas.
        body: at most the door's byte cap, after gunzip.
        remote: address of the caller, "" when unknown.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    remote: str


@dataclass(frozen=True, slots=True)
class Response:
    """One answer. Length, request id and security headers are added on the way out."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


Door: TypeAlias = Callable[[Request], Response]
Routes: TypeAlias = Mapping[tuple[str, str], Door]  # (method, path) -> door


@dataclass(frozen=True, slots=True)
class DoorGroup:
    """Doors that share their limits.

    Attributes:
        routes: by method and path.
        body_cap: most bytes of a body, also after unpacking.
        at_once: most requests in one process at a time; more get 503.
        accepts_gzip: whether bodies may come packed.
    """

    routes: Routes
    body_cap: int
    at_once: int
    accepts_gzip: bool = False


def json_response(
    status: int, value: object, headers: Sequence[tuple[str, str]] = ()
) -> Response:
    """Answer with a JSON value."""
    content = [("Content-Type", "application/json"), *headers]
    return Response(status, content, orjson.dumps(value))


def error_response(
    status: int,
    code: str,
    message: str,
    fields: Mapping[str, str] | None = None,
    headers: Sequence[tuple[str, str]] = (),
) -> Response:
    """Answer in the one error shape of the API."""
    value = {"code": code, "message": message, "fields": dict(fields or {})}
    return json_response(status, value, headers)


def refuse(error: AbideError) -> Response:
    """Turn a refusal of the house into its answer, with the status all doors use."""
    family = (STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    status = next(family, HTTPStatus.INTERNAL_SERVER_ERROR)
    headers = []
    if isinstance(error, Unauthenticated):
        headers.append(("WWW-Authenticate", 'Bearer realm="abide"'))
    if isinstance(error, (TooManyRequests, Unavailable)):
        headers.append(("Retry-After", str(error.retry_after)))
    return error_response(status, error.code, error.message, error.fields, headers)


class Gate:
    """Lets so many requests in at once; some more may wait, the rest turn away."""

    def __init__(self, at_once: int, waiting: int = 0, seconds: float = 0) -> None:
        self._free = at_once
        self._chairs = waiting
        self._seconds = seconds
        self._lock = threading.Lock()
        self._freed = threading.Condition(self._lock)

    def enter(self) -> bool:
        """Take a place, or say that there is none."""
        with self._lock:
            if self._free == 0 and not self._wait():
                return False
            self._free -= 1
            return True

    def leave(self) -> None:
        """Give the place back."""
        with self._lock:
            self._free += 1
            self._freed.notify()

    def _wait(self) -> bool:
        if self._chairs == 0:
            return False
        self._chairs -= 1
        try:
            return self._freed.wait_for(lambda: self._free > 0, self._seconds)
        finally:
            self._chairs += 1


def mount(
    app: WSGIApplication,
    groups: Iterable[DoorGroup],
    *,
    trusted_hosts: Sequence[str],
    app_gate: Gate,
) -> WSGIApplication:
    """Put doors in front of an app, each side with its own limits.

    Args:
        app: answers every path that is no door's.
        groups: all doors.
        trusted_hosts: host names answered, a leading dot stands for subdomains.
        app_gate: of the app; leave threads over for the doors, so that slow pages
            never keep assignment waiting.

    Returns:
        The WSGI app to serve.
    """
    return _Mounted(app, groups, trusted_hosts, app_gate)


class _Place:
    """All doors at one path."""

    def __init__(self, path: str, group: DoorGroup, gate: Gate) -> None:
        self.path = path
        self.group = group
        self.gate = gate
        self.doors: dict[str, Door] = {}
        self.seconds = functools.cache(lambda status: SECONDS.labels(path, str(status)))

    @functools.cached_property
    def allowed(self) -> str:
        head = ["HEAD"] if "GET" in self.doors else []
        return ", ".join(sorted([*self.doors, *head, "OPTIONS"]))


class _Mounted:
    def __init__(
        self,
        app: WSGIApplication,
        groups: Iterable[DoorGroup],
        trusted_hosts: Sequence[str],
        app_gate: Gate,
    ) -> None:
        self._app = app
        self._app_gate = app_gate
        self._places: dict[str, _Place] = {}
        for group in groups:
            gate = Gate(group.at_once)
            for (method, path), door in group.routes.items():
                place = self._places.setdefault(path, _Place(path, group, gate))
                place.doors[method] = door
        # The same few host names come all day.
        self._is_trusted = functools.lru_cache(1000)(
            lambda host: host_is_trusted(host, trusted_hosts)
        )
        self._ids = itertools.count(1)
        self._id_prefix = secrets.token_hex(4)

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        place = self._places.get(environ["PATH_INFO"])
        if place is None:
            return self._behind(environ, start_response)
        began = time.perf_counter()
        response = self._answer(place, environ)
        return self._send(place, environ, start_response, response, began)

    def _answer(self, place: _Place, environ: WSGIEnvironment) -> Response:
        if not place.gate.enter():
            return refuse(Unavailable("This door is full right now. Try again soon."))
        try:
            return self._ask(place, environ)
        except AbideError as error:
            return refuse(error)
        except Exception as error:  # noqa: BLE001  # the last stop before the server
            return _fail(place, error)
        finally:
            place.gate.leave()

    def _ask(self, place: _Place, environ: WSGIEnvironment) -> Response:
        if not self._is_trusted(environ.get("HTTP_HOST", "")):
            return error_response(
                400,
                "untrusted_host",
                "This server does not answer for that host name. The operator sets"
                " ABIDE_TRUSTED_HOSTS.",
            )
        method = environ["REQUEST_METHOD"]
        door = place.doors.get("GET" if method == "HEAD" else method)
        if door is None:
            return _without_door(place, method)
        group = place.group
        return door(
            Request(
                method,
                place.path,
                environ.get("QUERY_STRING", ""),
                Headers(environ),
                read_body(environ, group.body_cap, accepts_gzip=group.accepts_gzip),
                environ.get("REMOTE_ADDR", ""),
            )
        )

    def _send(
        self,
        place: _Place,
        environ: WSGIEnvironment,
        start_response: StartResponse,
        response: Response,
        began: float,
    ) -> Iterable[bytes]:
        headers = [
            *response.headers,
            *_common_headers(*(name for name, _ in response.headers)),
            ("X-Request-Id", self._request_id(environ)),
        ]
        if response.status != _NO_CONTENT:
            headers.append(("Content-Length", str(len(response.body))))
        place.seconds(response.status).observe(time.perf_counter() - began)
        start_response(_LINES[response.status], headers)
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else response.body]

    def _request_id(self, environ: WSGIEnvironment) -> str:
        given: str = environ.get("HTTP_X_REQUEST_ID", "")
        if given and _REQUEST_ID.fullmatch(given):
            return given
        return f"{self._id_prefix}-{next(self._ids):x}"

    def _behind(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        if not self._app_gate.enter():
            return _turn_away(environ, start_response)
        leave = _once(self._app_gate.leave)
        try:
            return ClosingIterator(self._app(environ, start_response), leave)
        except BaseException:
            leave()
            raise


@functools.lru_cache(100)
def _common_headers(*given: str) -> tuple[tuple[str, str], ...]:
    """List the headers of every answer, but those that the door gave itself."""
    own = {name.lower() for name in given}
    kept = ((name, value) for name, value in HEADERS.items() if name.lower() not in own)
    return (*kept, *_OPEN_TO_PAGES)


def _turn_away(
    environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    """Answer for an app that is full: programs in their shape, people in words."""
    refusal = refuse(Unavailable("Abide is busy right now. Try again in a second."))
    headers, body = list(refusal.headers), refusal.body
    if not environ["PATH_INFO"].startswith("/api/"):
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            *(pair for pair in headers if pair[0] != "Content-Type"),
        ]
        body = b"Abide is busy right now. Try again in a second.\n"
    start_response(_LINES[refusal.status], [*headers, *HEADERS.items()])
    return [body]


def _once(leave: Callable[[], None]) -> Callable[[], None]:
    """Make a function do its work at its first call alone."""
    done = iter((False,))
    return lambda: None if next(done, True) else leave()


def _without_door(place: _Place, method: str) -> Response:
    allow = ("Allow", place.allowed)
    if method == "OPTIONS":
        methods = ("Access-Control-Allow-Methods", place.allowed)
        return Response(204, [allow, methods, *_PREFLIGHT])
    return error_response(
        405,
        "method_not_allowed",
        f"This address takes {place.allowed}.",
        headers=[allow],
    )


def _fail(place: _Place, error: Exception) -> Response:
    # Neither the body nor the error's words are logged: both may name customers.
    incident = secrets.token_hex(4)
    log.error(
        "unexpected failure",
        incident=incident,
        door=place.path,
        error_type=type(error).__qualname__,
        where=traceback.format_tb(error.__traceback__),
    )
    return error_response(
        500,
        "internal_error",
        "Something went wrong on our side. The operator finds it in the log under"
        f" incident {incident}.",
    )
