"""What a segment rule may contain, and the sentence when it contains more."""

import math
import re
from collections.abc import Mapping

from experiments.errors import InvalidInput
from experiments.javascript import (
    MAX_SAFE_INTEGER,
    is_built_in,
    is_found_in_lists,
    is_number,
)

MAX_DEPTH = 10  # conditions inside conditions
MAX_CONDITIONS = 100
MAX_VALUES = 1000  # in one list
MAX_VALUE_BYTES = 2000  # of one text, in UTF-8
MAX_NAME = 64  # characters of an attribute's name
MAX_PATH = 200  # characters of a path such as "address.country"

GROUPS = ("$and", "$or", "$nor")
NUMBER_ORDER = frozenset({"$lt", "$lte", "$gt", "$gte"})
VERSION_ORDER = frozenset({"$veq", "$vne", "$vlt", "$vlte", "$vgt", "$vgte"})
_VERSION = re.compile(r"[0-9A-Za-z.+-]{1,100}", re.ASCII)
_OPERATORS = (
    "$eq, $ne, $in, $nin, $exists, $not, the number comparisons $lt, $lte, $gt, $gte"
    " or the version comparisons $veq, $vne, $vlt, $vlte, $vgt, $vgte"
)


def check(condition: object) -> None:
    """Refuse a rule that the clients would not evaluate alike, or that is too big.

    Args:
        condition: what should become a segment's rule.

    Raises:
        InvalidInput: field "condition"; the sentence names the place and the fault.
    """
    try:
        _Checker().condition(condition, "", 1)
    except _FaultError as fault:
        where = f"At {fault.path}: " if fault.path else ""
        raise InvalidInput(
            "This segment rule cannot be used.",
            {"condition": f"{where}{fault.sentence}"},
        ) from None


class _FaultError(Exception):
    def __init__(self, path: str, sentence: str) -> None:
        super().__init__(path, sentence)
        self.path = path
        self.sentence = sentence


class _Checker:
    """Walks a rule and counts its conditions; stops at the first fault."""

    def __init__(self) -> None:
        self.count = 0

    def condition(self, condition: object, path: str, depth: int) -> None:
        """Check one condition: an object of attributes and groups."""
        if not isinstance(condition, Mapping):
            raise _FaultError(
                path, 'write a condition as an object, such as {"plan": "pro"}.'
            )
        _check_depth(path, depth)
        for key, value in condition.items():
            self._entry(key, value, path, depth)

    def _entry(self, key: object, value: object, path: str, depth: int) -> None:
        here = _join(path, key)
        if key in GROUPS:
            if not isinstance(value, list) or not value:
                raise _FaultError(here, "give a list of at least one condition.")
            for index, inner in enumerate(value):
                self.condition(inner, f"{here}[{index}]", depth + 1)
        elif key == "$not":
            self.condition(value, here, depth + 1)
        else:
            _check_name(here, key)
            self._value(value, here, depth)

    def _value(self, value: object, path: str, depth: int) -> None:
        _check_depth(path, depth)
        if isinstance(value, Mapping):
            if not value:
                raise _FaultError(path, f"name an operator: {_OPERATORS}.")
            guarded = value.get("$exists") is True
            for name, operand in value.items():
                here = _join(path, name)
                if name == "$not":
                    self._value(operand, here, depth + 1)
                else:
                    self._count(here)
                    _check_operator(name, operand, here, guarded=guarded)
        else:
            self._count(path)
            _check_bare(value, path)

    def _count(self, path: str) -> None:
        self.count += 1
        if self.count > MAX_CONDITIONS:
            raise _FaultError(path, f"use at most {MAX_CONDITIONS} conditions.")


def _join(path: str, key: object) -> str:
    shown = str(key).encode("ascii", "backslashreplace").decode()
    shown = shown if len(shown) <= MAX_NAME else shown[:MAX_NAME] + "..."
    return f"{path}.{shown}" if path else shown


def _check_depth(path: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise _FaultError(path, f"nest at most {MAX_DEPTH} levels of conditions.")


def _check_name(path: str, name: object) -> None:
    if not isinstance(name, str):
        raise _FaultError(path, "name an attribute as a text.")
    if name.startswith("$"):
        raise _FaultError(
            path,
            "this is no group. Use $and, $or, $nor or $not, or name an attribute.",
        )
    parts = name.split(".")
    if not all(parts) or len(parts[0]) > MAX_NAME or len(name) > MAX_PATH:
        raise _FaultError(
            path,
            f"an attribute's name has 1 to {MAX_NAME} characters,"
            f" a path with dots at most {MAX_PATH}.",
        )
    _check_text(path, name)
    _check_look_up(path, parts)


def _check_look_up(path: str, parts: list[str]) -> None:
    """Refuse what JavaScript finds where other clients find nothing."""
    for part in parts:
        if is_built_in(part):
            raise _FaultError(
                path,
                f'JavaScript has something under "{part}" in every object, so'
                " clients would not agree. Give the attribute another name.",
            )
    for part in parts[1:]:
        if is_found_in_lists(part):
            raise _FaultError(
                path,
                f'some clients look up "{part}" in lists and others do not. Use'
                " $in to ask what a list holds, or send an attribute of its own,"
                " with another name.",
            )


def _check_bare(value: object, path: str) -> None:
    if is_number(value):
        raise _FaultError(
            path,
            f'write {{"$eq": {value}}} for a number: clients do not read'
            " a bare number alike.",
        )
    if value is None:
        raise _FaultError(
            path, 'write {"$exists": false} for customers without this attribute.'
        )
    if isinstance(value, list):
        raise _FaultError(path, 'write {"$in": [...]} for one of several values.')
    _check_scalar(path, value)


def _check_operator(name: object, operand: object, path: str, *, guarded: bool) -> None:
    if name in {"$eq", "$ne"}:
        _check_scalar(path, operand)
    elif name in {"$in", "$nin"}:
        if not isinstance(operand, list) or not 0 < len(operand) <= MAX_VALUES:
            raise _FaultError(path, f"give a list of 1 to {MAX_VALUES} values.")
        for index, value in enumerate(operand):
            _check_scalar(f"{path}[{index}]", value)
    elif name == "$exists":
        if not isinstance(operand, bool):
            raise _FaultError(path, "give true or false.")
    elif name in NUMBER_ORDER or name in VERSION_ORDER:
        _check_order(name, operand, path, guarded=guarded)
    else:
        raise _FaultError(path, f"this operator is not known. Use {_OPERATORS}.")


def _check_order(name: str, operand: object, path: str, *, guarded: bool) -> None:
    if name in NUMBER_ORDER:
        if not is_number(operand):
            raise _FaultError(path, "give a number to compare with.")
        _check_scalar(path, operand)
    elif not isinstance(operand, str) or not _VERSION.fullmatch(operand):
        raise _FaultError(path, 'give a version, such as "2.10.0".')
    if not guarded:
        raise _FaultError(
            path,
            'put "$exists": true beside this comparison: without it, clients'
            " disagree on customers who do not have the attribute.",
        )


def _check_scalar(path: str, value: object) -> None:
    if isinstance(value, str):
        _check_text(path, value)
        if len(value.encode()) > MAX_VALUE_BYTES:
            raise _FaultError(path, f"use at most {MAX_VALUE_BYTES} bytes of text.")
    elif is_number(value):
        whole = isinstance(value, int)
        if not (abs(value) <= MAX_SAFE_INTEGER if whole else math.isfinite(value)):
            raise _FaultError(
                path, "this number is too large for every client to hold exactly."
            )
    elif not isinstance(value, bool):
        raise _FaultError(path, "give a text, a number, true or false.")


def _check_text(path: str, text: str) -> None:
    if "\x00" in text:
        raise _FaultError(path, "remove the NUL character.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _FaultError(path, "this text is not valid Unicode.") from None
