import hashlib
import hmac
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.config import Settings
from experiments.privacy import (
    Pseudonymiser,
    load_pseudonymiser,
    looks_personal,
    mask,
)

KEY = b"k" * 32


def test_pseudonym__of_a_customer__is_the_first_half_of_rfc_2104_hmac() -> None:
    # The definition in the architecture, worked out by Python's own hmac module.
    expected = hmac.new(KEY, b"customer\x1fada@example.com", hashlib.sha256).digest()
    assert Pseudonymiser(KEY).customer("ada@example.com") == expected[:16]


@given(st.text(st.characters(exclude_categories=["Cs"])), st.binary(min_size=1))
def test_pseudonym__of_any_id_and_key__equals_the_hmac_module(
    text: str, key: bytes
) -> None:
    expected = hmac.new(key, b"account\x1f" + text.encode(), hashlib.sha256).digest()
    assert Pseudonymiser(key).account(text) == expected[:16]


def test_pseudonym__of_the_same_id_as_another_kind__differs() -> None:
    hide = Pseudonymiser(KEY)
    found = {hide.customer("x"), hide.anonymous("x"), hide.account("x")}
    assert len(found) == 3


def test_message_id__of_another_source__differs() -> None:
    hide = Pseudonymiser(KEY)
    assert hide.message("a", b"1") == hide.message("a", b"1")
    assert hide.message("a", b"1") != hide.message("b", b"1")


def test_key__of_one_data_folder__stays_and_is_private(data_dir: Path) -> None:
    settings = Settings(data_dir, f"sqlite:///{data_dir / 'abide.db'}")
    first, second = load_pseudonymiser(settings), load_pseudonymiser(settings)
    assert first.key_id == second.key_id
    assert first.customer("x") == second.customer("x")
    assert (settings.keys_dir / "pseudonym").stat().st_mode & 0o777 == 0o600


def test_key_id__of_another_key__differs_and_tells_nothing() -> None:
    assert Pseudonymiser(KEY).key_id != Pseudonymiser(b"l" * 32).key_id
    assert KEY.hex()[:8] not in Pseudonymiser(KEY).key_id


@pytest.mark.parametrize(
    "text",
    [
        "ada@example.com",
        "Ada <ada@example.com>",
        "+49 30 1234567",
        "(030) 123-4567 8",
        "0301234567",
        "4111 1111 1111 1111",  # Visa's published test number
        "5555555555554444",  # Mastercard's
        "card 378282246310005",  # American Express's
        "0170/9996655",
        "ada%40example.com",
        "ada\uff20example.com",
    ],
)
def test_value__that_is_personal__is_recognised(text: str) -> None:
    assert looks_personal(text)


@pytest.mark.parametrize(
    "text",
    [
        "pro",
        "2026-03-14",
        "2026-03-14 09:30",
        "2026/03/14 09",
        "10-50",
        "v1.2.3",
        "192.168.100.200",
        "1234567",
        "@home",
        "1234567890123",
        "4111 1111 1111 1112",  # fails Luhn's check
        "",
    ],
)
def test_value__of_an_attribute__is_not_taken_for_personal(text: str) -> None:
    assert not looks_personal(text)


def test_mask__of_a_message__keeps_shape_and_nothing_said() -> None:
    message = {
        "type": "track",
        "userId": "ada-17@example.com",
        "properties": {"ada-17": 17, "consent": True, "plans": ["ada", None]},
    }
    assert mask(message) == {
        "type": "track",
        "userId": "aaa-00@aaaaaaa.aaa",
        "properties": {"aaa-00": 0, "consent": True, "aaaaa": ["aaa", None]},
    }


def test_mask__of_an_unknown_type__masks_it() -> None:
    assert mask({"type": "ada"}) == {"type": "aaa"}
    assert mask({"type": ["ada"]}) == {"type": ["aaa"]}


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_mask__of_any_json__is_small_and_storable(value: object) -> None:
    text = json.dumps(mask(value), allow_nan=False)
    assert "\\u0000" not in text
    assert "\\ud8" not in text


def test_mask__of_a_huge_message__is_cut() -> None:
    deep: object = "x"
    for _ in range(10_000):
        deep = [deep]
    message = {"a" * 10_000: "x" * 10_000, "deep": deep, "many": list(range(10_000))}
    assert len(json.dumps(mask(message))) < 1000
