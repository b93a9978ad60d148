"""Sources that are files: what is about to come of one, and that it is whole.

A file is stored piece by piece, and whoever does it may be killed half way. So what it
will be complete through stands apart until the last of it is stored. An event without
an id of its own is known again by its source, so the same file under two names would
count twice: what each file held is kept.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from experiments.errors import Conflict
from experiments.models import EventSource, ImportedContent
from experiments.vocabulary import Environment

MOST_NAMES = 1000  # of events a source is known to have sent


def require_other(session: Session, content: str, source: str) -> None:
    """Refuse the events of a file that another source has had already.

    Args:
        session: any session.
        content: stands for all events of the file; "" for nothing that is known.
        source: under which they are to be stored.

    Raises:
        Conflict: names the first source that had them.
    """
    table = ImportedContent
    query = select(table).where(table.content == content).order_by(table.begun_at)
    known = session.scalars(query).all()
    if not known or source in {row.source for row in known}:
        return
    first = known[0]
    raise Conflict(
        f'"{first.file_name}" held the same events, and was imported as the source'
        f' "{first.source}". Under another name they would count twice, so nothing was'
        " stored.",
        {
            "--source": f"Say {first.source} to add only what is new. If it truly is"
            " another source, set --again."
        },
    )


def note_content(
    session: Session, content: str, source: str, file_name: str, now: datetime
) -> None:
    """Keep what a file held, before the first event of it is stored.

    Args:
        session: open transaction.
        content: stands for all events of the file; "" is not kept.
        source: under which they are stored.
        file_name: of the file.
        now: aware UTC.
    """
    if content and session.get(ImportedContent, (content, source)) is None:
        row = ImportedContent(
            content=content, source=source, file_name=file_name, begun_at=now
        )
        session.add(row)


def begin(
    session: Session, source: str, through: datetime, names: Collection[str]
) -> None:
    """Say what is about to come, before the first event of a file is stored.

    Args:
        session: open transaction.
        source: under which the file's events are stored.
        through: what it will be complete through.
        names: of its events.

    Raises:
        Conflict: the source is a live one.
    """
    row = session.get(EventSource, _key(source))
    if row is None:
        row = EventSource(
            source=source,
            environment=Environment.PRODUCTION.value,
            is_import=True,
            event_count=0,
            duplicate_count=0,
            event_names=[],
        )
        session.add(row)
    elif not row.is_import:
        raise Conflict(f'"{source}" is a live source. Choose another --source.')
    listed = sorted(names)[:MOST_NAMES]
    row.importing = {"through": through.isoformat(), "names": listed}


def finish(session: Session, source: str) -> None:
    """Say that a file is stored whole, so that its source is complete as declared.

    Args:
        session: open transaction.
        source: as it was begun.
    """
    row = session.get_one(EventSource, _key(source))
    through = through_when_whole(row)
    if through is not None:  # else another import of the source was done before
        row.complete_through = max(row.complete_through or through, through)
        row.importing = None


def through_when_whole(row: EventSource) -> datetime | None:
    """Say up to when an import that is not whole will be complete; None: it is."""
    said = row.importing
    return None if said is None else datetime.fromisoformat(said["through"])


def names_under_way(row: EventSource) -> list[str]:
    """Name the events that an import which is not whole brings."""
    return [] if row.importing is None else list(row.importing["names"])


def _key(source: str) -> tuple[str, str]:
    return source, Environment.PRODUCTION.value
