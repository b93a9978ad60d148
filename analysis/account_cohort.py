"""Who is analysed where accounts are drawn: accounts, and the customers in them.

An exposure is of the account that came with it, else of the one that the customer's
latest `group` call before it named. A customer belongs to the account of the first
exposure that has one. An account belongs to the variant of its exposures; one that is
seen in two is left out with all its customers, and so is a customer who went from an
account of one variant to one of another. Exposures without an account are counted, and
not analysed: nobody drew for them.
"""

from typing import Any

import ibis
from typing_extensions import override

from analysis.cohort import Cohort, by_name
from analysis.event_rows import Column, EventRows, Rows
from analysis.setting_aside import OF_PEOPLE
from experiments.vocabulary import EventKind

_PEOPLE, _ACCOUNTS = "account_people", "account_parts"
# How the parts of an account are put together: by the earliest, the first name, ...
_TOGETHER = {
    "min": ("first_at", "variant", "one", "undeclared", "arrival"),
    "max": ("other",),
    "any": ("wrong", "unchecked", "former", "listed"),
}


class AccountCohort(Cohort):
    """The accounts of one experiment; `of` gives their customers."""

    _drawn_table = "drawn"
    _traced: tuple[str, ...] = ("arrival",)  # strangers among many say little

    @override
    def _find(self, events: EventRows) -> None:
        for bucket in events.buckets:
            exposures = self._without_people(self._with_accounts(events.of(bucket)))
            is_first = bucket is events.buckets[0]
            self._put(_PEOPLE, self._people(exposures), is_first=is_first)
            self._put(_ACCOUNTS, self._parts(exposures), is_first=is_first)
        parts = self._connection.table(_ACCOUNTS)
        # An account's customers lie in many buckets.
        whole = {
            name: getattr(parts[name], how)()
            for how, names in _TOGETHER.items()
            for name in names
            if name in parts.columns
        }
        accounts = self._set_aside(parts.group_by("account").agg(**whole))
        self._connection.create_table("seen", accounts, temp=True)

    def _with_accounts(self, events: Rows) -> Rows:
        """Find the account of each exposure, by itself or by the customer's tie."""
        rows = self._exposures(events)
        ties = events.filter(
            events.kind == EventKind.IDENTITY.value, events.account.notnull()
        )
        # Two ties of one moment: the one we received last, then any fixed order.
        latest = ibis.struct(
            {
                "received_at": ties.received_at,
                "message_id": ties.message_id,
            }
        )
        ties = ties.group_by("person", "at").agg(tied=ties.account.argmax(latest))
        rows = rows.asof_join(ties, on="at", predicates="person")
        rows = rows.drop("at_right", "person_right")
        return rows.mutate(account=ibis.coalesce(rows.account, rows.tied)).drop("tied")

    def _without_people(self, rows: Rows) -> Rows:
        """Leave out who opted out or used a preview link; their colleagues stay."""
        for name in OF_PEOPLE:
            if name not in rows.columns:
                continue
            theirs = rows.filter(rows[name])
            self._aside[name] += int(theirs.person.nunique().execute())
            if name == "opted_out":
                shown = theirs.filter(theirs.counts).select("person", "variant")
                found = by_name(shown.distinct(), self._names)
                self._opted_out_by.update(found)
            rows = rows.filter(~rows[name]).drop(name)
        return rows

    def _people(self, rows: Rows) -> Rows:
        counts = rows.counts & rows.account.notnull()
        shown = rows.shown & rows.account.notnull()
        earliest = ibis.struct(
            {
                "at": rows["at"],
                "received_at": rows.received_at,
                "message_id": rows.message_id,
            }
        )
        return rows.group_by("person").agg(
            first_at=rows["at"].min(where=counts),
            account=rows.account.argmin(earliest, where=counts),
            one=rows.variant.min(where=shown),
            other=rows.variant.max(where=shown),
            nowhere=(rows.shown & rows.account.isnull()).any(),
        )

    def _parts(self, rows: Rows) -> Rows:
        rows = rows.filter(rows.account.notnull())
        return rows.group_by("account").agg(
            **self._sums(rows), **self._asides(rows, rows.account)
        )

    @override
    def _analysed(self) -> Rows:
        people, single = self._connection.table(_PEOPLE), self._single()
        own = people.inner_join(
            single.select("account", "variant", *self._traced), "account"
        )
        same = own.filter(own.one == own.other)
        numbered = same.mutate(unit=ibis.row_number(), cluster=ibis.dense_rank().over(
            order_by=same.account
        ))  # fmt: skip
        numbered = numbered.drop("one", "other", "nowhere", "account")
        self._connection.create_table("units", numbered, temp=True)
        units = self._connection.table("units")
        drawn = units.group_by("cluster").agg(
            variant=units.variant.min(),
            first_at=units.first_at.min(),
            grown_at=units.first_at.max(),
        )
        self._connection.create_table(self._drawn_table, drawn, temp=True)
        return units

    @override
    def _grown_at(self, drawn: Rows) -> Column:
        return drawn.grown_at

    @override
    def _beside(self) -> dict[str, Any]:
        people = self._connection.table(_PEOPLE)
        single = self._single().select("account")
        moved = people.filter(people.one != people.other)
        moved = moved.semi_join(single, "account")
        nowhere = people.filter(people.account.isnull(), people.nowhere)
        return {
            "customers": by_name(self.units, self._names),
            "moved": int(moved.count().execute()),
            "without_account": int(nowhere.count().execute()),
        }
