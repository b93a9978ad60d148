"""Published and twice-computed numbers that estimators must reproduce."""

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from analysis.stats.estimate import Interval


@dataclass(frozen=True)
class Record:
    """One reference record, with its own tolerance."""

    inputs: dict[str, Any]
    expected: dict[str, Any]
    rtol: float
    atol: float

    def about(self, key: str) -> Any:  # noqa: ANN401  # approx is untyped
        """Give the expected value, to be compared with `==`."""
        return pytest.approx(self.expected[key], rel=self.rtol, abs=self.atol)


RecordOf = Callable[[str], Record]
RowsOf = Callable[[str], list[dict[str, str]]]


@pytest.fixture(scope="session")
def record(reference_data: Path) -> RecordOf:
    path = reference_data / "reference_numbers.json"
    found = {each["id"]: each for each in json.loads(path.read_text())}

    def by_id(name: str) -> Record:
        each = found[name]
        return Record(each["inputs"], each["expected"], **each["tolerance"])

    return by_id


@pytest.fixture(scope="session")
def rows(reference_data: Path) -> RowsOf:
    def of(name: str) -> list[dict[str, str]]:
        with (reference_data / name).open(newline="") as file:
            return list(csv.DictReader(file))

    return of


def ends(interval: Interval) -> list[float | None]:
    """Write an interval as the records do."""
    return [interval.low, interval.high]
