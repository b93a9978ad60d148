"""Which answers go out compressed: all that an attacker cannot put words into.

Compression tells by its length whether a guess stands in the same page as a secret
(BREACH). So a page that may hold words of its requester beside what only its reader may
see goes out as it is; docs/decisions/0005-compressed-answers.md.
"""

from http import HTTPStatus

from flask import Flask, Response, request
from flask_compress import Compress

SMALLEST = 500  # bytes; below, the headers weigh more than what is saved


def register(app: Flask) -> None:
    """Compress what may be, for clients that ask for it.

    Args:
        app: gets the hook; register it before hooks that are to see plain bodies.
    """
    app.config.update(
        COMPRESS_REGISTER=False,
        COMPRESS_ALGORITHM=["zstd", "br", "gzip"],
        COMPRESS_STREAMS=False,
        COMPRESS_MIN_SIZE=SMALLEST,
        COMPRESS_MIMETYPES=[
            "application/javascript",
            "application/json",
            "image/svg+xml",
            "text/css",
            "text/html",
            "text/javascript",
        ],
    )
    compress = Compress(app)

    @app.after_request
    def _compress(response: Response) -> Response:
        # A part of a file is counted in bytes of the file as it is.
        if response.status_code == HTTPStatus.PARTIAL_CONTENT or _may_echo(response):
            return response
        return compress.after_request(response)


def _may_echo(response: Response) -> bool:
    """Whether another site could have chosen words that stand in this page.

    It can make a reader's browser open an address, with a query or a form of its own.
    It cannot make it send an API key, so answers in JSON are safe.
    """
    if response.mimetype != "text/html" or request.endpoint == "api_docs.docs":
        return False
    plain = request.method in {"GET", "HEAD"} and not request.query_string
    return not plain or response.status_code != HTTPStatus.OK
