"""What the readable page says of a schema."""

from typing import Any

import pytest

from api.documentation import kind_of


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string"}, "text"),
        ({"type": ["string", "null"], "format": "date-time"}, "time with zone or null"),
        ({"type": "array", "items": {"type": "integer"}}, "list of whole number"),
        ({"anyOf": [{"$ref": "#/a/Forecast"}, {"type": "null"}]}, "Forecast or null"),
        ({}, "any JSON"),
    ],
)
def test_kind__schema__is_said_in_words(schema: dict[str, Any], words: str) -> None:
    assert kind_of(schema).words == words
