"""Passwords: which are accepted, and how they are hashed (Argon2id)."""

import re
import secrets
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

# Words that common passwords are built from: the word alone, repeated, or with
# digits and signs around it.
_COMMON_WORDS = frozenset(
    """
    abide abc abcd abcdef admin administrator asdf asdfgh asdfghjkl baseball
    basketball batman changeme charlie chocolate computer correcthorsebatterystaple
    default dragon family football forever freedom friends fuckyou hello helloworld
    iloveyou internet jordan letmein liverpool login loveyou lovely manchester master
    michael microsoft minecraft monkey mustang mypassword newpassword nothing pass
    passw0rd password passwort p@ssword p@ssw0rd pokemon princess qwer qwert qwerty
    qwertyuiop root samsung secret shadow starwars summer sunshine superman supervisor
    temporary test testing thisisapassword trustno unbelievable unknown user welcome
    whatever winter yourpassword zaq zxcvbn zxcvbnm autumn spring january february
    march april june july august september october november december monday tuesday
    wednesday thursday friday saturday sunday
    """.split()  # noqa: SIM905  # a list of words reads best as words
)
# Walks over the keyboard and the alphabet, in both directions.
_RUNS = (
    "0123456789" * 3,
    "abcdefghijklmnopqrstuvwxyz" * 2,
    "qwertyuiopasdfghjklzxcvbnmqwertyuiop",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "1q2w3e4r5t6y7u8i9o0p",
    "qazwsxedcrfvtgbyhnujmikolp",
    "q1w2e3r4t5y6u7i8o9p0",
)
_EDGES = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_REPEATED = re.compile(r"(.{1,11}?)\1+")


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
    if is_common(password):
        return "This password is among those that are tried first. Choose another."
    return None


def is_common(password: str) -> bool:
    """Whether a password is one that attackers try first."""
    folded = password.casefold()
    repeated = _REPEATED.fullmatch(folded)
    core = _EDGES.sub("", repeated.group(1) if repeated else folded)
    if repeated and len(repeated.group(1)) < 8:  # noqa: PLR2004  # short block
        return True
    twice = _REPEATED.fullmatch(core)
    if core in _COMMON_WORDS or (twice and twice.group(1) in _COMMON_WORDS):
        return True
    return any(folded in run or folded in run[::-1] for run in _RUNS)


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
