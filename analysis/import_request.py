"""What a person asks of `abide import`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from analysis.import_outcomes import Scale
from experiments.errors import AbideError


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be imported, and how it is read.

    Attributes:
        path: of the file.
        experiment: key; None imports events alone.
        name: of the experiment, where it is registered from the file.
        owner: e-mail of who imports; None is the first administrator.
        control: the variant that is control.
        matters: the smallest change of the primary metric that matters.
        outcomes: NAME=KIND[:DAY] each.
        scale: of survey scores; the usual one, or the plan's, when None.
        variant: column of the variant; it says that rows are customers.
        customer: column of the customer, where rows are customers.
        source: under which events are stored; from the file's name when None.
        begins_at, ends_at: when the experiment ran, where rows are customers.
        complete_through: up to when events are complete.
        again: store events although another source had the very same ones.
        dry_run: check only.
        rejects: where all faults of rows are written as CSV.
    """

    path: Path
    experiment: str | None = None
    name: str = ""
    owner: str | None = None
    control: str | None = None
    matters: float | None = None
    outcomes: tuple[str, ...] = ()
    scale: Scale | None = None
    variant: str | None = None
    customer: str = "customer"
    source: str | None = None
    begins_at: datetime | None = None
    ends_at: datetime | None = None
    complete_through: datetime | None = None
    again: bool = False
    dry_run: bool = False
    rejects: Path | None = None

    def to_json(self) -> dict[str, Any]:
        """Write it down, for whoever carries it out later."""
        said = asdict(self)
        for name in _TIMES:
            said[name] = said[name] and said[name].isoformat()
        said["scale"] = self.scale and list(self.scale)
        said |= {"path": self.path.name, "outcomes": list(self.outcomes)}
        return {name: value for name, value in said.items() if value}

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> "Request":
        """Read what `to_json` wrote."""
        read = dict(said)
        for name in _TIMES:
            if name in read:
                read[name] = datetime.fromisoformat(read[name])
        if "scale" in read:
            read["scale"] = Scale(*read["scale"])
        read |= {
            "path": Path(read["path"]),
            "outcomes": tuple(read.get("outcomes", ())),
        }
        return cls(**read)


_OPTION = re.compile(r"--([a-z]+(?:-[a-z]+)*)(?: (?:COLUMN|KEY|FILE)\b)?")
_TIMES = ("begins_at", "ends_at", "complete_through")


def reworded(error: AbideError, word: Callable[[str], str]) -> AbideError:
    """Say a refusal by other names than those of the command's options.

    Args:
        error: whose words name options, as "--complete-through".
        word: names such an option, given without its dashes.

    Returns:
        The same with its message and fields reworded; fields keep the options' names.
    """

    def said(text: str) -> str:
        return _OPTION.sub(lambda found: word(found[1]), text)

    error.message = said(error.message)
    error.fields = {
        name.removeprefix("--"): said(text) for name, text in error.fields.items()
    }
    return error
