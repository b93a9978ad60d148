"""Paths into JSON: what they find, and what is no path."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.json_paths import PathFault, parse, text_of

BODY = {
    "data": {"item": {"rating": 4, "none": None}},
    "contacts": [{"id": "a"}, {"id": "b"}],
    "answers": [
        {"field": {"ref": "why"}, "text": "x"},
        {"field": {"ref": "csat"}, "number": 5},
        {"field": {"ref": "csat"}, "number": 1},
    ],
    "odd.name": {"[0]": True},
    "number": 7,
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("number", 7),
        ("data.item.rating", 4),
        ("data.item.none", None),
        ("data.missing.rating", None),
        ("data[0]", None),
        ("contacts[1].id", "b"),
        ("contacts[2].id", None),
        ("contacts.id", None),
        ("answers[field.ref=csat].number", 5),
        ("answers[field.ref=none].number", None),
        ("data[rating=4]", None),
        ('["odd.name"]["[0]"]', True),
    ],
)
def test_path__in_a_body__finds_what_stands_there(path: str, found: object) -> None:
    assert parse(path).read(BODY) == found


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "a[",
        "a[x]",
        "a]b",
        "a[-1]",
        "[a=]",
        "a" * 301,
        'a"',
    ],
)
def test_path__that_is_none__is_refused_in_words(path: str) -> None:
    with pytest.raises(PathFault, match="path"):
        parse(path)


@given(st.text(max_size=40), st.recursive(st.none() | st.integers(), st.lists))
def test_path__any_text__is_read_or_refused(text: str, body: object) -> None:
    try:
        path = parse(text)
    except PathFault:
        return
    path.read(body)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1"), (1.0, "1"), (1.5, "1.5"), (True, "true"), ("a", "a"), ([], None)],
)
def test_text_of__plain_values__as_json_writes_them(value: object, text: str) -> None:
    assert text_of(value) == text
