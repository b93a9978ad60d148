"""Passwords: which are accepted, and how they are hashed (Argon2id)."""

import re
import secrets
import threading
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from experiments.storable import fault_in_text

MIN_LENGTH = 12
MAX_LENGTH = 1024
# OWASP's second choice for Argon2id (19 MiB, 2 passes, 1 lane): as strong as the
# larger ones, and eight sign-ins at once stay under 160 MB.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

# Whoever guesses in the order of zxcvbn has tried its 30,000 common passwords, words,
# names, dates, repetitions and walks over the keyboard, alone and in pairs, by then.
FIRST_GUESSES = 100_000_000
_LOOKED_AT = 72  # characters; its time grows with the square of the length
_OURS = "abide"
# What whoever guesses at this very installation begins with, and in how many forms.
_OBVIOUS = re.compile(rf"{_OURS}|(?:19|20)\d\d", re.IGNORECASE)
_OBVIOUS_FORMS = 1000
_TURN = threading.Lock()


def fault_in_password(password: str, email: str = "") -> str | None:
    """Say why a new password is refused, or None when it is good.

    Length and the list of common ones decide; there is no rule about kinds of
    characters (NIST SP 800-63B, 3.1.1.2).

    Args:
        password: as typed.
        email: of the account.

    Returns:
        One sentence, or None.
    """
    if len(password) < MIN_LENGTH:
        return f"Use at least {MIN_LENGTH} characters; a few words are best."
    if len(password) > MAX_LENGTH:
        return f"Use at most {MAX_LENGTH} characters."
    if (fault := fault_in_text(password)) is not None:
        return fault
    if password.strip().casefold() == email.strip().casefold():
        return "Choose something else than the e-mail address."
    if is_common(password, email):
        return "This password is among those that are tried first. Choose another."
    return None


def is_common(password: str, email: str = "") -> bool:
    """Whether a password is one that attackers try first.

    Args:
        password: as typed.
        email: of the account; what is made of its parts is tried early, too.

    Returns:
        True when fewer than 10^8 guesses find it, by zxcvbn's estimate (Wheeler 2016,
        "zxcvbn: low-budget password strength estimation"): its score 2 and below. The
        name of this product and a year count as known, however they are set out.
    """
    # Its word lists take 10 MB and a tenth of a second; most processes never need them.
    from zxcvbn import zxcvbn  # noqa: PLC0415

    name = email.partition("@")[0]
    parts = [*re.split(r"\W+", email), re.sub(r"\W+", "", name)]
    known = [_OURS, email, *(part for part in parts if part)]
    with _TURN:  # what is known of one person stands in a table of all threads
        guesses = zxcvbn(password[:_LOOKED_AT], known)["guesses"]
        rest = _OBVIOUS.sub("", password)[:_LOOKED_AT]
        if rest != password[:_LOOKED_AT]:
            own = zxcvbn(rest, known)["guesses"] if rest else 1
            guesses = min(guesses, own * _OBVIOUS_FORMS)
    return bool(guesses < FIRST_GUESSES)


def hash_password(password: str) -> str:
    """Hash a password with Argon2id and a fresh salt."""
    return _HASHER.hash(_normal(password))


def matches(password_hash: str | None, password: str) -> bool:
    """Check a password in a time that does not tell whether there is a hash.

    Args:
        password_hash: of the account; None when there is no account or no password.
        password: as typed.

    Returns:
        True when it is the account's password.
    """
    if len(password) > MAX_LENGTH or fault_in_text(password) is not None:
        password, password_hash = "", None
    try:
        _HASHER.verify(password_hash or _nobody(), _normal(password))
    except VerificationError:
        return False
    return password_hash is not None


def is_outdated(password_hash: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(password_hash)


@cache
def _nobody() -> str:
    return _HASHER.hash(secrets.token_urlsafe(32))


def _normal(password: str) -> str:
    # One password typed on two systems may differ in its code points.
    return unicodedata.normalize("NFKC", password)
