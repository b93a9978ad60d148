"""The form that uploads a file with history."""

from pathlib import Path
from typing import Any

from wtforms import Field, ValidationError  # type: ignore[import-untyped]
from wtforms.widgets import FileInput  # type: ignore[import-untyped]

from web.forms.base import AbideForm
from web.forms.choices import Boxes, Radios
from web.forms.fields import Day, Text
from web.forms.numbers import Number

EVENTS, CUSTOMERS = "events", "customers"
AGAIN = "again"
OUTCOMES = "came_back=retention:30"
# Option of `abide import` -> field of this form, where they differ.
FIELDS = {"outcome": "outcomes"}


class File(Field):  # type: ignore[misc]
    """One file, which the browser sends with the form."""

    widget = FileInput()

    def __init__(self, label: str, description: str = "", **others: Any) -> None:  # noqa: ANN401
        super().__init__(label, description=description, **others)
        self.data: Any = None

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Take the file; a text in its place is none."""
        files = [value for value in valuelist if hasattr(value, "stream")]
        self.data = files[0] if files and files[0].filename else None

    def pre_validate(self, form: object) -> None:  # noqa: ARG002  # WTForms' hook
        """Ask for a file, of one of the kinds that can be read."""
        if self.data is None:
            raise ValidationError("Choose a file.")
        if Path(self.data.filename).suffix.lower() not in {".csv", ".parquet"}:
            raise ValidationError("Choose a file that ends in .csv or .parquet.")

    @property
    def content(self) -> bytes:
        """What the file holds."""
        if self.data is None:
            return b""
        self.data.stream.seek(0)
        found: bytes = self.data.stream.read()
        return found


class UploadForm(AbideForm):
    """A file, and how it is read."""

    file = File(
        "File",
        "CSV in UTF-8 with a header, or Parquet; at most 64 MB.",
        render_kw={"accept": ".csv,.parquet"},
    )
    rows = Radios(
        "What is one row?",
        choices=[
            (EVENTS, "An event: user_id, event, timestamp, and properties"),
            (CUSTOMERS, "A customer, with a variant and outcomes"),
        ],
        default=EVENTS,
    )
    experiment = Text(
        "Key of the experiment",
        "It is registered from the file when there is none yet. Leave it empty for"
        " events of no particular experiment.",
        longest=64,
        optional=True,
    )
    outcomes = Text(
        "Outcomes",
        f"One on a line, as in {OUTCOMES}: a column, or with events an event; what it"
        " tells; the day. The first one decides.",
        longest=2000,
        rows=3,
        optional=True,
        render_kw={"spellcheck": "false"},
    )
    variant = Text(
        "Column of the variant",
        "Where a row is a customer.",
        longest=200,
        optional=True,
    )
    customer = Text(
        "Column of the customer's id",
        "Where a row is a customer; customer when left empty.",
        longest=200,
        optional=True,
    )
    control = Text(
        "Which variant is control?",
        "Needed when none is called control or baseline.",
        longest=64,
        optional=True,
    )
    matters = Number(
        "Smallest change that matters",
        "Of the first outcome, on its scale: 0.01 is one point of a share.",
        optional=True,
    )
    name = Text("Name of the experiment", longest=200, optional=True)
    source = Text(
        "Name of the events' source",
        "From the file's name when left empty.",
        longest=64,
        optional=True,
    )
    again = Boxes(
        "If another source had the very same events",
        choices=[(AGAIN, "Store them again")],
    )
    began = Day("When it began", "Where a row is a customer.", optional=True)
    ended = Day("When it ended", "Where a row is a customer.", optional=True)

    def lines(self) -> tuple[str, ...]:
        """Give the outcomes, one for each line."""
        lines = (self.outcomes.data or "").splitlines()
        return tuple(line.strip() for line in lines if line.strip())
