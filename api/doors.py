"""The hot doors: pure functions from request to response, in front of Flask.

Assignment and event intake answer without Flask's request context, which costs
20 times what the answer itself does. A door gets the whole body, already read under
its byte cap and unpacked, and returns the whole answer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Request:
    """One request, read completely.

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
