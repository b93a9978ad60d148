"""What a person asks of `abide import`."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from analysis.import_outcomes import Scale


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
    dry_run: bool = False
    rejects: Path | None = None
