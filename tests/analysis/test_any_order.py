"""The same events in any order, any number of times: the same analysis."""

from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.bounds import Bounds
from analysis.cells import Summaries
from analysis.compactor import Compactor
from analysis.estimating import estimate
from analysis.store import EventStore
from analysis.warehouse import summarise_events
from experiments.context import Context
from experiments.inbox import Inbox
from tests.analysis.event_files import (
    at,
    churn,
    csat,
    plan_of,
    retention,
    time_to_churn,
)
from tests.analysis.intake import send

PLAN = plan_of(
    {"r": retention(), "c": churn(), "t": time_to_churn(), "s": csat()},
)
CUTOFF = at(60)
Message = dict[str, Any]


def history() -> list[Message]:
    """Write what 24 customers do: each in a way of its own, some in odd ways."""
    found: list[Message] = []

    def add(who: Message, event: str, when: datetime, **properties: object) -> None:
        message = {"type": "track", "event": event, "properties": properties}
        add_any(who, when, **message)

    def add_any(who: Message, when: datetime, **message: object) -> None:
        identity = {"messageId": f"m{len(found)}", "timestamp": when.isoformat()}
        found.append({**identity, **who, **message})

    for n in range(24):
        known = {"userId": f"u{n}"}
        visitor = {"anonymousId": f"visitor-{n}"}
        variant = ("control", "treatment")[n % 2]
        shown = {"experimentId": "exp", "variationId": variant}
        # Every third is seen before we know who it is; every eighth sees both variants.
        add(visitor if n % 3 == 0 else known, "Experiment Viewed", at(n / 50), **shown)
        if n % 3 == 0:
            add_any({**known, **visitor}, at(1), type="identify", traits={})
        if n % 8 == 7:
            other = {"experimentId": "exp", "variationId": "control"}
            add(known, "Experiment Viewed", at(2), **other)
        for day in range(1 + n % 5, 30, 2 + n % 7):
            add(known, "Opened", at(day, n / 10))
        if n % 2 == 0 or n % 5 == 0:
            add(known, "CSAT Requested", at(3))
            # Answers may be changed for seven days: the last one counts.
            for again in range(1 + n % 3):
                add(
                    known,
                    "CSAT Submitted",
                    at(4 + 2 * again),
                    score=1 + (n + again) % 5,
                )
    return found


CLEAN = history()


def analysed(context: Context, batches: list[list[Message]]) -> Summaries:
    """Send the batches, a round of the compactor after each, and analyse."""
    store = EventStore(context.settings)
    inbox = Inbox.for_settings(context.settings)
    compactor = Compactor(context, store)
    for batch in batches:
        send(context, *batch, inbox=inbox)
        compactor.round()
    inbox.close()
    return summarise_events(
        PLAN,
        store.files(),
        Bounds(as_of=at(1000), data_cutoff=CUTOFF),
        context.settings.data_dir / "scratch",
    )


@pytest.fixture
def once(context: Context) -> Summaries:
    """Analyse the stream as it happened."""
    return analysed(context, [CLEAN])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
# Each example has a data folder of its own; the database may be shared.
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_analysis__of_any_multiset_and_order_of_a_stream__is_the_same(
    context: Context,
    once: Summaries,
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
) -> None:
    own = Context(
        type(context.settings)(
            tmp_path_factory.mktemp("var"), context.settings.database_url
        ),
        context.sessions,
        context.now,
    )
    repeats = data.draw(st.lists(st.sampled_from(CLEAN), max_size=60))
    stream = data.draw(st.permutations(CLEAN + repeats))
    cuts = sorted(data.draw(st.lists(st.integers(1, len(stream) - 1), max_size=3)))
    batches = [
        stream[start:end]
        for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)
        if end > start
    ]

    mixed = analysed(own, batches)

    assert sum(once.exposures.analysed.values()) > 15  # there is something to compare
    assert not once.failed
    assert mixed == once
    assert estimate(PLAN, mixed, ()) == estimate(PLAN, once, ())
