"""The hot doors: pure functions from request to response, in front of Flask.

Assignment and event intake answer without Flask's request context, which costs
20 times what the answer itself does. A door gets the whole body, already read under
its byte cap and unpacked, and returns the whole answer. Everything else goes to the
app behind.
"""

import contextlib
import functools
import itertools
import re
import secrets
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog
from werkzeug.sansio.utils import host_is_trusted
from werkzeug.wsgi import ClosingIterator

from api.door_body import drain_rest, read_body
from api.door_figures import DoorFigures, Row
from api.door_values import (
    JSON_HEADERS,
    Door,
    Headers,
    Refusal,
    Request,
    Response,
    Routes,
    Wording,
    in_house,
    refusal_of,
)
from api.errors import HEADERS, is_for_programs
from experiments.errors import AbideError, Unavailable

log = structlog.get_logger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_WITHOUT_BODY = frozenset({HTTPStatus.NO_CONTENT.value, HTTPStatus.NOT_MODIFIED.value})
_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
# Doors are for programs and never look at cookies, so any page may call them.
_OPEN_TO_PAGES = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "ETag, Retry-After, X-Request-Id"),
)
# Named for browsers that know no star, which never stands for Authorization: ours,
# Segment's on a second try, RudderStack's on each. A client may add others.
_HEADERS_OF_PAGES = (
    *("Authorization", "Content-Type", "If-None-Match", "X-API-Key", "X-Retry-Count"),
    *("AnonymousId", "SentAt", "Rsa-Recovered", "Rsa-Retry-Attempt"),
    *("Rsa-Retry-Reason", "Rsa-Since-First-Attempt", "Rsa-Since-Last-Attempt", "*"),
)
_PREFLIGHT = (
    ("Access-Control-Allow-Headers", ", ".join(_HEADERS_OF_PAGES)),
    ("Access-Control-Max-Age", "7200"),
)


@dataclass(frozen=True, slots=True)
class DoorGroup:
    """Doors that share their limits.

    Attributes:
        routes: by method and path.
        body_cap: most bytes of a body, also after unpacking.
        at_once: most requests in one process at a time; more get 503.
        accepts_gzip: whether bodies may come packed.
        wording: how refusals are written, also those made before a door is asked.
    """

    routes: Routes
    body_cap: int
    at_once: int
    accepts_gzip: bool = False
    wording: Wording = in_house


_UNTRUSTED = Refusal(
    400,
    "untrusted_host",
    "This server does not answer for that host name. The operator sets"
    " ABIDE_TRUSTED_HOSTS.",
    {},
)


class Gate:
    """Lets so many requests in at once; some more may wait, the rest turn away."""

    def __init__(self, at_once: int, waiting: int = 0, seconds: float = 0) -> None:
        # Taking from a deque and giving back are each one step that no other thread
        # can part, and cost a tenth of a lock.
        self._free = deque(range(at_once))
        self._chairs = waiting
        self._waiting = 0
        self._seconds = seconds
        self._freed = threading.Condition()

    def enter(self) -> bool:
        """Take a place, or say that there is none."""
        try:
            self._free.pop()
        except IndexError:
            return self._wait()
        return True

    def leave(self) -> None:
        """Give the place back."""
        self._free.append(0)
        # Who is not counted yet looks at the places once more before it waits.
        if self._waiting:
            with self._freed:
                self._freed.notify()

    def _take(self) -> bool:
        try:
            self._free.pop()
        except IndexError:
            return False
        return True

    def _wait(self) -> bool:
        with self._freed:
            if self._waiting == self._chairs:
                return False
            self._waiting += 1
            try:
                return self._freed.wait_for(self._take, self._seconds)
            finally:
                self._waiting -= 1


def mount(
    app: WSGIApplication,
    groups: Iterable[DoorGroup],
    *,
    trusted_hosts: Sequence[str],
    app_gate: Gate,
    figures: DoorFigures | None = None,
) -> WSGIApplication:
    """Put doors in front of an app, each side with its own limits.

    Args:
        app: answers every path that is no door's.
        groups: all doors.
        trusted_hosts: host names answered, a leading dot stands for subdomains.
        app_gate: of the app; leave threads over for the doors, so that slow pages
            never keep assignment waiting.
        figures: count the answers; without them they are counted for nobody.

    Returns:
        The WSGI app to serve.
    """
    return _Mounted(app, groups, trusted_hosts, app_gate, figures or DoorFigures())


class _Place:
    """All doors at one path."""

    def __init__(self, path: str, group: DoorGroup, gate: Gate) -> None:
        self.path = path
        self.group = group
        self.gate = gate
        self.doors: dict[str, Door] = {}
        self.figures: dict[int, Row] = {}  # by status

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
        figures: DoorFigures,
    ) -> None:
        self._app = app
        self._app_gate = app_gate
        self._figures = figures
        self._places: dict[str, _Place] = {}
        self._families: dict[str, _Place] = {}  # paths that end in "/{name}"
        for group in groups:
            gate = Gate(group.at_once)
            for (method, path), door in group.routes.items():
                head, _, last = path.rpartition("/")
                named = last.startswith("{")
                where, what = (self._families, head) if named else (self._places, path)
                place = where.setdefault(what, _Place(path, group, gate))
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
        path = environ["PATH_INFO"]
        place, name = self._places.get(path), ""
        if place is None:
            head, _, name = path.rpartition("/")
            place = self._families.get(head)
            if place is None:
                return self._behind(environ, start_response)
            if not name.isascii():  # WSGI packs it so
                name = name.encode("latin-1").decode("utf-8", "replace")
        began = time.perf_counter()
        response = self._answer(place, name, environ)
        return self._send(place, environ, start_response, response, began)

    def _answer(self, place: _Place, name: str, environ: WSGIEnvironment) -> Response:
        wording = place.group.wording
        if not place.gate.enter():
            full = Unavailable("This door is full right now. Try again soon.")
            return wording(refusal_of(full), name)
        try:
            return self._ask(place, name, environ)
        except AbideError as error:
            return wording(refusal_of(error), name)
        except Exception as error:  # noqa: BLE001  # the last stop before the server
            return wording(_fault(place, error), name)
        finally:
            place.gate.leave()

    def _ask(self, place: _Place, name: str, environ: WSGIEnvironment) -> Response:
        group = place.group
        if not self._is_trusted(environ.get("HTTP_HOST", "")):
            return group.wording(_UNTRUSTED, name)
        method = environ["REQUEST_METHOD"]
        door = place.doors.get("GET" if method == "HEAD" else method)
        if door is None:
            return _without_door(place, method, name)
        return door(
            Request(
                method,
                place.path,
                environ.get("QUERY_STRING", ""),
                Headers(environ),
                read_body(environ, group.body_cap, accepts_gzip=group.accepts_gzip),
                name,
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
        given = response.headers
        if given is JSON_HEADERS:
            asked_by_page = "HTTP_ORIGIN" in environ
            headers = (_JSON_TO_PAGES if asked_by_page else _JSON_ANSWER).copy()
        else:
            headers = [*given, *_common_headers(*(name for name, _ in given))]
        asked_as = environ.get("HTTP_X_REQUEST_ID")
        if not asked_as or not _REQUEST_ID.fullmatch(asked_as):
            asked_as = f"{self._id_prefix}-{next(self._ids):x}"
        headers.append(("X-Request-Id", asked_as))
        status, body = response.status, response.body
        if status not in _WITHOUT_BODY:
            headers.append(("Content-Length", str(len(body))))
        figures = place.figures.get(status)
        if figures is None:
            figures = place.figures[status] = self._figures.row(place.path, status)
        figures.note(time.perf_counter() - began)
        start_response(_LINES[status], headers)
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]

    def _behind(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        if not self._app_gate.enter():
            return _turn_away(environ, start_response)
        leave = _once(self._app_gate.leave)
        try:
            answer = ClosingIterator(self._app(environ, start_response), leave)
            # An answer before the body was read would reach most clients as a
            # broken connection.
            with contextlib.suppress(OSError):  # who sent it is gone
                drain_rest(environ)
        except BaseException:
            leave()
            raise
        return answer


@functools.lru_cache(100)
def _common_headers(*given: str) -> tuple[tuple[str, str], ...]:
    """List the headers of every answer, but those that the door gave itself."""
    own = {name.lower() for name in given}
    kept = ((name, value) for name, value in HEADERS.items() if name.lower() not in own)
    return (*kept, *_OPEN_TO_PAGES)


# No cache keeps these answers, so servers, which send no Origin, are spared what only
# browsers read: each header costs the server a hundredth of the whole answer.
_JSON_ANSWER = [
    *JSON_HEADERS,
    *((name, value) for name, value in HEADERS.items() if "Security" not in name),
]
_JSON_TO_PAGES = [*JSON_HEADERS, *_common_headers("Content-Type")]


def _turn_away(
    environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    """Answer for an app that is full: programs in their shape, people in words."""
    busy = Unavailable("Abide is busy right now. Try again in a second.")
    refusal = in_house(refusal_of(busy))
    headers, body = list(refusal.headers), refusal.body
    if not is_for_programs(environ["PATH_INFO"]):
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


def _without_door(place: _Place, method: str, name: str) -> Response:
    allow = ("Allow", place.allowed)
    if method == "OPTIONS":
        methods = ("Access-Control-Allow-Methods", place.allowed)
        return Response(204, [allow, methods, *_PREFLIGHT])
    words = f"This address takes {place.allowed}."
    refusal = Refusal(405, "method_not_allowed", words, {}, [allow])
    return place.group.wording(refusal, name)


def _fault(place: _Place, error: Exception) -> Refusal:
    # Neither the body nor the error's words are logged: both may name customers.
    incident = secrets.token_hex(4)
    log.error(
        "unexpected failure",
        incident=incident,
        door=place.path,
        error_type=type(error).__qualname__,
        where=traceback.format_tb(error.__traceback__),
    )
    return Refusal(
        500,
        "internal_error",
        "Something went wrong on our side. The operator finds it in the log under"
        f" incident {incident}.",
        {},
    )
