"""The released clients that send events: what they send is stored once.

Their clocks are three hours ahead. The long run (`make proof PART=clients`) sends
100,000 events with each.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from playwright.sync_api import Browser
from typing_extensions import override

from analysis.store import EventStore
from experiments.config import Settings
from experiments.privacy import load_pseudonymiser
from tests import rulesets
from tests.analysis.intake import table
from tests.clients.conftest import HERE, TOOLS, Node
from tests.servers import RunningServer
from tests.waiting import wait_until

PROOF = bool(os.environ.get("ABIDE_PROOF"))
EVENTS = 100_000 if PROOF else 250
AHEAD = timedelta(hours=3)
AHEAD_MS = AHEAD // timedelta(milliseconds=1)
SLACK = timedelta(seconds=5)  # two clocks are read, one after the other
SENDING_SECONDS = 3600 if PROOF else 120  # analytics-next takes 8 ms of CPU an event
STORING_SECONDS = 600 if PROOF else 60
BUNDLES = {
    "segment": "@segment/analytics-next/dist/umd/index.js",
    "rudder": "@rudderstack/analytics-js/dist/npm/modern/bundled/umd/index.js",
}
Note = Callable[[str, object], None]


@pytest.fixture
def python() -> Node:
    """Run the Python clients in a process whose clock is wrong."""

    def run(question: object) -> Any:  # noqa: ANN401
        done = subprocess.run(  # noqa: S603  # our own script
            [sys.executable, str(HERE / "events.py")],
            input=json.dumps(question),
            capture_output=True,
            text=True,
            timeout=SENDING_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout)

    return run


class _Files(SimpleHTTPRequestHandler):
    """The clients' files, and an empty page to run them in."""

    @override
    def do_GET(self) -> None:
        if self.path != "/":
            super().do_GET()
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>App</title>")

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def app_url(node: Node) -> Iterator[str]:  # noqa: ARG001  # it knows what is missing
    """Serve a customer's app: another origin than Abide, as apps are."""
    files = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(TOOLS)))
    thread = threading.Thread(target=files.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{files.server_port}"
    files.shutdown()
    thread.join()
    files.server_close()


@pytest.fixture
def page(app_url: str, browser: Browser) -> Iterator[Node]:
    """Run a browser client in a page whose clock is wrong."""
    context = browser.new_context()

    def run(question: dict[str, Any]) -> Any:  # noqa: ANN401
        opened = context.new_page()
        opened.set_default_timeout(SENDING_SECONDS * 1000)
        opened.add_init_script(path=str(HERE / "clock.js"))
        opened.add_init_script(f"shiftClock({question['clock_error_ms']})")
        opened.goto(app_url)
        opened.add_script_tag(url=f"{app_url}/{BUNDLES[question['client']]}")
        opened.add_script_tag(path=str(HERE / "browser_events.js"))
        return {"failures": opened.evaluate("sendEvents", question)}

    yield run
    context.close()


def asked(
    shop: RunningServer, client: str, name: str, **more: object
) -> dict[str, Any]:
    return {
        "client": client,
        "host": shop.base_url,
        "key": rulesets.WRITE,
        "count": EVENTS,
        "name": name,
        "clock_error_ms": AHEAD_MS,
        **more,
    }


@pytest.mark.parametrize("client", ["segment", "rudder"])
def test_events__of_a_node_client__are_stored_once_at_their_true_time(
    shop: RunningServer, node: Node, client: str, record_property: Note
) -> None:
    name = f"by-{client}-node"
    began, start = datetime.now(UTC), time.monotonic()
    assert node("events.js", asked(shop, client, name)) == {"failures": []}
    check(shop, name, began, time.monotonic() - start, record_property)


@pytest.mark.parametrize("client", ["segment", "rudder"])
def test_events__of_a_python_client__are_stored_once_at_their_true_time(
    shop: RunningServer, python: Node, client: str, record_property: Note
) -> None:
    name = f"by-{client}-python"
    began, start = datetime.now(UTC), time.monotonic()
    assert python(asked(shop, client, name)) == {"failures": []}
    check(shop, name, began, time.monotonic() - start, record_property)


@pytest.mark.browser
@pytest.mark.parametrize("batching", [False, True], ids=["single", "batches"])
@pytest.mark.parametrize("client", ["segment", "rudder"])
def test_events__of_a_browser_client__are_stored_once_at_their_true_time(
    shop: RunningServer,
    page: Node,
    client: str,
    batching: bool,  # noqa: FBT001  # a parameter of the test
    record_property: Note,
) -> None:
    name = f"by-{client}-browser-{batching}"
    began, start = datetime.now(UTC), time.monotonic()
    question = asked(shop, client, name, batching=batching)
    assert page(question) == {"failures": []}
    seconds = time.monotonic() - start
    check(shop, name, began, seconds, record_property, known=False)


@pytest.mark.parametrize("language", ["javascript", "python"])
def test_exposures__of_a_growthbook_plugin__are_stored_once_as_they_arrive(
    shop: RunningServer,
    node: Node,
    python: Node,
    language: str,
    record_property: Note,
) -> None:
    name = f"by-plugin-{language}"
    began, start = datetime.now(UTC), time.monotonic()
    question = asked(shop, "growthbook", name, key=rulesets.READER)
    told = python(question) if language == "python" else node("events.js", question)
    assert told == {"failures": []}
    # It sends no times: what holds is when the exposure arrived.
    seconds = time.monotonic() - start
    check(shop, name, began, seconds, record_property, has_times=False)


def check(
    shop: RunningServer,
    name: str,
    began: datetime,
    seconds: float,
    note: Note,
    *,
    known: bool = True,
    has_times: bool = True,
) -> None:
    """Read back what a client has sent: each of its customers, once, and when."""
    settings = Settings.from_environ(shop.environ)
    hide = load_pseudonymiser(settings)
    pseudonym = hide.customer if known else hide.anonymous
    wanted = pa.array([pseudonym(f"{name}-{n}") for n in range(EVENTS)], pa.binary())
    store = EventStore(settings)

    def theirs() -> pa.Table:
        stored = table(store.files())
        if not stored.num_rows:
            return stored
        return stored.filter(pc.is_in(stored["customer"], value_set=wanted))

    wait_until(lambda: theirs().num_rows >= EVENTS, seconds=STORING_SECONDS)
    ended = datetime.now(UTC)
    stored = theirs()
    assert stored.num_rows == EVENTS
    assert len(stored["customer"].unique()) == EVENTS
    assert pc.min(stored["occurred_at"]).as_py() >= began - SLACK
    assert pc.max(stored["occurred_at"]).as_py() <= ended + SLACK
    if has_times:
        assert pc.min(stored["original_at"]).as_py() >= began + AHEAD - SLACK
    else:
        assert stored["original_at"].null_count == EVENTS
        assert set(stored["kind"].to_pylist()) == {"exposure"}
    note("events", EVENTS)
    note("lost", 0)
    note("doubled", 0)
    note("events a second", round(EVENTS / seconds))
