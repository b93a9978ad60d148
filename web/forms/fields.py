"""Fields: what people type becomes values, or says why not.

They know shapes and types. A value that cannot be read becomes one that the rules in
experiments refuse as well (NaN, an empty text), so that one answer names every fault;
the field's own words stand first.
"""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from typing_extensions import override

# WTForms ships no types: what subclasses its classes has to say so.
from wtforms import (  # type: ignore[import-untyped]
    DateField,
    Field,
    FieldList,
    FormField,
    HiddenField,
    PasswordField,
    StringField,
    ValidationError,
)
from wtforms.widgets import (  # type: ignore[import-untyped]
    TextArea,
)

from experiments.storable import fault_in_text

NEVER = datetime(1, 1, 1, tzinfo=UTC)  # stands for a date that could not be read


class Text(StringField):  # type: ignore[misc]
    """A line, or with `rows` its height a paragraph, of text that can be stored."""

    def __init__(
        self,
        label: str,
        description: str = "",
        *,
        longest: int = 200,
        rows: int = 0,
        optional: bool = False,
        render_kw: Mapping[str, Any] | None = None,
        **others: Any,  # noqa: ANN401
    ) -> None:
        shown = {"rows": str(rows)} if rows else {}
        super().__init__(
            label,
            description=description,
            widget=TextArea() if rows else None,
            render_kw={**shown, **(render_kw or {})},
            **others,
        )
        self.longest = longest
        if optional:
            self.flags.optional = True

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take what was typed; browsers send line ends as CR LF."""
        text = valuelist[0] if valuelist else ""
        self.data = text.replace("\r\n", "\n").strip()

    def pre_validate(self, form: object) -> None:  # noqa: ARG002  # WTForms' hook
        """Refuse what is too long or cannot be stored."""
        text = self.data or ""
        if len(text) > self.longest:
            raise ValidationError(
                f"Use at most {self.longest} characters, not {len(text)}."
            )
        fault = fault_in_text(text)
        if fault is not None:
            raise ValidationError(fault)


class Day(DateField):  # type: ignore[misc]
    """A date, in UTC."""

    def __init__(
        self,
        label: str,
        description: str = "",
        *,
        optional: bool = False,
        **others: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(label, description=description, **others)
        if optional:
            self.flags.optional = True

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take an ISO date, as browsers send it; an empty one is none."""
        self.data = None
        if not valuelist or not valuelist[0].strip():
            return
        try:
            typed = datetime.strptime(valuelist[0].strip(), "%Y-%m-%d")  # noqa: DTZ007
        except ValueError as error:
            message = "Enter a date as year-month-day, such as 2026-03-14."
            raise ValueError(message) from error
        self.data = typed.date()

    def take(self, day: date) -> None:
        """Hold a date that nobody typed, in a form that was sent."""
        self.data, self.raw_data = day, None

    def pre_validate(self, form: object) -> None:  # noqa: ARG002  # WTForms' hook
        """Ask for a date where one is needed."""
        if self.data is None and not self.flags.optional:
            raise ValidationError("Enter a date, such as 2026-03-14.")

    def at(self, stored: datetime | None = None) -> datetime | None:
        """Give the day as a time: 00:00 UTC, or the stored time of the same day.

        Args:
            stored: what the day was shown from, so that saving does not change it.

        Returns:
            Aware UTC; None when nothing was typed.
        """
        if self.data is None:
            return NEVER if self.errors else None
        if stored is not None and stored.astimezone(UTC).date() == self.data:
            return stored
        return datetime.combine(self.data, time(), UTC)


class Json(Text):
    """A JSON object; nothing typed is the empty object."""

    def __init__(
        self,
        label: str,
        description: str = "",
        *,
        rows: int = 3,
        **others: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(
            label,
            description,
            longest=40_000,
            rows=rows,
            optional=True,
            render_kw={"class": "code", "spellcheck": "false"},
            **others,
        )

    @override
    def pre_validate(self, form: object) -> None:
        """Refuse what is not a JSON object."""
        super().pre_validate(form)
        try:
            _read_object(self.data)
        except (ValueError, RecursionError) as error:
            words = str(error) if isinstance(error, _BadJsonError) else _JSON_HELP
            raise ValidationError(words) from error

    @property
    def value(self) -> dict[str, Any]:
        """The object; empty when it could not be read."""
        try:
            return _read_object(self.data)
        except (ValueError, RecursionError):
            return {}


_JSON_HELP = 'Enter a JSON object, such as {"colour": "blue"}.'


class _BadJsonError(ValueError):
    """A fault in JSON that has words of its own."""


def _read_object(text: str | None) -> dict[str, Any]:
    if not text:
        return {}

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise _BadJsonError("A name stands twice in this JSON object.")
        return found

    def refuse(name: str) -> None:
        raise _BadJsonError(f"{name} is not a JSON number.")

    body = json.loads(text, object_pairs_hook=once, parse_constant=refuse)
    if not isinstance(body, dict):
        raise _BadJsonError(_JSON_HELP)
    return body


class Password(PasswordField):  # type: ignore[misc]
    """A password; never written back into a page."""

    def __init__(
        self,
        label: str,
        description: str = "",
        **others: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(label, description=description, **others)

    def pre_validate(self, form: object) -> None:  # noqa: ARG002  # WTForms' hook
        """Refuse an empty one; what makes a good one is decided in experiments."""
        if not self.data:
            raise ValidationError("Enter a password.")


class Secret(Password):
    """A secret that may be left empty, for one to be made."""

    def __init__(
        self,
        label: str,
        description: str = "",
        **others: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(
            label, description, render_kw={"autocomplete": "off"}, **others
        )
        self.flags.optional = True

    @override
    def pre_validate(self, form: object) -> None:
        """Leave it to the rules, which know whose secret may be empty."""


class Hidden(HiddenField):  # type: ignore[misc]
    """A value that travels with the form."""


class Rows(FieldList):  # type: ignore[misc]
    """Repeated parts of a form, such as variants; `fault` is about all of them."""

    fault: str = ""

    @override
    def _add_entry(self, *given: Any, **named: Any) -> Field:
        """Tell the fields of a new row which row they are in: faults name it."""
        entry = super()._add_entry(*given, **named)
        for inner in entry.form:
            inner.row = entry
        return entry


class Part(FormField):  # type: ignore[misc]
    """A form within a form; `is_unused` leaves it out when what it asks is moot."""

    is_unused: bool = False

    def validate(self, form: object, extra_validators: object = ()) -> bool:
        """Check the inner form, unless it is not used."""
        return self.is_unused or bool(super().validate(form, extra_validators))
