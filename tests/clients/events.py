"""Sends events with the released Python clients. JSON in, JSON out.

A program of its own, because its clock is wrong by hours, as those of customers'
devices are.
"""

import asyncio
import json
import logging
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Self

from typing_extensions import override


def shift(error: timedelta) -> None:
    """Put this process's clock wrong, before any client reads it."""
    import datetime as dt  # noqa: PLC0415  # its class is replaced, here only

    class Wrong(datetime):
        @classmethod
        @override
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(time.time() + error.total_seconds(), tz)

        @classmethod
        @override
        def utcnow(cls) -> Self:
            return cls.now(UTC).replace(tzinfo=None)

    dt.datetime = Wrong  # type: ignore[misc]


def segment(host: str, key: str, count: int, name: str) -> list[str]:
    from segment.analytics import Client  # noqa: PLC0415  # after the clock

    return _send(Client, host, key, count, name)


def rudder(host: str, key: str, count: int, name: str) -> list[str]:
    from rudderstack.analytics.client import Client  # noqa: PLC0415  # after the clock

    return _send(Client, host, key, count, name)


def _send(
    client_of: Callable[..., Any], host: str, key: str, count: int, name: str
) -> list[str]:
    failures: list[str] = []
    client = client_of(
        key,
        host=host,
        gzip=True,
        on_error=lambda error, _items: failures.append(repr(error)),
    )
    for number in range(count):
        # Its queue is bounded, and tells so.
        while not client.track(f"{name}-{number}", name)[0]:
            time.sleep(0.05)
    client.flush()
    client.join()
    return failures


def growthbook(host: str, key: str, count: int, name: str) -> list[str]:
    """Show each customer a variant; the plugin tells of it, and retries nothing."""
    told: list[str] = []
    logging.getLogger("growthbook").addHandler(_Notes(told))
    asyncio.run(_show(host, key, [f"{name}-{number}" for number in range(count)]))
    return told


async def _show(host: str, key: str, customers: list[str]) -> None:
    from growthbook import GrowthBookClient  # noqa: PLC0415  # after the clock
    from growthbook.common_types import Options, UserContext  # noqa: PLC0415
    from growthbook.plugins import GrowthBookTrackingPlugin  # noqa: PLC0415

    plugin = GrowthBookTrackingPlugin(host, batch_size=100)
    options = Options(api_host=host, client_key=key, tracking_plugins=[plugin])
    client = GrowthBookClient(options)
    await client.initialize()
    for number, customer in enumerate(customers, 1):
        await client.eval_feature("everybody", UserContext(attributes={"id": customer}))
        if number % 1000 == 0:
            _wait_for_batches()  # each has a thread and a connection of its own
    await client.close()
    _wait_for_batches()  # the plugin itself waits for none


def _wait_for_batches() -> None:
    for one in threading.enumerate():
        if "_send_events" in one.name:
            one.join(60)


class _Notes(logging.Handler):
    def __init__(self, told: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._told = told

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self._told.append(record.getMessage())


def main() -> None:
    question = json.load(sys.stdin)
    shift(timedelta(milliseconds=question.pop("clock_error_ms")))
    clients = {"segment": segment, "rudder": rudder, "growthbook": growthbook}
    failures = clients[question.pop("client")](**question)
    json.dump({"failures": failures}, sys.stdout)


if __name__ == "__main__":
    main()
