"""The reference numbers, and who checks each: one decorated function a record.

A function runs the product and gives its values under the names that the record uses:

    @covers("koopman1984")
    def koopman_example(record: Record) -> Values:
        ...
        return {"rr": 1 + lift.value, "ci": [low, high]}

Every value that the record expects must be given, or named in `lacks` with the reason
why Abide does not compute it. The functions stand in `families`, a file a family; an id
that nobody covers yet stands in `not_built.txt`.
"""

import functools
import importlib
import json
import math
import pkgutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv

from tests.conftest import reference_data_dir
from tests.reference import families

NOT_BUILT = Path(__file__).with_name("not_built.txt")
BY_SUMMARY = "summary"

Values = Mapping[str, Any]  # numbers, None, or lists of them, by the record's names


@dataclass(frozen=True)
class Record:
    """One reference record, with its own tolerance."""

    id: str
    inputs: dict[str, Any]
    expected: dict[str, Any]
    rtol: float
    atol: float
    source: str

    @staticmethod
    def table(name: str) -> pa.Table:
        """Read a data set, such as "hillstrom/hillstrom.csv"."""
        return read_table(name)


@dataclass(frozen=True)
class Check:
    """A function that runs the product for one record."""

    run: Callable[[Record], Values]
    by: str  # what the product was given: summary tables, or rows
    lacks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """One value of a record beside ours."""

    record: str
    value: str
    expected: object
    ours: object
    holds: bool | None  # None: not computed, for the reason in `source`
    source: str


_checks: dict[str, list[Check]] = defaultdict(list)


def covers(
    *ids: str, by: str = BY_SUMMARY, lacks: Mapping[str, str] | None = None
) -> Callable[[Callable[[Record], Values]], Callable[[Record], Values]]:
    """Register a function for records.

    Args:
        ids: of the records.
        by: what the product starts from, as the table shows it.
        lacks: names in the record that Abide does not compute, each with the reason.
    """

    def register(run: Callable[[Record], Values]) -> Callable[[Record], Values]:
        for name in ids:
            _checks[name].append(Check(run, by, lacks or {}))
        return run

    return register


@functools.cache
def checks() -> dict[str, list[Check]]:
    """Give all checks, by id of the record."""
    for module in pkgutil.iter_modules(families.__path__):
        importlib.import_module(f"{families.__name__}.{module.name}")
    return dict(_checks)


def not_built() -> list[str]:
    """Give the ids of records that nothing covers yet; the list may only shrink."""
    lines = (
        line.partition("#")[0].strip() for line in NOT_BUILT.read_text().splitlines()
    )
    return [line for line in lines if line]


@functools.cache
def records() -> dict[str, Record]:
    """Read all records."""
    listed = json.loads((_folder() / "reference_numbers.json").read_text())
    return {
        each["id"]: Record(
            each["id"],
            each["inputs"],
            each["expected"],
            each["tolerance"]["rtol"],
            each["tolerance"]["atol"],
            each["published"] or ", ".join(each["confirmed_by"]) or each["definition"],
        )
        for each in listed
    }


@functools.lru_cache(maxsize=4)
def read_table(name: str) -> pa.Table:
    """Read a data set in place; the last few are kept."""
    return csv.read_csv(_folder() / name)


def compare(record: Record, check: Check) -> Iterator[Line]:
    """Run a check and put each of the record's values beside ours."""
    ours = check.run(record)
    name = record.id if check.by == BY_SUMMARY else f"{record.id} ({check.by})"
    unknown = (ours.keys() | check.lacks.keys()) - record.expected.keys()
    if unknown:
        raise KeyError(f"{record.id} expects no {', '.join(sorted(unknown))}")
    for value, expected in record.expected.items():
        if value in ours:
            holds = same(expected, ours[value], record)
            yield Line(name, value, expected, ours[value], holds, record.source)
        elif value in check.lacks:
            yield Line(name, value, expected, None, None, check.lacks[value])
        elif expected is not None:
            yield Line(name, value, expected, "nothing", holds=False, source="")


def same(expected: object, ours: object, record: Record) -> bool:
    """Tell whether a value, or each of a list, lies within the record's tolerance."""
    if isinstance(expected, list | tuple):
        return (
            isinstance(ours, list | tuple)
            and len(ours) == len(expected)
            and all(same(a, b, record) for a, b in zip(expected, ours, strict=True))
        )
    if not isinstance(expected, int | float) or not isinstance(ours, int | float):
        return expected == ours
    return math.isclose(ours, expected, rel_tol=0, abs_tol=_room(expected, record))


def _room(expected: float, record: Record) -> float:
    return max(record.rtol * abs(expected), record.atol)


def _folder() -> Path:
    folder = reference_data_dir()
    if folder is None:
        raise FileNotFoundError("the reference data is absent (ABIDE_REFERENCE_DATA)")
    return folder
