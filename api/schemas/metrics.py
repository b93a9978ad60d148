"""Metrics and their versions."""

from typing import Any

import marshmallow as ma

from api.schemas.fields import (
    Choice,
    Decimal,
    Items,
    Part,
    StrictSchema,
    Text,
    Time,
    identifier,
    number,
    text,
    whole,
)
from experiments.metric_definition import (
    AMOUNTS,
    MAX_COVARIATE_DAYS,
    MAX_DAYS,
    MAX_UNIT,
    MEAN_AMOUNTS,
    MOST_TIMES,
    NO_CAP,
    USUAL_CAP_SHARE,
    USUAL_COVARIATE_DAYS,
    MetricDefinition,
)
from experiments.missing_data import missing_rule
from experiments.models import Metric
from experiments.plan import definition_from_json
from experiments.survey_kinds import NPS_TOP, PROMOTERS_FROM
from experiments.vocabulary import Amount, Direction, MetricKind


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
        metadata={
            "description": "Names of the activity that counts; of the steps of a"
            " funnel, in order; of what ends a time; of contacts or cancellations."
        },
    )
    day = whole(
        0,
        MAX_DAYS,
        load_default=None,
        metadata={
            "description": "The day looked at, by which something happens, or from"
            " which a window runs, 0 being the first; counted from first exposure. Left"
            " out: 30; for amounts 0."
        },
    )
    window_days = whole(
        1,
        MAX_DAYS,
        load_default=None,
        metadata={
            "description": "Length of the window from that day on (retention, event"
            " share, amounts); or the days in which `start_events` must come. Left out:"
            " 1; for amounts 30."
        },
    )
    gap_days = whole(
        1,
        MAX_DAYS,
        load_default=14,
        metadata={
            "description": "Days without activity that mean churned, or without"
            " another contact that mean resolved."
        },
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

    amount = Choice(
        Amount,
        load_default=Amount.COUNT,
        metadata={
            "description": "What a ratio, above its line, or a quantile takes of"
            " `events`."
        },
    )
    per_events = Items(
        Text(metadata={"minLength": 1, "maxLength": 200}),
        load_default=list,
        metadata={"description": "Names of the events below the line of a ratio."},
    )
    per_amount = Choice(
        Amount,
        load_default=Amount.COUNT,
        metadata={"description": "What a ratio takes of `per_events`."},
    )
    quantile_share = number(
        0.01,
        0.99,
        load_default=0.5,
        metadata={
            "description": "The share of customers below a quantile: 0.5 is the median."
        },
    )
    cap_share = number(
        0.5,
        NO_CAP,
        load_default=None,
        metadata={
            "description": "Amounts above that of this share of customers count as"
            " that. Left out: 0.99 for sums, 0.999 for counts, 1 (no cap) for others."
        },
    )
    unit = text(
        MAX_UNIT,
        load_default="",
        metadata={
            "description": 'What an amount is in: a currency as "EUR", or a noun.'
        },
    )
    covariate_days = whole(
        0,
        MAX_COVARIATE_DAYS,
        load_default=None,
        metadata={
            "description": "Estimates are adjusted for how much of `events` came in so"
            " many days before the first exposure. Left out: 28 for counts and sums, 0"
            " for others."
        },
    )
    at_least = whole(
        1,
        MOST_TIMES,
        load_default=1,
        metadata={"description": "How often the events must come (event share)."},
    )
    start_events = Items(
        Text(metadata={"minLength": 1, "maxLength": 200}),
        load_default=list,
        metadata={
            "description": "What starts the clock of a time to an event; without it,"
            " the first exposure does."
        },
    )
    competing_events = Items(
        Text(metadata={"minLength": 1, "maxLength": 200}),
        load_default=list,
        metadata={
            "description": "What takes a customer away before they could cancel, as a"
            " failed payment."
        },
    )

    @ma.post_load
    def make(self, data: dict[str, Any], **_: object) -> MetricDefinition:
        """Make the value that the rules check."""
        is_nps = data["kind"] == MetricKind.NPS
        usual = {
            "scale": NPS_TOP if is_nps else 5,
            "satisfied_from": PROMOTERS_FROM if is_nps else 4,
            "day": 0 if data["kind"] in AMOUNTS else 30,
            "window_days": 30 if data["kind"] in AMOUNTS else 1,
            "cap_share": USUAL_CAP_SHARE.get(data["kind"], NO_CAP),
            "covariate_days": USUAL_COVARIATE_DAYS
            if data["kind"] in MEAN_AMOUNTS
            else 0,
        }
        for name, value in usual.items():
            if data[name] is None:
                data[name] = value
        for name in ("events", "per_events", "start_events", "competing_events"):
            data[name] = tuple(data[name])
        return MetricDefinition(**data)


class MetricEntrySchema(StrictSchema):
    """What the catalogue says of a metric beside its definition."""

    name = text(200, required=True, metadata={"example": "Day-30 retention"})
    description = text(
        2000,
        load_default="",
        metadata={"description": "What it means for the customer."},
    )
    owner = text(
        200,
        load_default="",
        metadata={"description": "Who answers for it. Left out: who saves it."},
    )
    default_margin = number(
        0,
        1e9,
        load_default=None,
        allow_none=True,
        metadata={
            "description": "Largest harm that its guardrails usually accept, absolute:"
            " 0.01 is one point of a share."
        },
    )


class MetricBodySchema(MetricEntrySchema):
    """A new metric with its first definition."""

    key = identifier(required=True)
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
    owner = Text(
        required=True, metadata={"description": "Who answers for it; may be empty."}
    )
    default_margin = Decimal(required=True, allow_none=True)
    missing_data = Text(
        required=True,
        metadata={
            "description": "What becomes of customers whose outcome is not known."
        },
    )
    created_at = Time(required=True)
    versions = Items(Part(MetricVersionSchema), required=True)

    @ma.pre_dump
    def with_rule(self, row: Metric, **_: object) -> dict[str, Any]:
        """Say what becomes of unknown outcomes, by the newest definition."""
        names = self.fields.keys() - {"missing_data"}
        rule = missing_rule(definition_from_json(row.versions[-1].definition))
        return {name: getattr(row, name) for name in names} | {"missing_data": rule}
