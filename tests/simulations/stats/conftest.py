"""How many simulated experiments, and how far they may be from the promise."""

import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from analysis.stats.estimate import Interval

FULL = bool(os.environ.get("ABIDE_PROOF"))
# statistics.md section 3: with 40,000 simulations this and 3.3 standard errors of the
# simulation itself make the +-.5 % that the full run promises.
BIAS_ALLOWED = 0.0014

Note = Callable[[str, object], None]


@dataclass
class Tally:
    """Counts how often intervals hold the truth, and on which side they miss."""

    held: int = 0
    below: int = 0  # intervals that lie below the truth
    above: int = 0

    def add(self, interval: Interval, truth: float) -> None:
        """Count one interval."""
        assert interval.low is not None
        assert interval.high is not None
        if interval.high < truth:
            self.below += 1
        elif interval.low > truth:
            self.above += 1
        else:
            self.held += 1

    @property
    def runs(self) -> int:
        """Number of intervals counted."""
        return self.held + self.below + self.above

    def share(self, count: int) -> float:
        """Give a count as a share of the intervals."""
        return count / self.runs


def runs(quick: int, full: int = 40_000) -> int:
    """Choose the number of simulated experiments of this run."""
    return full if FULL else quick


def allowance(share: float, n: int, bias: float = BIAS_ALLOWED) -> float:
    """Largest distance from a true share that `n` simulations are allowed."""
    return float(bias + 3.3 * np.sqrt(share * (1 - share) / n))


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> np.random.Generator:
    """Seed each test by its own name: cells that shared draws would be one cell."""
    return np.random.default_rng(zlib.crc32(request.node.name.encode()))


@pytest.fixture
def note(record_property: Note) -> Note:
    """Write a figure down for `make proof`."""

    def write(name: str, value: object) -> None:
        record_property(
            name, f"{value:.4f}" if isinstance(value, float) else str(value)
        )

    return write
