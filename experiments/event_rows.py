"""One Segment message becomes its event rows.

identify gives attributes (and, with both ids, an identity); group and alias give
identities; page and screen are the activities "Page Viewed" and "Screen Viewed",
without the page's own name, which often carries an id; track is an exposure, a survey
invitation, a survey answer, or any other named activity.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

import orjson

from experiments import messages as wire
from experiments.allow_list import AllowList
from experiments.comments import clean_comment
from experiments.event_times import times_of
from experiments.exposure_messages import (
    AGREEMENT_TEXT,
    NAME_FIELDS,
    Check,
    ExposureNames,
    account_id,
)
from experiments.messages import Rejected
from experiments.parcels import CommentRow, EventRow
from experiments.personal_names import first_label, refuse_personal
from experiments.privacy import Pseudonymiser
from experiments.survey_kinds import (
    ANSWERS,
    BY_NAME,
    NAMES,
    Scale,
    fault_in_score,
    scale_of,
)
from experiments.vocabulary import (
    EXPOSURE_NAMES,
    EventKind,
    QuarantineReason,
    SurveyKind,
)

EXPOSURE_NAME = "Experiment Viewed"
MAX_AHEAD = timedelta(minutes=10)
_MAX_AHEAD_US = MAX_AHEAD // timedelta(microseconds=1)
_SYSTEM = {
    **dict.fromkeys(EXPOSURE_NAMES, EventKind.EXPOSURE),
    **{name: kind for name, (kind, _) in BY_NAME.items()},
}
_WIRE_NAMES = {EventKind.EXPOSURE: EXPOSURE_NAME, **NAMES}
_SHOWN = {"page": "Page Viewed", "screen": "Screen Viewed"}
_SURVEY_FIELDS = ("survey", "surveyId", "survey_id")
# Properties that say something here; an attribute is what a segment's rule names.
READ_PROPERTIES = (
    *NAME_FIELDS,
    *_SURVEY_FIELDS,
    *("wave", "score", "scale", "comment", "value", "revenue"),
)
# What a message says; sentAt and context may differ when it is sent again.
_IDS_AND_TIME = ("userId", "anonymousId", "timestamp", "originalTimestamp")
_CONTENT = {
    "track": (*_IDS_AND_TIME, "event", "properties"),
    "page": (*_IDS_AND_TIME, "name", "category", "properties"),
    "screen": (*_IDS_AND_TIME, "name", "category", "properties"),
    "identify": (*_IDS_AND_TIME, "traits"),
    "group": (*_IDS_AND_TIME, "groupId", "traits"),
    "alias": (*_IDS_AND_TIME, "previousId"),
}


def wire_name(kind: str, name: str) -> str:
    """Name an event as metrics and clients do.

    Args:
        kind: of its row.
        name: of its row, which for a survey is the survey's.

    Returns:
        Its name, as "CSAT Submitted".
    """
    return _WIRE_NAMES.get(EventKind(kind), name)


@dataclass(frozen=True, slots=True)
class Desk:
    """What reading a message needs to know of its request.

    Attributes:
        source: public id of the key it came with.
        hide: makes pseudonyms.
        allow_list: picks the attributes that may be stored.
        received_us: arrival, microseconds since 1970.
        clock_error_us: how far the client's clock is behind ours.
        check: compares exposures with their assignment; None where nobody can.
        comments: what was written beside scores, as it is found.
    """

    source: str
    hide: Pseudonymiser
    allow_list: AllowList
    received_us: int
    clock_error_us: int
    check: Check | None = None
    comments: list[CommentRow] = field(default_factory=list)


class _Facts(NamedTuple):
    """The columns in which rows differ by kind."""

    anonymous: bytes | None = None
    account: bytes | None = None
    experiment: str | None = None
    variant: str | None = None
    value: float | None = None
    scale: int | None = None
    properties: str | None = None


_NO_FACTS = _Facts()


class Message:
    """One message that has the right shape, with its ids and times read."""

    __slots__ = (
        "anonymous",
        "anonymous_id",
        "customer",
        "desk",
        "item",
        "message_id",
        "occurred_us",
        "original_us",
        "payload_hash",
        "type",
        "user_id",
    )

    def __init__(self, desk: Desk, item: Mapping[str, Any], kind: str | None) -> None:
        self.desk = desk
        self.item = item
        self.type: str = kind or item.get("type", "")
        if not isinstance(self.type, str) or self.type not in _CONTENT:
            raise Rejected(
                QuarantineReason.UNKNOWN_TYPE,
                "type must be identify, track, page, screen, group or alias.",
            )
        self._read_ids()
        self._read_time()
        self._read_identity()

    def rows(self) -> list[EventRow]:
        """Read what the message says, or raise `Rejected`.

        Returns:
            One row, or two for an alias and for an identify with both ids.
        """
        if self.type == "track":
            return [self._track()]
        if self.type == "identify":
            return self._identify()
        if self.type == "group":
            account = self.desk.hide.account(self._required_id("groupId"))
            return [self._row(EventKind.IDENTITY, "group", _Facts(account=account))]
        if self.type == "alias":
            return self._alias()
        properties = wire.members(self.item, "properties")
        return [self._activity(_SHOWN[self.type], properties)]

    @property
    def ids(self) -> tuple[str | None, ...]:
        """The raw ids, which must stand in no other column."""
        return self.user_id, self.anonymous_id

    def _read_ids(self) -> None:
        hide, item = self.desk.hide, self.item
        user_id = wire.identifier(item.get("userId"), "userId")
        anonymous_id = wire.identifier(item.get("anonymousId"), "anonymousId")
        anonymous = None if anonymous_id is None else hide.anonymous(anonymous_id)
        customer = anonymous if user_id is None else hide.customer(user_id)
        if customer is None:
            raise Rejected(QuarantineReason.NO_IDENTITY, "Give userId or anonymousId.")
        self.user_id, self.anonymous_id = user_id, anonymous_id
        self.customer, self.anonymous = customer, anonymous

    def _read_time(self) -> None:
        desk, received_us = self.desk, self.desk.received_us
        self.original_us, self.occurred_us = times_of(
            self.item, received_us, desk.clock_error_us
        )
        if self.original_us is None:
            return
        if self.occurred_us > received_us + _MAX_AHEAD_US:
            raise Rejected(
                QuarantineReason.IN_THE_FUTURE,
                "The event is stamped more than 10 minutes ahead of its arrival.",
            )
        if self.occurred_us < 0:
            raise Rejected(
                QuarantineReason.INVALID_TIME, "The corrected time is before 1970."
            )

    def _read_identity(self) -> None:
        """Hash what the message says, and the id by which a repeat is known."""
        hide = self.desk.hide
        said = (self.type, *map(self.item.get, _CONTENT[self.type]))
        content = orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
        self.payload_hash = hide.payload(content)
        given = wire.message_id(self.item)
        if given is not None:
            identity = given.encode()
        elif self.original_us is not None:
            identity = b"\x1fcontent\x1f" + content
        else:
            # Without id and time nothing tells a repeat from a second event, so the
            # arrival does: losing an activity would be worse than counting it twice.
            arrival = self.desk.received_us.to_bytes(8, "big")
            identity = b"\x1farrival\x1f" + arrival + content
        self.message_id = hide.message(self.desk.source, identity)

    def _row(
        self,
        kind: EventKind,
        name: str,
        facts: _Facts = _NO_FACTS,
        message_id: bytes | None = None,
    ) -> EventRow:
        return EventRow(
            kind._value_,  # `.value` costs as much as the rest of the row
            name,
            self.occurred_us,
            self.original_us,
            self.customer,
            facts.anonymous or self.anonymous,
            facts.account,
            facts.experiment,
            facts.variant,
            facts.value,
            facts.scale,
            facts.properties,
            message_id or self.message_id,
            self.payload_hash,
        )

    def _identify(self) -> list[EventRow]:
        traits = wire.members(self.item, "traits")
        kept = self.desk.allow_list.keep(traits, self.ids)
        facts = _Facts(properties=kept)
        rows = [self._row(EventKind.ATTRIBUTES, "identify", facts)]
        if self.user_id is not None and self.anonymous_id is not None:
            own_id = self._further_id(b"identity")
            rows.append(self._row(EventKind.IDENTITY, "identify", message_id=own_id))
        return rows

    def _alias(self) -> list[EventRow]:
        """Tie the previous id, which may have been of either kind, to the new one."""
        previous = self._required_id("previousId")
        if self.user_id is None:
            raise Rejected(QuarantineReason.NO_IDENTITY, "An alias needs userId.")
        hide = self.desk.hide
        unknown = _Facts(anonymous=hide.anonymous(previous))
        known = _Facts(anonymous=hide.customer(previous))
        own_id = self._further_id(b"previous")
        return [
            self._row(EventKind.IDENTITY, "alias", unknown),
            self._row(EventKind.IDENTITY, "alias", known, own_id),
        ]

    def _further_id(self, part: bytes) -> bytes:
        """Name a second row of the same message."""
        return self.desk.hide.message(
            self.desk.source, part + b"\x1f" + self.message_id
        )

    def _required_id(self, name: str) -> str:
        value = wire.identifier(self.item.get(name), name)
        if value is None:
            raise Rejected(QuarantineReason.INVALID_ID, f"Give {name}.")
        return value

    def _track(self) -> EventRow:
        name = wire.name_of(self.item.get("event"), "event")
        properties = wire.members(self.item, "properties")
        kind = _SYSTEM.get(name.lower())
        if kind == EventKind.EXPOSURE:
            return self._exposure(properties)
        if kind is not None:
            return self._survey(*BY_NAME[name.lower()], properties)
        refuse_personal(name, self.ids)
        return self._activity(name, properties)

    def _activity(self, name: str, properties: Mapping[str, Any]) -> EventRow:
        if not properties:
            return self._row(EventKind.ACTIVITY, name)
        kept = self.desk.allow_list.keep(properties, self.ids)
        # Segment's spec: `revenue` is what an event brought in, `value` any number.
        value = wire.number(properties.get("value"))
        if value is None:
            value = wire.number(properties.get("revenue"))
        return self._row(EventKind.ACTIVITY, name, _Facts(value=value, properties=kept))

    def _exposure(self, properties: Mapping[str, Any]) -> EventRow:
        said, check = ExposureNames.read(properties, self.ids), self.desk.check
        agreement = None
        if check is not None:
            said.refuse_personal(check)
            agreement = check(said.shown(self.item, self.occurred_us))
        account = account_id(self.item)
        facts = _Facts(
            account=None if account is None else self.desk.hide.account(account),
            experiment=said.experiment,
            variant=said.variant,
            properties=None if agreement is None else AGREEMENT_TEXT[agreement],
        )
        return self._row(EventKind.EXPOSURE, EXPOSURE_NAME, facts)

    def _survey(
        self, kind: EventKind, asks: SurveyKind, properties: Mapping[str, Any]
    ) -> EventRow:
        survey = first_label(properties, _SURVEY_FIELDS) or ""
        refuse_personal(survey, self.ids)
        if kind not in ANSWERS:
            said = _Facts(properties=_wave_text(self._wave(properties)))
            return self._row(kind, survey, said)
        score = wire.number(properties.get("score"))
        scale = _scale(asks, properties)
        fault = fault_in_score(asks, score, scale)
        if fault:
            raise Rejected(QuarantineReason.INVALID_SCORE, fault)
        top = None if scale is None else scale.top
        wave = self._wave(properties)
        self._comment(survey, wave or "", properties.get("comment"))
        said = _Facts(value=score, scale=top, properties=_wave_text(wave))
        return self._row(kind, survey, said)

    def _wave(self, properties: Mapping[str, Any]) -> str | None:
        wave = first_label(properties, ("wave",))
        refuse_personal(wave or "", self.ids)
        return wave

    def _comment(self, survey: str, wave: str, written: object) -> None:
        """Keep what was written beside a score, apart from it."""
        text = clean_comment(written, self.ids) if isinstance(written, str) else ""
        if text:
            comment = CommentRow(survey, wave, self.customer, text, self.occurred_us)
            self.desk.comments.append(comment)


def _wave_text(wave: str | None) -> str | None:
    return None if wave is None else orjson.dumps({"wave": wave}).decode()


def _scale(asks: SurveyKind, properties: Mapping[str, Any]) -> Scale | None:
    try:
        return scale_of(asks, properties.get("scale"))
    except ValueError as fault:
        raise Rejected(QuarantineReason.INVALID_SCORE, str(fault)) from None
