"""Certificates: what comparisons of equal groups said of a metric."""

from typing import Any

import marshmallow as ma

from api.schemas.fields import (
    Choice,
    Decimal,
    Flag,
    Items,
    Part,
    StrictSchema,
    Text,
    Time,
    identifier,
    whole,
)
from experiments.certificates import (
    LEAST_COMPARISONS,
    MOST_COMPARISONS,
    USUAL_COMPARISONS,
)
from experiments.vocabulary import CertificateStanding, CertificateState, Reason


class CertificateBodySchema(StrictSchema):
    """What is to be tried."""

    comparisons = whole(
        LEAST_COMPARISONS,
        MOST_COMPARISONS,
        load_default=USUAL_COMPARISONS,
        metadata={
            "description": "Of equal groups; a quarter as many have a difference"
            " planted."
        },
    )
    simulate = Flag(
        load_default=False,
        metadata={
            "description": "Invent the customers, whatever customers there are. With"
            " fewer than 1,000 outcomes they are invented anyway."
        },
    )


class ShareSchema(StrictSchema):
    """A share of comparisons, with its exact 95 % interval."""

    value = Decimal(required=True)
    low = Decimal(required=True)
    high = Decimal(required=True)


class TriedRunsSchema(StrictSchema):
    """One way of running experiments, and what its comparisons said."""

    setting = Text(
        required=True,
        metadata={
            "description": "planned_looks, one_look, any_day or two_treatments.",
        },
    )
    comparisons = whole(0, required=True)
    said = whole(
        0,
        required=True,
        metadata={"description": "Comparisons of equals that said they differ."},
    )
    expected = Decimal(required=True)
    usual_low = whole(0, required=True)
    usual_high = whole(0, required=True)
    refused = whole(
        0,
        required=True,
        metadata={"description": "Comparisons that could not be computed."},
    )
    reason = Choice(Reason, required=True, allow_none=True)
    false_alarms = Part(ShareSchema, required=True)
    planted = whole(0, required=True)
    found = whole(0, required=True)
    power = Part(ShareSchema, required=True, allow_none=True)


class CertificateSchema(StrictSchema):
    """One trial of one definition. Until it is done, it has no findings."""

    id = whole(1, required=True)
    metric = identifier(required=True)
    version = whole(1, required=True)
    definition_sha256 = Text(required=True)
    statistics_version = whole(1, required=True)
    state = Choice(CertificateState, required=True)
    asked_at = Time(required=True)
    asked_by = Text(required=True)
    comparisons = whole(1, required=True)
    simulate = Flag(required=True)
    started_at = Time(required=True, allow_none=True)
    finished_at = Time(required=True, allow_none=True)
    done_count = whole(0, required=True)
    error = Text(required=True, allow_none=True)
    is_certified = Flag(required=True, allow_none=True)
    is_simulated = Flag(required=True, allow_none=True)
    customer_count = whole(0, required=True, allow_none=True)
    entered_from = Time(required=True, allow_none=True)
    entered_to = Time(required=True, allow_none=True)
    sentences = Text(required=True, allow_none=True)
    tried = Items(Part(TriedRunsSchema), required=True)

    @ma.pre_dump
    def shown(self, row: Any, **_: object) -> dict[str, Any]:  # noqa: ANN401  # a row
        """Lay out the stored findings."""
        plain = {
            name: getattr(row, name)
            for name in self.fields
            if name not in {"metric", "state", "tried"}
        }
        findings = row.findings or {}
        return plain | {
            "metric": row.metric.key,
            "state": CertificateState(row.state),
            "tried": [_tried(one) for one in findings.get("settings", ())],
        }


class CertificatesSchema(StrictSchema):
    """What is known of the newest definition, and the newest trials, newest first."""

    standing = Choice(CertificateStanding, required=True)
    items = Items(Part(CertificateSchema), required=True)


def _tried(one: dict[str, Any]) -> dict[str, Any]:
    low, high = one["usual"]
    names = ("setting", "comparisons", "said", "expected", "refused", "planted")
    reason = one["reason"]
    return {name: one[name] for name in (*names, "found")} | {
        "usual_low": low,
        "usual_high": high,
        "reason": None if reason is None else Reason(reason),
        "false_alarms": _share(one["false_alarms"]),
        "power": None if one["power"] is None else _share(one["power"]),
    }


def _share(parts: list[float]) -> dict[str, float]:
    return dict(zip(("value", "low", "high"), parts, strict=True))
