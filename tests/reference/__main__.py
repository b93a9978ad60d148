"""`make reference`: every reference number beside ours."""

import sys
from collections.abc import Iterator

from tests.conftest import reference_data_dir
from tests.reference.book import Check, Line, Record, checks, compare, records

DIGITS = 8


def main() -> int:
    """Print the table and the total; tell whether all records passed."""
    if reference_data_dir() is None:
        print("The reference data is absent (set ABIDE_REFERENCE_DATA).")  # noqa: T201
        return 1
    passed = failed = 0
    print(_row("record", "value", "expected", "ours", "", "expected value from"))  # noqa: T201
    for record in records().values():
        lines = list(_lines(record, checks().get(record.id, [])))
        for line in lines:
            print(_shown(line), flush=True)  # noqa: T201
        holds = any(line.holds for line in lines) and not any(
            line.holds is False for line in lines
        )
        passed, failed = passed + holds, failed + (not holds)
    print(f"reference: {passed} passed, {failed} failed")  # noqa: T201
    return 1 if failed else 0


def _lines(record: Record, mine: list[Check]) -> Iterator[Line]:
    if not mine:
        yield Line(record.id, "", None, None, holds=False, source="not built")
    for check in mine:
        try:
            yield from compare(record, check)
        except Exception as problem:  # noqa: BLE001  # it is shown, and the rest go on
            words = f"{type(problem).__name__}: {problem}"
            yield Line(record.id, check.by, None, None, holds=False, source=words)


def _shown(line: Line) -> str:
    state = {True: "", False: "FAILED", None: "not given"}[line.holds]
    return _row(
        line.record,
        line.value,
        _number(line.expected),
        _number(line.ours),
        state,
        line.source,
    )


def _row(*cells: str) -> str:
    widths = (34, 26, 26, 26, 9, 0)
    return " | ".join(
        cell.ljust(width) for cell, width in zip(cells, widths, strict=True)
    )


def _number(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_number(each) for each in value) + "]"
    return f"{value:.{DIGITS}g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
