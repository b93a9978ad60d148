"""Certificates of metrics: asked for, worked out elsewhere, and what they stand for.

A certificate is of one definition and one version of the statistics. When either
changes it stays to be read, and stands for nothing any more.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import rfc8785
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from experiments import audit, metrics
from experiments.actors import Actor
from experiments.errors import Conflict
from experiments.field_faults import Faults
from experiments.models import Certificate, Experiment, MetricVersion
from experiments.statistics_version import statistics_version
from experiments.vocabulary import (
    CertificateStanding,
    CertificateState,
    PersonRole,
    Role,
)

USUAL_COMPARISONS, LEAST_COMPARISONS, MOST_COMPARISONS = 1000, 200, 20_000
PLANTED_PART, LEAST_PLANTED = 4, 100  # a quarter of the comparisons, at least 100
OPEN = (CertificateState.WAITING.value, CertificateState.RUNNING.value)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of one definition by trial.

    Attributes:
        state: in one word.
        certificate: the newest finished one that says so; None where there is none.
        under_way: one that waits or is being worked out.
        failed: the newest one, where it came to nothing.
    """

    state: CertificateStanding
    certificate: Certificate | None = None
    under_way: Certificate | None = None
    failed: Certificate | None = None

    @property
    def is_certified(self) -> bool:
        """Whether the metric may decide without a mark."""
        return self.state == CertificateStanding.CERTIFIED


def planted_count(comparisons: int) -> int:
    """Tell how many comparisons have a difference planted, beside those of equals."""
    return max(LEAST_PLANTED, comparisons // PLANTED_PART)


def definition_sha256(definition: dict[str, Any]) -> str:
    """Hash a stored definition, as 64 hexadecimal digits."""
    return hashlib.sha256(rfc8785.dumps(definition)).hexdigest()


def ask(
    session: Session,
    key: str,
    *,
    actor: Actor,
    now: datetime,
    comparisons: int = USUAL_COMPARISONS,
    simulate: bool = False,
) -> Certificate:
    """Ask for a certificate of a metric's newest definition.

    Args:
        session: open transaction.
        key: of the metric.
        actor: an analyst.
        now: aware UTC.
        comparisons: how many, of equal groups.
        simulate: of invented customers, whatever customers there are.

    Returns:
        The certificate, which waits.

    Raises:
        NotFound: there is no such metric.
        Conflict: one of it is under way.
    """
    actor.require(PersonRole.ANALYST, "ask for certificates")
    faults = Faults()
    faults.number("comparisons", comparisons, LEAST_COMPARISONS, MOST_COMPARISONS)
    faults.raise_if_any("This certificate cannot be asked for.")
    audit.take_turn(session)
    metric = metrics.get(session, key)
    if any(row.state in OPEN for row in _rows(session, [metric.id])):
        raise Conflict(
            f'A certificate of "{metric.name}" is being worked out already. It shows'
            " with the metric when it is done."
        )
    version = metric.versions[-1]
    certificate = Certificate(
        metric=metric,
        version=version.version,
        definition_sha256=definition_sha256(version.definition),
        statistics_version=statistics_version(),
        state=CertificateState.WAITING.value,
        asked_at=now,
        asked_by=actor.label,
        comparisons=comparisons,
        simulate=simulate,
        done_count=0,
    )
    session.add(certificate)
    session.flush()
    body = {"version": version.version, "comparisons": comparisons}
    audit.record(session, actor, "certificate.ask", "metric", key, None, body, now)
    return certificate


def listing(session: Session, key: str, limit: int = 50) -> list[Certificate]:
    """List a metric's certificates, newest first.

    Args:
        session: any session.
        key: of the metric.
        limit: at most so many.

    Returns:
        All kinds: waiting, running, done and failed.

    Raises:
        NotFound: there is no such metric.
    """
    return _rows(session, [metrics.get(session, key).id])[:limit]


def is_any_open(session: Session) -> bool:
    """Whether some certificate waits, or was left behind by a killed process."""
    query = select(Certificate.id).where(Certificate.state.in_(OPEN)).limit(1)
    return session.scalar(query) is not None


def standings(
    session: Session, versions: Iterable[MetricVersion]
) -> dict[int, Standing]:
    """Say what is known of definitions by trial.

    Args:
        session: any session.
        versions: the definitions.

    Returns:
        Id of each version -> standing.
    """
    asked = list(versions)
    rows = _rows(session, {version.metric_id for version in asked})
    return {
        version.id: standing_of(
            version, [row for row in rows if row.metric_id == version.metric_id]
        )
        for version in asked
    }


def of_primary(
    session: Session, experiment: Experiment
) -> tuple[MetricVersion, Standing] | None:
    """Say what is known by trial of the metric that decides an experiment.

    Args:
        session: any session.
        experiment: drafted, running or over.

    Returns:
        The definition that decides, and its standing; None in a draft without one.
    """
    for choice in experiment.metrics:
        if choice.role == Role.PRIMARY.value:
            version = choice.metric_version
            return version, standings(session, [version])[version.id]
    return None


def standing_of(version: MetricVersion, rows: Sequence[Certificate]) -> Standing:
    """Say what a metric's certificates mean for one of its definitions.

    Args:
        version: the definition.
        rows: certificates of its metric, newest first.

    Returns:
        The standing.
    """
    under_way = next((row for row in rows if row.state in OPEN), None)
    newest = rows[0] if rows else None
    failed = newest
    if newest is None or newest.state != CertificateState.FAILED.value:
        failed = None
    done = [row for row in rows if row.state == CertificateState.DONE.value]
    sha256 = definition_sha256(version.definition)
    for row in done:
        is_of_it = row.definition_sha256 == sha256
        if is_of_it and row.statistics_version == statistics_version():
            state = CertificateStanding.REFUSED
            if row.is_certified:
                state = CertificateStanding.CERTIFIED
            return Standing(state, row, under_way, failed)
    if done:
        return Standing(CertificateStanding.OUTDATED, done[0], under_way, failed)
    return Standing(CertificateStanding.NONE, None, under_way, failed)


def _rows(session: Session, metric_ids: Iterable[int]) -> list[Certificate]:
    query = (
        select(Certificate)
        .where(Certificate.metric_id.in_(sorted(metric_ids)))
        .options(selectinload(Certificate.metric))
        .order_by(Certificate.id.desc())
    )
    return list(session.scalars(query))
