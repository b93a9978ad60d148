"""Layers with what is free in them, and holdouts."""

from api.schemas.fields import (
    Decimal,
    Flag,
    Items,
    Part,
    StrictSchema,
    Text,
    Time,
    identifier,
    text,
    whole,
)
from experiments.buckets import BUCKET_COUNT

_SHARE = {"minimum": 0.001, "maximum": 1}
_FIRST = {"description": "The first of its buckets, which count from 0."}
_END = {"description": "The bucket after the last."}


class LayerBodySchema(StrictSchema):
    """A new layer."""

    key = identifier(required=True)
    name = text(200, required=True, metadata={"example": "Checkout"})
    description = text(2000, load_default="")


class ReservationBodySchema(StrictSchema):
    """A part of a layer to keep for later."""

    share = Decimal(
        required=True, metadata={**_SHARE, "description": "Of the layer's customers."}
    )
    note = text(500, required=True, metadata={"example": "The May price test"})
    experiment = identifier(
        load_default=None,
        metadata={"description": "The draft that will use it; null: nobody yet."},
    )


class BucketsSchema(StrictSchema):
    """Some of a layer's 10,000 buckets."""

    first_bucket = whole(0, BUCKET_COUNT, required=True, metadata=_FIRST)
    end_bucket = whole(0, BUCKET_COUNT, required=True, metadata=_END)


class LayerRangeSchema(BucketsSchema):
    """Buckets that an experiment has, or that are reserved."""

    id = whole(1, required=True)
    experiment = Text(
        required=True,
        allow_none=True,
        metadata={"description": "Key; null when it is reserved for nobody yet."},
    )
    note = Text(required=True)
    in_use = Flag(
        required=True,
        metadata={"description": "Customers are assigned by it; else it is reserved."},
    )
    needed_until = Time(
        required=True,
        allow_none=True,
        metadata={
            "description": "Of an experiment that ended: until its customers' windows"
            " have passed. Then it is free."
        },
    )
    created_at = Time(required=True)
    created_by = Text(required=True)


class LayerSchema(StrictSchema):
    """A layer: who has which part, and what is free."""

    key = identifier(required=True)
    name = Text(required=True)
    description = Text(required=True)
    created_at = Time(required=True)
    free_share = Decimal(required=True, metadata={"minimum": 0, "maximum": 1})
    free = Items(Part(BucketsSchema), required=True)
    taken = Items(Part(LayerRangeSchema), required=True)


class HoldoutBodySchema(StrictSchema):
    """A new holdout, which begins at once."""

    key = identifier(required=True)
    name = text(200, required=True, metadata={"example": "Everything in 2026"})
    share = Decimal(
        required=True,
        metadata={
            "minimum": 0.01,
            "maximum": 0.10,
            "description": "Of all customers.",
        },
    )
    journey_stage = identifier(
        load_default=None,
        metadata={"description": "Its experiments honour it; null: all do."},
    )


class HoldoutSchema(StrictSchema):
    """Customers who are kept out of the experiments that start while it lasts."""

    key = identifier(required=True)
    name = Text(required=True)
    share = Decimal(required=True)
    journey_stage = Text(required=True, allow_none=True)
    started_at = Time(required=True)
    ended_at = Time(required=True, allow_none=True)
    created_by = Text(required=True)
