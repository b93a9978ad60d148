"""How numbers and times are written on every page."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

MINUS = "\N{MINUS SIGN}"
MISSING = "\N{EN DASH}"  # shown where there is no value, never 0
HUNDRED = Decimal(100)


def day(value: datetime | None) -> str:
    """Write a date, as in "14 Mar 2026"."""
    if value is None:
        return MISSING
    at = value.astimezone(UTC)
    return f"{at.day} {at:%b} {at.year}"


def moment(value: datetime | None) -> str:
    """Write a point in time, as in "14 Mar 2026, 09:30 UTC"."""
    if value is None:
        return MISSING
    return f"{day(value)}, {value.astimezone(UTC):%H:%M} UTC"


def count(value: int | None) -> str:
    """Write a count with separators, as in "12,480"."""
    return MISSING if value is None else f"{value:,}".replace("-", MINUS)


def number(value: float | None) -> str:
    """Write a number as short as it can be read back, with a true minus."""
    return MISSING if value is None else plain(Decimal(repr(value)))


def percent(share: float | None) -> str:
    """Write a share (0 to 1) as a percentage, as in "12.5 %"."""
    if share is None:
        return MISSING
    return f"{plain(Decimal(repr(share)) * HUNDRED)} %"


def plain(value: Decimal) -> str:
    """Write a decimal without exponent or trailing zeros."""
    text = f"{value.normalize():f}"
    return "0" if text in {"-0", "0"} else text.replace("-", MINUS)


def pretty_json(value: Mapping[str, Any] | list[Any]) -> str:
    """Write JSON as people edit it; nothing at all for an empty object."""
    return json.dumps(value, indent=2, ensure_ascii=False) if value else ""


def cell(value: object) -> str:
    """Write one cell of a chart's table."""
    if value is None or value == "":
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return count(value)
    if isinstance(value, float):
        return number(value)
    return str(value)
