"""A design's JSON to the value the rules check: versions left out are filled in."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from experiments import metrics, segments
from experiments.decision_rule import rule_from_json
from experiments.design import Design
from experiments.design_parts import (
    MetricChoice,
    SegmentParameters,
    SegmentRef,
    VariantSpec,
)
from experiments.errors import NotFound
from experiments.models import Metric, Segment

Find = Callable[[Session, str], Metric | Segment]


def to_design(session: Session, key: str, body: Mapping[str, Any]) -> Design:
    """Make a design.

    Args:
        session: where newest versions are looked up.
        key: of the experiment.
        body: as `DesignSchema` loads it, without the key.

    Returns:
        The design, not checked yet.
    """
    newest = _Newest(session)
    parts = {
        **body,
        "segment_version": newest.segment(body["segment"], body["segment_version"]),
        "variants": tuple(_variant(newest, v) for v in body["variants"]),
        "metrics": tuple(_choice(newest, m) for m in body["metrics"]),
        "looks": tuple(body["looks"]),
        "risks": tuple(body["risks"]),
        "breakdowns": tuple(
            SegmentRef(**_versioned(newest, ref)) for ref in body["breakdowns"]
        ),
        "decision_rule": rule_from_json(body["decision_rule"]),
    }
    return Design(key=key, **parts)


class _Newest:
    """Looks each newest version up once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._found: dict[tuple[Find, str], int] = {}

    def segment(self, key: str, version: int | None) -> int:
        return self._find(segments.get, key) if version is None else version

    def metric(self, key: str, version: int | None) -> int:
        return self._find(metrics.get, key) if version is None else version

    def _find(self, find: Find, key: str) -> int:
        if (find, key) not in self._found:
            try:
                version = find(self._session, key).versions[-1].version
            except NotFound:
                version = 1  # the rules say which field names nothing
            self._found[find, key] = version
        return self._found[find, key]


def _variant(newest: _Newest, body: Mapping[str, Any]) -> VariantSpec:
    rules: Sequence[Mapping[str, Any]] = body["personalisation"]
    return VariantSpec(
        **{
            **body,
            "personalisation": tuple(
                SegmentParameters(**_versioned(newest, rule)) for rule in rules
            ),
        }
    )


def _choice(newest: _Newest, body: Mapping[str, Any]) -> MetricChoice:
    version = newest.metric(body["metric"], body["version"])
    return MetricChoice(**{**body, "version": version})


def _versioned(newest: _Newest, body: Mapping[str, Any]) -> dict[str, Any]:
    return {**body, "version": newest.segment(body["segment"], body["version"])}
