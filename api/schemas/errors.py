"""The one error shape, for the OpenAPI document."""

import marshmallow as ma

from api.schemas.fields import StrictSchema, Text


class ErrorSchema(StrictSchema):
    """Why a request was refused."""

    code = Text(
        required=True,
        metadata={"description": "Stable, for programs.", "example": "invalid_input"},
    )
    message = Text(required=True, metadata={"description": "One sentence, for people."})
    faults = ma.fields.Dict(
        data_key="fields",
        keys=Text(),
        values=Text(),
        required=True,
        metadata={
            "description": "What is wrong with which part of the request.",
            "example": {
                "coverage": "Enrol some or all of the segment: at least 0.1 %, at most"
                " 100 %."
            },
        },
    )
