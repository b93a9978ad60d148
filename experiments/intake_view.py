"""What has come in, by source: how fresh, how much, and what was not kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from experiments.errors import NotFound
from experiments.models import ApiKey, Connector, EventSource, SourceHour
from experiments.survey_kinds import HOSTED_SOURCE

SHOWN_HOURS = 7 * 24
USUAL_DAYS = 14  # whose hours of the same time of day say what is usual
ENOUGH_DAYS = 3  # fewer say nothing
_WIDER = 0.5  # of the lowest and highest hour seen, to either side
_FEW = 10  # events more than usual that alarm nobody in a quiet hour


@dataclass(frozen=True, slots=True)
class Band:
    """How many events an hour of this time of day usually brings."""

    low: int
    high: int

    def holds(self, count: int) -> bool:
        """Whether a count is usual."""
        return self.low <= count <= self.high


@dataclass(frozen=True, slots=True)
class SourceView:
    """One source of events.

    Attributes:
        name: of the key, the connector, or the import.
        complete_through: None before an import is whole.
        is_whole: not an import under way, or broken off.
        hour_at: the last whole hour.
        hour_count: events that came within it.
        usual: what such an hour brings; None while that is not known.
        day: what came within the last 24 hours.
    """

    source: str
    name: str
    environment: str
    is_import: bool
    last_received_at: datetime | None
    last_event_at: datetime | None
    complete_through: datetime | None
    is_whole: bool
    event_count: int
    duplicate_count: int
    consent_refused_count: int
    unlisted_value_count: int
    personal_value_count: int
    erased_count: int
    hour_at: datetime
    hour_count: int
    usual: Band | None
    day: "DayCounts"

    @property
    def is_usual(self) -> bool:
        """Whether the last hour was as such hours are."""
        return self.usual is None or self.usual.holds(self.hour_count)


@dataclass(frozen=True, slots=True)
class DayCounts:
    """What a source brought within the last 24 hours."""

    events: int = 0
    late: int = 0
    duplicates: int = 0
    conflicts: int = 0
    rejected: int = 0


def sources(session: Session, now: datetime) -> list[SourceView]:
    """List all sources, the one that sent last first.

    Args:
        session: any session.
        now: aware UTC.

    Returns:
        One view each.
    """
    names = key_names(session)
    rows = session.scalars(select(EventSource)).all()
    never = datetime.min.replace(tzinfo=UTC)
    ordered = sorted(rows, key=lambda row: row.last_received_at or never, reverse=True)
    return [_view(session, row, names, now) for row in ordered]


@dataclass(frozen=True, slots=True)
class HourCount:
    """How many events came within one whole hour, and what was usual for it."""

    hour_at: datetime
    count: int
    usual: Band | None

    @property
    def is_usual(self) -> bool:
        """Whether it was as such hours are."""
        return self.usual is None or self.usual.holds(self.count)


def source(
    session: Session, public_id: str, environment: str, now: datetime
) -> SourceView:
    """Find one source.

    Args:
        session: any session.
        public_id: of the key, the connector or the import.
        environment: of its events.
        now: aware UTC.

    Returns:
        Its view.

    Raises:
        NotFound: nothing has come from it.
    """
    row = session.get(EventSource, (public_id, environment))
    if row is None:
        raise NotFound("Nothing has come from this source.")
    return _view(session, row, key_names(session), now)


def hours(session: Session, view: SourceView, now: datetime) -> list[HourCount]:
    """Count a source's events hour by hour of arrival.

    Args:
        session: any session.
        view: of the source.
        now: aware UTC.

    Returns:
        The last 168 whole hours, oldest first.
    """
    last = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    first = last - timedelta(hours=SHOWN_HOURS - 1)
    rows = session.execute(
        select(SourceHour.hour_at, SourceHour.event_count).where(
            SourceHour.source == view.source,
            SourceHour.environment == view.environment,
            SourceHour.hour_at >= first - timedelta(days=USUAL_DAYS),
        )
    )
    counts = {hour_at: count for hour_at, count in rows}  # noqa: C416  # rows
    shown = [first + timedelta(hours=number) for number in range(SHOWN_HOURS)]
    return [
        HourCount(at, counts.get(at, 0), None if view.is_import else _usual(counts, at))
        for at in shown
    ]


def key_names(session: Session) -> dict[str, str]:
    """Name all sources but imports: keys and connectors by public id, and surveys."""
    named = (select(t.public_id, t.name) for t in (ApiKey, Connector))
    names = {row[0]: row[1] for query in named for row in session.execute(query)}
    return {**names, HOSTED_SOURCE: "Hosted surveys"}


def _view(
    session: Session, row: EventSource, names: dict[str, str], now: datetime
) -> SourceView:
    hour_at = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    hours = session.scalars(
        select(SourceHour).where(
            SourceHour.source == row.source,
            SourceHour.environment == row.environment,
            SourceHour.hour_at >= hour_at - timedelta(days=USUAL_DAYS),
        )
    ).all()
    counts = {hour.hour_at: hour.event_count for hour in hours}
    return SourceView(
        source=row.source,
        name=names.get(row.source, row.source),
        environment=row.environment,
        is_import=row.is_import,
        last_received_at=row.last_received_at,
        last_event_at=row.last_event_at,
        complete_through=row.complete_through,
        is_whole=row.importing is None,
        event_count=row.event_count,
        duplicate_count=row.duplicate_count,
        consent_refused_count=row.consent_refused_count,
        unlisted_value_count=row.unlisted_value_count,
        personal_value_count=row.personal_value_count,
        erased_count=row.erased_count,
        hour_at=hour_at,
        hour_count=counts.get(hour_at, 0),
        usual=None if row.is_import else _usual(counts, hour_at),
        day=_day([h for h in hours if h.hour_at > now - timedelta(days=1)]),
    )


def _usual(counts: dict[datetime, int], hour_at: datetime) -> Band | None:
    """Take the hours at the same time of the days since the source began."""
    began = min(counts, default=hour_at)
    days = min(USUAL_DAYS, (hour_at - began) // timedelta(days=1))
    if days < ENOUGH_DAYS:
        return None
    seen = [counts.get(hour_at - timedelta(days=day), 0) for day in range(1, days + 1)]
    high = max(seen) * (1 + _WIDER) + _FEW
    return Band(int(min(seen) * (1 - _WIDER)), int(high))


def _day(hours: Sequence[SourceHour]) -> DayCounts:
    return DayCounts(
        events=sum(hour.event_count for hour in hours),
        late=sum(hour.late_count for hour in hours),
        duplicates=sum(hour.duplicate_count for hour in hours),
        conflicts=sum(hour.conflict_count for hour in hours),
        rejected=sum(hour.rejected_count for hour in hours),
    )
