"""What customers may ask for: erasure, and a copy of their data."""

from api.schemas.fields import (
    Choice,
    Flag,
    Items,
    Object,
    StrictSchema,
    Text,
    Time,
    text,
    whole,
)
from experiments.messages import MAX_ID
from experiments.vocabulary import ErasureState, IdKind


class CustomerBodySchema(StrictSchema):
    """Which customer."""

    customer_id = text(
        MAX_ID,
        required=True,
        metadata={"description": "As the apps send it; it is not kept."},
    )
    id_kind = Choice(IdKind, load_default=IdKind.CUSTOMER)


class ErasureSchema(StrictSchema):
    """How far an erasure is; nothing in it names the customer."""

    id = whole(1, required=True)
    state = Choice(ErasureState, required=True)
    requested_at = Time(required=True)
    requested_by = Text(required=True)
    finished_at = Time(required=True, allow_none=True)
    event_count = whole(0, required=True)


class CustomerCopySchema(StrictSchema):
    """Everything that is stored about one customer."""

    made_at = Time(required=True)
    complete_through = Time(
        required=True,
        allow_none=True,
        metadata={
            "description": "What arrived by then is in it; null before any event."
        },
    )
    ids = whole(
        0, required=True, metadata={"description": "How many ids were stitched."}
    )
    events = Items(Object(), required=True)
    imported = Items(Object(), required=True)
    set_aside = Items(Object(), required=True)
    refused_rows = Items(
        Object(), required=True, metadata={"description": "Faults in rows of imports."}
    )
    uploaded = Items(
        Object(),
        required=True,
        metadata={"description": "Rows of uploads that wait for somebody to decide."},
    )
    surveys = Items(Object(), required=True)
    opt_outs = Items(
        Object(),
        required=True,
        metadata={
            "description": "When the customer took part in no experiment:"
            " opted_out_at and opted_in_at, null while it lasts."
        },
    )
    is_erased = Flag(
        required=True,
        metadata={"description": "Whether later events of the customer are dropped."},
    )
