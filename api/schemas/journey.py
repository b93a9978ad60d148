"""The stages of the customer journey."""

from api.schemas.fields import (
    Decimal,
    Items,
    Part,
    StrictSchema,
    Text,
    Time,
    identifier,
    text,
    whole,
)
from api.schemas.results import IntervalSchema


class StageBodySchema(StrictSchema):
    """What can be said of a stage; its key stands in the address."""

    name = text(100, required=True, metadata={"example": "Onboarding"})
    position = whole(
        0, 1000, required=True, metadata={"description": "Lower comes earlier."}
    )
    health_metrics = Items(
        identifier(),
        load_default=list,
        metadata={"description": "Keys of the metrics that tell how it does."},
    )


class StageSchema(StageBodySchema):
    """A stage of the customer journey."""

    key = identifier(required=True)


class JourneySchema(StrictSchema):
    """The whole customer journey."""

    items = Items(Part(StageSchema), required=True)


class StageWeekSchema(StrictSchema):
    """One week of a metric: the customers seen in it who have a value."""

    starts_at = Time(required=True, metadata={"description": "A Monday, UTC."})
    customers = whole(10, required=True)
    value = Decimal(required=True)
    interval = Part(IntervalSchema, required=True)


class StageChangeSchema(StrictSchema):
    """The last week against the one eight weeks before."""

    effect = Decimal(required=True)
    interval = Part(IntervalSchema, required=True)


class StageGroupSchema(StrictSchema):
    """A metric among some customers of the stage."""

    segment = identifier(
        required=True,
        allow_none=True,
        metadata={"description": "Null is everybody."},
    )
    sentence = Text(required=True)
    change = Part(
        StageChangeSchema,
        required=True,
        allow_none=True,
        metadata={"description": "Null without two weeks to compare."},
    )
    weeks = Items(
        Part(StageWeekSchema),
        required=True,
        metadata={
            "description": "Up to 26, the oldest first; without those of fewer than"
            " 10 customers."
        },
    )


class StageMetricSchema(StrictSchema):
    """One metric of a stage, everybody first, then the stage's segments."""

    metric = identifier(required=True)
    name = Text(required=True)
    groups = Items(Part(StageGroupSchema), required=True)


class ShippedSchema(StrictSchema):
    """An experiment of the stage that was shipped within these weeks."""

    experiment = identifier(required=True)
    name = Text(required=True)
    decided_at = Time(required=True)
    segment = identifier(required=True)


class StageHealthSchema(StrictSchema):
    """How one stage of the journey does, week by week."""

    key = identifier(required=True)
    name = Text(required=True)
    sentence = Text(
        required=True, metadata={"description": "What has clearly changed."}
    )
    metrics = Items(Part(StageMetricSchema), required=True)
    shipped = Items(Part(ShippedSchema), required=True)
