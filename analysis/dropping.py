"""Events of customers who were erased or opted out, kept out of the store."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from analysis.event_table import Batch
from experiments.vocabulary import EventKind


@dataclass(frozen=True, slots=True)
class Dropped:
    """What a batch says about erased customers.

    Attributes:
        rows: which rows are about them.
        table: the batch's, where rows of others carry none of their ids.
        links: anonymous ids that came with theirs -> number of the erasure.
    """

    rows: npt.NDArray[np.bool_]
    table: pa.Table
    links: Mapping[bytes, int]


def without_erased(batch: Batch, tombstones: Mapping[bytes, int]) -> Dropped:
    """Find the rows of a batch that are to be dropped.

    Args:
        batch: as it arrived.
        tombstones: pseudonym -> number of its erasure.

    Returns:
        The rows, and what is left.
    """
    table = batch.table
    if not tombstones:
        return Dropped(np.zeros(table.num_rows, dtype=bool), table, {})
    stones = pa.array(list(tombstones), pa.binary())
    own = pc.is_in(table["customer"], stones)
    known = pc.is_in(table["anonymous"], stones)
    tie = pc.equal(table["kind"], EventKind.IDENTITY.value)
    gone = pc.or_(own, pc.and_(known, tie))
    linking = table.filter(pc.and_(own, pc.invert(known)))
    links = {
        row["anonymous"]: tombstones[row["customer"]]
        for row in linking.select(["anonymous", "customer"]).to_pylist()
        if row["anonymous"] is not None
    }
    place = table.schema.get_field_index("anonymous")
    kind = table.schema.field(place)
    column = pc.if_else(known, pa.scalar(None, kind.type), table["anonymous"])
    table = table.set_column(place, kind, column)
    return Dropped(gone.to_numpy(), table, links)


@dataclass(frozen=True, slots=True)
class Declined:
    """What a batch says about customers who opted out.

    Attributes:
        rows: which rows are about them.
        links: anonymous ids that came with theirs -> number of the opt-out.
        again: opt-outs of a visitor who became known by some event.
    """

    rows: npt.NDArray[np.bool_]
    links: Mapping[bytes, int]
    again: Collection[int]


def of_opted_out(
    table: pa.Table, opted_out: Mapping[bytes, int], visitors: Mapping[bytes, int]
) -> Declined:
    """Find the rows of customers who take part in nothing.

    Others keep what they sent, also from a device that somebody else opted out on.

    Args:
        table: of a batch.
        opted_out: pseudonym -> number of its opt-out.
        visitors: those of them about whom no other id is known.

    Returns:
        The rows, and what tells more ids of the same customers.
    """
    if not opted_out:
        return Declined(np.zeros(table.num_rows, dtype=bool), {}, ())
    known = pa.array(list(opted_out), pa.binary())
    own = pc.is_in(table["customer"], known)
    names = ["anonymous", "customer"]
    together = pc.and_(own, pc.is_valid(table["anonymous"]))
    pairs = table.select(names).filter(together).group_by(names).aggregate([])
    # A visitor who opted out too, for themselves, is tied to the customer all the same.
    links = {
        row["anonymous"]: opted_out[row["customer"]]
        for row in pairs.to_pylist()
        if opted_out.get(row["anonymous"]) != opted_out[row["customer"]]
    }
    met = pc.is_in(table["anonymous"], pa.array(list(visitors), pa.binary()))
    became = table["anonymous"].filter(pc.and_(met, pc.invert(own)))
    again = {visitors[who] for who in became.unique().to_pylist()}
    return Declined(own.to_numpy(), links, again)
