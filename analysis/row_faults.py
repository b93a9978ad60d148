"""What is wrong with the rows of a file: the first in words, all of them in a file."""

from pathlib import Path
from typing import NoReturn

from experiments.errors import InvalidInput
from experiments.import_records import Reject, RejectFile

SHOWN_FAULTS = 20


class RowFaults:
    """Collects what is wrong with rows, so that one refusal names the first of them."""

    def __init__(self, path: Path, rejects: RejectFile | None = None) -> None:
        """Begin without any.

        Args:
            path: of the file.
            rejects: where all of them go; None keeps only the first.
        """
        self._path = path
        self._rejects = rejects
        self._first: dict[int, str] = {}
        self._rows = bytearray()  # a bit for each row: a file may be wrong throughout
        self.row_count = 0
        self.fault_count = 0
        self.torn_count = 0  # rows that have not one cell for each column

    def __bool__(self) -> bool:
        """Whether any row has a fault."""
        return self.row_count > 0

    def add(
        self,
        row: int,
        sentence: str,
        field: str = "",
        value: object = None,
        customer: bytes | None = None,
    ) -> None:
        """Note a fault of a row; rows may come in any order.

        Args:
            row: its number, as people see it.
            sentence: what is wrong.
            field: in which column, "" when it is the row.
            value: what stands there.
            customer: pseudonym of whose row it is.
        """
        self.fault_count += 1
        self._count(row)
        if self._rejects is not None:
            self._rejects.add(Reject(row, field, sentence, value, customer))
        known = self._first.get(row)
        self._first[row] = sentence if known is None else f"{known} {sentence}"
        if len(self._first) > SHOWN_FAULTS:
            del self._first[max(self._first)]

    def _count(self, row: int) -> None:
        place, bit = divmod(row, 8)
        if place >= len(self._rows):
            self._rows.extend(bytes(place + 1 - len(self._rows)))
        if not self._rows[place] & (1 << bit):
            self._rows[place] |= 1 << bit
            self.row_count += 1

    def raise_if_any(self) -> None:
        """Refuse the file when a row of it has a fault.

        Raises:
            InvalidInput: its fields are the first rows with faults.
        """
        if self:
            self._refuse()

    def _refuse(self) -> NoReturn:
        count = self.row_count
        rows = "1 row" if count == 1 else f"{count:,} rows"
        first = ""
        if count > SHOWN_FAULTS:
            first = (
                " All of them are on the page Data, Imports, and go into a file by"
                f" --rejects FILE. The first {SHOWN_FAULTS}:"
            )
        raise InvalidInput(
            f"{self._path.name} has faults in {rows}, so nothing of it was stored."
            f"{first}",
            {f"row {row}": self._first[row] for row in sorted(self._first)},
        )
