"""What every template can use beside the values of its page."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, request, url_for
from flask_wtf.csrf import generate_csrf  # type: ignore[import-untyped]  # no types

from experiments.vocabulary import PersonRole
from web import pdf, theme
from web.access import person
from web.forms.base import attributes, fault_of, shown, title_of
from web.presenters import formats
from web.presenters.intake import band
from web.presenters.words import WORDS, deed, who

STATIC = Path(__file__).parent / "static"
# Title, endpoint, where in the site, least role.
NAVIGATION = (
    ("Home", "web.home.show", "/", PersonRole.VIEWER),
    ("Backlog", "web.hypotheses.listing", "/hypotheses", PersonRole.VIEWER),
    ("Experiments", "web.experiments.listing", "/experiments", PersonRole.VIEWER),
    ("Learnings", "web.learnings.listing", "/learnings", PersonRole.VIEWER),
    ("Segments", "web.segments.listing", "/segments", PersonRole.VIEWER),
    ("Metrics", "web.metrics.listing", "/catalogue", PersonRole.VIEWER),
    ("Data", "web.data.show", "/data", PersonRole.VIEWER),
    ("Settings", "web.settings.show", "/settings", PersonRole.VIEWER),
)


def register(app: Flask) -> None:
    """Give the templates their globals and filters."""
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        asset=asset,
        csrf_token=generate_csrf,
        fault_of=fault_of,
        field_attributes=attributes,
        here=here,
        navigation=navigation,
        shown=shown,
        title_of=title_of,
        words=WORDS,
    )
    app.jinja_env.filters.update(
        band=band,
        cell=formats.cell,
        count=formats.count,
        data_address=pdf.data_address,
        day=formats.day,
        deed=deed,
        drawing=drawing,
        moment=formats.moment,
        number=formats.number,
        percent=formats.percent,
        pretty_json=formats.pretty_json,
        who=who,
    )
    app.context_processor(_every_page)


def _every_page() -> dict[str, Any]:
    return {"person": person(), "theme": theme.chosen()}


def here() -> str:
    """Give the address of this page, for going back to it."""
    return request.full_path.rstrip("?") if request.method == "GET" else request.path


def navigation() -> list[tuple[str, str, str]]:
    """List the parts of the site that this person may open.

    Returns:
        Title, address, and "page", "true" or "" for where the person is.
    """
    who = person()
    if who is None:
        return []
    return [
        (title, url_for(endpoint), _current(root))
        for title, endpoint, root, least in NAVIGATION
        if who.actor.may(least)
    ]


def _current(root: str) -> str:
    if request.path == root:
        return "page"
    inside = root != "/" and request.path.startswith(f"{root}/")
    return "true" if inside else ""


@cache
def _fingerprint(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


def asset(name: str) -> str:
    """Give the address of a static file; it changes with the file's content."""
    return url_for("web.static.send", name=name, v=_fingerprint(name))


class Drawing(str):
    """An SVG that templates put into the page as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        """Tell the template that this is markup."""
        return self


def drawing(svg: str) -> str:
    """Let a stored chart into the page as it is.

    Charts are drawn by analysis.charts from numbers and names that it escapes, and
    the content policy lets no script or style attribute of an SVG run.

    Args:
        svg: as stored.

    Returns:
        Markup; what is no plain SVG is shown as text.
    """
    is_plain = svg.lstrip().startswith("<svg") and "<script" not in svg.lower()
    return Drawing(svg) if is_plain else svg
