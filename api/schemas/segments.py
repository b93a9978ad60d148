"""Segments and their versions."""

from api.schemas.fields import (
    Items,
    Object,
    Part,
    StrictSchema,
    Text,
    Time,
    identifier,
    text,
    whole,
)

CONDITION = {
    "description": "A rule on customer attributes, in GrowthBook's condition language.",
    "example": {
        "plan": {"$in": ["pro", "business"]},
        "tenure_days": {"$exists": True, "$gte": 30},
    },
}


class SegmentBodySchema(StrictSchema):
    """A new segment with its first rule."""

    key = identifier(required=True)
    name = text(200, required=True, metadata={"example": "Established businesses"})
    description = text(2000, load_default="")
    condition = Object(required=True, metadata=CONDITION)


class SegmentVersionBodySchema(StrictSchema):
    """A new rule for a segment."""

    condition = Object(required=True, metadata=CONDITION)


class SegmentVersionSchema(StrictSchema):
    """One state of a segment's rule; never changed."""

    version = whole(1, required=True)
    condition = Object(required=True, metadata=CONDITION)
    created_at = Time(required=True)
    created_by = Text(required=True)


FEW = {"description": "null where it is from 1 to 9, or not known."}


class OverlapSchema(StrictSchema):
    """What a segment shares with one running experiment."""

    experiment = identifier(required=True)
    shared_count = whole(0, required=True, allow_none=True, metadata=FEW)
    seen_count = whole(0, required=True, allow_none=True, metadata=FEW)


class SegmentSizeSchema(StrictSchema):
    """How large the newest version was when it was counted last."""

    version = whole(1, required=True)
    measured_at = Time(required=True)
    window_days = whole(1, required=True)
    sentence = Text(required=True)
    customers_count = whole(0, required=True, allow_none=True, metadata=FEW)
    everybody_count = whole(0, required=True, allow_none=True, metadata=FEW)
    known_count = whole(0, required=True, allow_none=True, metadata=FEW)
    in_running_experiments_count = whole(
        0, required=True, allow_none=True, metadata=FEW
    )
    overlaps = Items(Part(OverlapSchema), required=True)


class SegmentSchema(StrictSchema):
    """A segment with all its versions, oldest first; size null until it is counted."""

    key = identifier(required=True)
    name = Text(required=True)
    description = Text(required=True)
    created_at = Time(required=True)
    versions = Items(Part(SegmentVersionSchema), required=True)
    size = Part(SegmentSizeSchema, required=True, allow_none=True)
