"""Voters of Gerber, Green and Larimer (2008)."""

import functools

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tests.reference.book import read_table

CONTROL = "No Postcard"


@functools.cache
def voters(arm: str) -> pa.Table:
    """Give the voters of one arm, one a row."""
    table = read_table("ggl_social_pressure/ggl_social_pressure.csv.gz")
    return table.filter(pa.compute.equal(table["treatment"], arm))


def columns(arm: str, *names: str) -> NDArray[np.float64]:
    """Put numbers of the voters of one arm side by side."""
    table = voters(arm)
    return np.column_stack([table[name].to_numpy() for name in names]).astype(float)


def turnout(arm: str) -> tuple[int, int]:
    """Count the voters of an arm, and those who voted in 2006."""
    voted = columns(arm, "primary_06")
    return len(voted), int(voted.sum())
