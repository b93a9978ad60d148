"""The strict reader: what RFC 8259, RFC 7493 and design/stack.md refuse."""

import contextlib
import gc
import json
import time

import pytest

from api.json_body import MalformedJson, decode_object
from experiments.errors import InvalidInput


def test_object__plain__comes_back_equal() -> None:
    body = {"a": [1, 2.5, None, True, "ä🙂"], "b": {"c": {}}, "d": -(2**53 - 1)}
    assert decode_object(json.dumps(body).encode()) == body


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": 9007199254740992}',
        b'{"a": -9007199254740992}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": 0.' + b"1" * 5000 + b"}",
        b'{"a": 1, "a": 1}',
        b'{"x": [{"a": 1, "b": 2, "a": 3}]}',
        b"[" * 100_000,
        b'{"a": ' * 65 + b"1" + b"}" * 65,
        b'{"a": 1',
        b'{"a": 01}',
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": "\x01"}',
        b'{"a": "\xff"}',
        '{"a": 1}'.encode("utf-16"),
        b'{"a": 1} {}',
        b'"' * 1000,
        b"\\" * 1000,
    ],
)
def test_body__not_unambiguous_json__is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedJson) as refusal:
        decode_object(raw)
    assert refusal.value.message.endswith(".")


def test_body__behind_a_byte_order_mark__is_read() -> None:
    assert decode_object(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


@pytest.mark.parametrize("raw", [b"[]", b"null", b"1", b'"text"', b"true"])
def test_body__json_but_no_object__is_invalid(raw: bytes) -> None:
    with pytest.raises(InvalidInput) as refusal:
        decode_object(raw)
    assert not isinstance(refusal.value, MalformedJson)


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (b'{"a": "\\u0000"}', "a"),
        (b'{"a": [{"b": "x\\u0000y"}]}', "a.0.b"),
        (b'{"a": "\\ud800"}', "a"),
        (b'{"a": "\\udc00\\ud800"}', "a"),
        (b'{"\\ud800": 1}', "\ufffd"),
        (b'{"": {"\\u0000": 1}}', '"".\ufffd'),
    ],
)
def test_text__cannot_be_stored__is_invalid_by_field(raw: bytes, field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        decode_object(raw)
    assert list(refusal.value.fields) == [field]


def test_pair_of_surrogates__escaped__is_one_character() -> None:
    assert decode_object(b'{"a": "\\ud83d\\ude42"}') == {"a": "🙂"}


def test_depth__64_levels__is_read() -> None:
    raw = b'{"a": ' * 64 + b"1" + b"}" * 64
    assert decode_object(raw)["a"]


def test_brackets_in_strings__any_number__do_not_count() -> None:
    assert decode_object(b'{"a": "' + b"[" * 100 + b'\\"{"}')


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":[' + b"[]," * 330_000 + b"1]}",
        b'{"a":"' + b'\\"' * 490_000,
        b'{"a":"' + b'\\"' * 490_000 + b"\\",
        b"{" + b",".join(b'"%d":1' % i for i in range(95_000)) + b',"94999":1}',
        b'{"a":' + b"9" * 990_000 + b"}",
        b'{"a":[' + b'"\\u0000",' * 100_000 + b"1]}",
    ],
)
def test_body__one_megabyte_of_malice__is_done_within_seconds(raw: bytes) -> None:
    # promises.md S14: refused within 1 s; half as much again here, of this thread's CPU
    # time. A server has no heap of tests for the collector to walk through meanwhile.
    gc.freeze()
    begun = time.thread_time()
    with contextlib.suppress(InvalidInput):
        decode_object(raw)
    taken = time.thread_time() - begun
    gc.unfreeze()
    assert taken < 1.5


def test_faults__a_hundred_thousand__twenty_are_named() -> None:
    with pytest.raises(InvalidInput) as refusal:
        decode_object(b'{"a":[' + b'"\\u0000",' * 100_000 + b"1]}")
    assert len(refusal.value.fields) == 20
