"""Preview links: one variant for whoever shows a token, and no exposure.

Which links there are rides in the ruleset, each by the hash of its token: no database
is asked, and a link that was revoked is gone at every door within 2 s. An app may still
report that a previewed variant was seen. So a door first makes durable that this
customer previews, and analysis leaves the customer out of the experiment; where that
cannot be stored, there is no preview.
"""

import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import structlog

from experiments.assignment import Assignment, unit_text
from experiments.consent import refuses
from experiments.errors import AbideError
from experiments.parcels import PREVIEW_SOURCE, EventRow, Parcel
from experiments.privacy import Pseudonymiser
from experiments.ruleset_values import PublishedPreview, Ruleset
from experiments.running import RunningVariant
from experiments.vocabulary import (
    AssignmentReason,
    Environment,
    EventKind,
    ParameterType,
    Status,
)

ATTRIBUTE = "abide_preview"
LONGEST = 200  # characters of a token
EVENT_NAME = "Variant Previewed"
_REMEMBERED = 10_000  # customers whose preview this process need not store again
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

log = structlog.get_logger(__name__)


class Store(Protocol):
    """Makes parcels durable: an inbox."""

    def append(self, parcel: Parcel) -> None:
        """Store it, or raise an AbideError."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for a preview.

    Attributes:
        unit: the customer's id, as it came.
        attributes: of the customer, the token among them.
        environment: of the key.
    """

    unit: object
    attributes: Mapping[str, Any]
    environment: Environment


@dataclass(frozen=True, slots=True)
class Preview:
    """What a customer with a preview link is shown.

    Attributes:
        given: in place of the assignment.
        types: of its parameters.
        link: that says so.
    """

    given: Assignment
    types: Mapping[str, ParameterType]
    link: PublishedPreview


def digest(token: str) -> str:
    """Hash a token with SHA-256; 192 random bits need no slower hash."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def link_of(ruleset: Ruleset, token: object, now: datetime) -> PublishedPreview | None:
    """Find the link of a token; None for one that is unknown, revoked or expired."""
    if not isinstance(token, str) or len(token) > LONGEST:
        return None
    link = ruleset.previews.get(digest(token))
    return link if link is not None and now < link.expires_at else None


def find_preview(
    ruleset: Ruleset, attributes: Mapping[str, Any], now: datetime
) -> Preview | None:
    """Find what a customer with a token is to be shown; nothing is stored.

    Args:
        ruleset: in force.
        attributes: of the customer, the token among them.
        now: aware UTC.

    Returns:
        The preview; None without a token, for one whose link is unknown, revoked or
        expired, when the experiment has ended, and for who refused to take part.
    """
    link = link_of(ruleset, attributes.get(ATTRIBUTE), now)
    if link is None or refuses(attributes.get("consent")):
        return None
    design = ruleset.experiments.get(link.experiment)
    reason = AssignmentReason.PREVIEW
    if design is None:
        silence = ruleset.silent.get(link.experiment)
        if silence is not AssignmentReason.NOT_STARTED:
            return None
        given = Assignment(
            link.experiment, link.variant, link.parameters, reason, in_experiment=False
        )
        return Preview(given, link.types, link)
    names = [each.name for each in design.variants]
    if design.status is not Status.RUNNING or link.variant not in names:
        return None
    found = design.variants[names.index(link.variant)]
    parameters, rule = _parameters_of(found, attributes)
    given = Assignment(
        link.experiment,
        link.variant,
        parameters,
        reason,
        in_experiment=False,
        rule=rule,
    )
    return Preview(given, design.types, link)


class Previewer:
    """Gives previews at the doors of one process, each only once it is noted."""

    def __init__(
        self, store: Store, hide: Pseudonymiser, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._hide = hide
        self._now = now
        self._noted: set[bytes] = set()
        self._lock = threading.Lock()

    def show(self, ruleset: Ruleset, asked: Asked) -> Preview | None:
        """Find what a customer is shown by a link, and note that they previewed.

        Args:
            ruleset: in force.
            asked: who asks.

        Returns:
            The preview; None when there is none, or it cannot be noted just now.
        """
        now = self._now()
        preview = find_preview(ruleset, asked.attributes, now)
        if preview is None:
            return None
        unit = unit_text(asked.unit)
        if unit is None:  # no event can name this customer either
            return preview
        return preview if self._note(unit, preview, asked.environment, now) else None

    def _note(
        self, unit: str, preview: Preview, environment: Environment, now: datetime
    ) -> bool:
        at = (now - _EPOCH) // timedelta(microseconds=1)
        try:
            rows = self._rows(unit, preview, environment, at)
        except UnicodeEncodeError:  # half a surrogate pair: no event can carry it
            return True
        mark = rows[0].message_id
        with self._lock:
            if mark in self._noted:
                return True
        parcel = Parcel(
            source=PREVIEW_SOURCE,
            environment=environment.value,
            key_id=self._hide.key_id,
            received_us=at,
            rows=rows,
            quarantined=[],
        )
        try:
            self._store.append(parcel)
        except AbideError as fault:
            log.warning("preview_not_noted", reason=fault.message)
            return False
        with self._lock:
            if len(self._noted) >= _REMEMBERED:
                self._noted.clear()
            self._noted.add(mark)
        return True

    def _rows(
        self, unit: str, preview: Preview, environment: Environment, at: int
    ) -> list[EventRow]:
        """Note both customers that this id may name: a known one, and a visitor."""
        hide = self._hide
        known, visitor = hide.customer(unit), hide.anonymous(unit)
        link = preview.link
        rows = []
        for customer, anonymous in ((known, None), (visitor, visitor)):
            names = (environment, link.experiment, link.variant, "")
            said = "\x1f".join(names).encode() + customer
            rows.append(
                EventRow(
                    kind=EventKind.PREVIEW.value,
                    name=EVENT_NAME,
                    occurred_us=at,
                    original_us=None,
                    customer=customer,
                    anonymous=anonymous,
                    account=None,
                    experiment=link.experiment,
                    variant=link.variant,
                    value=None,
                    scale=None,
                    properties=None,
                    message_id=hide.message(PREVIEW_SOURCE, said),
                    payload_hash=hide.payload(said),
                )
            )
        return rows


def shown_by(
    previewer: Previewer | None,
    ruleset: Ruleset,
    unit: object,
    attributes: Mapping[str, Any],
    environment: Environment,
) -> Preview | None:
    """Find what is previewed, at no cost for who has no token.

    Args:
        previewer: None where no link is read.
        ruleset: in force.
        unit: id of who asks.
        attributes: theirs; the token is one of them.
        environment: of their app's key.

    Returns:
        The preview, or None; who opted out of experiments has none.
    """
    if previewer is None or ATTRIBUTE not in attributes:
        return None
    if ruleset.has_opted_out(unit, attributes):
        return None
    return previewer.show(ruleset, Asked(unit, attributes, environment))


def without_shown(given: list[Assignment], preview: Preview | None) -> list[Assignment]:
    """Leave out the experiment that is previewed: nobody was assigned in it."""
    if preview is None:
        return given
    return [one for one in given if one.experiment != preview.given.experiment]


def _parameters_of(
    variant: RunningVariant, attributes: Mapping[str, Any]
) -> tuple[Mapping[str, Any], str | None]:
    """Choose as the assignment does, which cannot spare the call."""
    for rule in variant.rules:
        if rule.test(attributes):
            return rule.parameters, rule.segment
    return variant.parameters, None
