"""How many different customers, counted in 4 KB however many they are. Pure.

HyperLogLog with 4,096 registers: the estimate is within 1.6 % (one standard deviation),
and the sketches of several processes and days are merged by the largest of each
register. O. Ertl, New cardinality estimation algorithms for HyperLogLog sketches, 2017
(arXiv:1702.01284), algorithm 6.
"""

import math
import struct
import zlib
from collections import Counter
from hashlib import blake2b

REGISTERS = 4096
_INDEX_BITS = 12
_RANK_BITS = 64 - _INDEX_BITS
_unpack = struct.Struct("<Q").unpack
_ALPHA = 1 / (2 * math.log(2))


def new() -> bytearray:
    """Make a sketch of nobody."""
    return bytearray(REGISTERS)


def place_of(unit: str) -> tuple[int, int]:
    """Find a customer's register, and how high it must stand at least."""
    # 64 bits of a hash that is the same in every process.
    digest = blake2b(unit.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    (number,) = _unpack(digest)
    rank = _RANK_BITS + 1 - (number >> _INDEX_BITS).bit_length()
    return number & (REGISTERS - 1), rank


def note(sketch: bytearray, index: int, rank: int) -> None:
    """Take in one customer, by `place_of`."""
    if sketch[index] < rank:  # noqa: PLR1730  # writing each time would cost more
        sketch[index] = rank


def merge(sketch: bytearray, other: bytes | bytearray) -> None:
    """Take in everybody of another sketch."""
    sketch[:] = bytes(map(max, sketch, other))


def pack(sketch: bytearray) -> bytes:
    """Write a sketch small."""
    return zlib.compress(bytes(sketch), 1)


def unpack(packed: bytes) -> bytearray:
    """Read what `pack` wrote."""
    return bytearray(zlib.decompress(packed))


def estimate(sketch: bytes | bytearray) -> int:
    """Estimate how many different customers were taken in.

    Args:
        sketch: of any size of group.

    Returns:
        The estimate; 0 for a sketch of nobody.
    """
    held = Counter(sketch)
    if held[0] == REGISTERS:
        return 0
    z = REGISTERS * _tau(1 - held[_RANK_BITS + 1] / REGISTERS)
    for rank in range(_RANK_BITS, 0, -1):
        z = 0.5 * (z + held[rank])
    z += REGISTERS * _sigma(held[0] / REGISTERS)
    return round(_ALPHA * REGISTERS**2 / z)


def _sigma(x: float) -> float:
    y, z, before = 1.0, x, -1.0
    while z != before:
        x, before = x * x, z
        z += x * y
        y += y
    return z


def _tau(x: float) -> float:
    if x in {0.0, 1.0}:
        return 0.0
    y, z, before = 1.0, 1 - x, -1.0
    while z != before:
        x, before = math.sqrt(x), z
        y *= 0.5
        z -= (1 - x) ** 2 * y
    return z / 3
