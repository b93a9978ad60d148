"""Imports in words: how far one is, and what options are called on the page."""

from typing import NamedTuple

from experiments.models import ImportRecord
from experiments.vocabulary import ImportState
from web.presenters.formats import count

# What an option of `abide import` is called in the form.
_TITLES = {
    "experiment": "the key of the experiment",
    "outcome": "an outcome",
    "variant": "the column of the variant",
    "customer": "the column of the customer's id",
    "control": "control",
    "name": "the name of the experiment",
    "matters": "the smallest change that matters",
    "source": "name for the source",
    "began": "When it began",
    "ended": "When it ended",
    "again": '"Store them again"',
}


class Standing(NamedTuple):
    """How far an import is."""

    word: str
    icon: str
    tone: str  # of the word: plain, better, warning or worse


_STANDINGS = {
    ImportState.CHECKED: Standing("Checked", "passed", "plain"),
    ImportState.REFUSED: Standing("Refused", "notice", "warning"),
    ImportState.READY: Standing("Ready", "notice", "undecided"),
    ImportState.WAITING: Standing("About to be stored", "running", "plain"),
    ImportState.STORING: Standing("Being stored", "running", "plain"),
    ImportState.STORED: Standing("Stored", "passed", "better"),
    ImportState.FAILED: Standing("Failed", "failed", "worse"),
    ImportState.DISCARDED: Standing("Thrown away", "draft", "plain"),
}


def standing(record: ImportRecord) -> Standing:
    """Say how far an import is, in a word."""
    return _STANDINGS[ImportState(record.state)]


def sentence(record: ImportRecord) -> str:
    """Say what became of an upload, or what it waits for.

    Args:
        record: of the upload.

    Returns:
        One sentence or two.
    """
    rows = _rows(record.faulty_row_count)
    faulty = f"{rows} with faults" if record.faulty_row_count else ""
    match ImportState(record.state):
        case ImportState.READY:
            left = f", {faulty} will be left out" if faulty else ", none has a fault"
            return f"{_ready(record)} ready to be stored{left}. Nothing is stored yet."
        case ImportState.REFUSED:
            return (
                f"{rows} of {count(record.row_count)} have faults. Nothing is stored."
            )
        case ImportState.WAITING:
            return "Its rows will be stored within a few seconds."
        case ImportState.STORING:
            done = _share(record)
            return f"{done} % of its rows are on their way." + _tried(record)
        case ImportState.CHECKED:
            return f"{count(record.row_count)} rows were checked; nothing was stored."
        case _:
            return record.note or f"{count(record.row_count)} rows were read."


def _ready(record: ImportRecord) -> str:
    what = "event" if (record.asked or {}).get("variant") is None else "customer"
    one = record.ready_count == 1
    return f"{count(record.ready_count)} {what}{' is' if one else 's are'}"


def _rows(number: int) -> str:
    return f"{count(number)} row{'' if number == 1 else 's'}"


def _share(record: ImportRecord) -> int:
    return 100 * record.stored_frame_count // max(1, record.frame_count)


def _tried(record: ImportRecord) -> str:
    if not record.note:
        return ""
    return f" The last try ended early: {record.note} It goes on by itself."


def title(option: str) -> str:
    """Say what an option of `abide import` is called in the form."""
    return _TITLES.get(option, option)
