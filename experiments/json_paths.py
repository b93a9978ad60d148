"""Where in a JSON document a value stands, in a small language of dots and brackets.

`data.item.rating` walks objects by name, `contacts[0]` takes an item of a list by
number, `answers[field.ref=csat]` the first item of which that is so, and
`["odd.name"]` a name that holds dots or brackets. Nothing else: no wildcards and no
code, so that reading costs no more than the path is long.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

MAX_PATH = 300
_NAME = r'[^.\[\]"=]{1,100}'
_STEP = re.compile(
    rf"(?P<dot>\.)?(?P<name>{_NAME})"
    r'|(?P<quoted>\["[^"]{1,100}"\])'
    r"|(?P<index>\[\d{1,4}\])"
    rf"|\[(?P<inner>{_NAME}(?:\.{_NAME})*)=(?P<wanted>[^\]]{{1,100}})\]"
)


class PathFault(ValueError):  # noqa: N818  # a finding, in words
    """Why a text is no path."""


@dataclass(frozen=True, slots=True)
class Where:
    """Picks the first item of a list whose value at `inner` is written as `wanted`."""

    inner: tuple[str, ...]
    wanted: str


Step = str | int | Where


@dataclass(frozen=True, slots=True)
class Path:
    """A parsed path.

    Attributes:
        text: as it was written.
        steps: names, numbers and choices, from the document inwards.
    """

    text: str
    steps: tuple[Step, ...]

    def read(self, document: object) -> object:
        """Give what stands there; None when nothing does."""
        value = document
        for step in self.steps:
            value = _inside(value, step)
            if value is None:
                return None
        return value


def parse(text: str) -> Path:
    """Read a path.

    Args:
        text: such as `form_response.answers[field.ref=csat].number`.

    Returns:
        The path.

    Raises:
        PathFault: it is none; says where.
    """
    if not 0 < len(text) <= MAX_PATH:
        message = f"Write a path of 1 to {MAX_PATH} characters, as in data.item.rating."
        raise PathFault(message)
    steps: list[Step] = []
    place = 0
    while place < len(text):
        found = _STEP.match(text, place)
        # A name needs a dot before it, unless it begins the path.
        if found is None or (found["name"] and bool(found["dot"]) == (place == 0)):
            shown = text[place : place + 20]
            raise PathFault(
                f"This path cannot be read from '{shown}' on. Write names with dots,"
                " items as [0] or [field.ref=csat]."
            )
        steps.append(_step(found))
        place = found.end()
    return Path(text, tuple(steps))


def text_of(value: object) -> str | None:
    """Write a plain value as text: numbers and yes or no as JSON does; else None."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:  # noqa: PLR2004  # exact as a whole number
        return str(int(value))
    return str(value) if isinstance(value, (str, int, float)) else None


def _step(found: re.Match[str]) -> Step:
    if found["index"]:
        return int(found["index"][1:-1])
    if found["quoted"]:
        return found["quoted"][2:-2]
    if found["inner"]:
        return Where(tuple(found["inner"].split(".")), found["wanted"])
    return found["name"]


def _inside(value: object, step: Step) -> object:
    if isinstance(step, str):
        return value.get(step) if isinstance(value, Mapping) else None
    if not isinstance(value, list):
        return None
    if isinstance(step, int):
        return value[step] if step < len(value) else None
    return next((item for item in value if _fits(item, step)), None)


def _fits(item: object, where: Where) -> bool:
    for name in where.inner:
        item = item.get(name) if isinstance(item, Mapping) else None
    return text_of(item) == where.wanted
