"""The OpenAPI document and the readable page over it, made when first asked for."""

import json
import threading
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from flask import Blueprint, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.documentation import groups, shapes
from api.errors import stored_answer

ROOM = Path(__file__).parent
HEADERS: Mapping[str, str] = {
    "Cache-Control": "public, max-age=300",
    "Content-Security-Policy": "default-src 'none'; style-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


def blueprint(write: Callable[[], dict[str, Any]], base_url: str) -> Blueprint:
    """Make the public routes that tell how the API works.

    Args:
        write: writes the whole OpenAPI document; called once, by one thread.
        base_url: how people reach this installation.

    Returns:
        The blueprint of /openapi.json, /docs and the page's style.
    """
    routes = Blueprint("api_docs", __name__)
    one_at_a_time = threading.Lock()

    @cache
    def written() -> tuple[bytes, bytes]:
        document = write()
        text = json.dumps(document, ensure_ascii=False).encode()
        return text, render(document, base_url).encode()

    def told() -> tuple[bytes, bytes]:
        with one_at_a_time:
            return written()

    @routes.get("/openapi.json")
    def openapi() -> Response:
        text, _page = told()
        return stored_answer(text, 200, {"Cache-Control": HEADERS["Cache-Control"]})

    @routes.get("/docs")
    def docs() -> Response:
        _text, page = told()
        return Response(page, headers=HEADERS, mimetype="text/html")

    @routes.get("/docs/style.css")
    def styles() -> Response:
        style = (ROOM / "static" / "style.css").read_bytes()
        return Response(style, headers=HEADERS, mimetype="text/css")

    return routes


def render(document: Mapping[str, Any], base_url: str) -> str:
    """Write the page, with an environment of its own.

    What the site's templates are given for every page reads the session, which this
    page has no use for.

    Args:
        document: the whole OpenAPI document.
        base_url: how people reach this installation.

    Returns:
        The page as HTML.
    """
    environment = Environment(
        loader=FileSystemLoader(ROOM / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("docs.html").render(
        base_url=base_url,
        document=document,
        groups=groups(document),
        shapes=shapes(document),
    )
