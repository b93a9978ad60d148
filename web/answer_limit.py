"""How often one link may be used: nobody can fill a disk or hold a server with it."""

import threading
from collections import OrderedDict, deque
from datetime import datetime, timedelta

from experiments.errors import TooManyRequests

MOST_ANSWERS = 20  # through one link and process
WITHIN = timedelta(hours=1)
MOST_LINKS = 10_000  # remembered at a time


class AnswerLimit:
    """Counts uses by link, in memory: a restart forgives, which does no harm."""

    def __init__(
        self,
        most: int = MOST_ANSWERS,
        within: timedelta = WITHIN,
        refusal: str = "This link has answered too often. Wait a few minutes.",
    ) -> None:
        self._most, self._within, self._refusal = most, within, refusal
        self._lock = threading.Lock()
        self._times: OrderedDict[bytes, deque[datetime]] = OrderedDict()

    def count(self, link: bytes, now: datetime) -> None:
        """Count a use before anything is done.

        Args:
            link: tells links apart.
            now: aware UTC.

        Raises:
            TooManyRequests: the link was used too often.
        """
        with self._lock:
            times = self._times.setdefault(link, deque())
            self._times.move_to_end(link)
            while times and times[0] <= now - self._within:
                times.popleft()
            if len(times) >= self._most:
                left = times[0] + self._within - now
                raise TooManyRequests(
                    self._refusal,
                    retry_after=max(1, round(left.total_seconds())),
                )
            times.append(now)
            while len(self._times) > MOST_LINKS:
                self._times.popitem(last=False)
