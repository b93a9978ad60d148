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
    name = text(200, required=True, metadata={"example": "Established business users"})
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


class SegmentSchema(StrictSchema):
    """A segment with all its versions, oldest first."""

    key = identifier(required=True)
    name = Text(required=True)
    description = Text(required=True)
    created_at = Time(required=True)
    versions = Items(Part(SegmentVersionSchema), required=True)
