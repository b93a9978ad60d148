"""The switch between light and dark; works without script and without signing in."""

from flask import Blueprint, make_response, redirect, request
from werkzeug.wrappers import Response

from web import theme
from web.access import context, safe_next

pages = Blueprint("theme", __name__)


@pages.post("/theme")
def choose() -> Response:
    """Keep the choice and go back to where it was made."""
    answer = make_response(redirect(safe_next(request.form.get("next")) or "/"))
    https = context().settings.base_url.startswith("https:")
    theme.choose(answer, request.form.get("theme"), https=https)
    return answer
