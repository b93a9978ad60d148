"""Puts the pages into the Flask app: sessions, guard, errors, templates, blueprints."""

from flask import Blueprint, Flask

from experiments.context import Context
from web import access, errors, templating
from web.in_memory import MemoryRequest
from web.pages import (
    account,
    asking,
    audit,
    backlog,
    choosing,
    connectors,
    data,
    digest,
    experiments,
    explain,
    home,
    hypotheses,
    imports,
    keys,
    layers,
    learnings,
    lists,
    metrics,
    opt_outs,
    people,
    plan,
    planning,
    previews,
    privacy,
    ramps,
    results,
    review,
    segments,
    settings,
    sharing,
    sign_in,
    stage,
    stages,
    static,
    summary,
    surveys,
    theme,
)
from web.sessions import ServerSessions, SessionStore

BLUEPRINTS: tuple[Blueprint, ...] = (
    static.pages,
    theme.pages,
    sign_in.pages,
    asking.pages,
    choosing.pages,
    home.pages,
    review.pages,
    stage.pages,
    hypotheses.pages,
    backlog.pages,
    segments.pages,
    metrics.pages,
    # Before the pages of one experiment: "new" is no key.
    plan.pages,
    planning.pages,
    experiments.pages,
    ramps.pages,
    explain.pages,
    previews.pages,
    lists.pages,
    opt_outs.pages,
    results.pages,
    summary.pages,
    sharing.pages,
    learnings.pages,
    surveys.pages,
    data.pages,
    imports.pages,
    settings.pages,
    account.pages,
    people.pages,
    digest.pages,
    keys.pages,
    connectors.pages,
    stages.pages,
    layers.pages,
    audit.pages,
    privacy.pages,
)


def register(app: Flask, context: Context) -> None:
    """Serve the pages from `app`.

    Args:
        app: with SECRET_KEY set and the context among its extensions.
        context: settings, database and clock.

    Raises:
        RuntimeError: the front door forgot the key that signs tokens.
    """
    secret = app.secret_key
    if not secret:
        msg = "the front door sets SECRET_KEY before it registers the pages"
        raise RuntimeError(msg)
    app.request_class = MemoryRequest
    store = SessionStore(
        context, secret.encode() if isinstance(secret, str) else secret
    )
    https = context.settings.base_url.startswith("https:")
    app.session_interface = ServerSessions(store, https=https)
    app.login_manager = access.make_login_manager()  # type: ignore[attr-defined]
    # One roof: the API may have blueprints of the same names.
    site = Blueprint("web", "web", template_folder="templates")
    for blueprint in BLUEPRINTS:
        site.register_blueprint(blueprint)
    site.before_request(access.guard)
    app.register_blueprint(site)
    errors.register(app)
    templating.register(app)
