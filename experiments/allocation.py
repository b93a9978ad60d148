"""Who has which buckets of a layer, what is reserved, and what is free."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from experiments import audit, layers
from experiments.actors import Actor
from experiments.design import LEAST_LAYER_SHARE, Design
from experiments.errors import Conflict, InvalidInput, NotFound
from experiments.field_faults import Faults
from experiments.layer_catalog import get
from experiments.layers import Range, Taken
from experiments.models import Experiment, Layer, LayerRange
from experiments.plan import definition_from_json
from experiments.vocabulary import PersonRole


def taken(layer: Layer, now: datetime) -> list[LayerRange]:
    """List the ranges that somebody has at this moment, in order of their buckets."""
    held = [part for part in layer.ranges if _is_taken(part, now)]
    return sorted(held, key=lambda part: part.first_bucket)


def free(layer: Layer, now: datetime) -> list[Range]:
    """List the ranges that nobody has at this moment."""
    return layers.free_ranges((p.first_bucket, p.end_bucket) for p in taken(layer, now))


def ranges_of(session: Session, experiment: Experiment) -> list[LayerRange]:
    """List the ranges by which an experiment's customers are assigned."""
    query = select(LayerRange).where(
        LayerRange.experiment == experiment.key, LayerRange.in_use.is_(True)
    )
    return list(session.scalars(query.order_by(LayerRange.first_bucket)))


def reserve(
    session: Session,
    key: str,
    *,
    share: float,
    note: str,
    experiment: str | None,
    actor: Actor,
    now: datetime,
) -> Layer:
    """Keep a part of a layer for later.

    Args:
        session: open transaction.
        key: of the layer.
        share: of its customers, 0 to 1.
        note: what for.
        experiment: key of the draft that will use it; None keeps it for nobody yet.
        actor: an editor.
        now: aware UTC.

    Returns:
        The layer.

    Raises:
        Conflict: there is not so much free; says what would fit.
    """
    actor.require(PersonRole.EDITOR, "reserve parts of a layer")
    faults = Faults()
    faults.number("share", share, LEAST_LAYER_SHARE, 1)
    faults.text("note", note, 500, "what it is for")
    audit.take_turn(session)
    if experiment is not None and not _is_draft_in(session, experiment, key):
        faults.add(
            "experiment",
            "Name an experiment of this layer that has not started, or none.",
        )
    faults.raise_if_any("Nothing was reserved.")
    layer = get(session, key)
    chosen = _choose(layer, share, now, mine=None, field="share")
    for part in chosen:
        layer.ranges.append(_range(part, experiment, note, actor, now, in_use=False))
    session.flush()
    after = {"ranges": [list(part) for part in chosen], "experiment": experiment}
    audit.record(session, actor, "layer.reserve", "layer", key, None, after, now)
    return get(session, key)


def free_reservation(
    session: Session, key: str, range_id: int, *, actor: Actor, now: datetime
) -> Layer:
    """Give a reserved range back.

    Args:
        session: open transaction.
        key: of the layer.
        range_id: number of the range.
        actor: an editor.
        now: aware UTC.

    Returns:
        The layer.

    Raises:
        Conflict: customers are assigned by the range, or their windows still run.
        NotFound: nobody has such a range.
    """
    actor.require(PersonRole.EDITOR, "free parts of a layer")
    audit.take_turn(session)
    layer = get(session, key)
    part = next((p for p in taken(layer, now) if p.id == range_id), None)
    if part is None:
        raise NotFound("Nobody has such a range in this layer.")
    if part.in_use:
        raise Conflict(_why_needed(part))
    part.freed_at = now
    before = {
        "ranges": [[part.first_bucket, part.end_bucket]],
        "experiment": part.experiment,
    }
    audit.record(session, actor, "layer.free", "layer", key, before, None, now)
    return layer


def occupy(
    session: Session, experiment: Experiment, actor: Actor, now: datetime
) -> None:
    """Give an experiment that starts its part of the layer, what it reserved first.

    Args:
        session: open transaction.
        experiment: with its layer and share; does nothing without.
        actor: who starts it.
        now: aware UTC.

    Raises:
        Conflict: there is not so much free; says what would fit.
    """
    if experiment.layer is None or experiment.layer_share is None:
        return
    layer = get(session, experiment.layer)
    _refuse_others_units(session, layer, experiment, now)
    key = experiment.key
    # An earlier phase's part goes back: its customers are in no later one.
    held = [p for p in taken(layer, now) if p.experiment == key and p.in_use]
    for part in held:
        part.freed_at = now
    chosen = _choose(layer, experiment.layer_share, now, mine=key, field="layer_share")
    for part in taken(layer, now):
        if part.experiment == key:
            part.freed_at = now
    for found in chosen:
        layer.ranges.append(_range(found, key, "", actor, now, in_use=True))
    session.flush()


def refuse_mixed(session: Session, design: Design, now: datetime) -> None:
    """Refuse a design whose units the layer cannot keep from its other experiments.

    A layer excludes by the bucket of the id that an experiment draws by. A customer's
    bucket says nothing about the bucket of the customer's account.

    Args:
        session: any session.
        design: names its layer; does nothing without.
        now: aware UTC.

    Raises:
        InvalidInput: an experiment that has a part of the layer draws by another id.
    """
    if design.layer is not None:
        layer = get(session, design.layer)
        try:
            _refuse_others_units(session, layer, design, now)
        except Conflict as error:
            raise InvalidInput(
                "This experiment cannot be saved yet.", {"layer": error.message}
            ) from error


def _refuse_others_units(
    session: Session, layer: Layer, ours: Experiment | Design, now: datetime
) -> None:
    held = {part.experiment for part in taken(layer, now) if part.in_use}
    query = select(Experiment).where(Experiment.key.in_(held - {ours.key, None}))
    for other in session.scalars(query.order_by(Experiment.key)):
        if _drawn_by(other) != _drawn_by(ours):
            raise Conflict(
                f'The layer "{layer.name}" draws {_drawn_by(other)}, for experiment'
                f' "{other.key}" has a part of it. This experiment draws'
                f" {_drawn_by(ours)}, so one customer could be in both. Choose another"
                " layer."
            )


def _drawn_by(experiment: Experiment | Design) -> str:
    """Say which ids decide, as "customers by id"."""
    names = [experiment.hash_attribute, experiment.fallback_attribute]
    return f"{experiment.unit}s by {' or '.join(filter(None, names))}"


def release(session: Session, experiment: Experiment, now: datetime) -> None:
    """Let an ended experiment's part become free once its customers' windows passed.

    Until then others would change what these customers do in their windows.

    Args:
        session: open transaction.
        experiment: one that ends now.
        now: aware UTC.
    """
    longest = max(
        (
            definition_from_json(row.metric_version.definition).maturity
            for row in experiment.metrics
        ),
        default=timedelta(0),
    )
    for part in ranges_of(session, experiment):
        if part.needed_until is None and part.freed_at is None:
            part.needed_until = now + longest


def _is_taken(part: LayerRange, now: datetime) -> bool:
    ended = part.needed_until is not None and part.needed_until <= now
    return part.freed_at is None and not ended


def _is_draft_in(session: Session, experiment: str, layer: str) -> bool:
    query = select(Experiment.id).where(
        Experiment.key == experiment,
        Experiment.layer == layer,
        Experiment.status.in_(("draft", "in_review")),
    )
    return session.scalar(query) is not None


def _choose(
    layer: Layer, share: float, now: datetime, *, mine: str | None, field: str
) -> Sequence[Range]:
    """Find room, with what this experiment reserved before counted as free.

    `field` is what the share is called where it was asked for.
    """
    held = taken(layer, now)
    others = [p for p in held if mine is None or p.experiment != mine]
    reserved = [(p.first_bucket, p.end_bucket) for p in held if p not in others]
    wanted = layers.bucket_count(share)
    own = layers.allocate(sorted(reserved), wanted)
    if own is not None:
        return own
    places = layers.free_ranges((p.first_bucket, p.end_bucket) for p in others)
    found = layers.allocate(places, wanted)
    if found is None:
        known = [
            Taken(p.first_bucket, p.end_bucket, _holder(p), p.needed_until)
            for p in others
        ]
        raise Conflict(
            layers.refusal(layer.name, share, known),
            {field: "There is not so much free in this layer."},
        )
    return found


def _range(
    part: Range,
    experiment: str | None,
    note: str,
    actor: Actor,
    now: datetime,
    *,
    in_use: bool,
) -> LayerRange:
    return LayerRange(
        experiment=experiment,
        note=note,
        first_bucket=part[0],
        end_bucket=part[1],
        created_at=now,
        created_by=actor.label,
        in_use=in_use,
    )


def _holder(part: LayerRange) -> str:
    if part.experiment is None:
        return f'The reservation "{part.note}"'
    what = "Experiment" if part.in_use else "The reservation for experiment"
    return f'{what} "{part.experiment}"'


def _why_needed(part: LayerRange) -> str:
    if part.needed_until is None:
        return (
            f'Experiment "{part.experiment}" assigns customers by this range. Stop it'
            " first."
        )
    return (
        f'Experiment "{part.experiment}" has ended, but its last customers are counted'
        f" until {part.needed_until:%Y-%m-%d %H:%M} UTC. The range becomes free then."
    )


def shown(layer: Layer, now: datetime) -> dict[str, Any]:
    """Lay out a layer for pages and API: what is taken, by whom, and what is free."""
    gaps = free(layer, now)
    return {
        "key": layer.key,
        "name": layer.name,
        "description": layer.description,
        "created_at": layer.created_at,
        "free_share": layers.share_of(gaps),
        "free": [{"first_bucket": a, "end_bucket": b} for a, b in gaps],
        "taken": taken(layer, now),
    }
