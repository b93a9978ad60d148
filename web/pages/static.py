"""Style, script and pictures, each under an address that changes with its content."""

from flask import Blueprint, request, send_from_directory
from werkzeug.wrappers import Response

from web.templating import STATIC

pages = Blueprint("static", __name__)
ONE_YEAR = 365 * 24 * 3600  # seconds


@pages.get("/static/<path:name>")
def send(name: str) -> Response:
    """Send one file."""
    answer = send_from_directory(STATIC, name)
    # Small files, held whole, so that they can be compressed.
    answer.direct_passthrough = False
    answer.make_sequence()
    if "v" in request.args:
        answer.headers["Cache-Control"] = f"public, max-age={ONE_YEAR}, immutable"
    return answer
