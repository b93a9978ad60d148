"""The base of all forms: it collects faults of its own and of experiments, by field."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from wtforms import Field, Form  # type: ignore[import-untyped]  # ships no types

from experiments.errors import AbideError
from web.forms.choices import NONE, Boxes, Choice, Radios, titles
from web.forms.fields import Hidden, Part, Rows
from web.presenters.words import PLAN_FIELDS

STALE = (
    "Somebody saved this since you opened it. Nothing of yours is lost: compare below,"
    " then save yours over it or take theirs."
)
_WORD = re.compile(r"[^\W\d_]{3,}")
_SMALL_WORDS = frozenset(
    {"and", "are", "can", "does", "for", "get", "how", "its", "many", "much", "that"}
    | {"the", "them", "they", "this", "was", "what", "which", "who", "will", "with"}
    | {"you", "your"}
)


class Problem(NamedTuple):
    """One line of the summary "There is a problem"; no anchor: the whole form."""

    anchor: str
    message: str


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
                self.fault = self.fault or _at(_title_elsewhere(name), message)
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
                found.append((title_of(field), *pair))
        return found

    def problems(self) -> list[Problem]:
        """List what is wrong, in the order of the page."""
        found = [Problem("", self.fault)] if self.fault else []
        for field in leaves(self):
            if isinstance(field, Rows):
                if field.fault:
                    found.append(Problem(field.id, field.fault))
            elif field.errors:
                found.append(Problem(_anchor(field), fault_of(field)))
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


def fault_of(field: Field) -> str:
    """Say what is wrong with a field, and with which one.

    The summary stands far from the field, and one page has several fields of a name:
    a row is always named, a field where its fault does not name it.
    """
    message, label = str(field.errors[0]), str(field.label.text)
    place = _row_of(field) if _names(message, label) else title_of(field)
    return _at(place, message)


def _title_elsewhere(name: str) -> str:
    """Name a field of another page as that page does."""
    words = name.replace("_", " ").replace(".", " ")
    return PLAN_FIELDS.get(name, words[:1].upper() + words[1:])


def _at(place: str, message: str) -> str:
    if not place:
        return message
    first = message.split(maxsplit=1)[0].rstrip(".,")
    if not place.endswith("?") and first.isalpha() and first == first.capitalize():
        message = message[0].lower() + message[1:]
    return f"{place} {message}" if place.endswith("?") else f"{place}: {message}"


def title_of(field: Field) -> str:
    """Name a field, with the row it is in."""
    row, label = _row_of(field), str(field.label.text)
    return f"{row}, {label}" if row else label


def _row_of(field: Field) -> str:
    row = getattr(field, "row", None)
    return "" if row is None else f"{row.label.text} {row.index + 1}"


def _names(message: str, label: str) -> bool:
    """Whether a sentence has at least half of the words that a label is made of."""
    words = set(_WORD.findall(label.lower())) - _SMALL_WORDS
    said = words.intersection(_WORD.findall(message.lower()))
    return bool(words) and 2 * len(said) >= len(words)


def shown(field: Field) -> str:
    """Write what a field holds as a person reads it."""
    if isinstance(field, (Choice, Radios)):
        chosen = titles(field).get(field.data or "", str(field.data or ""))
        return "" if (field.data or "", chosen) == NONE else chosen
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
