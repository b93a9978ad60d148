"""At what time of day each job is due, for who does them and for who watches. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

ANALYSIS_MINUTE, COUNTING_MINUTE = 5, 10
SIZES_MINUTE, BASELINES_MINUTE = 20, 35
UPKEEP_MINUTE = 50


@dataclass(frozen=True, slots=True)
class Time:
    """A time that comes again and again, UTC.

    Attributes:
        minute: of the hour; None is every minute.
        hour: of the day; None is every hour.
    """

    minute: int | None
    hour: int | None = None

    @property
    def step(self) -> timedelta:
        """From one such time to the next."""
        if self.minute is None:
            return timedelta(minutes=1)
        return timedelta(hours=1) if self.hour is None else timedelta(days=1)

    def last_due(self, now: datetime) -> datetime:
        """Find the last time that has come.

        Args:
            now: aware.

        Returns:
            The latest such time, not after `now`.
        """
        due = now.astimezone(UTC).replace(second=0, microsecond=0)
        if self.minute is not None:
            due = due.replace(minute=self.minute)
        if self.hour is not None:
            due = due.replace(hour=self.hour)
        return due if due <= now else due - self.step

    def next_due(self, now: datetime) -> datetime:
        """Find the first such time after `now`."""
        return self.last_due(now) + self.step


EVERY_MINUTE = Time(None)
DIGEST = "weekly_digest"  # work of a room above, which looks whether its day has come


def sizes(analysis_hour: int) -> Time:
    """When the segments are counted anew."""
    return Time(SIZES_MINUTE, analysis_hour)


def baselines(analysis_hour: int) -> Time:
    """When the baselines of metrics are read anew."""
    return Time(BASELINES_MINUTE, analysis_hour)


def jobs(analysis_hour: int) -> Mapping[str, Time]:
    """List the jobs of an installation.

    Args:
        analysis_hour: of the day, when experiments are analysed.

    Returns:
        Name -> when. Somebody waits for certificates, for the size of a segment that
        has changed and for the baseline of a new metric, so these are looked for each
        minute, as are mails that wait for another try.
    """
    return {
        "daily_analysis": Time(ANALYSIS_MINUTE, analysis_hour),
        "hourly_count": Time(COUNTING_MINUTE),
        "daily_upkeep": Time(UPKEEP_MINUTE, analysis_hour),
        "segment_sizes": EVERY_MINUTE,
        "certificates": EVERY_MINUTE,
        "metric_baselines": EVERY_MINUTE,
        "stage_weeks": EVERY_MINUTE,
        DIGEST: EVERY_MINUTE,
    }
