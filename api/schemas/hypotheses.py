"""The backlog of hypotheses."""

from typing import Any

import marshmallow as ma

from analysis.backlog import Standing
from api.schemas.fields import (
    Choice,
    Decimal,
    Flag,
    Part,
    StrictSchema,
    Text,
    Time,
    identifier,
    number,
    text,
    whole,
)
from experiments.backlog import LONGEST_REASON, MOST_PLACES
from experiments.field_faults import LEAST_CHANGE
from experiments.hypothesis import LEAST_EFFORT, MOST_EFFORT, MOST_REACH, Forecast
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
    effort_weeks = number(
        LEAST_EFFORT,
        MOST_EFFORT,
        load_default=None,
        allow_none=True,
        metadata={"description": "Of work until customers have it; null: not ranked."},
    )
    reach = whole(
        1,
        MOST_REACH,
        load_default=None,
        allow_none=True,
        metadata={
            "description": "Customers of the segment in a quarter; null takes the"
            " measured size."
        },
    )
    baseline = Decimal(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "Where the metric stands, on its scale; null takes what was"
            " measured."
        },
    )
    builds_on = identifier(
        load_default=None,
        allow_none=True,
        metadata={"description": "Key of the decided experiment it builds on."},
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
    place = whole(
        1,
        required=True,
        allow_none=True,
        metadata={"description": "In the backlog, chosen by hand; null: by score."},
    )
    parked_at = Time(required=True, allow_none=True)
    parked_reason = Text(required=True)
    merged_into = identifier(
        required=True,
        allow_none=True,
        metadata={"description": "Key of the one it is a duplicate of."},
    )


class PlaceSchema(StrictSchema):
    """Where a hypothesis stands in the backlog, by hand."""

    place = whole(
        1,
        MOST_PLACES,
        required=True,
        allow_none=True,
        metadata={"description": "From 1; null lets the score decide again."},
    )


class ParkSchema(StrictSchema):
    """Why a hypothesis waits."""

    reason = text(LONGEST_REASON, required=True)


class MergeSchema(StrictSchema):
    """Of which other one a hypothesis is a duplicate."""

    into = identifier(
        required=True, metadata={"description": "Key of the one that stays."}
    )


class RangeSchema(StrictSchema):
    """A likely value with its ends, which are null where nobody made a forecast."""

    likely = Decimal(required=True)
    low = Decimal(required=True, allow_none=True)
    high = Decimal(required=True, allow_none=True)


class ScoreSchema(StrictSchema):
    """A score with what it is made of."""

    value = Decimal(
        required=True,
        metadata={
            "description": "reach x loss x relative x weight / effort_weeks, at the"
            " likely change."
        },
    )
    kept = Part(
        RangeSchema,
        required=True,
        metadata={"description": "Customers kept in a quarter; below 0: lost."},
    )
    reach = whole(1, required=True)
    loss = Decimal(
        required=True, metadata={"description": "Share of them that is lost today."}
    )
    relative = Part(
        RangeSchema,
        required=True,
        metadata={"description": "Expected change of that loss, 0.05: 5 % fewer."},
    )
    weight = Decimal(
        required=True,
        metadata={
            "description": "Of the evidence: opinion 0.2, complaints 0.4, data pattern"
            " 0.6, earlier experiment 0.8."
        },
    )
    effort_weeks = Decimal(required=True)


class BacklogEntrySchema(StrictSchema):
    """One hypothesis as the backlog has it."""

    hypothesis = identifier(required=True, metadata={"description": "Its key."})
    title = Text(required=True)
    standing = Choice(Standing, required=True)
    place = whole(
        1,
        required=True,
        allow_none=True,
        metadata={"description": "In the order; null of those that are not ranked."},
    )
    rank = whole(
        1, required=True, allow_none=True, metadata={"description": "By score alone."}
    )
    placed_by_hand = Flag(required=True)
    score = Part(ScoreSchema, required=True, allow_none=True)
    sentence = Text(
        required=True,
        metadata={"description": "What is expected, or why there is no score."},
    )
    before = Text(
        required=True,
        metadata={"description": "What decided experiments did to its metric."},
    )
    reach_measured_at = Time(
        required=True,
        allow_none=True,
        metadata={"description": "null where the reach is stated or not known."},
    )
    baseline = Decimal(required=True, allow_none=True)
    baseline_measured_at = Time(required=True, allow_none=True)
