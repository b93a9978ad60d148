"""The OpenAPI document: what marshmallow and the views say, and the hot doors' own."""

from importlib.metadata import version
from typing import Any

from flask import Flask
from flask_smorest import Api  # type: ignore[import-untyped]
from typing_extensions import override
from werkzeug.routing import BaseConverter

from api.documentation import METHODS
from api.schemas.errors import ErrorSchema
from experiments.field_faults import KEY_PATTERN, KEY_RULE

DESCRIPTION = """\
Everything Abide does, for programs. Send an API key as the header Authorization:
Bearer KEY or X-API-Key: KEY, never in the address. Bodies are JSON objects in UTF-8,
at most 1 MB, without unknown fields or a name given twice. Times carry their zone.
Each refusal has one shape: a stable code, a sentence, and what is wrong with which
field.
"""
SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}

DOOR_TAGS = (
    {"name": "assignments", "description": "Which variant a customer gets."},
    {"name": "openfeature", "description": "The same, as OpenFeature's clients ask."},
    {"name": "growthbook", "description": "The same, as GrowthBook's SDKs ask."},
    {"name": "events", "description": "What customers do, as Segment's clients say."},
)


class KeyConverter(BaseConverter):
    """A key in a path; anything not written like a key is not found."""

    regex = KEY_PATTERN.pattern


class ControlPlane(Api):  # type: ignore[misc]  # flask-smorest has no types
    """flask-smorest, with the one error shape and without its error handler."""

    ERROR_SCHEMA = ErrorSchema

    @override
    def _register_error_handlers(self) -> None:
        """Leave errors to `api.errors`: this one would also take the pages'."""


def make_api(app: Flask) -> ControlPlane:
    """Prepare the document that views are registered in.

    Args:
        app: gets the key converter, and flask-smorest's settings.

    Returns:
        The registry of views.
    """
    app.url_map.converters["key"] = KeyConverter
    app.config.update(
        API_TITLE="Abide", API_VERSION=version("abide"), OPENAPI_VERSION="3.1.0"
    )
    api = ControlPlane(
        app,
        spec_kwargs={
            "info": {"description": DESCRIPTION},
            "security": [{name: []} for name in SECURITY_SCHEMES],
        },
    )
    for name, scheme in SECURITY_SCHEMES.items():
        api.spec.components.security_scheme(name, scheme)
    api.register_converter(KeyConverter, _key_parameter)
    return api


def complete(
    document: dict[str, Any], *further_paths: dict[str, Any]
) -> dict[str, Any]:
    """Finish the document for publication.

    Args:
        document: as the views made it.
        *further_paths: path items of the hot doors, which know no flask-smorest.

    Returns:
        The whole document.
    """
    paths: dict[str, Any] = {}
    # Apps come first: there are more of them than of tools.
    for items in (*further_paths, document["paths"]):
        for path, item in items.items():
            paths[path] = {**paths.get(path, {}), **item}
    used = {
        tag
        for item in paths.values()
        for method in METHODS
        for tag in item.get(method, {}).get("tags", [])
    }
    tags = [tag for tag in (*DOOR_TAGS, *document["tags"]) if tag["name"] in used]
    return {**document, "paths": paths, "tags": tags}


def _key_parameter(_converter: KeyConverter) -> dict[str, Any]:
    return {
        "type": "string",
        "pattern": f"^{KEY_PATTERN.pattern}$",
        "description": KEY_RULE,
    }
