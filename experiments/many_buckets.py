"""The buckets of one customer under many salts at once.

An app that asks for all experiments hashes the same id once a salt, and in Python
each step of that costs the same whether its number is small or huge. So the states of
all hashes stand side by side in one huge number, in lanes of 64 bits: a step (xor,
multiply, keep 32 bits) works on all lanes together and never reaches the next lane,
since 32 bits times the 25-bit prime fit into 64.
"""

import struct
from collections.abc import Sequence

BUCKET_COUNT = 10_000
FNV_OFFSET, FNV_PRIME, BITS_32 = 0x811C9DC5, 0x01000193, 0xFFFFFFFF
_LANE = 8  # bytes
_DIGITS = 10  # of a 32-bit number, at most
# 255 for a digit, 0 for the space before a shorter number.
_IS_DIGIT = bytes(0 if byte == ord(" ") else 255 for byte in range(256))


class ManySeeds:
    """Seeds of the hash, one a salt, in the order of the answers."""

    def __init__(self, seeds: Sequence[int]) -> None:
        self._count = len(seeds)
        self._ones = self._pack([1] * self._count)
        self._mask = self._ones * BITS_32
        self._seeds = self._pack(seeds)

    def buckets(self, units: Sequence[int]) -> list[int]:
        """Hash a customer's id after every seed.

        Args:
            units: UTF-16 code units of the id.

        Returns:
            For each seed the bucket, 0 to 9,999: what
            `experiments.assignment.bucket` gives for its salt.
        """
        state, ones, mask = self._seeds, self._ones, self._mask
        for unit in units:
            state = ((state ^ unit * ones) * FNV_PRIME) & mask
        again = self._hash_texts(self._unpack(state))
        return [number % BUCKET_COUNT for number in self._unpack(again)]

    def _hash_texts(self, numbers: Sequence[int]) -> int:
        """Hash each number as decimal text: digit by digit, all lanes together."""
        text = b"".join([b"%10d" % number for number in numbers])
        start = FNV_OFFSET * self._ones
        state = start
        for place in range(_DIGITS):
            digits = text[place::_DIGITS]
            state = ((state ^ self._spread(digits)) * FNV_PRIME) & self._mask
            if b" " in digits:  # numbers that begin later keep the start
                begun = self._spread(digits.translate(_IS_DIGIT)) * 0x01010101
                state = state & begun | start & ~begun
        return state

    def _spread(self, values: bytes) -> int:
        lanes = bytearray(self._count * _LANE)
        lanes[::_LANE] = values
        return int.from_bytes(lanes, "little")

    def _pack(self, numbers: Sequence[int]) -> int:
        return int.from_bytes(struct.pack(f"<{self._count}Q", *numbers), "little")

    def _unpack(self, state: int) -> tuple[int, ...]:
        lanes = state.to_bytes(self._count * _LANE, "little")
        return struct.unpack(f"<{self._count}Q", lanes)
