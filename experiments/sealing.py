"""Sealing what must be read again but may never lie open on a disk.

Secrets of connectors, and bodies that no mapping fits yet: AES-256-GCM under a key in
the data folder's keys/, apart from the database. The purpose is bound in, so that one
sealed thing cannot be put in the place of another.
"""

import os
import zlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from experiments.config import Settings
from experiments.errors import ConfigurationFault
from experiments.secrets import load_or_create

KEY_NAME = "sealing"
SECRET_PURPOSE = "connector secret"  # noqa: S105  # what is sealed, not a secret
BODY_PURPOSE = "held body"
_NONCE_BYTES = 12  # NIST SP 800-38D, 8.2.2: random, for at most 2^32 messages
_MOST_OPENED = 16 * 1024 * 1024


class Sealer:
    """Seals and opens with one key."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key[:32])

    def seal(self, content: bytes, purpose: str) -> bytes:
        """Hide `content`; it is packed first, since JSON repeats itself."""
        nonce = os.urandom(_NONCE_BYTES)
        packed = zlib.compress(content)
        return nonce + self._cipher.encrypt(nonce, packed, purpose.encode())

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """Give back what was sealed.

        Args:
            sealed: from `seal`.
            purpose: the same as then.

        Returns:
            The content.

        Raises:
            ConfigurationFault: this installation's key did not seal it.
        """
        nonce, packed = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            content = self._cipher.decrypt(nonce, packed, purpose.encode())
        except (InvalidTag, ValueError):
            raise ConfigurationFault(
                f"What was sealed cannot be opened: keys/{KEY_NAME} in the data folder"
                " is not the one that sealed it. Restore it from a backup."
            ) from None
        return zlib.decompressobj().decompress(content, _MOST_OPENED)


def load_sealer(settings: Settings) -> Sealer:
    """Read the sealing key from the data folder, or make it at first start."""
    return Sealer(load_or_create(settings.keys_dir, KEY_NAME))
