"""What exposures name is counted, whether it is known here or not."""

import pytest

from analysis import exposure_days
from analysis.compactor import Compactor, compact_once
from analysis.store import EventStore
from experiments import exposures_view
from experiments.context import Context
from experiments.db import transaction
from experiments.exposures_view import Arrived
from experiments.models import ExposureDay
from experiments.vocabulary import Environment, NamedState, PersonRole
from tests import factories
from tests.analysis.intake import events, send
from tests.clock import FakeClock
from tests.experiments.sent_messages import HIDE, track

KNOWN, VARIANT = factories.EXPERIMENT, "nudge"


def viewed(number: int, experiment: str, variant: str) -> dict[str, object]:
    seen = {"experimentId": experiment, "variationId": variant}
    return track("Experiment Viewed", messageId=f"m{number}", properties=seen)


def named(context: Context) -> list[tuple[str, str, NamedState, int]]:
    with transaction(context.sessions) as session:
        found = exposures_view.named(session, context.now())
    return [(n.experiment, n.variant, n.state, n.exposure_count) for n in found]


def test_exposures__of_what_is_not_ours__are_kept_counted_and_shown_first(
    context: Context,
) -> None:
    with transaction(context.sessions) as session:
        root = factories.make_actor(session, "Root", PersonRole.ADMIN)
        factories.start_experiment(session, root)
        factories.make_experiment(session, root, key="later")
    send(
        context,
        *(viewed(i, KNOWN, VARIANT) for i in range(5)),
        viewed(4, KNOWN, VARIANT),  # sent again
        viewed(5, KNOWN, "nugde"),
        viewed(6, "checkuot", VARIANT),
        viewed(7, "checkuot", VARIANT),
        viewed(8, "later", VARIANT),
    )
    compact_once(context)
    assert named(context) == [
        ("checkuot", VARIANT, NamedState.UNKNOWN_EXPERIMENT, 2),
        (KNOWN, "nugde", NamedState.UNKNOWN_VARIANT, 1),
        ("later", VARIANT, NamedState.NOT_STARTED, 1),
        (KNOWN, VARIANT, NamedState.KNOWN, 5),
    ]
    assert len(events(context)) == 9


def test_exposures__by_day__are_counted_for_each_variant(
    context: Context, now: FakeClock
) -> None:
    first = now().replace(hour=0, minute=0)
    send(context, viewed(1, KNOWN, "control"), viewed(2, KNOWN, VARIANT))
    compact_once(context)
    now.advance(days=1)
    send(context, viewed(3, KNOWN, VARIANT))
    send(context, viewed(4, KNOWN, VARIANT))
    compact_once(context)
    with transaction(context.sessions) as session:
        days = exposures_view.by_day(session, KNOWN)
    assert [(d.day_at, d.source, d.variant, d.exposure_count) for d in days] == [
        (now().replace(hour=0, minute=0), "src1", VARIANT, 2),
        (first, "src1", "control", 1),
        (first, "src1", VARIANT, 1),
    ]
    now.advance(days=8)
    assert named(context) == []
    now.advance(days=60)
    Compactor(context, EventStore(context.settings)).clean()
    with transaction(context.sessions) as session:
        assert exposures_view.by_day(session, KNOWN) == []


def test_exposures__of_names_without_end__fill_no_database(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exposure_days, "MOST_ROWS", 3)
    send(context, *(viewed(i, f"e{i}", VARIANT) for i in range(5)))
    compact_once(context)
    send(context, viewed(9, "e0", VARIANT))
    compact_once(context)
    assert len(named(context)) == 3
    assert len(events(context)) == 6


def test_exposures__of_one_experiment__the_last_ten_are_kept_without_the_customer(
    context: Context,
) -> None:
    with transaction(context.sessions) as session:
        root = factories.make_actor(session, "Root", PersonRole.ADMIN)
        factories.start_experiment(session, root)
    for first in (0, 8):  # two rounds of the compactor
        seen = [viewed(i, KNOWN, "control" if i < 9 else VARIANT) for i in range(12)]
        send(context, *seen[first : first + 8], viewed(99, "checkuot", VARIANT))
        compact_once(context)
    with transaction(context.sessions) as session:
        kept = exposures_view.latest(session, KNOWN)
        assert [row.variant for row in kept] == [VARIANT] * 3 + ["control"] * 7
        own = HIDE.customer("u1")
        assert {row.customer_start for row in kept} == {own[:2].hex()}
        assert exposures_view.latest(session, "checkuot") == []
        exposures_view.erase(session, {b"somebody else..."})
        assert len(exposures_view.latest(session, KNOWN)) == 10
        exposures_view.erase(session, {own})
        assert exposures_view.latest(session, KNOWN) == []


def test_arrived__by_experiment__tells_the_usual_causes_apart(
    context: Context, now: FakeClock
) -> None:
    with transaction(context.sessions) as session:
        root = factories.make_actor(session, "Root", PersonRole.ADMIN)
        experiment = factories.start_experiment(session, root)
        assert exposures_view.arrived(session, experiment, now()) == Arrived(
            0, 0, (), 0
        )
    send(
        context,
        viewed(1, KNOWN, VARIANT),
        viewed(2, KNOWN, "nugde"),
        viewed(3, "checkuot", VARIANT),
    )
    compact_once(context)
    with transaction(context.sessions) as session:
        session.add(
            ExposureDay(
                source="dev1",
                environment=Environment.DEVELOPMENT.value,
                experiment=KNOWN,
                variant=VARIANT,
                day_at=now(),
                exposure_count=4,
                last_at=now(),
            )
        )
        session.flush()
        found = exposures_view.arrived(session, experiment, now())
    assert found == Arrived(1, 1, ("checkuot",), 4)
