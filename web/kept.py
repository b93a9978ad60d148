"""What somebody typed is kept when their session ends in the middle of a form."""

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import NamedTuple

from flask import Response, make_response, redirect, render_template, request, url_for

from web.access import UNSAFE, safe_next
from web.forms.sign_in import SignInForm

# Never written back into a page.
SECRET_FIELDS = frozenset({"csrf_token", "password", "action", "token"})
MAX_KEPT = 200_000  # characters


class Kept(NamedTuple):
    """A form as it was sent, with where it was sent to."""

    path: str
    fields: Sequence[tuple[str, str]]

    def as_text(self) -> str:
        """Write it for a hidden field."""
        return json.dumps([self.path, [list(pair) for pair in self.fields]])


def sent_form() -> Kept:
    """Take over the form of this request, without its secrets; files are not kept."""
    if request.mimetype == "multipart/form-data":
        return Kept(request.full_path.rstrip("?"), ())
    values = [
        (name, value)
        for name, value in request.form.items(multi=True)
        if name not in SECRET_FIELDS
    ]
    return Kept(request.full_path.rstrip("?"), values)


def read(text: str | None) -> Kept | None:
    """Read back what `as_text` wrote; None for anything else."""
    if not text or len(text) > MAX_KEPT:
        return None
    try:
        path, values = json.loads(text)
        pairs = [(str(name), str(value)) for name, value in values]
    except (ValueError, TypeError, RecursionError):
        return None
    path = safe_next(path) if isinstance(path, str) else None
    return None if path is None else Kept(path, pairs)


def ask_to_sign_in() -> Response:
    """Send to sign-in and back here; a form that was sent is kept on the way."""
    here = request.full_path.rstrip("?")
    if request.method not in UNSAFE:
        target = url_for("web.sign_in.show", next=None if here == "/" else here)
        return make_response(redirect(target))
    waiting = sent_form()
    form = SignInForm(data={"kept": waiting.as_text()})
    page = render_template("sign_in.html", form=form, expired=True, waiting=waiting)
    return make_response(page, HTTPStatus.UNAUTHORIZED)


def offer_again(status: int = 200, form: Kept | None = None) -> Response:
    """Show a page that takes a kept form back to where it was sent."""
    page = render_template("kept.html", kept=form or sent_form())
    return make_response(page, status)
