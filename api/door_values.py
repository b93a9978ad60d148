"""What passes through a hot door: a whole request, a whole answer, a refusal."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple, TypeAlias

import orjson
from typing_extensions import override

from api.errors import STATUS
from experiments.errors import (
    AbideError,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
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
        path: of the door, without the query string; "{...}" stands for its name.
        query: what stands behind the question mark, undecoded.
        headers: names in lower case; a repeated header is joined by commas.
        body: at most the door's byte cap, after gunzip.
        name: what stands in the address where the door's path ends in "{...}".
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    name: str = ""


class Response(NamedTuple):
    """One answer. Length, request id and security headers are added on the way out."""

    status: int
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""


class Refusal(NamedTuple):
    """Why a request is not answered, before it is written as its protocol says."""

    status: int
    code: str
    message: str
    fields: Mapping[str, str]
    headers: Sequence[tuple[str, str]] = ()


Door: TypeAlias = Callable[[Request], Response]
# (method, path) -> door. A path may end in "/{name}", which any last part fits.
Routes: TypeAlias = Mapping[tuple[str, str], Door]
# How a protocol words a refusal; the text is the name in the request's address.
Wording: TypeAlias = Callable[[Refusal, str], Response]


# The headers of most answers; the very list, so that it is known again at no cost.
JSON_HEADERS = [("Content-Type", "application/json")]


def json_response(
    status: int, value: object, headers: Sequence[tuple[str, str]] = ()
) -> Response:
    """Answer with a JSON value."""
    content = [("Content-Type", "application/json"), *headers]
    return Response(status, content, orjson.dumps(value))


def in_house(refusal: Refusal, _name: str = "") -> Response:
    """Word a refusal in the one error shape of the API."""
    value = {
        "code": refusal.code,
        "message": refusal.message,
        "fields": dict(refusal.fields),
    }
    return json_response(refusal.status, value, refusal.headers)


def refusal_of(error: AbideError) -> Refusal:
    """Give a refusal of the house the status that it has at all doors."""
    family = (STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    status = next(family, HTTPStatus.INTERNAL_SERVER_ERROR)
    headers = []
    if isinstance(error, Unauthenticated):
        headers.append(("WWW-Authenticate", 'Bearer realm="abide"'))
    if isinstance(error, (TooManyRequests, Unavailable)):
        headers.append(("Retry-After", str(error.retry_after)))
    return Refusal(status.value, error.code, error.message, error.fields, headers)
