"""Segment's and RudderStack's released clients: what they send is stored once.

Their clocks are three hours ahead. The long run (`make proof PART=clients`) sends
100,000 events with each.
"""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pyarrow.compute as pc
import pytest

from analysis.store import EventStore
from experiments.config import Settings
from tests import rulesets
from tests.analysis.intake import table
from tests.clients.conftest import Node
from tests.servers import RunningServer
from tests.waiting import wait_until

PROOF = bool(os.environ.get("ABIDE_PROOF"))
EVENTS = 100_000 if PROOF else 250
AHEAD = timedelta(hours=3)


@pytest.mark.parametrize("client", ["segment", "rudder"])
def test_events__of_a_released_client__are_stored_once_at_their_true_time(
    shop: RunningServer,
    node: Node,
    client: str,
    record_property: Callable[[str, object], None],
) -> None:
    store = EventStore(Settings.from_environ(shop.environ))
    began, start = datetime.now(UTC), time.monotonic()
    question = {
        "client": client,
        "host": shop.base_url,
        "key": rulesets.WRITE,
        "count": EVENTS,
        "name": f"by-{client}",
        "clock_error_ms": AHEAD // timedelta(milliseconds=1),
    }
    assert node("events.js", question) == {"failures": []}
    seconds = time.monotonic() - start

    def are_stored() -> bool:
        stored = table(store.files())
        if not stored.num_rows:
            return False
        theirs = pc.sum(pc.equal(stored["name"], f"by-{client}")).as_py()
        return int(theirs or 0) >= EVENTS

    wait_until(are_stored, seconds=600 if PROOF else 60)
    ended = datetime.now(UTC)
    stored = table(store.files())
    stored = stored.filter(pc.equal(stored["name"], f"by-{client}"))
    assert stored.num_rows == EVENTS
    assert len(stored["customer"].unique()) == EVENTS
    slack = timedelta(seconds=5)  # two clocks are read, one after the other
    assert pc.min(stored["occurred_at"]).as_py() >= began - slack
    assert pc.max(stored["occurred_at"]).as_py() <= ended + slack
    assert pc.min(stored["original_at"]).as_py() >= began + AHEAD - slack
    record_property("events", EVENTS)
    record_property("lost", 0)
    record_property("doubled", 0)
    record_property("events a second", round(EVENTS / seconds))
