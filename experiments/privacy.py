"""Privacy at the boundary: pseudonyms, refused values, masked examples.

A raw customer id is replaced before anything is written. Who holds the database or
the analytic store without the key cannot tell who a customer is, nor try guesses.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from experiments.config import Settings
from experiments.secrets import load_or_create

PSEUDONYM_BYTES = 16
KEY_NAME = "pseudonym"
_BLOCK = 64  # of SHA-256, RFC 2104
_CACHED_IDS = 50_000  # per kind and process, in memory only
_MASK_DEPTH, _MASK_ITEMS, _MASK_LENGTH = 4, 30, 60
# Names of the wire itself; any other name could itself be somebody's id.
_WIRE_NAMES = frozenset(
    {
        "type", "event", "name", "category", "userId", "anonymousId", "previousId",
        "groupId", "messageId", "timestamp", "originalTimestamp", "sentAt",
        "properties", "traits", "context", "integrations", "experimentId",
        "experiment_id", "variationId", "variation_id", "variation_key", "score",
        "scale", "survey", "surveyId", "survey_id", "value", "consent", "channel",
        "library", "version", "writeKey",
    }
)  # fmt: skip
_WIRE_TYPES = frozenset(
    {"identify", "track", "page", "screen", "group", "alias", "batch"}
)

_EMAIL = re.compile(r"[^\s@]+(?:[@\uff20]|%40)[^\s@]+\.[^\s@]+")
_PHONE = re.compile(r"\+?[\d\s()./-]{9,24}")
_CARD = re.compile(r"(?:\d[ -]?){12,18}\d")
# Inside a name only what is written as a phone number is one: +49 171..., 0171...
_PHONE_INSIDE = re.compile(r"(?<![\w.,-])[+0(][\d\s()./-]{8,23}")
_DATE_LIKE = re.compile(r"\d{4}[-/]\d{2}[-/]\d{2}")


class Pseudonymiser:
    """Turns ids into pseudonyms with one secret key; the same id gives the same one."""

    def __init__(self, key: bytes) -> None:
        # Names the key without telling it; stored beside each event.
        self.key_id = hashlib.sha256(b"abide key id\x1f" + key).hexdigest()[:8]
        self.customer = _hmac_of(key, b"customer")
        self.anonymous = _hmac_of(key, b"anonymous")
        self.account = _hmac_of(key, b"account")
        # Hashes that never meet another system may use the faster keyed BLAKE2b.
        self._blake_key = hashlib.sha256(b"abide message key\x1f" + key).digest()

    def message(self, source: str, message_id: bytes) -> bytes:
        """Hash a source's message id: clients may build theirs from a customer id.

        Args:
            source: public id of the key it came with.
            message_id: as the client gave it, encoded.

        Returns:
            16 bytes; equal for equal (source, message id) only.
        """
        return hashlib.blake2b(
            source.encode() + b"\x1f" + message_id,
            digest_size=PSEUDONYM_BYTES,
            key=self._blake_key,
        ).digest()

    def payload(self, content: bytes) -> int:
        """Hash what a message says, to tell a repeat from a different message.

        Args:
            content: the message in canonical form.

        Returns:
            A signed 64-bit number.
        """
        digest = hashlib.blake2b(content, digest_size=8, key=self._blake_key).digest()
        return int.from_bytes(digest, "little", signed=True)


def _hmac_of(key: bytes, kind: bytes) -> Callable[[str], bytes]:
    """Make HMAC-SHA-256(key, kind + 0x1F + id), the first 16 bytes.

    The two padded key blocks of RFC 2104 are hashed once and copied: half the time
    of `hmac.digest`, and intake does this for each event.
    """
    block = key if len(key) <= _BLOCK else hashlib.sha256(key).digest()
    block = block.ljust(_BLOCK, b"\0")
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in block) + kind + b"\x1f")
    outer = hashlib.sha256(bytes(b ^ 0x5C for b in block))

    @lru_cache(_CACHED_IDS)
    def pseudonym(text: str) -> bytes:
        first, second = inner.copy(), outer.copy()
        first.update(text.encode())
        second.update(first.digest())
        return second.digest()[:PSEUDONYM_BYTES]

    return pseudonym


def load_pseudonymiser(settings: Settings) -> Pseudonymiser:
    """Read the pseudonym key from the data folder, or make it at first start."""
    return Pseudonymiser(load_or_create(settings.keys_dir, KEY_NAME))


def looks_personal(text: str) -> bool:
    """Whether a value looks like an e-mail address, a phone or a card number.

    Args:
        text: a value of an attribute on the allow-list.

    Returns:
        True when it must not be stored.
    """
    if text.isalpha():
        return False
    if ("@" in text or "%40" in text or "\uff20" in text) and _EMAIL.search(text):
        return True
    if _CARD.search(text) and _has_card_number(text):
        return True
    if not _PHONE.fullmatch(text.strip()) or _DATE_LIKE.match(text.strip()):
        return False
    digits = sum(c.isdigit() for c in text)
    # A bare run of digits is more often an amount or a time than a phone number.
    marked = not text.strip().isdigit() or text.strip().startswith("0")
    return marked and 9 <= digits <= 15 and "." not in text  # noqa: PLR2004  # E.164


@lru_cache(10_000)
def names_somebody(name: str) -> bool:
    """Whether a name, of an event or a survey, holds what looks personal.

    Args:
        name: stored as it is.

    Returns:
        True for what `looks_personal` refuses, and for a phone number within it.
    """
    inside = (found.group().strip(" .-/(") for found in _PHONE_INSIDE.finditer(name))
    return looks_personal(name) or any(map(looks_personal, inside))


def _has_card_number(text: str) -> bool:
    """Luhn's check (ISO/IEC 7812-1) of each run that is as long as a card number."""
    for found in _CARD.finditer(text):
        digits = [int(c) for c in found.group() if c.isdigit()]
        odd = sum(digits[-1::-2])
        even = sum(sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
        if (odd + even) % 10 == 0:
            return True
    return False


def mask(message: object) -> dict[str, object]:
    """Keep the shape of a message that was set aside, and nothing it says.

    Letters become "a", digits "0"; names that are not the wire's own are masked too,
    and what is deep, long or many is cut.

    Args:
        message: JSON as Python reads it, of any type and depth.

    Returns:
        A small JSON object.
    """
    shape = _masked(message, _MASK_DEPTH)
    return shape if isinstance(shape, dict) else {"message": shape}


def _masked(value: object, depth: int) -> object:
    if isinstance(value, (Mapping, list)):
        if depth == 0:
            return f"{len(value)} more inside"
        if isinstance(value, list):
            return [_masked(item, depth - 1) for item in value[:_MASK_ITEMS]]
        return _masked_members(value, depth - 1)
    if isinstance(value, str):
        return mask_text(value)
    if value is None or isinstance(value, bool):
        return value
    return 0  # a number may be an id


def _masked_members(value: Mapping[object, object], depth: int) -> dict[str, object]:
    members = list(value.items())[:_MASK_ITEMS]
    return {
        _masked_name(name): _masked_type(item)
        if name == "type"
        else _masked(item, depth)
        for name, item in members
    }


def _masked_name(name: object) -> str:
    return str(name) if name in _WIRE_NAMES else mask_text(str(name))


def _masked_type(value: object) -> object:
    known = isinstance(value, str) and value in _WIRE_TYPES
    return value if known else _masked(value, 1)


def mask_text(text: str) -> str:
    """Replace letters by "a" and digits by "0"; keep other ASCII, and cut."""
    masked = "".join(_masked_letter(c) for c in text[:_MASK_LENGTH])
    return masked if len(text) <= _MASK_LENGTH else f"{masked}... ({len(text)} long)"


def _masked_letter(letter: str) -> str:
    if letter.isdigit():
        return "0"
    if letter.isalpha():
        return "a"
    return letter if " " <= letter <= "~" else "?"
