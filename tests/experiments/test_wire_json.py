import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.errors import InvalidInput
from experiments.wire_json import UNREADABLE, Body, read_body


def test_body__of_good_json__is_read_without_doubt() -> None:
    body = read_body(b'{"batch":[{"a":1}]}')
    assert body == Body({"batch": [{"a": 1}]}, doubtful=False, deep=False)


def test_body__behind_a_byte_order_mark__is_read() -> None:
    for body in (b'{"a": 1}', b'{"a": 1, "b": "\xed\xa0\x80"}'):
        assert read_body(b"\xef\xbb\xbf" + body).document["a"] == 1


def test_body__with_a_name_twice__keeps_the_last() -> None:
    assert read_body(b'{"a":1,"a":2}').document == {"a": 2}
    # The slower reader, which a half surrogate pair calls for, does the same.
    assert read_body(b'{"a":1,"x":"\\ud800","a":2}').document["a"] == 2


def test_body__with_escaped_nul__is_doubtful() -> None:
    body = read_body(b'{"a":"\\u0000"}')
    assert body == Body({"a": "\x00"}, doubtful=True, deep=False)


@pytest.mark.parametrize(
    "bad",
    [
        b'{"a":"\\ud800"}',
        b'{"a":NaN}',
        b'{"a":1e999}',
        b'{"a":"\xff"}',
    ],
)
def test_message__only_the_slow_reader_takes__stays_beside_good_ones(
    bad: bytes,
) -> None:
    body = b'{"sentAt":"x","batch":[{"n":1}, ' + bad + b' ,{"n":2}]}'
    read = read_body(body)
    document = read.document
    assert read.doubtful
    assert document["sentAt"] == "x"
    assert [document["batch"][0], document["batch"][2]] == [{"n": 1}, {"n": 2}]
    assert set(document["batch"][1]) == {"a"}


@pytest.mark.parametrize(
    "bad",
    [
        b"{'a':1}",
        b"nonsense",
        b"9" * 5000,  # more digits than Python converts
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 2000 + b"1" + b"}" * 2000,
    ],
)
def test_message__that_is_not_json__is_unreadable_and_alone(bad: bytes) -> None:
    body = b'{"batch":[{"n":1},' + bad + b',{"n":2}]}'
    read = read_body(body)
    document = read.document
    assert read.doubtful
    assert document["batch"] == [{"n": 1}, UNREADABLE, {"n": 2}]


def test_brackets_in_strings__of_a_doubtful_batch__part_nothing() -> None:
    tricky = {"a": '],}[{"batch":[\\', 'b"]': "\\\\"}
    body = json.dumps({"batch": [tricky, "\ud800"], "x": "]"}).encode()
    assert read_body(body).document == {"batch": [tricky, "\ud800"], "x": "]"}


def test_last_batch__of_two__counts() -> None:
    body = b'{"batch":[1],"batch":["\\ud800",2]}'
    assert read_body(body).document["batch"] == ["\ud800", 2]


def test_empty_batch__in_a_doubtful_body__is_empty() -> None:
    assert read_body(b'{"x":NaN,"batch":[ ]}').document["batch"] == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"batch"',
        b"{",
        b'{"batch":[{"n":1}',
        b'{"batch":[1]]}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xff\xfe",
        b"\x00",
    ],
)
def test_body__that_is_no_object__is_refused_in_words(body: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"The body .* JSON"):
        read_body(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"batch":["' + b'\\"' * 250_000,
        b'{"batch":[' + b'"' * 500_000,
        b'{"batch":[' + b'"\\' * 250_000,
        b'{"batch":[' + b"[" * 500_000,
    ],
)
def test_body__made_to_be_slow__is_refused_within_a_second(body: bytes) -> None:
    began = time.process_time()
    with pytest.raises(InvalidInput):
        read_body(body)
    assert time.process_time() - began < 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.lists(JSON, max_size=4))
def test_slow_reader__of_any_batch__reads_what_json_reads(
    messages: list[object],
) -> None:
    document = {"x": [[1]], "batch": [*messages, "\ud800"], "y": {"batch": [1]}}
    assert read_body(json.dumps(document).encode()).document == document


@pytest.mark.parametrize(("brackets", "deep"), [(1, False), (64, False), (65, True)])
def test_nesting__of_few_brackets__needs_no_look_at_values(
    brackets: int, *, deep: bool
) -> None:
    body = b'{"a":' * brackets + b"1" + b"}" * brackets
    assert read_body(body).deep == deep
