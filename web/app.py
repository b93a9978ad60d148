"""Puts the pages into the Flask app: sessions, guard, errors, templates, blueprints."""

from flask import Blueprint, Flask, request

from experiments.context import Context
from web import access, errors, templating
from web.pages import (
    sign_in,
    static,
    theme,
)
from web.sessions import ServerSessions, SessionStore

BLUEPRINTS: tuple[Blueprint, ...] = (
    static.pages,
    theme.pages,
    sign_in.pages,
)


def register(app: Flask, context: Context) -> None:
    """Serve the pages from `app`.

    Args:
        app: with SECRET_KEY set and the context among its extensions.
        context: settings, database and clock.
    """
    secret = app.secret_key
    if not secret:
        msg = "the front door sets SECRET_KEY before it registers the pages"
        raise RuntimeError(msg)
    store = SessionStore(
        context, secret.encode() if isinstance(secret, str) else secret
    )
    https = context.settings.base_url.startswith("https:")
    app.session_interface = ServerSessions(store, https=https)
    app.login_manager = access.make_login_manager()  # type: ignore[attr-defined]
    app.register_blueprint(Blueprint("web", "web", template_folder="templates"))
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    names = {blueprint.name for blueprint in BLUEPRINTS}

    @app.before_request
    def _guard_pages() -> None:
        if request.blueprint in names:
            access.guard()

    errors.register(app)
    templating.register(app)
