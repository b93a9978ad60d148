"""Bodies of the hot doors: read under a byte cap, unpacked, and decoded strictly.

Doors stand in front of Flask, so its caps do not count here. A body may come without
its length (chunked), be endless, or blow up when unpacked: reading stops at the cap.
"""

import time
import zlib
from collections.abc import Mapping
from typing import IO, Any

import orjson

from api.json_body import MAX_DEPTH, MalformedJson, UnsupportedMediaType
from experiments.errors import TooLarge
from experiments.storable import BYTE_ORDER_MARK

_GZIP = zlib.MAX_WBITS | 16  # zlib's way to say: with a gzip header
_BRACKETS = b"[]{}"
_NO_BRACKETS = bytes(set(range(256)) - set(_BRACKETS))
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NUL, _BACKSLASH = b"\\u0000", 92
_DRAIN_BYTES, _DRAIN_STEP, _DRAIN_SECONDS = 16 * 1024 * 1024, 64 * 1024, 2.0


class MalformedBody(MalformedJson):
    """The body does not arrive as its headers say."""


def read_body(environ: Mapping[str, Any], cap: int, *, accepts_gzip: bool) -> bytes:
    """Read a request's body, unpacked.

    Args:
        environ: of the WSGI request.
        cap: most bytes, before and after unpacking.
        accepts_gzip: whether `Content-Encoding: gzip` is unpacked or refused.

    Returns:
        The whole body.

    Raises:
        UnsupportedMediaType: packed in a way that this door does not unpack.
    """
    given = environ.get("HTTP_CONTENT_ENCODING")
    if not given:
        return _read(environ, cap)
    encoding = given.strip().lower()
    if encoding in {"", "identity"}:
        return _read(environ, cap)
    if encoding == "gzip" and accepts_gzip:
        return _unpack(_read(environ, cap), cap)
    ways = "plain or packed with gzip" if accepts_gzip else "plain, not packed"
    raise UnsupportedMediaType(f"Send the body {ways}.")


def drain_rest(environ: Mapping[str, Any]) -> None:
    """Throw away what the app left unread of a body, within limits.

    Args:
        environ: of a WSGI request that was answered; its server ends the stream
            where the body ends.
    """
    given = environ.get("CONTENT_LENGTH") or ""
    if given.isascii() and given.isdigit():
        _drain(environ["wsgi.input"], int(given))


def decode_json(body: bytes, said: str = "The body is") -> Any:  # noqa: ANN401  # any JSON value
    """Decode JSON that every part of Abide can keep; of equal names the last counts.

    Args:
        body: UTF-8.
        said: how a refusal begins.

    Returns:
        The value. Whole numbers beyond 64 bits become the nearest double, as in
        JavaScript.

    Raises:
        MalformedJson: not JSON (NaN and 1e999 are not), nested deeper than 64,
            with a NUL or half of a surrogate pair in a text.
    """
    # Few brackets cannot nest deep, and most bodies have few.
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _too_deep(body):
        raise MalformedJson(f"Nest at most {MAX_DEPTH} lists and objects.")
    try:
        value = orjson.loads(body.removeprefix(BYTE_ORDER_MARK))
    except orjson.JSONDecodeError as error:
        raise MalformedJson(
            f"{said} not valid JSON: {error.msg}"
            f" (line {error.lineno}, column {error.colno})."
        ) from None
    # Looking for one byte costs a tenth of looking for six.
    if _BACKSLASH in body and _NUL in body and _has_nul(value):
        raise MalformedJson("Remove the NUL character.")
    return value


def _read(environ: Mapping[str, Any], cap: int) -> bytes:
    length = _length(environ)
    stream: IO[bytes] = environ["wsgi.input"]
    if length is not None and length > cap:
        _drain(stream, length)
        raise _too_large(cap)
    wanted = cap + 1 if length is None else length
    body = stream.read(wanted)
    if len(body) == length:  # as with most requests
        return body
    parts = [body]
    wanted -= len(body)
    while wanted > 0 and (part := stream.read(wanted)):
        parts.append(part)
        wanted -= len(part)
    if length is None and wanted <= 0:
        raise _too_large(cap)
    if length is not None and wanted > 0:
        raise MalformedBody("The body ended before its Content-Length.")
    return b"".join(parts)


def _drain(stream: IO[bytes], length: int) -> None:
    """Throw a body away that is too long, within limits.

    Most clients send all before they read: closing on them at once would show them
    a broken connection instead of the sentence that says what to change. A body
    without length may never end, so there is no waiting for it.
    """
    left = min(length, _DRAIN_BYTES)
    until = time.monotonic() + _DRAIN_SECONDS
    while left > 0 and time.monotonic() < until:
        part = stream.read(min(left, _DRAIN_STEP))
        if not part:
            return
        left -= len(part)


def _length(environ: Mapping[str, Any]) -> int | None:
    """Read how long the body is; None when it ends where the stream does."""
    if environ.get("HTTP_TRANSFER_ENCODING"):
        return None
    given = environ.get("CONTENT_LENGTH", "")
    if not given:
        # Only some servers end the stream for us; with the others, a body without
        # length is no body.
        return None if environ.get("wsgi.input_terminated") else 0
    if not (given.isascii() and given.isdigit()) or len(given) > 15:  # noqa: PLR2004
        raise MalformedBody("Content-Length must be a whole number of bytes.")
    return int(given)


def _unpack(packed: bytes, cap: int) -> bytes:
    unpacking = zlib.decompressobj(_GZIP)
    try:
        body = unpacking.decompress(packed, cap + 1)
    except zlib.error:
        raise MalformedBody("The body is not valid gzip.") from None
    if len(body) > cap:
        raise _too_large(cap)
    if not unpacking.eof or unpacking.unused_data:
        raise MalformedBody("The body must be one whole gzip member.")
    return body


def _too_large(cap: int) -> TooLarge:
    return TooLarge(f"Send at most {cap:,} bytes.")


def _too_deep(body: bytes) -> bool:
    """Whether lists and objects nest too deep, without building them.

    All steps run over bytes in C: what stands in strings is dropped, brackets alone
    stay, and each round removes the innermost pairs.
    """
    plain = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    outside = b"".join(plain.split(b'"')[::2])
    brackets = outside.translate(_ONE_KIND, _NO_BRACKETS)
    for _ in range(MAX_DEPTH):
        shorter = brackets.replace(b"[]", b"")
        if len(shorter) == len(brackets):
            break
        brackets = shorter
    # What is left is too deep, or brackets that do not match: the decoder words that.
    return brackets.count(b"[") > MAX_DEPTH or (b"[]" in brackets)


def _has_nul(value: object) -> bool:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            if "\x00" in item:
                return True
        elif isinstance(item, dict):
            waiting += [*item, *item.values()]
        elif isinstance(item, list):
            waiting += item
    return False
