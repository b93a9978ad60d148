"""Fields that take a value as it is written, or refuse it: nothing is converted.

marshmallow turns "1" into 1 and "yes" into True; a mistake of the sender would then
be stored as something it did not say.
"""

import math
import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

import marshmallow as ma
from typing_extensions import override

from experiments.field_faults import KEY_PATTERN

MAX_WHOLE = 2**31 - 1  # what an INTEGER column holds on PostgreSQL
TIME_PATTERN = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,6})?([Zz]|[+-]\d{2}:\d{2})?",
    re.ASCII,
)

_DECIMAL = re.compile(r"-?\d{1,15}(\.\d{1,15})?", re.ASCII)

E = TypeVar("E", bound=StrEnum)


def _messages(**own: str) -> dict[str, Any]:
    common = {"required": "This is required.", "null": "This may not be null."}
    return {**common, **own}


class StrictSchema(ma.Schema):
    """An object of exactly these fields; any other one is refused by name."""

    error_messages = _messages(
        unknown="There is no such field.", type="Send an object, in braces."
    )

    class Meta:
        """Unknown fields are an error, and the OpenAPI document says so."""

        unknown = ma.RAISE


class Text(ma.fields.String):
    """A text; how long it may be is the business of the rules."""

    default_error_messages = _messages(invalid="Send a text, in quotes.")


def identifier(**options: Any) -> Text:  # noqa: ANN401
    """Make the field of a key: of this thing, or of another that it names."""
    described = {"pattern": f"^{KEY_PATTERN.pattern}$", **options.pop("metadata", {})}
    return Text(metadata=described, **options)


def text(longest: int, **options: Any) -> Text:  # noqa: ANN401
    """Make a text field whose limit the rules keep, and the document shows."""
    described = {"maxLength": longest, **options.pop("metadata", {})}
    return Text(metadata=described, **options)


class Whole(ma.fields.Integer):
    """A whole number that a 32-bit column holds."""

    default_error_messages = _messages(
        invalid="Send a whole number.",
        too_large=f"Send a whole number up to {MAX_WHOLE:,}.",
    )

    @override
    def _validated(self, value: Any) -> int:
        whole = isinstance(value, int) and not isinstance(value, bool)
        # JSON has one kind of number: 1.0 is 1.
        if not whole and not (isinstance(value, float) and value.is_integer()):
            raise self.make_error("invalid")
        if abs(value) > MAX_WHOLE:
            raise self.make_error("too_large")
        return int(value)


def whole(least: int, most: int = MAX_WHOLE, **options: Any) -> Whole:  # noqa: ANN401
    """Make a whole number whose range the rules keep, and the document shows."""
    described = {"minimum": least, "maximum": most, **options.pop("metadata", {})}
    return Whole(metadata=described, **options)


class Count(ma.fields.Integer):
    """A number of things behind the question mark, where everything is text."""

    def __init__(self, most: int, **options: Any) -> None:  # noqa: ANN401
        self.most = most
        described = {"minimum": 1, "maximum": most, **options.pop("metadata", {})}
        super().__init__(metadata=described, **options)

    @override
    def _validated(self, value: Any) -> int:
        digits = isinstance(value, str) and re.fullmatch(r"\d{1,9}", value, re.ASCII)
        if digits and 1 <= int(value) <= self.most:
            return int(value)
        raise ma.ValidationError(f"Send a whole number from 1 to {self.most}.")


class Measure(ma.fields.Float):
    """A finite number behind the question mark, where everything is text."""

    @override
    def _validated(self, value: Any) -> float:
        if isinstance(value, str) and _DECIMAL.fullmatch(value):
            return float(value)
        raise ma.ValidationError("Send a number, as in 0.01.")


class Decimal(ma.fields.Float):
    """A finite number."""

    default_error_messages = _messages(invalid="Send a number.")

    @override
    def _validated(self, value: Any) -> float:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if number and math.isfinite(value):
            return float(value)
        raise self.make_error("invalid")


def number(least: float, most: float, **options: Any) -> Decimal:  # noqa: ANN401
    """Make a number whose range the rules keep, and the document shows."""
    described = {"minimum": least, "maximum": most, **options.pop("metadata", {})}
    return Decimal(metadata=described, **options)


class Flag(ma.fields.Boolean):
    """True or false."""

    default_error_messages = _messages(invalid="Send true or false.")

    @override
    def _deserialize(
        self,
        value: Any,
        attr: str | None,
        data: Any,
        **kwargs: Any,
    ) -> bool:
        if isinstance(value, bool):
            return value
        raise self.make_error("invalid")


class Time(ma.fields.AwareDateTime):
    """A point in time with its zone (RFC 3339); read and written in UTC."""

    default_error_messages = _messages(
        invalid="Send a time with its zone, as in 2026-03-14T00:00:00Z.",
        naive="Give the time zone too, as in 2026-03-14T00:00:00Z.",
    )

    @override
    def _deserialize(
        self,
        value: Any,
        attr: str | None,
        data: Any,
        **kwargs: Any,
    ) -> datetime:
        found = TIME_PATTERN.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            raise self.make_error("invalid")
        if found.group(2) is None:
            raise self.make_error("naive")
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError) as error:  # 30 February; year 0
            raise self.make_error("invalid") from error

    @override
    def _serialize(
        self,
        value: datetime | str | None,
        attr: str | None,
        obj: Any,
        **kwargs: Any,
    ) -> str | None:
        if value is None:
            return None
        if isinstance(value, str):  # JSON already
            value = datetime.fromisoformat(value)
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


class Choice(ma.fields.Enum[E]):
    """One word of a list of the vocabulary."""

    default_error_messages = _messages(unknown="Choose one of: {choices}.")

    def __init__(self, words: type[E], **options: Any) -> None:  # noqa: ANN401
        super().__init__(words, by_value=Text, **options)

    @override
    def _serialize(
        self,
        value: E | str | None,
        attr: str | None,
        obj: Any,
        **kwargs: Any,
    ) -> str | None:
        return None if value is None else self.enum(value).value


class Items(ma.fields.List[Any]):
    """A list of one kind of thing."""

    default_error_messages = _messages(invalid="Send a list, in brackets.")


class Part(ma.fields.Nested):
    """An object inside the object."""

    default_error_messages = _messages(type="Send an object, in braces.")


class Object(ma.fields.Dict):
    """An object of any JSON, kept as it is."""

    default_error_messages = _messages(invalid="Send an object, in braces.")


class Anything(ma.fields.Raw):
    """Any JSON value, kept as it is."""

    default_error_messages = _messages()
