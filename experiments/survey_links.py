"""Signed links to a survey: which customer answers which survey in which wave.

A token holds the customer's pseudonym and never the id, a time after which it says
nothing, and the number of the key that signed it. Keys can be replaced: the newest
signs, every one that is still there is believed, and retiring one ends its links.
"""

import base64
import binascii
import hashlib
import hmac
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from experiments.errors import Conflict, NotFound
from experiments.secrets import load_or_create
from experiments.vocabulary import Environment

LONGEST_DAYS = 180
LONGEST = 300  # characters of a token
MOST_KEYS = 255
_KEY_NAME = "survey-{:03d}"
_FORM = 1  # of what follows, so that another one can be told apart
_HEAD = struct.Struct(">BBBII4s16s")  # form, key, flags, expiry, survey, key id, who
_SIGNATURE = 16
_DEVELOPMENT, _ANONYMOUS = 1, 2


@dataclass(frozen=True, slots=True)
class SurveyLink:
    """What a token says.

    Attributes:
        survey_id: of the survey's row.
        wave: of the survey.
        customer: pseudonym of who was asked.
        is_anonymous: whether that is an anonymous id's.
        key_id: of the pseudonym key.
        environment: answers from development are never analysed.
        expires_at: from then on nothing is taken.
    """

    survey_id: int
    wave: str
    customer: bytes
    is_anonymous: bool
    key_id: str
    environment: Environment
    expires_at: datetime


class SurveyKeys:
    """The secrets that sign links, in the folder of secrets."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def numbers(self) -> list[int]:
        """List the keys that there are, the newest last."""
        names = (path.name for path in self._folder.glob("survey-[0-9][0-9][0-9]"))
        return sorted(int(name.removeprefix("survey-")) for name in names)

    def newest(self) -> tuple[int, bytes]:
        """Give the key that signs; the first one is made at first use."""
        number = max(self.numbers(), default=1)
        return number, load_or_create(self._folder, _KEY_NAME.format(number))

    def find(self, number: int) -> bytes | None:
        """Give a key; None when there is none of this number (any more)."""
        if number not in self.numbers():
            return None
        return load_or_create(self._folder, _KEY_NAME.format(number))

    def rotate(self) -> int:
        """Make a new key, which signs from now on.

        Returns:
            Its number.

        Raises:
            Conflict: there were too many.
        """
        number = self.newest()[0] + 1
        if number > MOST_KEYS:
            raise Conflict(f"There were {MOST_KEYS} keys; no more can be made.")
        load_or_create(self._folder, _KEY_NAME.format(number))
        return number

    def retire(self, number: int) -> None:
        """Remove a key: the links that it signed work no more.

        Args:
            number: of the key.

        Raises:
            NotFound: there is none.
            Conflict: it is the one that signs.
        """
        numbers = self.numbers()
        if number not in numbers:
            raise NotFound(f"There is no survey key {number}.")
        if number == numbers[-1]:
            raise Conflict("This key signs new links. Make another one first.")
        (self._folder / _KEY_NAME.format(number)).unlink()


class SurveyLinks:
    """Makes and reads the tokens of links."""

    def __init__(self, keys: SurveyKeys, now: Callable[[], datetime]) -> None:
        self._keys = keys
        self._now = now

    def sign(self, link: SurveyLink) -> str:
        """Write a link's token.

        Args:
            link: what it says.

        Returns:
            Letters, digits, "-" and "_", about 80 of them.
        """
        number, secret = self._keys.newest()
        flags = _DEVELOPMENT * (link.environment == Environment.DEVELOPMENT)
        flags |= _ANONYMOUS * link.is_anonymous
        body = _HEAD.pack(
            _FORM,
            number,
            flags,
            int(link.expires_at.timestamp()),
            link.survey_id,
            bytes.fromhex(link.key_id),
            link.customer,
        )
        body += link.wave.encode()
        signed = body + _signature(secret, body)
        return base64.urlsafe_b64encode(signed).rstrip(b"=").decode()

    def read(self, token: str) -> SurveyLink | None:
        """Read a token.

        Args:
            token: as it stands in the address.

        Returns:
            What it says, also when it has expired; None when it is not ours, or its
            key was retired.
        """
        if len(token) > LONGEST or not token.isascii():
            return None
        try:
            signed = base64.b64decode(f"{token}==", altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        body, signature = signed[:-_SIGNATURE], signed[-_SIGNATURE:]
        if len(body) <= _HEAD.size or body[0] != _FORM:
            return None
        secret = self._keys.find(body[1])
        if secret is None or not hmac.compare_digest(
            signature, _signature(secret, body)
        ):
            return None
        _, _, flags, expiry, survey_id, key_id, customer = _HEAD.unpack_from(body)
        return SurveyLink(
            survey_id=survey_id,
            wave=body[_HEAD.size :].decode(),
            customer=customer,
            is_anonymous=bool(flags & _ANONYMOUS),
            key_id=key_id.hex(),
            environment=Environment.DEVELOPMENT
            if flags & _DEVELOPMENT
            else Environment.PRODUCTION,
            expires_at=datetime.fromtimestamp(expiry, UTC),
        )

    def has_expired(self, link: SurveyLink) -> bool:
        """Whether a link's time is over."""
        return link.expires_at <= self._now()


def _signature(secret: bytes, body: bytes) -> bytes:
    return hmac.digest(secret, b"abide survey link\x1f" + body, hashlib.sha256)[
        :_SIGNATURE
    ]
