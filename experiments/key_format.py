"""How an API key is written, read and hashed; needs no database.

A key is `abide_{kind}_{prod|dev}_{public id}_{secret}`: the readable part says what
it is to whoever finds it in a log, the secret is 256 random bits in base64url.
"""

import hashlib
import re
import secrets
import string

from experiments.vocabulary import Environment, KeyKind

PUBLIC_ID_LENGTH = 12
SECRET_BYTES = 32
_ALPHABET = string.ascii_lowercase + string.digits
_SHORT = {Environment.PRODUCTION: "prod", Environment.DEVELOPMENT: "dev"}
_KEY = re.compile(
    rf"abide_(?:{'|'.join(KeyKind)})_(?:prod|dev)_([a-z0-9]{{12}})_[A-Za-z0-9_-]{{43}}",
    re.ASCII,
)


def make(kind: KeyKind, environment: Environment) -> tuple[str, str]:
    """Make a new key.

    Args:
        kind: what the key may do.
        environment: whose data it may touch.

    Returns:
        The public id, and the whole key text that is shown once.
    """
    public_id = new_public_id()
    secret = secrets.token_urlsafe(SECRET_BYTES)
    return public_id, f"abide_{kind}_{_SHORT[environment]}_{public_id}_{secret}"


def new_public_id() -> str:
    """Make the readable part of a key, or of an address: 12 letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(PUBLIC_ID_LENGTH))


def parse(text: str) -> str | None:
    """Read the public id out of a key text; None when it is not a key."""
    found = _KEY.fullmatch(text)
    return None if found is None else found.group(1)


def is_public_id(text: str) -> bool:
    """Whether `text` is written like the readable part of a key."""
    return len(text) == PUBLIC_ID_LENGTH and set(text) <= set(_ALPHABET)


def digest(text: str) -> str:
    """Hash a key text that `parse` accepts with SHA-256, as 64 hexadecimal digits.

    A fast hash is enough: 256 random bits cannot be guessed, unlike a password.
    """
    return hashlib.sha256(text.encode()).hexdigest()
