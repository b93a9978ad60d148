"""Answers that are CSV files, safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Sequence

from flask import make_response
from werkzeug.wrappers import Response

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run


def csv_file(
    name: str, columns: Sequence[str], rows: Iterable[Iterable[object]]
) -> Response:
    """Give a table out as a file (RFC 4180).

    Args:
        name: of the file, without its end.
        columns: their names.
        rows: a value for each column; None is an empty cell.

    Returns:
        The file; a text that a spreadsheet would run has an apostrophe before it.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_safe(value) for value in row])
    answer = make_response(text.getvalue())
    answer.headers["Content-Type"] = "text/csv; charset=utf-8"
    answer.headers["Content-Disposition"] = f"attachment; filename={name}.csv"
    return answer


def _safe(value: object) -> object:
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value
