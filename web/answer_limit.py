"""How often one link may answer: whoever has it cannot fill the disk with it."""

import threading
from collections import OrderedDict, deque
from datetime import datetime, timedelta

from experiments.errors import TooManyRequests

MOST_ANSWERS = 20  # through one link and process
WITHIN = timedelta(hours=1)
MOST_LINKS = 10_000  # remembered at a time


class AnswerLimit:
    """Counts answers by link, in memory: a restart forgives, which does no harm."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: OrderedDict[bytes, deque[datetime]] = OrderedDict()

    def count(self, link: bytes, now: datetime) -> None:
        """Count an answer before it is stored.

        Args:
            link: tells links apart.
            now: aware UTC.

        Raises:
            TooManyRequests: the link has answered too often.
        """
        with self._lock:
            times = self._times.setdefault(link, deque())
            self._times.move_to_end(link)
            while times and times[0] <= now - WITHIN:
                times.popleft()
            if len(times) >= MOST_ANSWERS:
                left = times[0] + WITHIN - now
                raise TooManyRequests(
                    "This link has answered too often. Wait a few minutes.",
                    retry_after=max(1, round(left.total_seconds())),
                )
            times.append(now)
            while len(self._times) > MOST_LINKS:
                self._times.popitem(last=False)
