"""What a design names must exist, and must fit together."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from experiments.change_range import too_wide
from experiments.design import Design
from experiments.field_faults import KEY_PATTERN, Faults
from experiments.metric_definition import MetricDefinition
from experiments.models import (
    HypothesisRow,
    Layer,
    MergedHypothesis,
    Metric,
    MetricVersion,
    Segment,
    SegmentVersion,
)
from experiments.plan import definition_from_json
from experiments.vocabulary import Role


@dataclass(frozen=True, slots=True)
class References:
    """Database numbers of what a design names.

    Attributes:
        hypothesis_id: of the hypothesis.
        segment_version_id: of the target segment in its version.
        metric_version_ids: of the metrics in their versions, in the design's order.
        primary: how the metric that decides is measured; None where it does not exist.
    """

    hypothesis_id: int
    segment_version_id: int
    metric_version_ids: tuple[int, ...]
    primary: MetricDefinition | None


def resolve(session: Session, design: Design, faults: Faults) -> References:
    """Find what a design names; note, by field, what is missing or does not fit.

    Args:
        session: any session.
        design: as planned.
        faults: takes what is wrong.

    Returns:
        The numbers, 0 for what does not exist.
    """
    hypothesis = _hypothesis(session, faults, design)
    segment = _segment_version(
        session, faults, "segment", design.segment, design.segment_version
    )
    _check_other_segments(session, faults, design)
    _check_layer(session, faults, design)
    metrics = [
        _metric_version(session, faults, design, index)
        for index in range(len(design.metrics))
    ]
    primary = next(
        (
            definition_from_json(found.definition)
            for found, choice in zip(metrics, design.metrics, strict=True)
            if found is not None and choice.role == Role.PRIMARY
        ),
        None,
    )
    numbers = tuple(0 if found is None else found.id for found in metrics)
    return References(hypothesis or 0, segment or 0, numbers, primary)


def _hypothesis(session: Session, faults: Faults, design: Design) -> int | None:
    row = None
    if KEY_PATTERN.fullmatch(design.hypothesis):
        row = session.execute(
            select(HypothesisRow.id, Metric.key)
            .join(HypothesisRow.metric)
            .where(HypothesisRow.key == design.hypothesis)
        ).first()
    if row is None:
        faults.add("hypothesis", "There is no such hypothesis. Register it first.")
        return None
    merged = session.get(MergedHypothesis, row.id)
    if merged is not None:
        faults.add(
            "hypothesis", f'It is merged into "{merged.into.key}": name that one.'
        )
    for index, choice in enumerate(design.metrics):
        if choice.role == Role.PRIMARY and choice.metric != row.key:
            faults.add(
                f"metrics.{index}.metric",
                f'The hypothesis is about "{row.key}": make that the primary metric,'
                " or choose another hypothesis.",
            )
    return int(row.id)


def _segment_version(
    session: Session, faults: Faults, field: str, key: str, version: int
) -> int | None:
    number = None
    if KEY_PATTERN.fullmatch(key):
        number = session.scalar(
            select(SegmentVersion.id)
            .join(SegmentVersion.segment)
            .where(Segment.key == key, SegmentVersion.version == version)
        )
    if number is None:
        faults.add(field, f"There is no such segment in version {version}.")
    return number


def _check_other_segments(session: Session, faults: Faults, design: Design) -> None:
    for index, ref in enumerate(design.breakdowns):
        field = f"breakdowns.{index}.segment"
        _segment_version(session, faults, field, ref.segment, ref.version)
    for number, variant in enumerate(design.variants):
        for index, rule in enumerate(variant.personalisation):
            field = f"variants.{number}.personalisation.{index}.segment"
            _segment_version(session, faults, field, rule.segment, rule.version)


def _check_layer(session: Session, faults: Faults, design: Design) -> None:
    key = design.layer
    if key is None:
        return
    known = KEY_PATTERN.fullmatch(key) and session.scalar(
        select(Layer.id).where(Layer.key == key)
    )
    if not known:
        faults.add("layer", "There is no such layer. Make it under Settings.")


def _metric_version(
    session: Session, faults: Faults, design: Design, index: int
) -> MetricVersion | None:
    choice = design.metrics[index]
    row = None
    if KEY_PATTERN.fullmatch(choice.metric):
        row = session.scalar(
            select(MetricVersion)
            .join(MetricVersion.metric)
            .where(Metric.key == choice.metric, MetricVersion.version == choice.version)
        )
    if row is None:
        faults.add(
            f"metrics.{index}.metric",
            f"There is no such metric in version {choice.version}.",
        )
        return None
    definition = definition_from_json(row.definition)
    for name in ("change_that_matters", "margin"):
        value = getattr(choice, name)
        words = None if value is None else too_wide(definition, value)
        if words is not None:
            faults.add(f"metrics.{index}.{name}", words)
    return row
