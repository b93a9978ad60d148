"""The OpenAPI document and the readable page over it, made once at start."""

import json
from collections.abc import Mapping
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


def blueprint(document: Mapping[str, Any], base_url: str) -> Blueprint:
    """Make the public routes that tell how the API works.

    Args:
        document: the whole OpenAPI document.
        base_url: how people reach this installation.

    Returns:
        The blueprint of /openapi.json, /docs and the page's style.
    """
    routes = Blueprint("api_docs", __name__)
    text = json.dumps(document, ensure_ascii=False).encode()
    page = render(document, base_url).encode()
    style = (ROOM / "static" / "style.css").read_bytes()

    @routes.get("/openapi.json")
    def openapi() -> Response:
        return stored_answer(text, 200, {"Cache-Control": HEADERS["Cache-Control"]})

    @routes.get("/docs")
    def docs() -> Response:
        return Response(page, headers=HEADERS, mimetype="text/html")

    @routes.get("/docs/style.css")
    def styles() -> Response:
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
