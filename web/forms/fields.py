"""Fields: what people type becomes values, or says why not.

They know shapes and types. A value that cannot be read becomes one that the rules in
experiments refuse as well (NaN, an empty text), so that one answer names every fault;
the field's own words stand first.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from typing_extensions import override

# WTForms ships no types; fields and forms subclass it here and in base.py alone.
from wtforms import (  # type: ignore[import-untyped]
    DateField,
    Field,
    FieldList,
    FormField,
    HiddenField,
    PasswordField,
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    ValidationError,
)
from wtforms.widgets import (  # type: ignore[import-untyped]
    CheckboxInput,
    ListWidget,
    TextArea,
)

from experiments.field_faults import LEAST_CHANGE, MAX_CHANGE
from experiments.storable import fault_in_text
from web.presenters.formats import MINUS

MAX_DIGITS = 30
PERCENT = 100  # the scale of shares, which people type in percent
# As some languages write thousands: 20.000. Read as a fraction it would be 20.
_WITH_POINTS = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+")
# As pages write them: 12,480.
_WITH_SEPARATORS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")
NEVER = datetime(1, 1, 1, tzinfo=UTC)  # stands for a date that could not be read
Choices = Sequence[tuple[str, str]]
NONE = ("", "Choose")  # the empty line of a list


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


class Number(Text):
    """A number; `scale` turns what is typed into the stored unit (100 for %).

    `unit` is how its bounds are read; a field in percent has its own. `steps` is what
    the buttons beside it add, as typed; "digit" for half of its first digit's place.
    """

    def __init__(
        self,
        label: str,
        description: str = "",
        *,
        scale: int = 1,
        low: float = -math.inf,
        high: float = math.inf,
        unit: str = "",
        steps: str = "",
        optional: bool = False,
        **others: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(
            label,
            description,
            longest=MAX_DIGITS,
            optional=optional,
            render_kw={"inputmode": "decimal", "autocomplete": "off"},
            **others,
        )
        self.scale, self.steps = scale, steps
        self.unit = unit or ("%" if scale == PERCENT else "")
        # As typed: rules about stored values would speak of shares where a person
        # typed percent.
        self.low, self.high = low, high
        # Left empty, it would be refused by those rules, in their unit.
        self.is_needed = math.isfinite(low) and not optional

    def within_metric(self, scale: int) -> None:
        """Ask for a change of a metric: of a rate in points, less than all of it.

        Args:
            scale: of the metric; 100 for a rate.
        """
        self.scale, self.low = scale, LEAST_CHANGE * scale
        self.high = 99.99 if scale == PERCENT else MAX_CHANGE
        self.unit = "points" if scale == PERCENT else ""

    @override
    def pre_validate(self, form: object) -> None:
        """Refuse what is not a number, or not in the range of the field."""
        super().pre_validate(form)
        found = self.decimal
        if self.data and found is None:
            raise ValidationError(self._how)
        is_inside = found is not None and self.low <= found <= self.high
        if not is_inside and (self.data or self.is_needed):
            raise ValidationError(f"Enter a number {self._range}.")

    @property
    def _range(self) -> str:
        low, high = (
            f"{Decimal(repr(bound)).normalize():,f}".replace("-", MINUS)
            for bound in (self.low, self.high)
        )
        if self.unit == "%":
            return f"from {low} % to {high} %"
        return f"from {low} to {high} {self.unit}".rstrip()

    @property
    def _how(self) -> str:
        if "," in (self.data or ""):
            return "Write the number as 1.5 or 12,480: a point before its fraction."
        return f"Enter a number, such as 1.5{' %' if self.unit == '%' else ''}."

    @property
    def decimal(self) -> Decimal | None:
        """The number as typed; None when there is none."""
        text = "".join((self.data or "").replace("\N{MINUS SIGN}", "-").split())
        if self.unit == "%":
            text = text.removesuffix("%")
        if _WITH_SEPARATORS.fullmatch(text):
            text = text.replace(",", "")
        try:
            value = Decimal(text)
        except InvalidOperation:
            return None
        # 1e999 is finite as a decimal and infinite as a float.
        return value if math.isfinite(float(value)) else None

    def next_to(self, way: int) -> Decimal | None:
        """Give the number one step away; None where there is none to step from.

        Args:
            way: 1 for more, -1 for less.

        Returns:
            As typed, within the bounds of the field.
        """
        now = self.decimal
        if now is None:
            return None
        if self.steps == "digit":
            size = Decimal((0, (5,), now.adjusted() - 1)) if now else Decimal(1)
        else:
            size = Decimal(self.steps)
        low, high = Decimal(repr(self.low)), Decimal(repr(self.high))
        return min(max(now + way * size, low), high)

    @property
    def value(self) -> float:
        """The number in the stored unit; NaN when there is none to read."""
        found = self.decimal
        return math.nan if found is None else float(found / self.scale)

    @property
    def value_or_none(self) -> float | None:
        """The number, or None when nothing was typed."""
        return self.value if self.data else None

    def show(self, value: float | None) -> None:
        """Put a stored value into the field, as a person would type it."""
        if value is None:
            self.data = ""
            return
        shown = (Decimal(repr(value)) * self.scale).normalize()
        self.data = f"{shown:f}"


class Whole(Number):
    """A whole number."""

    @override
    def pre_validate(self, form: object) -> None:
        """Refuse fractions too, and what is meant as thousands but does not say so."""
        text = "".join((self.data or "").split())
        if _WITH_POINTS.fullmatch(text):
            meant = int(text.replace(".", ""))
            raise ValidationError(f"Write {meant:,} or {meant}, without points.")
        super().pre_validate(form)
        found = self.decimal
        if found is not None and found != found.to_integral_value():
            raise ValidationError("Enter a whole number, such as 12.")

    @property
    def whole(self) -> int:
        """The number; 0 when there is none to read."""
        found = self.decimal
        if found is None or found != found.to_integral_value():
            return 0
        return int(found)


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


def options(pairs: Iterable[tuple[str, str]]) -> list[Any]:
    """Turn values and titles into what a list to choose from takes."""
    return [SelectChoice(value, title) for value, title in pairs]


def titles(field: Field) -> dict[str, str]:
    """Give value -> title of what a list offers."""
    return {choice.value: choice.label for choice in field.choices}


class Choice(SelectField):  # type: ignore[misc]
    """One of a list; `choices` may be set when the form is built.

    `needed` names what has to be chosen where the list begins with an empty line.
    """

    def __init__(
        self,
        label: str,
        description: str = "",
        *,
        choices: Iterable[tuple[str, str]] = (),
        optional: bool = False,
        needed: str = "",
        **others: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(
            label,
            description=description,
            choices=options(choices),
            validate_choice=False,
            **others,
        )
        self.needed = needed
        if optional:
            self.flags.optional = True

    def pre_validate(self, form: object) -> None:  # noqa: ARG002  # WTForms' hook
        """Refuse a value that the list does not hold; none at all is the empty one."""
        if (self.data or "") not in titles(self):
            raise ValidationError("Choose one from the list.")
        if self.needed and not self.data:
            raise ValidationError(f"Choose {self.needed}.")


class _AllShown(SelectField):  # type: ignore[misc]
    """A field that shows all it offers; what it holds is checked by its class."""

    def __init__(
        self,
        label: str,
        description: str = "",
        *,
        choices: Iterable[tuple[str, str]] = (),
        **others: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(
            label,
            description=description,
            choices=options(choices),
            validate_choice=False,
            **others,
        )


class Radios(_AllShown, RadioField):  # type: ignore[misc]
    """One of a few, all shown."""

    def pre_validate(self, form: object) -> None:  # noqa: ARG002  # WTForms' hook
        """Refuse a value that the list does not hold."""
        if self.data not in titles(self):
            raise ValidationError("Choose one.")


class Boxes(_AllShown, SelectMultipleField):  # type: ignore[misc]
    """Any of a few, each a box."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def __init__(self, label: str, description: str = "", **others: Any) -> None:  # noqa: ANN401
        super().__init__(label, description, **others)
        self.flags.optional = True

    def pre_validate(self, form: object) -> None:  # noqa: ARG002  # WTForms' hook
        """Refuse a value that the list does not hold."""
        if set(self.data or ()) - titles(self).keys():
            raise ValidationError("Choose from the list only.")


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
