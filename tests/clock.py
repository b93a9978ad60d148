"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """Call it for the time; `advance` moves it."""

    def __init__(self, start: datetime | None = None) -> None:
        self.time = start or datetime(2026, 3, 14, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **parts: float) -> datetime:
        """Move on by a timedelta's parts, and tell the new time."""
        self.time += timedelta(**parts)
        return self.time
