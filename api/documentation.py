"""The readable page over the OpenAPI document: laid out here, placed by the template.

No script and no outside request: everything stands in one page that the server makes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

Document = Mapping[str, Any]
METHODS = ("get", "post", "put", "patch", "delete")
WORDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "object",
    "array": "list",
    "null": "null",
}
FORMATS = {"date-time": "time with zone"}


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value is, in words; `link` names the schema it is described in."""

    words: str
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One value that is sent or given."""

    name: str
    kind: Kind
    required: bool
    limits: Sequence[str]  # such as "at most 200 characters"
    description: str


@dataclass(frozen=True, slots=True)
class Content:
    """What a body holds; `fields` only where no named schema describes it."""

    kind: Kind
    fields: Sequence[Field]


@dataclass(frozen=True, slots=True)
class Answer:
    """One way an operation can end."""

    status: str
    description: str
    content: Content | None


@dataclass(frozen=True, slots=True)
class Operation:
    """One method at one address."""

    anchor: str
    method: str
    path: str
    summary: str
    description: str
    role: str | None  # the weakest that may call it
    parameters: Sequence[Field]
    body: Content | None
    answers: Sequence[Answer]


@dataclass(frozen=True, slots=True)
class Group:
    """The operations on one kind of thing."""

    name: str
    description: str
    operations: Sequence[Operation]


@dataclass(frozen=True, slots=True)
class Shape:
    """One object of the wire."""

    name: str
    description: str
    fields: Sequence[Field]


def groups(document: Document) -> list[Group]:
    """Lay the operations out by the kind of thing they are on."""
    described = {tag["name"]: tag.get("description", "") for tag in document["tags"]}
    found: dict[str, list[Operation]] = {}
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                tag = (item[method].get("tags") or ["other"])[0]
                operation = _operation(document, path, method, item)
                found.setdefault(tag, []).append(operation)
    return [Group(name, described.get(name, ""), ops) for name, ops in found.items()]


def shapes(document: Document) -> list[Shape]:
    """Lay the objects of the wire out, by name."""
    schemas: Mapping[str, Any] = document.get("components", {}).get("schemas", {})
    return [
        Shape(name, schemas[name].get("description", ""), _fields(schemas[name]))
        for name in sorted(schemas)
    ]


def _operation(
    document: Document, path: str, method: str, item: Mapping[str, Any]
) -> Operation:
    told = item[method]
    parameters = [
        _parameter(_resolved(document, parameter))
        for parameter in [*item.get("parameters", []), *told.get("parameters", [])]
    ]
    body = told.get("requestBody")
    return Operation(
        anchor=f"{method}-{path.strip('/').replace('/', '-')}",
        method=method.upper(),
        path=path,
        summary=told.get("summary", path),
        description=told.get("description", ""),
        role=told.get("x-least-role"),
        parameters=parameters,
        body=None if body is None else _content(_resolved(document, body)),
        answers=[
            _answer(status, _resolved(document, answer))
            for status, answer in sorted(told.get("responses", {}).items())
        ],
    )


def _parameter(parameter: Mapping[str, Any]) -> Field:
    schema = parameter.get("schema", {})
    place = {"path": "in the address", "query": "after the question mark"}
    where = place.get(parameter["in"], f"in the {parameter['in']}")
    return Field(
        name=parameter["name"],
        kind=kind_of(schema),
        required=parameter.get("required", False),
        limits=[where, *_limits(schema)],
        description=parameter.get("description", schema.get("description", "")),
    )


def _answer(status: str, answer: Mapping[str, Any]) -> Answer:
    words = answer.get("description", "")
    if words.isupper() and words in HTTPStatus.__members__:
        words = HTTPStatus[words].phrase
    return Answer(status, words.rstrip("."), _content(answer))


def _content(message: Mapping[str, Any]) -> Content | None:
    for told in message.get("content", {}).values():
        schema = told.get("schema", {})
        return Content(kind_of(schema), _fields(schema))
    return None


def _fields(schema: Mapping[str, Any]) -> list[Field]:
    required = schema.get("required", [])
    return [
        Field(
            name=name,
            kind=kind_of(told),
            required=name in required,
            limits=list(_limits(told)),
            description=told.get("description", ""),
        )
        for name, told in schema.get("properties", {}).items()
    ]


def kind_of(schema: Mapping[str, Any]) -> Kind:
    """Say in words what a schema takes."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return Kind(name, link=name)
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            kinds = [kind_of(inner) for inner in schema[choice]]
            link = next((kind.link for kind in kinds if kind.link), None)
            return Kind(" or ".join(kind.words for kind in kinds), link)
    types = schema.get("type", [])
    names = [types] if isinstance(types, str) else list(types)
    if "array" in names and "items" in schema:
        inner = kind_of(schema["items"])
        return Kind(f"list of {inner.words}", inner.link)
    words = [WORDS.get(name, name) for name in names]
    if schema.get("format") in FORMATS:
        words[0] = FORMATS[schema["format"]]
    return Kind(" or ".join(words) or "any JSON")


def _limits(schema: Mapping[str, Any]) -> Iterator[str]:
    if "enum" in schema:
        yield "one of " + ", ".join(str(c) for c in schema["enum"] if c is not None)
    if "exclusiveMinimum" in schema:
        yield f"above {schema['exclusiveMinimum']:,}"
    if "minimum" in schema:
        yield f"from {schema['minimum']:,}"
    if "maximum" in schema:
        yield f"up to {schema['maximum']:,}"
    if "maxLength" in schema:
        yield f"at most {schema['maxLength']:,} characters"
    if "minItems" in schema:
        yield f"at least {schema['minItems']}"
    if "maxItems" in schema:
        yield f"at most {schema['maxItems']}"
    default = schema.get("default")
    if default not in (None, "", [], {}):
        yield f"default {default}"


def _resolved(document: Document, told: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = told.get("$ref")
    if reference is None:
        return told
    found: Any = document
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    resolved: Mapping[str, Any] = found
    return resolved
