import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.actors import SYSTEM, Actor
from experiments.errors import Conflict, InvalidInput, NotFound
from experiments.lookups import (
    changes,
    check_revision,
    known_key,
    owner_of,
    page_size,
)
from experiments.vocabulary import PersonRole


@given(st.text())
def test_known_key__any_text__passes_only_what_a_path_can_hold(text: str) -> None:
    try:
        assert known_key(text, "thing") == text
    except NotFound as refusal:
        # The text itself is not repeated: it may hold anything.
        assert refusal.message == "There is no such thing."  # noqa: PT017
    else:
        assert text.isascii()
        assert 1 <= len(text) <= 64


@pytest.mark.parametrize(
    ("asked", "given"), [(-1, 1), (0, 1), (1, 1), (200, 200), (201, 200), (10**30, 200)]
)
def test_page_size__any_number__stays_between_1_and_200(asked: int, given: int) -> None:
    assert page_size(asked) == given


def test_owner_of__person_or_nobody() -> None:
    assert owner_of(Actor("person:3", PersonRole.EDITOR, 3), "a thing") == 3
    with pytest.raises(InvalidInput, match="A thing needs a person as its owner"):
        owner_of(SYSTEM, "a thing")


def test_check_revision__older_or_newer__is_a_conflict() -> None:
    check_revision("thing", 2, 2)
    for seen in (1, 3):
        with pytest.raises(Conflict) as refusal:
            check_revision("thing", seen, 2)
        assert f"you edited revision {seen}, revision 2 is stored" in (
            refusal.value.message
        )


def test_changes__two_states__keeps_what_differs() -> None:
    before, after = {"a": 1, "b": [1], "c": None}, {"a": 1, "b": [2], "c": 0}
    assert changes(before, after) == ({"b": [1], "c": None}, {"b": [2], "c": 0})
