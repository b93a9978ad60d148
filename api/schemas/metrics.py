"""Metrics and their versions."""

from typing import Any

import marshmallow as ma

from api.schemas.fields import (
    Choice,
    Items,
    Part,
    StrictSchema,
    Text,
    Time,
    identifier,
    text,
    whole,
)
from experiments.metric_definition import MAX_DAYS, MetricDefinition
from experiments.survey_kinds import NPS_TOP, PROMOTERS_FROM
from experiments.vocabulary import Direction, MetricKind


class MetricDefinitionSchema(StrictSchema):
    """How a customer's events become one outcome."""

    kind = Choice(MetricKind, required=True)
    direction = Choice(
        Direction,
        required=True,
        metadata={"description": "Which way is better for customers."},
    )
    events = Items(
        Text(metadata={"minLength": 1, "maxLength": 200}),
        load_default=list,
        metadata={"description": "Names of the activity that counts."},
    )
    day = whole(
        1,
        MAX_DAYS,
        load_default=30,
        metadata={"description": "The day looked at, counted from first exposure."},
    )
    window_days = whole(
        1,
        MAX_DAYS,
        load_default=1,
        metadata={"description": "Length of the retention window, from that day on."},
    )
    gap_days = whole(
        1,
        MAX_DAYS,
        load_default=14,
        metadata={"description": "Days without activity that mean churned."},
    )
    survey = text(
        100,
        load_default="",
        metadata={
            "description": "The survey's name; empty takes every survey of the kind"
            " (CSAT, NPS or CES)."
        },
    )
    scale = whole(
        2,
        100,
        load_default=None,
        metadata={"description": "Highest score. Left out: 5; for NPS 10."},
    )
    satisfied_from = whole(
        2,
        100,
        load_default=None,
        metadata={
            "description": "Lowest score of the upper box, in shares. Left out: 4; for"
            " NPS 9."
        },
    )

    @ma.post_load
    def make(self, data: dict[str, Any], **_: object) -> MetricDefinition:
        """Make the value that the rules check."""
        is_nps = data["kind"] == MetricKind.NPS
        usual = {
            "scale": NPS_TOP if is_nps else 5,
            "satisfied_from": PROMOTERS_FROM if is_nps else 4,
        }
        for name, value in usual.items():
            if data[name] is None:
                data[name] = value
        return MetricDefinition(**{**data, "events": tuple(data["events"])})


class MetricBodySchema(StrictSchema):
    """A new metric with its first definition."""

    key = identifier(required=True)
    name = text(200, required=True, metadata={"example": "Day-30 retention"})
    description = text(2000, load_default="")
    definition = Part(MetricDefinitionSchema, required=True)


class MetricVersionSchema(StrictSchema):
    """One state of a metric's definition; never changed."""

    version = whole(1, required=True)
    definition = Part(MetricDefinitionSchema, required=True)
    created_at = Time(required=True)
    created_by = Text(required=True)


class MetricSchema(StrictSchema):
    """A metric with all its versions, oldest first."""

    key = identifier(required=True)
    name = Text(required=True)
    description = Text(required=True)
    created_at = Time(required=True)
    versions = Items(Part(MetricVersionSchema), required=True)
