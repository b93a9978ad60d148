"""The form of a segment: rows "attribute, is, value", or the rule as JSON."""

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from experiments.conditions import in_words
from web.forms.base import AbideForm
from web.forms.choices import Choice, Radios
from web.forms.fields import Json, Part, Rows, Text
from web.forms.values import key_from

BLANK_ROWS = 3
MOST_ROWS = 120  # more than a rule may have, so that experiments refuses it in words
ALL, ANY = "all", "any"
TESTS = (
    ("is", "is"),
    ("is_not", "is not"),
    ("one_of", "is one of (with commas)"),
    ("at_least", "is at least (number)"),
    ("at_most", "is at most (number)"),
    ("more", "is more than (number)"),
    ("less", "is less than (number)"),
    ("equals", "equals (number)"),
    ("true", "is true"),
    ("false", "is false"),
    ("known", "is known"),
    ("unknown", "is not known"),
)


def _number(text: str) -> float | int | str:
    """Read a number; text that is none is passed on for experiments to refuse."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return text
    if not value.is_finite():
        return text
    return int(value) if value == value.to_integral_value() else float(value)


# A comparison says that the attribute must be there: without it, clients disagree
# about customers who do not have it.
MAKE: Mapping[str, Callable[[str], Any]] = {
    "is": lambda text: text,
    "is_not": lambda text: {"$exists": True, "$ne": text},
    "one_of": lambda text: {"$in": [v.strip() for v in text.split(",") if v.strip()]},
    "at_least": lambda text: {"$exists": True, "$gte": _number(text)},
    "at_most": lambda text: {"$exists": True, "$lte": _number(text)},
    "more": lambda text: {"$exists": True, "$gt": _number(text)},
    "less": lambda text: {"$exists": True, "$lt": _number(text)},
    "equals": lambda text: {"$eq": _number(text)},
    "true": lambda _text: True,
    "false": lambda _text: False,
    "known": lambda _text: {"$exists": True},
    "unknown": lambda _text: {"$exists": False},
}


class RuleForm(AbideForm):
    """One row of a rule."""

    attribute = Text("Attribute", longest=200, render_kw={"spellcheck": "false"})
    test = Choice("Test", choices=TESTS, default="is")
    value = Text("Value", longest=2000)


class RulesForm(AbideForm):
    """The rule of a segment."""

    join = Radios(
        "Customers must meet",
        choices=((ALL, "all of these rows"), (ANY, "any of these rows")),
        default=ALL,
    )
    rules = Rows(
        Part(RuleForm, "Row"), "Rows", min_entries=BLANK_ROWS, max_entries=MOST_ROWS
    )
    json = Json(
        "The rule as JSON",
        "For rules that rows cannot say. When this is filled in, the rows above do"
        " not count.",
        rows=5,
    )

    def add_row_if_asked(self, action: str | None) -> None:
        """Show one more row when its button was pressed."""
        if action == "add_rule" and len(self.rules) < MOST_ROWS:
            self.rules.append_entry()

    def condition(self) -> dict[str, Any]:
        """Build the rule; no row at all is everybody."""
        if self.json.data:
            return dict(self.json.value)
        parts = [
            {row.attribute.data: MAKE.get(row.test.data, MAKE["is"])(row.value.data)}
            for row in (entry.form for entry in self.rules)
            if row.attribute.data
        ]
        if self.join.data == ANY and parts:
            return {"$or": parts}
        if len({name for part in parts for name in part}) < len(parts):
            return {"$and": parts}
        return {name: test for part in parts for name, test in part.items()}

    def names(self) -> Mapping[str, str]:
        """Tell where a fault of the rule is shown."""
        return {"condition": "json" if self.json.data else "rules"}


class SegmentForm(RulesForm):
    """A new segment."""

    name = Text("Name", 'As pages call it, such as "New small businesses".')
    description = Text("Who they are", longest=2000, rows=2, optional=True)
    key = Text(
        "Key",
        "Stands in addresses and cannot be changed. Leave it empty to make it from"
        " the name.",
        longest=64,
        optional=True,
        render_kw={"spellcheck": "false", "autocomplete": "off"},
    )

    def new_key(self) -> str:
        """Take the key as typed, or make it from the name."""
        return str(self.key.data or key_from(self.name.data or "", "segment"))


def rule_in_words(condition: Mapping[str, Any]) -> str:
    """Say a stored rule as a sentence; an attribute's name stays as apps send it."""
    words = in_words(condition)
    if "_" in words.split(" ", 1)[0]:
        return f"{words}."
    return f"{words[:1].upper()}{words[1:]}."
