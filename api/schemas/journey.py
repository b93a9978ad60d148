"""The stages of the customer journey."""

from api.schemas.fields import Items, Part, StrictSchema, identifier, text, whole


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
