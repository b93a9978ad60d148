"""Settings: people, keys, journey stages, audit."""

from flask import Blueprint, render_template

from experiments.vocabulary import PersonRole
from web.access import least

pages = Blueprint("settings", __name__)


@pages.get("/settings")
@least(PersonRole.VIEWER)
def show() -> str:
    """List what can be set, each only for those who may."""
    return render_template("settings.html")
