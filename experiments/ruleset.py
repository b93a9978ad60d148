"""The ruleset: one snapshot of everything the doors serve from.

It is compiled and stored in the transaction of the change it reflects. From there
the mirror copies it to disk, and each door's reader takes it from the file.
"""

import base64
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import and_, delete, func, select, text
from sqlalchemy.orm import Session, selectinload

from experiments import flags, serving
from experiments.db import DATA_DIR
from experiments.models import (
    ApiKey,
    Attribute,
    Connector,
    ConnectorMapping,
    Experiment,
    Layer,
    LayerRange,
    ListedUnit,
    PreviewLink,
    RulesetRow,
    Segment,
    SegmentVersion,
    Variant,
)
from experiments.ruleset_files import RulesetFolder, checksum
from experiments.ruleset_mirror import RulesetMirror
from experiments.ruleset_past import with_past
from experiments.ruleset_reader import RulesetReader
from experiments.ruleset_values import FORMAT, Ruleset, RulesetRefusedError
from experiments.vocabulary import (
    UNIT_ATTRIBUTE,
    AssignedBy,
    AssignmentReason,
    Status,
    Unit,
)

__all__ = [
    "FORMAT",
    "Ruleset",
    "RulesetFolder",
    "RulesetMirror",
    "RulesetReader",
    "RulesetRefusedError",
    "compile_ruleset",
    "publish",
]

_NOT_STARTED = frozenset({Status.DRAFT, Status.IN_REVIEW})
_TURN = 0x0AB1DE  # names the advisory lock of publishers
Rules = Mapping[tuple[str, int], Mapping[str, Any]]  # (segment, version) -> condition


def publish(session: Session, now: datetime) -> RulesetRow:
    """Put the present state in force, as part of the caller's transaction.

    Publishers take turns until their transactions end, so that revisions rise and
    each contains all changes committed before it. Call it last: it makes
    other publishers wait.

    Args:
        session: of the change that is to be published; it is flushed.
        now: time of publication.

    Returns:
        The stored snapshot; doors serve it within 2 s of the commit, and a server's
        own transactions return when they do (`serving.wait_when_published`).
    """
    session.flush()
    _take_turn(session)
    newest = session.scalar(select(func.max(RulesetRow.revision))) or 0
    revision = _next_revision(session, newest)
    content = {"revision": revision, **compile_ruleset(session, now)}
    before = session.get(RulesetRow, newest)
    known = {} if before is None else orjson.loads(before.body)
    content["experiments"] = with_past(
        content["experiments"], known.get("experiments", ()), now
    )
    body = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    row = RulesetRow(
        revision=revision,
        body=body.decode(),
        checksum=checksum(body),
        published_at=now,
    )
    session.add(row)
    session.flush()
    serving.note_published(session, row.revision)
    return row


def compile_ruleset(session: Session, now: datetime) -> dict[str, Any]:
    """Gather all that the doors need, as JSON values.

    Args:
        session: sees the state to publish.
        now: time of publication.

    Returns:
        Experiments that give variants, the keys of those that do not, API keys
        (hashed), connectors (their secrets sealed), the attributes that may be stored,
        and the preview links that work.
    """
    experiments = _experiments(session)
    giving = [e for e in experiments if _silence(e) is None]
    # Each read once for all: a publication must not slow down with each experiment.
    rules = _segment_rules(session, giving)
    layers, lists = _layers(session), _lists(session)
    return {
        "format": FORMAT,
        "published_at": now.isoformat(),
        "experiments": [_entry(e, rules, layers, lists) for e in giving],
        "silent": {e.key: reason for e in experiments if (reason := _silence(e))},
        "keys": _keys(session),
        "connectors": _connectors(session),
        "attributes": sorted(session.scalars(select(Attribute.name))),
        "previews": _previews(session, now),
    }


def _next_revision(session: Session, newest: int) -> int:
    """Count on from the newest ruleset of the database and of the disk.

    Doors refuse what is older than their file. So after an older database was restored
    numbers go on from the file's, or changes would be told and not be in force. The
    first ruleset of a database is empty: it must not take the place of one that serves
    customers, for it may be there by a wrong DATABASE_URL.
    """
    data_dir = session.info.get(DATA_DIR)
    if newest == 0 or data_dir is None:
        return newest + 1
    held = RulesetFolder(data_dir / "ruleset").held()
    return max(newest, held.revision if held else 0) + 1


def _take_turn(session: Session) -> None:
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})
    else:
        # SQLite has one writer at a time; a write that changes nothing makes sure
        # that it is us before anything is read.
        session.execute(delete(RulesetRow).where(RulesetRow.revision < 0))


def _experiments(session: Session) -> list[Experiment]:
    # What this session read earlier may be older than what publishers before us
    # committed, so everything is read anew.
    query = (
        select(Experiment)
        .options(
            selectinload(Experiment.variants),
            selectinload(Experiment.segment_version).selectinload(
                SegmentVersion.segment
            ),
        )
        .order_by(Experiment.key)
        .execution_options(populate_existing=True)
    )
    return list(session.scalars(query))


def _silence(experiment: Experiment) -> AssignmentReason | None:
    """Say why an experiment gives no variants, or None when it does."""
    if experiment.assigned_by == AssignedBy.EXTERNAL:
        return AssignmentReason.EXTERNAL
    between_phases = experiment.phase > 1
    if experiment.status in _NOT_STARTED and not between_phases:
        return AssignmentReason.NOT_STARTED
    return None


def _segment_rules(session: Session, experiments: Iterable[Experiment]) -> Rules:
    named = {
        rule["segment"]
        for experiment in experiments
        for variant in experiment.variants
        for rule in variant.personalisation
    }
    query = (
        select(Segment.key, SegmentVersion.version, SegmentVersion.condition)
        .join(SegmentVersion.segment)
        .where(Segment.key.in_(named))
    )
    return {(key, version): rule for key, version, rule in session.execute(query)}


def _entry(
    experiment: Experiment,
    rules: Rules,
    layers: Mapping[tuple[str, str], Any],
    lists: Mapping[int, Mapping[str, Any]],
) -> dict[str, Any]:
    target = experiment.segment_version
    entry = {
        "key": experiment.key,
        "status": experiment.status,
        "salt": experiment.salt or "",  # none between two phases
        "phase": experiment.phase,
        "coverage": experiment.coverage,
        "segment": {
            "key": target.segment.key,
            "version": target.version,
            "condition": target.condition,
        },
        "control": next(v.name for v in experiment.variants if v.is_control),
        "decided_variant": experiment.decided_variant,
        "types": _types(experiment),
        "variants": [_variant(variant, rules) for variant in experiment.variants],
    }
    # What an experiment does not use costs neither bytes nor time.
    if experiment.holdouts:
        entry["holdouts"] = experiment.holdouts
    if experiment.unit != Unit.CUSTOMER:
        entry["unit"] = experiment.unit
    if experiment.hash_attribute != UNIT_ATTRIBUTE:
        entry["hash_attribute"] = experiment.hash_attribute
    if experiment.fallback_attribute is not None:
        entry["fallback_attribute"] = experiment.fallback_attribute
    if experiment.layer is not None:
        entry["layer"] = layers[experiment.layer, experiment.key]
    return {**entry, **lists.get(experiment.id, {})}


def _lists(session: Session) -> dict[int, dict[str, Any]]:
    """Gather who is on an experiment's lists by hand, by the experiment's id."""
    query = (
        select(ListedUnit.experiment_id, ListedUnit.pseudonym, ListedUnit.variant)
        .where(ListedUnit.removed_at.is_(None))
        .order_by(ListedUnit.id)
    )
    lists: dict[int, dict[str, Any]] = {}
    for experiment, pseudonym, variant in session.execute(query):
        found = lists.setdefault(experiment, {})
        if variant is not None:
            found.setdefault("forced", {})[pseudonym.hex()] = variant
        else:
            found.setdefault("opted_out", []).append(pseudonym.hex())
    return lists


def _layers(session: Session) -> dict[tuple[str, str], dict[str, Any]]:
    """Gather the places in layers, by the keys of layer and experiment."""
    in_use = and_(
        LayerRange.layer_id == Layer.id,
        LayerRange.in_use.is_(True),
        LayerRange.freed_at.is_(None),
        LayerRange.needed_until.is_(None),
    )
    # Of all experiments: one that has no buckets (any more) has a place with none.
    query = (
        select(
            Layer.key,
            Experiment.key,
            Layer.seed,
            LayerRange.first_bucket,
            LayerRange.end_bucket,
        )
        .join(Experiment, Experiment.layer == Layer.key)
        .outerjoin(LayerRange, in_use & (LayerRange.experiment == Experiment.key))
        .order_by(LayerRange.first_bucket)
    )
    places: dict[tuple[str, str], dict[str, Any]] = {}
    for layer, experiment, seed, first, end in session.execute(query):
        new = {"key": layer, "seed": seed, "ranges": []}
        place = places.setdefault((layer, experiment), new)
        if first is not None:
            place["ranges"].append([first, end])
    return places


def _types(experiment: Experiment) -> Mapping[str, Any]:
    if experiment.parameter_types:
        return experiment.parameter_types
    # Designed before types were declared.
    rules = (rule for v in experiment.variants for rule in v.personalisation)
    return flags.infer(
        [
            *(variant.parameters for variant in experiment.variants),
            *(rule["parameters"] for rule in rules),
        ]
    )


def _variant(variant: Variant, rules: Rules) -> dict[str, Any]:
    return {
        "name": variant.name,
        "share": variant.share,
        "parameters": variant.parameters,
        "personalisation": [
            {**rule, "condition": rules[rule["segment"], rule["version"]]}
            for rule in variant.personalisation
        ],
    }


def _keys(session: Session) -> list[dict[str, Any]]:
    query = select(
        ApiKey.public_id,
        ApiKey.secret_hash.label("digest"),
        ApiKey.kind,
        ApiKey.environment,
        ApiKey.may_read_rules,
        ApiKey.revoked_at.is_not(None).label("revoked"),
    ).order_by(ApiKey.public_id)
    return [dict(row) for row in session.execute(query).mappings()]


def _connectors(session: Session) -> list[dict[str, Any]]:
    in_force = (ConnectorMapping.connector_id == Connector.id) & (
        ConnectorMapping.version == Connector.mapping_version
    )
    query = (
        select(Connector, ConnectorMapping.content)
        .outerjoin(ConnectorMapping, in_force)
        .where(Connector.ended_at.is_(None))
        .order_by(Connector.public_id)
        .execution_options(populate_existing=True)
    )
    return [_connector(row, mapping) for row, mapping in session.execute(query)]


def _connector(row: Connector, mapping: Mapping[str, Any] | None) -> dict[str, Any]:
    secrets = [{"sealed": base64.b64encode(row.secret).decode(), "until": None}]
    if row.old_secret is not None and row.old_secret_until is not None:
        sealed = base64.b64encode(row.old_secret).decode()
        until = row.old_secret_until.isoformat()
        secrets.append({"sealed": sealed, "until": until})
    return {
        "public_id": row.public_id,
        "environment": row.environment,
        "signature": row.signature,
        "secrets": secrets,
        "mapping": mapping,
        "mapping_version": row.mapping_version,
    }


def _previews(session: Session, now: datetime) -> list[dict[str, Any]]:
    query = (
        select(PreviewLink, Experiment.key)
        .join(Experiment, Experiment.id == PreviewLink.experiment_id)
        .where(PreviewLink.revoked_at.is_(None), PreviewLink.expires_at > now)
        .order_by(PreviewLink.id)
    )
    return [
        {
            "id": link.id,
            "digest": link.digest,
            "experiment": key,
            "variant": link.variant,
            "parameters": link.parameters,
            "types": link.types,
            "expires_at": link.expires_at.isoformat(),
        }
        for link, key in session.execute(query)
    ]
