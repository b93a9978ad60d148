"""Refusing tables that no set of customers could have made."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol


class Day(Protocol):
    """One day of a life table."""

    @property
    def day(self) -> int:
        """Days since the clock started."""


class ByDay(Protocol):
    """A life table of any kind."""

    @property
    def n(self) -> int:
        """Units at risk at the start."""

    @property
    def days(self) -> Sequence[Day]:
        """What happened, day by day."""

    @property
    def ended(self) -> int:
        """Units that some day accounts for."""


def refuse_negative(table: object, *fields: str) -> None:
    """Refuse a table whose fields, by name, count less than nobody.

    Args:
        table: with these fields.
        *fields: their names.

    Raises:
        ValueError: one of them is negative.
    """
    for field in fields:
        if getattr(table, field) < 0:
            raise ValueError(f"{type(table).__name__}: {field} is negative")


def refuse_days(table: ByDay) -> None:
    """Refuse a life table whose days do not rise, or end more units than there are.

    Args:
        table: of any kind.

    Raises:
        ValueError: with what is wrong.
    """
    name = type(table).__name__
    if any(a.day >= b.day for a, b in pairwise(table.days)):
        raise ValueError(f"{name}: days must rise, each standing once")
    if table.ended > table.n:
        raise ValueError(f"{name}: {table.ended} units end of {table.n}")
