"""Fields and the base of all forms: what people type becomes values, or says why not.

Forms know shapes and types. A value that cannot be read becomes one that the rules in
experiments refuse as well (NaN, an empty text), so that one answer names every fault;
the form's own words stand first.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from typing_extensions import override

# WTForms ships no types. Subclassing it here, and only here, keeps that in one file.
from wtforms import (  # type: ignore[import-untyped]
    DateField,
    Field,
    FieldList,
    Form,
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

from experiments.errors import AbideError
from experiments.storable import fault_in_text
from web.presenters.formats import number

MAX_DIGITS = 30
STALE = (
    "Somebody saved this since you opened it. Nothing of yours is lost: compare below,"
    " then save yours over it or take theirs."
)
NEVER = datetime(1, 1, 1, tzinfo=UTC)  # stands for a date that could not be read
Choices = Sequence[tuple[str, str]]
NONE = ("", "Choose")  # the empty line of a list


class Problem(NamedTuple):
    """One line of the summary "There is a problem"; no anchor: the whole form."""

    anchor: str
    message: str


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
    """A number; `scale` turns what is typed into the stored unit (100 for %)."""

    def __init__(
        self,
        label: str,
        description: str = "",
        *,
        scale: int = 1,
        low: float = -math.inf,
        high: float = math.inf,
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
        self.scale = scale
        # As typed: rules about stored values would speak of shares where a person
        # typed percent.
        self.low, self.high = low, high

    @override
    def pre_validate(self, form: object) -> None:
        """Refuse what is not a number, or not in the range of the field."""
        super().pre_validate(form)
        found = self.decimal
        if self.data and found is None:
            raise ValidationError("Enter a number, such as 1.5.")
        if found is not None and not self.low <= found <= self.high:
            raise ValidationError(
                f"Enter a number from {number(self.low)} to {number(self.high)}."
            )

    @property
    def decimal(self) -> Decimal | None:
        """The number as typed; None when there is none."""
        text = (self.data or "").replace("\N{MINUS SIGN}", "-").replace(" ", "")
        try:
            value = Decimal(text.removesuffix("%"))
        except InvalidOperation:
            return None
        # 1e999 is finite as a decimal and infinite as a float.
        return value if math.isfinite(float(value)) else None

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
        """Refuse fractions too."""
        super().pre_validate(form)
        found = self.decimal
        if found is not None and found != found.to_integral_value():
            raise ValidationError("Enter a whole number, such as 12000.")

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


class Radios(RadioField):  # type: ignore[misc]
    """One of a few, all shown."""

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

    def pre_validate(self, form: object) -> None:  # noqa: ARG002  # WTForms' hook
        """Refuse a value that the list does not hold."""
        if self.data not in titles(self):
            raise ValidationError("Choose one.")


class Boxes(SelectMultipleField):  # type: ignore[misc]
    """Any of a few, each a box."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

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


class Hidden(HiddenField):  # type: ignore[misc]
    """A value that travels with the form."""


class Rows(FieldList):  # type: ignore[misc]
    """Repeated parts of a form, such as variants; `fault` is about all of them."""

    fault: str = ""


class Part(FormField):  # type: ignore[misc]
    """A form within a form; `is_unused` leaves it out when what it asks is moot."""

    is_unused: bool = False

    def validate(self, form: object, extra_validators: object = ()) -> bool:
        """Check the inner form, unless it is not used."""
        return self.is_unused or bool(super().validate(form, extra_validators))


class AbideForm(Form):  # type: ignore[misc]
    """A form that collects faults of its own and of experiments, by field."""

    fault: str = ""  # about the whole form
    stale: bool = False  # somebody saved the same thing meanwhile

    def take(
        self, error: AbideError, names: Mapping[str, str] | None = None
    ) -> list[Problem]:
        """Put the faults that experiments found at their fields.

        Args:
            error: the refusal.
            names: domain field -> form field, where they differ; a prefix counts.

        Returns:
            All problems of the form.
        """
        fields = {field.id: field for field in leaves(self)}
        for name, message in error.fields.items():
            if name == "revision":
                self.stale = True
                self.fault = STALE
                continue
            field = _nearest(fields, _form_name(name, names or {}))
            if field is None:
                # A field that the page does not show must not swallow its fault.
                self.fault = self.fault or f"{message} ({name})"
            elif isinstance(field, Rows):
                field.fault = field.fault or message
            elif not field.errors:
                field.errors = [message]
        if not self.problems():
            self.fault = error.message
        return self.problems()

    def differences(self, stored: "AbideForm") -> list[tuple[str, str, str]]:
        """Compare with a form filled from what is stored now.

        Args:
            stored: of the same class.

        Returns:
            Question, what is stored, and what this form says, where they differ.
        """
        theirs = {field.id: field for field in leaves(stored)}
        found = []
        for field in leaves(self):
            if isinstance(field, (Rows, Hidden)):
                continue
            other = theirs.get(field.id)
            pair = (shown(other) if other is not None else "", shown(field))
            if pair[0] != pair[1]:
                found.append((str(field.label.text), *pair))
        return found

    def problems(self) -> list[Problem]:
        """List what is wrong, in the order of the page."""
        found = [Problem("", self.fault)] if self.fault else []
        for field in leaves(self):
            if isinstance(field, Rows):
                if field.fault:
                    found.append(Problem(field.id, field.fault))
            elif field.errors:
                found.append(Problem(_anchor(field), str(field.errors[0])))
        return found


def leaves(form: Iterable[Any]) -> Iterator[Field]:
    """Walk all fields of a form in the order of the page, rows before their parts."""
    for field in form:
        if isinstance(field, Rows):
            yield field
            yield from leaves(field)
        elif isinstance(field, Part):
            yield from leaves(field)
        else:
            yield field


def shown(field: Field) -> str:
    """Write what a field holds as a person reads it."""
    if isinstance(field, (Choice, Radios)):
        return titles(field).get(field.data, str(field.data or ""))
    if isinstance(field, Boxes):
        names = titles(field)
        return ", ".join(names.get(value, value) for value in field.data or ())
    return "" if field.data is None else str(field.data)


def _form_name(name: str, names: Mapping[str, str]) -> str:
    for known, ours in names.items():
        if name == known or name.startswith(f"{known}."):
            name = ours + name.removeprefix(known)
            break
    return name.replace(".", "-")


def _nearest(fields: Mapping[str, Field], name: str) -> Field | None:
    """Find a field, or the one around it: "breakdowns-0-segment" is in "breakdowns"."""
    while name not in fields and "-" in name:
        name = name.rpartition("-")[0]
    return fields.get(name)


def _anchor(field: Field) -> str:
    # The first button of a group takes the focus; its fieldset could not be typed in.
    return f"{field.id}-0" if isinstance(field, (Radios, Boxes)) else str(field.id)


def attributes(field: Field) -> dict[str, str]:
    """Give the attributes that tie an input to its hint and its fault."""
    described = [f"{field.id}-hint"] if field.description else []
    found: dict[str, str] = {}
    if field.errors:
        found["aria-invalid"] = "true"
        described.append(f"{field.id}-error")
    if described:
        found["aria-describedby"] = " ".join(described)
    return found
