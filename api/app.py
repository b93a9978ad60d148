"""Puts the JSON API into the Flask app: guard, views, document and its page."""

from typing import Any

from flask import Flask

from api import (
    actions,
    assignments,
    audit,
    auth,
    connectors,
    data_requests,
    docs,
    experiments,
    explain,
    hooks,
    hypotheses,
    imports,
    intake,
    journey,
    keys,
    layers,
    learnings,
    listed,
    metrics,
    ofrep,
    openapi,
    opt_outs,
    plugin_track,
    power,
    previews,
    results,
    sdk_payload,
    segments,
    steps,
    surveys,
    tracking,
)
from api.endpoints import Resource
from experiments.context import Context
from experiments.inbox import Inbox

RESOURCES: tuple[Resource, ...] = (
    experiments.resource,
    actions.resource,
    steps.resource,
    listed.resource,
    previews.resource,
    results.resource,
    hypotheses.resource,
    learnings.resource,
    metrics.resource,
    opt_outs.resource,
    segments.resource,
    journey.resource,
    layers.resource,
    keys.resource,
    connectors.resource,
    power.resource,
    audit.resource,
    data_requests.resource,
    intake.resource,
    imports.resource,
    surveys.resource,
)

DOORS_PATHS = (
    assignments.OPENAPI_PATHS,
    explain.OPENAPI_PATHS,
    ofrep.OPENAPI_PATHS,
    sdk_payload.OPENAPI_PATHS,
    tracking.OPENAPI_PATHS,
    plugin_track.OPENAPI_PATHS,
    hooks.OPENAPI_PATHS,
)


def register(app: Flask, context: Context) -> None:
    """Serve the control plane's API from `app`.

    Args:
        app: with the context among its extensions.
        context: settings, database and clock.
    """
    app.extensions.setdefault("abide", context)
    app.extensions.setdefault("abide_inbox", Inbox.for_settings(context.settings))
    auth.guard(app, context)
    api = openapi.make_api(app)
    for resource in RESOURCES:
        api.serve(resource.blueprint)

    def document() -> dict[str, Any]:
        return openapi.complete(api.document(), *DOORS_PATHS)

    app.register_blueprint(docs.blueprint(document, context.settings.base_url))
