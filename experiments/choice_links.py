"""Sealed links to a customer's own choice: to take part in experiments, or in none.

A token holds the customer's pseudonym, sealed with the installation's key, so that an
address in a mail or a log tells nothing. It does not end: a choice must stay possible.
"""

import base64
import binascii
import struct
from dataclasses import dataclass

from experiments.errors import ConfigurationFault
from experiments.sealing import Sealer

LONGEST = 200  # characters of a token
PURPOSE = "choice link"
_FORM = 1  # of what is sealed, so that another one can be told apart
_BODY = struct.Struct(">BB4s16s")  # form, flags, key id, who
_ANONYMOUS = 1


@dataclass(frozen=True, slots=True)
class ChoiceLink:
    """What a token says.

    Attributes:
        customer: pseudonym of whose choice it is.
        is_anonymous: whether that is an anonymous id's.
        key_id: of the pseudonym key.
    """

    customer: bytes
    is_anonymous: bool
    key_id: str


class ChoiceLinks:
    """Makes and reads the tokens of links."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def seal(self, link: ChoiceLink) -> str:
        """Write a link's token: letters, digits, "-" and "_", about 80 of them."""
        flags = _ANONYMOUS * link.is_anonymous
        key_id = bytes.fromhex(link.key_id)
        body = _BODY.pack(_FORM, flags, key_id, link.customer)
        sealed = self._sealer.seal(body, PURPOSE)
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def read(self, token: str) -> ChoiceLink | None:
        """Read a token; None when it is not ours.

        Args:
            token: as it stands in the address.

        Returns:
            What it says.
        """
        if len(token) > LONGEST or not token.isascii():
            return None
        try:
            padded = token + "=" * (-len(token) % 4)
            sealed = base64.b64decode(padded, altchars=b"-_", validate=True)
            body = self._sealer.open(sealed, PURPOSE)
            form, flags, key_id, customer = _BODY.unpack(body)
        except (binascii.Error, ValueError, ConfigurationFault, struct.error):
            return None
        if form != _FORM:
            return None
        return ChoiceLink(customer, bool(flags & _ANONYMOUS), key_id.hex())
