"""Parts of answers written once: a variant looks the same for everybody."""

from collections.abc import Callable
from typing import Generic, TypeVar

from experiments.assignment import Assignment
from experiments.ruleset_values import Ruleset

T = TypeVar("T")
Key = tuple[object, ...]


class Written(Generic[T]):
    """Keeps what was written for the assignments of one ruleset.

    There are few different ones: an experiment's variants, rules and reasons.
    """

    def __init__(self, write: Callable[[Ruleset, Assignment], T]) -> None:
        self._write = write
        self._kept: tuple[Ruleset | None, dict[Key, T]] = (None, {})

    def of(self, ruleset: Ruleset, given: list[Assignment]) -> list[T]:
        """Give the written form of assignments.

        Args:
            ruleset: the one that they were made by.
            given: the assignments.

        Returns:
            One for each, in order.
        """
        held, parts = self._kept
        if held is not ruleset:
            parts = self._begin(ruleset)
        return [
            parts.get((one.experiment, one.variant, one.rule, one.reason))
            or self._add(ruleset, one, parts)
            for one in given
        ]

    def one(self, ruleset: Ruleset, given: Assignment) -> T:
        """Give the written form of one assignment.

        Args:
            ruleset: the one that it was made by.
            given: the assignment.

        Returns:
            What `of` gives for it.
        """
        held, parts = self._kept
        if held is not ruleset:
            parts = self._begin(ruleset)
        found = parts.get((given.experiment, given.variant, given.rule, given.reason))
        return found or self._add(ruleset, given, parts)

    def _begin(self, ruleset: Ruleset) -> dict[Key, T]:
        # Two threads may both begin anew: nothing is lost.
        parts: dict[Key, T] = {}
        self._kept = (ruleset, parts)
        return parts

    def _add(self, ruleset: Ruleset, one: Assignment, parts: dict[Key, T]) -> T:
        written = self._write(ruleset, one)
        if one.experiment in ruleset.experiments:  # others are named by the caller
            parts[one.experiment, one.variant, one.rule, one.reason] = written
        return written
