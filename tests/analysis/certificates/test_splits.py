"""Many customers are split by the very hash that assigns one."""

import random

import pytest

from analysis.certificates.splits import Splitter
from experiments.buckets import bucket


@pytest.mark.parametrize("salt", ["", "certificate-7-999", "~"])
def test_buckets__any_salt__are_those_of_the_assignment(salt: str) -> None:
    draw = random.Random(1)  # noqa: S311  # the same each time
    ids = [draw.randbytes(16) for _ in range(500)]
    found = Splitter(ids).buckets(salt).tolist()
    assert found == [bucket(salt, each.hex()) for each in ids]


def test_buckets__nobody__are_none() -> None:
    assert Splitter([]).buckets("salt").tolist() == []
