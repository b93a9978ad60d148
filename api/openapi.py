"""The OpenAPI document: what marshmallow and the views say, and the hot doors' own."""

from importlib.metadata import version
from typing import Any

from flask import Flask
from flask_smorest import Api, Blueprint  # type: ignore[import-untyped]
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
    """flask-smorest, with the one error shape and without its error handler.

    Views are served from the start and documented when somebody first reads about
    them: writing the document takes longer than all the rest of a start.
    """

    ERROR_SCHEMA = ErrorSchema

    def serve(self, blueprint: Blueprint) -> None:
        """Serve the views of `blueprint`, and keep them for the document."""
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blueprint.name] = self
        self._app.register_blueprint(blueprint)
        self._undocumented.append(blueprint)

    def document(self) -> dict[str, Any]:
        """Write down the views served so far; not for two threads at once.

        Returns:
            The OpenAPI document, as the views made it.
        """
        while self._undocumented:
            blueprint = self._undocumented.pop(0)
            name = blueprint.name
            blueprint.register_views_in_doc(
                self, self._app, self.spec, name=name, parameters=None
            )
            self.spec.tag({"name": name, "description": blueprint.description})
        document: dict[str, Any] = self.spec.to_dict()
        return document

    @override
    def init_app(self, app: Flask, **kwargs: Any) -> None:
        self._undocumented: list[Blueprint] = []
        super().init_app(app, **kwargs)

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
