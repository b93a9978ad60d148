"""Who is set aside from an experiment, and by which id: one place for every reason.

An id on a list by hand is the id that the hash was asked with: a customer's, or where
accounts are drawn an account's, which goes with all its customers. A preview and an
opt-out are of one person: where accounts are drawn, the account and its other customers
stay, for what they saw was the hash's choice. Whoever is set aside is so whole, with
all exposures and outcomes, also those from before.
"""

from collections.abc import Sequence

import pyarrow as pa

from analysis.event_rows import Column, Connection, Rows

# As they are counted: who has several reasons is counted under the first.
OF_UNITS = ("former", "listed")
OF_PEOPLE = ("opted_out", "previewed")
_ID = "id"


class IdSet:
    """Some pseudonyms, as a table that rows are compared with; there may be many."""

    def __init__(self, connection: Connection, name: str, ids: Sequence[bytes]) -> None:
        """Put the ids into a helper table, unless there are none.

        Args:
            connection: of the analysis.
            name: of the table.
            ids: pseudonyms.
        """
        self._table: Rows | None = None
        if ids:
            content = pa.table({_ID: pa.array(ids, pa.binary())})
            connection.create_table(name, content, temp=True)
            self._table = connection.table(name)

    def __bool__(self) -> bool:
        return self._table is not None

    def has(self, *columns: Column) -> Column:
        """Whether one of the columns is among the ids.

        Args:
            *columns: ids of rows, one at least.

        Returns:
            A column of truth values; for an empty set there is none.
        """
        if self._table is None:
            msg = "an empty set is not asked"
            raise ValueError(msg)
        ids = self._table[_ID]
        first, *others = columns
        found = first.isin(ids)
        for column in others:
            found |= column.isin(ids)
        return found

    def without(self, rows: Rows, column: str) -> Rows:
        """Leave out the rows whose column is among the ids."""
        return rows if self._table is None else rows.filter(~self.has(rows[column]))
