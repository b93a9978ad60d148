"""Faults of fields: collected, so that one refusal names them all."""

import re

from experiments.errors import InvalidInput
from experiments.javascript import is_built_in
from experiments.storable import fault_in_text

# RFC 3986 unreserved characters: OFREP clients put keys into paths unescaped.
# "." and ".." are steps in a path: browsers take them away before they send it.
KEY_PATTERN = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._~-]{1,64}")
KEY_RULE = "Use 1 to 64 letters, digits or any of . _ ~ - (no spaces)."
# Pages have these words where an address has a key, so the thing could not be opened.
RESERVED_KEYS = frozenset({"new"})
MAX_VERSION = 1_000_000
# Largest change or margin on any metric's scale; days and scores stay far below.
MAX_CHANGE = 1_000_000
# The smallest: 0.01 points of a rate. No experiment could show less.
LEAST_CHANGE = 0.0001
LEAST_CHANGE_WORDS = "at least 0.01 points of a rate, or 0.0001 of a score or day"


class Faults:
    """Collects field faults, so that one refusal names them all."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}

    def add(self, field: str, sentence: str) -> None:
        """Note a fault; the first one of a field stands."""
        self.fields.setdefault(field, sentence)

    def text(self, field: str, value: str, longest: int, what: str) -> None:
        """Ask for a non-empty text of at most `longest` characters."""
        if not value.strip():
            self.add(field, f"Enter {what}.")
        self.optional_text(field, value, longest)

    def optional_text(self, field: str, value: str, longest: int) -> None:
        """Ask for a text of at most `longest` characters that can be stored."""
        if len(value) > longest:
            self.add(field, f"Use at most {longest} characters, not {len(value)}.")
        fault = fault_in_text(value)
        if fault is not None:
            self.add(field, fault)

    def number(self, field: str, value: float, low: float, high: float) -> None:
        """Ask for a finite number from `low` to `high`."""
        # NaN fails the comparison; math.isfinite would choke on a huge integer.
        if not low <= value <= high:
            self.add(field, f"Enter a number from {low:,.10g} to {high:,.10g}.")

    def positive(self, field: str, value: float, sentence: str) -> None:
        """Ask for a change that a metric's scale can have, and that can be shown."""
        if value > MAX_CHANGE:
            self.add(field, f"Enter a number up to {MAX_CHANGE:,}.")
        elif not value >= LEAST_CHANGE:
            self.add(field, sentence)

    def version(self, field: str, value: int) -> None:
        """Ask for a number that a version can have."""
        if not 1 <= value <= MAX_VERSION:
            self.add(field, "There is no such version.")

    def raise_if_any(self, message: str) -> None:
        """Refuse when there is a fault.

        Args:
            message: one sentence that says what could not be done.

        Raises:
            InvalidInput: with all faults by field.
        """
        if self.fields:
            raise InvalidInput(message, self.fields)


def check_key(faults: Faults, field: str, key: str) -> None:
    """Ask for the key of a thing with an address of its own, at every door."""
    check_name(faults, field, key)
    if key in RESERVED_KEYS:
        faults.add(
            field,
            f'Choose another key: "{key}" is part of the address of a page of Abide.',
        )
    if is_built_in(key):
        faults.add(
            field,
            f'Choose another key: JavaScript has something under "{key}" in every'
            " object, which clients would take for it.",
        )


def check_name(faults: Faults, field: str, name: str) -> None:
    """Ask for a name that is safe in paths, such as that of a variant."""
    if not KEY_PATTERN.fullmatch(name):
        faults.add(field, KEY_RULE)
