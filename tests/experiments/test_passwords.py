import pytest
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from experiments import passwords

GOOD = "a long walk by the sea"


def test_hash_password__is_argon2id_with_owasp_parameters() -> None:
    # OWASP Password Storage Cheat Sheet: Argon2id, m=19 MiB, t=2, p=1.
    assert passwords.hash_password(GOOD).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_hash_password__twice__has_two_salts() -> None:
    assert passwords.hash_password(GOOD) != passwords.hash_password(GOOD)


def test_matches__right_and_wrong__tells_them_apart() -> None:
    kept = passwords.hash_password(GOOD)
    assert passwords.matches(kept, GOOD)
    assert not passwords.matches(kept, GOOD + "!")
    assert not passwords.matches(kept, "")


@pytest.mark.parametrize("typed", [GOOD, "", "x" * 5000, "\x00", "\ud800"])
def test_matches__no_account__is_false_for_anything(typed: str) -> None:
    assert not passwords.matches(None, typed)


@pytest.mark.parametrize("typed", ["x" * 5000, "bad \x00 text here", "half \ud800 it"])
def test_matches__what_no_password_can_be__is_false(typed: str) -> None:
    assert not passwords.matches(passwords.hash_password(GOOD), typed)


def test_matches__other_code_points_of_the_same_letters__is_true() -> None:
    composed, decomposed = "caf\u00e9 au lait at noon", "cafe\u0301 au lait at noon"
    assert passwords.matches(passwords.hash_password(composed), decomposed)


def test_is_outdated__hash_of_today__is_false() -> None:
    assert not passwords.is_outdated(passwords.hash_password(GOOD))


def test_is_outdated__weaker_hash__is_true() -> None:
    weak = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$" + "A" * 43
    assert passwords.is_outdated(weak)


@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        "x7Kq0pLw2Zrt",  # 12 characters
        "abide-larch-harbour-2026",  # more than the product's name and a year
        "correct horse battery staple 9 times",
        "ünïcödé is fine here",
        "\U0001f642\U0001f642\U0001f643\U0001f642\U0001f642\U0001f643\U0001f643\U0001f642\U0001f642\U0001f642\U0001f643\U0001f642",
        "r" + "aB3$k" * 200,  # over 1,000 characters
        "839201758293",  # no rule about kinds of characters
    ],
)
def test_fault_in_password__long_and_uncommon__has_none(password: str) -> None:
    assert passwords.fault_in_password(password) is None


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("short", "at least 12"),
        ("elevenchars", "at least 12"),
        ("x" * 1025, "at most 1024"),
        ("with a \x00 inside", "NUL"),
        ("with half \ud800 a pair", "surrogate"),
        ("Ada.Lovelace@example.com", "e-mail"),
    ],
)
def test_fault_in_password__bad__says_what_to_do(password: str, words: str) -> None:
    fault = passwords.fault_in_password(password, "ada.lovelace@example.com")
    assert fault is not None
    assert words in fault


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "Password1234!",
        "PASSWORDPASSWORD",
        "123456789012",
        "0987654321098",
        "qwertyuiop12",
        "qwertyuiopas",
        "1qaz2wsx3edc",
        "aaaaaaaaaaaa",
        "abcabcabcabc",
        "abcdefghijkl",
        "iloveyou2024",
        "administrator",
        "letmein!!!!!",
        "welcome12345",
        "unbelievable",
        "changeme1234",
        "abideabide12",
        "Abide2026!!!",
        "Abide!2026!!",
        "2025-ABIDE-?",
        "1q2w3e4r5t6y",
    ],
)
def test_is_common__first_guesses_of_attackers__is_true(password: str) -> None:
    assert passwords.is_common(password)


def test_is_common__all_of_the_list_that_are_long_enough__are_refused() -> None:
    # Of the 30,000 most used passwords of zxcvbn's list: far more than the 3,000 that
    # OWASP ASVS 5.0, 6.2.4, asks for; most are too short for us anyway.
    listed = FREQUENCY_LISTS["passwords"]
    assert len(listed) == 30_000
    for password in listed:
        assert passwords.fault_in_password(password) is not None


@pytest.mark.parametrize("password", ["lovelace1234", "adalovelace1", "example12345"])
def test_is_common__made_of_the_address__is_true(password: str) -> None:
    assert passwords.is_common(password, "ada.lovelace@example.com")
