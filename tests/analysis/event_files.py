"""Events in the row shape of the store, as Parquet files; and plans to read them."""

import hashlib
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from experiments.design import Design
from experiments.design_parts import MetricChoice, SegmentRef, VariantSpec
from experiments.hypothesis import Forecast, Hypothesis
from experiments.metric_definition import MetricDefinition
from experiments.plan import Plan, PlannedMetric, PlannedSegment
from experiments.vocabulary import (
    AssignedBy,
    Direction,
    Evidence,
    Goal,
    MetricKind,
    MonitoringMode,
    Role,
    Unit,
)

T0 = datetime(2026, 1, 1, tzinfo=UTC)
SCHEMA = pa.schema(
    [
        ("bucket", pa.int16()),
        ("environment", pa.string()),
        ("source", pa.string()),
        ("message_id", pa.binary(16)),
        ("kind", pa.string()),
        ("name", pa.string()),
        ("occurred_at", pa.timestamp("us", tz="UTC")),
        ("original_at", pa.timestamp("us", tz="UTC")),
        ("received_at", pa.timestamp("us", tz="UTC")),
        ("customer", pa.binary(16)),
        ("anonymous", pa.binary(16)),
        ("account", pa.binary(16)),
        ("experiment", pa.string()),
        ("variant", pa.string()),
        ("value", pa.float64()),
        ("scale", pa.int32()),
        ("properties", pa.string()),
        ("key_id", pa.string()),
        ("payload_hash", pa.int64()),
        ("schema_version", pa.int32()),
    ]
)


def pseudonym(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:16]


def at(days: float = 0, hours: float = 0) -> datetime:
    """Tell the time so many days after T0."""
    return T0 + timedelta(days=days, hours=hours)


@dataclass
class EventFile:
    """Collects events; `write` gives the path of the Parquet file."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    _count: "itertools.count[int]" = field(default_factory=itertools.count)

    def add(
        self,
        kind: str,
        who: str,
        when: datetime,
        **columns: object,
    ) -> "EventFile":
        anonymous = who.startswith("anon")
        row = dict.fromkeys(SCHEMA.names)
        row |= {
            "bucket": pseudonym(who)[0],
            "environment": "production",
            "source": "app",
            "message_id": pseudonym(f"message {next(self._count)}"),
            "kind": kind,
            "name": "",
            "occurred_at": when,
            "original_at": when,
            "received_at": when,
            "customer": pseudonym(who),
            "anonymous": pseudonym(who) if anonymous else None,
            "key_id": "k",
            "payload_hash": 0,
            "schema_version": 1,
        }
        self.rows.append(row | columns)
        return self

    def exposed(
        self, who: str, variant: str, when: datetime = T0, **columns: object
    ) -> "EventFile":
        columns = {"experiment": "exp", **columns}
        return self.add("exposure", who, when, variant=variant, **columns)

    def active(
        self, who: str, *days: float, name: str = "Opened", **columns: object
    ) -> "EventFile":
        for day in days:
            self.add("activity", who, at(day), name=name, **columns)
        return self

    def asked(
        self, who: str, day: float, survey: str = "", kind: str = "survey"
    ) -> "EventFile":
        return self.add(f"{kind}_request", who, at(day), name=survey)

    def answered(
        self,
        who: str,
        day: float,
        score: float,
        survey: str = "",
        scale: int | None = 5,
        kind: str = "survey",
    ) -> "EventFile":
        return self.add(
            f"{kind}_answer", who, at(day), name=survey, value=score, scale=scale
        )

    def traits(self, who: str, day: float, **traits: object) -> "EventFile":
        return self.add("attributes", who, at(day), properties=json.dumps(traits))

    def linked(self, anonymous: str, customer: str, day: float) -> "EventFile":
        return self.add("identity", customer, at(day), anonymous=pseudonym(anonymous))

    def write(self, folder: Path) -> str:
        path = folder / f"events-{len(self.rows)}-{next(self._count)}.parquet"
        pq.write_table(pa.Table.from_pylist(self.rows, schema=SCHEMA), path)
        return str(path)


def retention(day: int = 7, window_days: int = 1) -> MetricDefinition:
    return MetricDefinition(
        MetricKind.RETENTION,
        Direction.INCREASE,
        events=("Opened",),
        day=day,
        window_days=window_days,
    )


def churn(day: int = 10, gap_days: int = 5) -> MetricDefinition:
    return MetricDefinition(
        MetricKind.CHURN,
        Direction.DECREASE,
        events=("Opened",),
        day=day,
        gap_days=gap_days,
    )


def time_to_churn(day: int = 10, gap_days: int = 5) -> MetricDefinition:
    return replace(
        churn(day, gap_days),
        kind=MetricKind.TIME_TO_CHURN,
        direction=Direction.INCREASE,
    )


def csat(day: int = 20, survey: str = "") -> MetricDefinition:
    return MetricDefinition(
        MetricKind.CSAT_MEAN, Direction.INCREASE, day=day, survey=survey
    )


def plan_of(
    metrics: dict[str, MetricDefinition],
    *,
    shares: dict[str, float] | None = None,
    breakdowns: dict[str, dict[str, Any]] | None = None,
    planned_units: int = 100,
    assigned_by: AssignedBy = AssignedBy.ABIDE,
    roles: Sequence[Role] = (Role.PRIMARY, Role.GUARDRAIL, Role.SECONDARY),
) -> Plan:
    """Make a locked plan; the first variant is control, the first metric primary."""
    shares = shares or {"control": 0.5, "treatment": 0.5}
    named = [*roles, *[Role.SECONDARY] * len(metrics)]
    planned = tuple(
        PlannedMetric(
            key,
            MetricChoice(
                key,
                1,
                role,
                change_that_matters=0.01,
                margin=0.05 if role == Role.GUARDRAIL else None,
            ),
            definition,
        )
        for (key, definition), role in zip(metrics.items(), named, strict=False)
    )
    splits = breakdowns or {}
    design = Design(
        key="exp",
        name="An experiment",
        hypothesis="hyp",
        goal=Goal.CHURN_REDUCTION,
        assigned_by=assigned_by,
        unit=Unit.CUSTOMER,
        segment="all",
        segment_version=1,
        variants=tuple(
            VariantSpec(name, "", i == 0, share, {})
            for i, (name, share) in enumerate(shares.items())
        ),
        coverage=1.0,
        metrics=tuple(m.choice for m in planned),
        monitoring_mode=MonitoringMode.FIXED_END,
        planned_units=planned_units,
        planned_end_at=at(60),
        breakdowns=tuple(SegmentRef(key, 1) for key in splits),
    )
    return Plan(
        design=design,
        hypothesis=_hypothesis(),
        metrics=planned,
        segments=(
            PlannedSegment("all", 1, "Everybody", {}),
            *(PlannedSegment(k, 1, k.title(), rule) for k, rule in splits.items()),
        ),
        salt="s",
        phase=1,
        exposures_from=T0,
        locked_at=T0,
        pre_registered=True,
        reviewed=True,
        decision_rule="Ship if better.",
    )


def _hypothesis() -> Hypothesis:
    return Hypothesis(
        key="hyp",
        title="It helps",
        evidence=Evidence.OPINION,
        evidence_text="We think so.",
        change="A change",
        segment="all",
        metric="retained",
        direction=Direction.INCREASE,
        expected_change=0.02,
        journey_stage="onboarding",
        friction_point="A wall",
        if_up="Ship",
        if_flat="Keep",
        if_down="Stop",
        forecast=Forecast(0.0, 0.02, 0.04, 0.5),
    )
