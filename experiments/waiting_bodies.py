"""How many webhooks' bodies wait for a mapping, and that they stay few enough.

A mapping that fits nothing would fill the disk with bodies, so a connector keeps so
many and refuses what would be one more: its sender tries again. Doors ask no database;
the ruleset's mirror writes the counts into a file beside the ruleset, and each door
adds what it let in since.
"""

import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import orjson
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from experiments.enrolled import Mark, mark_of
from experiments.errors import TooManyRequests
from experiments.models import QuarantinedMessage

MOST_BODIES = 10_000
MOST_BYTES = 128 * 1024 * 1024  # as they are kept: sealed, in base64
FILE = "waiting-bodies.json"
RETRY_SECONDS = 600  # mending a mapping takes a person
LOOK_SECONDS = 0.5
FULL = (
    "As many bodies of this connector wait for a mapping that fits them as Abide keeps."
    " Send this one again later."
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits of one connector; `bytes` as it is kept."""

    count: int = 0
    bytes: int = 0

    def __add__(self, other: "Waiting") -> "Waiting":
        return Waiting(self.count + other.count, self.bytes + other.bytes)

    @property
    def is_full(self) -> bool:
        """Whether one more body is too many."""
        return self.count >= MOST_BODIES or self.bytes >= MOST_BYTES


def by_connector(session: Session) -> dict[str, Waiting]:
    """Count what waits.

    Args:
        session: any session.

    Returns:
        Public id of a connector -> its bodies; none where nothing waits.
    """
    table = QuarantinedMessage
    size = table.held_bytes
    # Read from the index alone: the bodies themselves are large.
    query = select(table.source, func.count(size), func.sum(size))
    found = session.execute(query.where(size.is_not(None)).group_by(table.source))
    return {source: Waiting(count, int(total or 0)) for source, count, total in found}


def of(session: Session, public_id: str) -> Waiting:
    """Count what waits of one connector.

    Args:
        session: any session.
        public_id: of the connector.

    Returns:
        How much.
    """
    return by_connector(session).get(public_id, Waiting())


def full(session: Session) -> list[str]:
    """Name the connectors for which no more bodies can wait, by public id."""
    found = by_connector(session)
    return sorted(name for name, waiting in found.items() if waiting.is_full)


class WaitingFile:
    """Follows the database into the folder of the ruleset."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._written: tuple[dict[str, Waiting], Mark | None] | None = None

    def follow(self, session: Session) -> None:
        """Write the file anew when the counts changed, or when it is gone.

        Args:
            session: any session.
        """
        found = by_connector(session)
        if (found, mark_of(self.path)) == self._written:
            return
        if not found and not self.path.exists():
            return  # nothing ever waited
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Several processes may write; each has an own file until it takes its place.
        aside = self.path.with_suffix(f".{threading.get_ident()}-{time.time_ns()}")
        counts = {name: [one.count, one.bytes] for name, one in found.items()}
        aside.write_bytes(orjson.dumps(counts))
        aside.replace(self.path)
        self._written = found, mark_of(self.path)


class WaitingLimit:
    """What a door asks before it lets one more body wait."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._turn = threading.Lock()
        self._known: dict[str, Waiting] = {}
        # Let in, and not yet in the file.
        self._since: dict[str, Waiting] = defaultdict(Waiting)
        self._mark: Mark | None = None
        self._looked = 0.0

    def let_in(self, connector: str, size: int) -> None:
        """Count one more body, or refuse it.

        Args:
            connector: public id.
            size: of the body as it is kept, in bytes.

        Raises:
            TooManyRequests: as many wait as are kept.
        """
        with self._turn:
            if time.monotonic() - self._looked >= LOOK_SECONDS:
                self._look()
            now = self._known.get(connector, Waiting()) + self._since[connector]
            if now.is_full:
                raise TooManyRequests(FULL, RETRY_SECONDS)
            self._since[connector] += Waiting(1, size)

    def _look(self) -> None:
        self._looked = time.monotonic()
        mark = mark_of(self._path)
        if mark == self._mark:
            return
        try:
            counts = orjson.loads(self._path.read_bytes())
        except (OSError, ValueError):  # just removed: what is known stays
            return
        self._known = {name: Waiting(*pair) for name, pair in counts.items()}
        self._since.clear()
        self._mark = mark
