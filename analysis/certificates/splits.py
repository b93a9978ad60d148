"""Random splits of many customers at once, by the hash that assigns variants.

The same function as `experiments.buckets.bucket`, over arrays: its inner hash reads
salt and id, its outer hash the digits of that. Ids here are ASCII and of one length.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from experiments.buckets import BUCKET_COUNT

Buckets = npt.NDArray[np.uint32]
_OFFSET, _PRIME, _BITS_32 = 0x811C9DC5, 0x01000193, 0xFFFFFFFF
_ZERO = np.uint32(ord("0"))
_POWERS = tuple(np.uint32(10**power) for power in range(9, -1, -1))  # of 32 bits


class Splitter:
    """Knows the customers, so that each new salt costs one pass over their ids."""

    def __init__(self, ids: Sequence[bytes]) -> None:
        """Take the customers' ids apart.

        Args:
            ids: pseudonyms, all of one length; they are hashed as hexadecimal text.
        """
        text = b"".join(each.hex().encode() for each in ids)
        width = len(text) // len(ids) if ids else 0
        letters = np.frombuffer(text, np.uint8).reshape(len(ids), width)
        self._letters = np.ascontiguousarray(letters.T).astype(np.uint32)

    def buckets(self, salt: str) -> Buckets:
        """Find everybody's bucket.

        Args:
            salt: of one split; ASCII.

        Returns:
            Of each customer, 0 to 9,999.
        """
        start = _OFFSET
        for letter in salt.encode("ascii"):
            start = ((start ^ letter) * _PRIME) & _BITS_32
        state = np.full(self._letters.shape[1], start, np.uint32)
        for column in self._letters:
            state ^= column
            state *= np.uint32(_PRIME)
        return _hash_of_digits(state) % np.uint32(BUCKET_COUNT)


def _hash_of_digits(numbers: Buckets) -> Buckets:
    """Hash each number as its decimal text, which has no leading zeros."""
    state = np.full(numbers.shape, _OFFSET, np.uint32)
    rest = numbers.copy()
    for power in _POWERS:
        digit = rest // power
        rest -= digit * power
        follows = (state ^ (digit + _ZERO)) * np.uint32(_PRIME)
        written = numbers >= power
        if power == 1:  # "0" itself has a digit
            written = np.ones_like(written)
        state = np.where(written, follows, state)
    return state
