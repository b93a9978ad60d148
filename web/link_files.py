"""Links of customers as a CSV file for a mail tool."""

import csv
import io
from collections.abc import Iterable

from flask import make_response
from werkzeug.wrappers import Response

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run


def links_file(name: str, links: Iterable[tuple[str, str]]) -> Response:
    """Give out links.

    Args:
        name: of the file, without its end.
        links: (customer id, address).

    Returns:
        The file; it is kept nowhere.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["customer_id", "url"])
    for customer_id, url in links:
        risky = customer_id.startswith(FORMULA)
        writer.writerow([f"'{customer_id}" if risky else customer_id, url])
    answer = make_response(text.getvalue())
    answer.headers["Content-Type"] = "text/csv; charset=utf-8"
    answer.headers["Content-Disposition"] = f"attachment; filename={name}.csv"
    answer.headers["Cache-Control"] = "no-store"
    return answer
