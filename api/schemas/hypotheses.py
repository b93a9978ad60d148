"""The backlog of hypotheses."""

from typing import Any

import marshmallow as ma

from api.schemas.fields import (
    Choice,
    Decimal,
    Part,
    StrictSchema,
    Text,
    Time,
    identifier,
    number,
    text,
    whole,
)
from experiments.field_faults import LEAST_CHANGE
from experiments.hypothesis import Forecast
from experiments.vocabulary import Direction, Evidence, Lever


class ForecastSchema(StrictSchema):
    """What the team expects before it looks, as relative lifts (0.02 is +2 %)."""

    lift_low = number(-1, 10, required=True, metadata={"description": "10 % quantile."})
    lift_mid = number(-1, 10, required=True, metadata={"description": "50 % quantile."})
    lift_high = number(
        -1, 10, required=True, metadata={"description": "90 % quantile."}
    )
    ship_probability = number(0, 1, required=True)

    @ma.post_load
    def make(self, data: dict[str, Any], **_: object) -> Forecast:
        """Make the value that the rules check."""
        return Forecast(**data)


class _HypothesisFields(StrictSchema):
    title = text(200, required=True)
    evidence = Choice(
        Evidence,
        required=True,
        metadata={"description": "How well it is supported, weakest first."},
    )
    evidence_text = text(
        2000, required=True, metadata={"description": "What you have observed."}
    )
    change = text(2000, required=True, metadata={"description": "What you change."})
    segment = identifier(required=True, metadata={"description": "Key of the segment."})
    metric = identifier(required=True, metadata={"description": "Key of the metric."})
    direction = Choice(Direction, required=True)
    expected_change = Decimal(
        required=True,
        metadata={
            "minimum": LEAST_CHANGE,
            "description": "Absolute, on the metric's scale: 0.015 is 1.5 points.",
        },
    )
    journey_stage = identifier(
        required=True, metadata={"description": "Key of the stage."}
    )
    friction_point = text(500, required=True)
    lever = Choice(
        Lever,
        load_default=Lever.OTHER,
        metadata={"description": "By what means it is to move customers."},
    )
    if_up = text(1000, required=True, metadata={"description": "What you do then."})
    if_flat = text(1000, required=True, metadata={"description": "What you do then."})
    if_down = text(1000, required=True, metadata={"description": "What you do then."})
    wrong_if = text(
        1000,
        load_default="",
        metadata={"description": "What would show that it is wrong."},
    )
    forecast = Part(
        ForecastSchema,
        required=True,
        allow_none=True,
        metadata={"description": "null where nobody made one before the start."},
    )


class HypothesisBodySchema(_HypothesisFields):
    """Because of evidence, a change for a segment moves a metric, by how much."""

    key = identifier(required=True, metadata={"description": "Never changes."})


class HypothesisEditSchema(_HypothesisFields):
    """A hypothesis, saved anew."""

    revision = whole(
        1, required=True, metadata={"description": "The one that was edited."}
    )


class HypothesisSchema(HypothesisBodySchema):
    """A hypothesis of the backlog."""

    owner = Text(required=True, metadata={"description": "E-mail of its owner."})
    created_at = Time(required=True)
    updated_at = Time(required=True)
    revision = whole(1, required=True)
