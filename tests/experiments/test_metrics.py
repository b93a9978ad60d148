from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from experiments import audit, metrics
from experiments.actors import SYSTEM
from experiments.db import transaction
from experiments.errors import Conflict, Forbidden, InvalidInput, NotFound
from experiments.vocabulary import Direction, MetricKind, PersonRole
from tests import factories
from tests.factories import NOW, RETENTION

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_create__complete__reads_back_in_version_1(
    sessions: sessionmaker[Session],
) -> None:
    definition = factories.definition(events=("App Opened", "Zahlung ✓"), day=7)
    with transaction(sessions) as session:
        factories.make_metric(session, definition=definition)
    with sessions() as session:
        stored = metrics.get(session, RETENTION)
        (entry,) = audit.entries(session)
    (version,) = stored.versions
    assert metrics.definition_of(version) == definition
    assert (version.version, version.created_by) == (1, "system")
    assert entry.action == "metric.create"
    assert entry.after is not None
    assert entry.after["definition"]["day"] == 7


def test_add_version__other_definition__keeps_the_old_one(
    sessions: sessionmaker[Session],
) -> None:
    day_7 = factories.definition(day=7)
    with transaction(sessions) as session:
        factories.make_metric(session)
        metrics.add_version(session, RETENTION, day_7, actor=SYSTEM, now=NOW)
    with sessions() as session:
        stored = metrics.get(session, RETENTION)
    assert [v.version for v in stored.versions] == [1, 2]
    assert metrics.definition_of(stored.versions[0]) == factories.definition()
    assert metrics.definition_of(stored.versions[1]) == day_7


@SQLITE
def test_add_version__same_definition__is_a_conflict(
    sessions: sessionmaker[Session],
) -> None:
    with transaction(sessions) as session:
        factories.make_metric(session)
        with pytest.raises(Conflict, match="defined like this already"):
            metrics.add_version(
                session, RETENTION, factories.definition(), actor=SYSTEM, now=NOW
            )


@SQLITE
def test_create__taken_key__is_a_conflict(sessions: sessionmaker[Session]) -> None:
    with transaction(sessions) as session:
        factories.make_metric(session)
        with pytest.raises(Conflict) as refusal:
            factories.make_metric(session)
    assert list(refusal.value.fields) == ["key"]


@SQLITE
@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"key": "a b"}, ["key"]),
        ({"name": ""}, ["name"]),
        ({"description": "x" * 2001}, ["description"]),
        ({"description": "\x00"}, ["description"]),
        (
            {"name": "", "definition": factories.definition(events=(), day=0)},
            ["name", "day", "events"],
        ),
    ],
)
def test_create__faults__are_named_all_at_once(
    sessions: sessionmaker[Session], changes: dict[str, Any], fields: list[str]
) -> None:
    with transaction(sessions) as session, pytest.raises(InvalidInput) as refusal:
        factories.make_metric(session, **changes)
    assert list(refusal.value.fields) == fields


@SQLITE
def test_changes__by_a_viewer__are_forbidden(sessions: sessionmaker[Session]) -> None:
    with transaction(sessions) as session:
        eve = factories.make_actor(session, "Eve", PersonRole.VIEWER)
        analyst = factories.make_actor(session, "Ann", PersonRole.ANALYST)
        with pytest.raises(Forbidden):
            factories.make_metric(session, actor=eve)
        factories.make_metric(session, actor=analyst)
        with pytest.raises(Forbidden):
            metrics.add_version(
                session, RETENTION, factories.definition(day=2), actor=eve, now=NOW
            )


@SQLITE
@pytest.mark.parametrize("key", ["nowhere", "", "\x00", "\ud800", "x" * 65])
def test_get__unknown__is_not_found(sessions: sessionmaker[Session], key: str) -> None:
    with sessions() as session, pytest.raises(NotFound):
        metrics.get(session, key)


def test_listing__pages__meet_every_metric_once(
    sessions: sessionmaker[Session],
) -> None:
    keys = ["churn_60", "csat.mean", "retention~7", "retention_30", "z-last"]
    with transaction(sessions) as session:
        for key in keys:
            factories.make_metric(session, key)
    with sessions() as session:
        seen: list[str] = []
        while page := metrics.listing(
            session, after_key=seen[-1] if seen else None, limit=2
        ):
            seen += [m.key for m in page]
    assert sorted(seen) == sorted(keys)
    assert len(seen) == len(keys)


# Kinds and their natural direction, with what makes each complete


@pytest.mark.parametrize(
    ("kind", "direction", "maturity_days"),
    [
        # Day N is over after N + 1 days; churn by day N needs
        # the gap W after it; survey answers count until day N.
        (MetricKind.RETENTION, Direction.INCREASE, 31),
        (MetricKind.CHURN, Direction.DECREASE, 44),
        (MetricKind.TIME_TO_CHURN, Direction.INCREASE, 44),
        (MetricKind.CSAT_MEAN, Direction.INCREASE, 30),
        (MetricKind.CSAT_SHARE, Direction.INCREASE, 30),
        (MetricKind.CES_MEAN, Direction.DECREASE, 30),
    ],
)
def test_definition__each_kind__matures_when_its_window_is_over(
    kind: MetricKind, direction: Direction, maturity_days: int
) -> None:
    definition = factories.definition(kind=kind, direction=direction, gap_days=14)
    definition.check()
    assert definition.maturity.days == maturity_days


@pytest.mark.parametrize(("typed", "owner"), [(" Team X ", "Team X"), ("", "system")])
def test_create__owner__as_typed_or_who_defines_it(
    typed: str, owner: str, sessions: sessionmaker[Session]
) -> None:
    with transaction(sessions) as session:
        factories.make_metric(session, owner=typed, default_margin=0.01)
    with sessions() as session:
        stored = metrics.get(session, RETENTION)
    assert (stored.owner, stored.default_margin) == (owner, 0.01)


def test_describe__new_words__leave_the_definition_and_stand_in_the_audit(
    sessions: sessionmaker[Session],
) -> None:
    with transaction(sessions) as session:
        factories.make_metric(session)
        entry = metrics.CatalogueEntry("Stays", "Still here", "Ida", 0.02)
        metrics.describe(session, RETENTION, entry, actor=SYSTEM, now=NOW)
    with sessions() as session:
        stored = metrics.get(session, RETENTION)
        newest = audit.entries(session)[0]
    assert metrics.entry_of(stored) == entry
    assert len(stored.versions) == 1
    assert newest.action == "metric.describe"
    assert newest.before is not None
    assert newest.after is not None
    assert (newest.before["owner"], newest.after["owner"]) == ("system", "Ida")


@SQLITE
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"owner": "x" * 201}, "owner"),
        ({"default_margin": 0.0}, "default_margin"),
        ({"default_margin": 1.5}, "default_margin"),
        ({"default_margin": float("nan")}, "default_margin"),
    ],
)
def test_describe__what_nobody_can_mean__is_refused_at_its_field(
    changes: dict[str, Any], field: str, sessions: sessionmaker[Session]
) -> None:
    entry = metrics.CatalogueEntry(**{"name": "Stays", **changes})
    with transaction(sessions) as session:
        factories.make_metric(session)
        with pytest.raises(InvalidInput) as refused:
            metrics.describe(session, RETENTION, entry, actor=SYSTEM, now=NOW)
    assert set(refused.value.fields) == {field}


@SQLITE
def test_describe__by_a_viewer__is_refused(sessions: sessionmaker[Session]) -> None:
    with transaction(sessions) as session:
        factories.make_metric(session)
        viewer = factories.make_actor(session, role=PersonRole.VIEWER)
        with pytest.raises(Forbidden):
            metrics.describe(
                session, RETENTION, metrics.CatalogueEntry("x"), actor=viewer, now=NOW
            )
