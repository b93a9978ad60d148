"""P5: raw events go by age, results stay."""

import pytest

from analysis import subject
from analysis.compactor import Compactor, compact_once
from analysis.store import EventStore
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import Conflict
from experiments.models import ExpiredExposure
from experiments.vocabulary import PersonRole
from tests import factories
from tests.analysis.intake import events, quarantined, send
from tests.clock import FakeClock
from tests.experiments.sent_messages import track

KEPT_DAYS = 400  # promises.md, P5


def clean(context: Context) -> None:
    Compactor(context, EventStore(context.settings)).clean()


def viewed(experiment: str, **message: object) -> dict[str, object]:
    seen = {"experimentId": experiment, "variationId": "control"}
    return track("Experiment Viewed", properties=seen, **message)


def test_events__older_than_the_setting__are_deleted(
    context: Context, now: FakeClock
) -> None:
    send(context, track("Old"), "bad", viewed("checkout", messageId="m2"))
    compact_once(context)
    now.advance(days=100)
    send(context, track("Newer", messageId="m3"), "bad")
    compact_once(context)
    now.advance(days=KEPT_DAYS - 100)
    clean(context)
    assert len(events(context)) == 3  # the day on which they are as old as that
    now.advance(days=1)
    clean(context)
    assert [row["name"] for row in events(context)] == ["Newer"]
    assert len(quarantined(context)) == 1
    with transaction(context.sessions) as session:
        assert session.get(ExpiredExposure, "checkout") is not None


def test_history__imported_today__is_kept_from_today(
    context: Context, now: FakeClock
) -> None:
    send(context, track(timestamp="2020-01-01T00:00:00Z"))
    compact_once(context)
    now.advance(days=KEPT_DAYS - 1)
    clean(context)
    assert len(events(context)) == 1


def test_file__of_old_and_newer_rows__keeps_the_newer(
    context: Context, now: FakeClock
) -> None:
    late = track("Late", messageId="m2", timestamp="2026-03-14T09:00:00Z")
    send(context, track("Then", timestamp="2026-03-14T09:00:00Z"))
    now.advance(days=2)
    send(context, late)  # one file: both happened on one day
    compact_once(context)
    now.advance(days=KEPT_DAYS - 1)
    clean(context)
    assert [row["name"] for row in events(context)] == ["Late"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_analysis__of_an_experiment_whose_events_went__is_refused(
    context: Context, now: FakeClock
) -> None:
    key = factories.EXPERIMENT
    with transaction(context.sessions) as session:
        root = factories.make_actor(session, "Root", PersonRole.ADMIN)
        factories.start_experiment(session, root)
        session.add(ExpiredExposure(experiment=key, received_before=factories.NOW))
    with transaction(context.sessions) as session:
        subject.read_subject(session, key, now())
    later = now.advance(days=1)
    with transaction(context.sessions) as session:
        session.merge(ExpiredExposure(experiment=key, received_before=later))
    with transaction(context.sessions) as session, pytest.raises(Conflict, match="age"):
        subject.read_subject(session, key, now())
