"""The read side of baselines: what a metric was over customers of late.

They are measured on the schedule, so that a page does not wait; a page says from when
they are, and of how many customers.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from analysis.plan_basis import Basis, Source, stated
from analysis.stats.arrivals import Arrivals
from experiments.metric_definition import MetricDefinition
from experiments.models import MetricBaseline, MetricVersion
from experiments.vocabulary import Unit

EVERYBODY = ""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is known of a metric from the project's own data.

    Attributes:
        basis: with its source.
        measured_at: when it was read.
        seen: all customers who were first seen then, counted or not.
        arrivals: how customers come, week by week, to an enrolment that begins now; of
            the segment where the source is. None where too little is known.
        account_arrivals: likewise, accounts.
    """

    basis: Basis
    measured_at: datetime
    seen: int
    arrivals: Arrivals | None = None
    account_arrivals: Arrivals | None = None

    def arrivals_of(self, unit: Unit) -> Arrivals | None:
        """Tell how those come who are drawn; None where too little is known."""
        return self.account_arrivals if unit == Unit.ACCOUNT else self.arrivals


def known_baseline(
    session: Session, version: MetricVersion, segment: str, segment_version: int
) -> Baseline | None:
    """Find what is known of a metric in a segment.

    Args:
        session: any session.
        version: of the metric.
        segment: key; "" for all customers.
        segment_version: of the segment's rule; that of another version says nothing.

    Returns:
        The baseline; None where nothing is known yet, or of too few customers.
    """
    row = session.get(MetricBaseline, version.id)
    if row is None:
        return None
    found = row.found.get(segment)
    if found is None or (segment and found["segment_version"] != segment_version):
        return None
    return baseline_from_json(found, segment, row.measured_at)


def part_of(
    session: Session, version: MetricVersion, segment: str, segment_version: int
) -> float | None:
    """Tell which share of all customers a segment has; None where it is not known."""
    everybody = known_baseline(session, version, EVERYBODY, 0)
    inside = known_baseline(session, version, segment, segment_version)
    if everybody is None or inside is None or not everybody.seen:
        return None
    return inside.seen / everybody.seen


def baseline_to_json(baseline: Baseline, segment_version: int) -> dict[str, Any]:
    """Write a baseline as plain JSON values, to be stored."""
    basis, source = baseline.basis, baseline.basis.source
    if source is None:
        raise TypeError("a baseline has a source")
    return {
        "segment_version": segment_version,
        "value": basis.value,
        "sd": basis.sd,
        "counted_share": basis.counted_share,
        "correlation": basis.correlation,
        "shares": list(basis.shares),
        "customers": source.customers,
        "since": source.since.isoformat(),
        "until": source.until.isoformat(),
        "seen": baseline.seen,
        "arrivals": _arrivals_to_json(baseline.arrivals),
        "account_arrivals": _arrivals_to_json(baseline.account_arrivals),
    }


def baseline_from_json(
    body: dict[str, Any], segment: str, measured_at: datetime
) -> Baseline:
    """Read a stored baseline back."""
    source = Source(
        customers=body["customers"],
        since=datetime.fromisoformat(body["since"]),
        until=datetime.fromisoformat(body["until"]),
        segment=segment,
    )
    basis = Basis(
        value=body["value"],
        sd=body["sd"],
        counted_share=body["counted_share"],
        correlation=body["correlation"],
        shares=tuple(body["shares"]),
        source=source,
    )
    return Baseline(
        basis,
        measured_at,
        body["seen"],
        _arrivals_from_json(body["arrivals"]),
        _arrivals_from_json(body["account_arrivals"]),
    )


def _arrivals_to_json(arrivals: Arrivals | None) -> dict[str, Any] | None:
    if arrivals is None:
        return None
    return {"weeks": list(arrivals.weeks), "later": arrivals.later}


def _arrivals_from_json(body: dict[str, Any] | None) -> Arrivals | None:
    return None if body is None else Arrivals(tuple(body["weeks"]), body["later"])


def with_stated(
    definition: MetricDefinition,
    known: Basis | None,
    value: float | None = None,
    sd: float | None = None,
    counted_share: float | None = None,
) -> Basis:
    """Let what somebody states go before what is known; what is left out stays.

    Args:
        definition: of the metric.
        known: from the project's own data; None where nothing is.
        value: where the metric stands; of a time, the share without the event on the
            last day.
        sd: standard deviation of the outcome over customers.
        counted_share: customers who answer, or are counted at all.

    Returns:
        The basis; it keeps its source where some of it is still from there.
    """
    said = stated(
        definition, value, sd, 1.0 if counted_share is None else counted_share
    )
    if known is None:
        return said
    basis = known
    if value is not None:
        basis = replace(basis, value=said.value, shares=said.shares)
    if sd is not None:
        basis = replace(basis, sd=said.sd)
    if counted_share is not None:
        basis = replace(basis, counted_share=counted_share)
    decides = sd if definition.has_spread else value
    return basis if decides is None else replace(basis, source=None)
