"""Connectors: registered senders of signed webhooks, their secrets and mappings."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from experiments import audit, body_mapping, key_format, ruleset
from experiments.actors import Actor
from experiments.connector_presets import PRESETS
from experiments.connector_signing import check_scheme, check_secret
from experiments.errors import Conflict, InvalidInput, NotFound
from experiments.field_faults import Faults
from experiments.models import Connector, ConnectorMapping
from experiments.privacy import names_somebody
from experiments.sealing import SECRET_PURPOSE, Sealer
from experiments.signatures import Scheme
from experiments.survey_kinds import ANSWERS, BY_NAME
from experiments.vocabulary import (
    EXPOSURE_NAMES,
    ConnectorKind,
    Environment,
    PersonRole,
)

MAX_OLD_HOURS = 168  # for which a replaced secret may still hold
MAX_MAPPING_BYTES = 32 * 1024


@dataclass(frozen=True, slots=True)
class NewConnector:
    """What somebody registers.

    Attributes:
        secret: from the vendor; "" lets Abide make one, where the vendor takes it.
        signature: how a generic sender signs: fields of `signatures.Scheme`.
        mapping: None for the vendor's own, or for a generic sender none yet.
    """

    kind: ConnectorKind
    environment: Environment
    name: str
    secret: str = ""
    signature: Mapping[str, Any] | None = None
    mapping: Mapping[str, Any] | None = None


def create(
    session: Session, new: NewConnector, sealer: Sealer, *, actor: Actor, now: datetime
) -> tuple[Connector, str | None]:
    """Register a sender; its address answers within seconds.

    Args:
        session: open transaction.
        new: what is registered.
        sealer: hides the secret.
        actor: an admin.
        now: aware UTC.

    Returns:
        The row, and the secret when Abide made it, which nobody can read again.
    """
    actor.require(PersonRole.ADMIN, "register connectors")
    faults = Faults()
    faults.text("name", new.name, 100, "what sends these webhooks")
    scheme = check_scheme(faults, new.kind, new.signature)
    secret = check_secret(faults, new.kind, scheme, new.secret)
    mapping = PRESETS[new.kind] if new.mapping is None else new.mapping
    _check_mapping(faults, mapping)
    faults.raise_if_any("This connector cannot be registered yet.")
    audit.take_turn(session)
    row = Connector(
        public_id=key_format.new_public_id(),
        kind=new.kind.value,
        environment=new.environment.value,
        name=new.name.strip(),
        signature=dataclasses.asdict(scheme),
        secret=sealer.seal(secret.encode(), SECRET_PURPOSE),
        old_secret=None,
        old_secret_until=None,
        mapping_version=0,
        created_at=now,
        ended_at=None,
    )
    session.add(row)
    session.flush()
    if mapping is not None:
        _add_version(session, row, mapping, actor, now)
    ruleset.publish(session, now)
    _record(session, row, "connector.create", None, actor, now)
    return row, None if new.secret else secret


def change_secret(
    session: Session,
    public_id: str,
    secret: str,
    old_valid_hours: int,
    sealer: Sealer,
    *,
    actor: Actor,
    now: datetime,
) -> tuple[Connector, str | None]:
    """Replace a connector's secret; the old one may hold for a while beside it.

    Args:
        session: open transaction.
        public_id: of the connector.
        secret: the new one; "" lets Abide make one.
        old_valid_hours: for which the old one holds too; 0 ends it at once.
        sealer: hides the secret.
        actor: an admin.
        now: aware UTC.

    Returns:
        The row, and the secret when Abide made it.
    """
    actor.require(PersonRole.ADMIN, "change a connector's secret")
    audit.take_turn(session)
    row = _in_use(session, public_id)
    before = snapshot(row)
    faults = Faults()
    faults.number("old_valid_hours", old_valid_hours, 0, MAX_OLD_HOURS)
    made = check_secret(
        faults, ConnectorKind(row.kind), Scheme(**row.signature), secret
    )
    faults.raise_if_any("The secret cannot be changed yet.")
    # What still arrives with the old one is the vendor's, until it knows the new one.
    row.old_secret = row.secret if old_valid_hours else None
    until = now + timedelta(hours=old_valid_hours)
    row.old_secret_until = until if old_valid_hours else None
    row.secret = sealer.seal(made.encode(), SECRET_PURPOSE)
    ruleset.publish(session, now)
    _record(session, row, "connector.secret", before, actor, now)
    return row, None if secret else made


def save_mapping(
    session: Session,
    public_id: str,
    mapping: Mapping[str, Any],
    based_on: int,
    *,
    actor: Actor,
    now: datetime,
) -> Connector:
    """Put a new version of a connector's mapping in force; older ones stay stored.

    Args:
        session: open transaction.
        public_id: of the connector.
        mapping: see `experiments.body_mapping`.
        based_on: the version that it changes; 0 for the first.
        actor: an admin.
        now: aware UTC.

    Returns:
        The row.

    Raises:
        Conflict: somebody saved another version meanwhile.
    """
    actor.require(PersonRole.ADMIN, "change a connector's mapping")
    audit.take_turn(session)
    row = _in_use(session, public_id)
    if based_on != row.mapping_version:
        raise Conflict(
            f"Somebody saved version {row.mapping_version} of this mapping meanwhile."
            " Open the page again, then make your change."
        )
    before = snapshot(row)
    faults = Faults()
    _check_mapping(faults, mapping)
    faults.raise_if_any("This mapping cannot be saved yet.")
    _add_version(session, row, mapping, actor, now)
    ruleset.publish(session, now)
    _record(session, row, "connector.mapping", before, actor, now)
    return row


def end(session: Session, public_id: str, *, actor: Actor, now: datetime) -> Connector:
    """End a connector; its address refuses everything within seconds.

    Args:
        session: open transaction.
        public_id: of the connector.
        actor: an admin.
        now: aware UTC.

    Returns:
        The row; events that it brought stay.
    """
    actor.require(PersonRole.ADMIN, "end connectors")
    audit.take_turn(session)
    row = _in_use(session, public_id)
    before = snapshot(row)
    row.ended_at = now
    row.old_secret, row.old_secret_until = None, None
    ruleset.publish(session, now)
    _record(session, row, "connector.end", before, actor, now)
    return row


def get(session: Session, public_id: str) -> Connector:
    """Find a connector.

    Args:
        session: any session.
        public_id: 12 letters and digits.

    Returns:
        The row.

    Raises:
        NotFound: there is none.
    """
    row = None
    if key_format.is_public_id(public_id):
        query = select(Connector).where(Connector.public_id == public_id)
        row = session.scalar(query.execution_options(populate_existing=True))
    if row is None:
        raise NotFound("There is no such connector.")
    return row


def find(session: Session, public_id: str) -> Connector | None:
    """Find the connector that is a source of events; None for another kind."""
    try:
        return get(session, public_id)
    except NotFound:
        return None


def listing(session: Session) -> Sequence[Connector]:
    """List all connectors, newest first; their number stays small."""
    return session.scalars(select(Connector).order_by(Connector.id.desc())).all()


def mapping_of(session: Session, row: Connector) -> dict[str, Any] | None:
    """Give the mapping in force; None while there is none."""
    table = ConnectorMapping
    return session.scalar(
        select(table.content).where(
            table.connector_id == row.id, table.version == row.mapping_version
        )
    )


def versions(session: Session, row: Connector) -> Sequence[ConnectorMapping]:
    """List the versions of a mapping, newest first."""
    table = ConnectorMapping
    query = select(table).where(table.connector_id == row.id)
    return session.scalars(query.order_by(table.version.desc())).all()


def check_mapping(mapping: Mapping[str, Any]) -> body_mapping.BodyMapping:
    """Read a mapping by all of its rules.

    Args:
        mapping: JSON.

    Returns:
        The mapping.

    Raises:
        InvalidInput: with every fault by field.
    """
    faults = Faults()
    found = _check_mapping(faults, mapping)
    faults.raise_if_any("This mapping cannot be used yet.")
    return found or body_mapping.BodyMapping()


def _in_use(session: Session, public_id: str) -> Connector:
    row = get(session, public_id)
    if row.ended_at is not None:
        raise Conflict("This connector has ended. Register a new one.")
    return row


def _check_mapping(
    faults: Faults, mapping: Mapping[str, Any] | None
) -> body_mapping.BodyMapping | None:
    """Ask what the language asks, and that each fact is one that events can be."""
    if mapping is None:
        return None
    try:
        if len(orjson.dumps(mapping)) > MAX_MAPPING_BYTES:
            faults.add("mapping", "Write a mapping of at most 32 KB.")
            return None
        found = body_mapping.parse(mapping)
    except InvalidInput as fault:
        for field, sentence in fault.fields.items():
            faults.add(field, sentence)
        return None
    except orjson.JSONEncodeError:
        faults.add("mapping", "Use JSON values only.")
        return None
    for number, (event, parts) in enumerate(body_mapping.fields_of(found)):
        _check_fact(faults, f"mapping.facts.{number}", event, parts)
    for field, word in body_mapping.words_of(found):
        if names_somebody(word):
            faults.add(
                f"mapping.facts.{field}",
                "This looks like an e-mail address, a phone or a card number. A"
                " mapping is for everybody: say where such things stand, not what"
                " they are.",
            )
    return found


def _check_fact(faults: Faults, field: str, event: str, parts: frozenset[str]) -> None:
    kind, _ = BY_NAME.get(event.lower(), (None, None))
    if event.lower() in EXPOSURE_NAMES:
        faults.add(
            f"{field}.event",
            "Exposures come from the app that shows a variant, not from a webhook.",
        )
    if kind in ANSWERS:
        if "score" not in parts:
            faults.add(f"{field}.score", "Say where the answer's score stands.")
        return
    of_answers = ("score", "scale", "comment")
    for name in of_answers if kind else (*of_answers, "survey"):
        if name in parts:
            faults.add(
                f"{field}.{name}", f"{event} has no {name}; only surveys' answers do."
            )


def _add_version(
    session: Session,
    row: Connector,
    mapping: Mapping[str, Any],
    actor: Actor,
    now: datetime,
) -> None:
    row.mapping_version += 1
    version = ConnectorMapping(
        connector_id=row.id,
        version=row.mapping_version,
        content=dict(mapping),
        saved_by=actor.label,
        saved_at=now,
    )
    session.add(version)
    session.flush()


def _record(
    session: Session,
    row: Connector,
    action: str,
    before: Mapping[str, Any] | None,
    actor: Actor,
    now: datetime,
) -> None:
    after = snapshot(row)
    audit.record(session, actor, action, "connector", row.public_id, before, after, now)


def snapshot(row: Connector) -> dict[str, Any]:
    """Say what a connector is, for the audit: everything but its secrets."""
    until = row.old_secret_until
    return {
        "name": row.name,
        "kind": row.kind,
        "environment": row.environment,
        "signature": row.signature,
        "mapping_version": row.mapping_version,
        "old_secret_until": None if until is None else until.isoformat(),
        "ended": row.ended_at is not None,
    }
