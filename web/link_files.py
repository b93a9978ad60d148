"""Links of customers as a CSV file for a mail tool."""

from collections.abc import Iterable

from werkzeug.wrappers import Response

from web.csv_file import csv_file


def links_file(name: str, links: Iterable[tuple[str, str]]) -> Response:
    """Give out links.

    Args:
        name: of the file, without its end.
        links: (customer id, address).

    Returns:
        The file; it is kept nowhere.
    """
    answer = csv_file(name, ("customer_id", "url"), links)
    answer.headers["Cache-Control"] = "no-store"
    return answer
