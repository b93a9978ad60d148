"""What monitors ask: ready or not, and how old what the doors serve is."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from werkzeug.test import Client

from abide import create_flask_app
from analysis.compactor import Compactor, compact_once
from analysis.enrolling import PUBLISH_EVERY
from analysis.intake_records import IN_FLIGHT
from analysis.store import EventStore
from api import front
from experiments import keys, ruleset
from experiments.context import Context
from experiments.db import transaction
from experiments.enrolled import FOLDER, write_through
from experiments.preparing import prepare
from experiments.ruleset_mirror import RulesetMirror
from experiments.serving import ServingBoard
from experiments.vocabulary import Environment, KeyKind, PersonRole
from tests import factories
from tests.clock import FakeClock
from tests.waiting import wait_until

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def mirrors(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stop what follows the database when the test is over."""
    started: list[RulesetMirror] = []
    start = RulesetMirror.start

    def noted(mirror: RulesetMirror) -> None:
        started.append(mirror)
        start(mirror)

    monkeypatch.setattr(RulesetMirror, "start", noted)
    yield
    for mirror in started:
        mirror.stop()


@pytest.fixture
def served(context: Context) -> Client:
    prepare(context)
    return Client(front.build(context, create_flask_app(context), doors_too=True))


@pytest.fixture
def server_key(
    served: Client,  # noqa: ARG001  # what makes the key wait until it is in force
    context: Context,
) -> str:
    with transaction(context.sessions) as session:
        return keys.create_key(
            session,
            kind=KeyKind.SERVER,
            environment=Environment.PRODUCTION,
            name="Monitor",
            actor=factories.make_actor(session, "Ada", PersonRole.ADMIN),
            now=context.now(),
        )[1]


def readiness(served: Client) -> dict[str, Any]:
    answer = served.get("/readyz")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = orjson.loads(answer.data)
    return found


def test_readyz__ruleset_and_no_sets_yet__tells_the_ages(
    served: Client, now: FakeClock
) -> None:
    now.advance(seconds=90)
    found = readiness(served)
    confirmed = found["ruleset"].pop("confirmed_seconds")

    assert found == {
        "status": "ready",
        "revision": 1,
        "message": "",
        "ruleset": {"age_seconds": 90.0, "processes_behind": 0},
        "enrolled_sets": {"production": {"age_seconds": None}},
    }
    assert 0 <= confirmed < 30  # asked twice a second


def test_readyz__another_process_lags__is_counted(
    served: Client, data_dir: Path
) -> None:
    place = ServingBoard(data_dir).join("other-1")
    behind = readiness(served)["ruleset"]["processes_behind"]
    place.say(1)

    assert behind == 1
    assert readiness(served)["ruleset"]["processes_behind"] == 0


def test_readyz__clock_went_back__no_age_is_negative(
    served: Client, now: FakeClock, data_dir: Path
) -> None:
    write_through(data_dir / "ruleset" / FOLDER, now())
    now.advance(seconds=-3600)
    found = readiness(served)

    assert found["ruleset"]["age_seconds"] == 0
    assert found["enrolled_sets"]["production"]["age_seconds"] == 0


def test_readyz__first_of_two_processes__is_not_ready_alone(context: Context) -> None:
    prepare(context)
    app = create_flask_app(context)
    alone = Client(
        front.build(context, app, doors_too=True, server="all-1", processes=2)
    )
    answer = alone.get("/readyz")

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert answer.get_json()["message"] == "1 of 2 processes of this server are ready."


def test_enrolled_sets__of_a_working_compactor__are_younger_than_a_minute(
    served: Client, context: Context, now: FakeClock
) -> None:
    """The promise in docs/operations.md; a round comes every 3 s when there is news."""
    compactor = Compactor(context, EventStore(context.settings))
    oldest = 0.0
    for _ in range(20):
        compactor.round()
        compactor.publish()
        now.advance(seconds=3)
        age = readiness(served)["enrolled_sets"]["production"]["age_seconds"]
        oldest = max(oldest, age)

    # A request may be in flight so long; sets rest so long; and a round may just miss.
    assert oldest <= (IN_FLIGHT + PUBLISH_EVERY).total_seconds() + 3 + 3
    assert oldest < 60


def test_enrolled_sets__compactor_stopped__grow_old(
    served: Client, context: Context, now: FakeClock
) -> None:
    compact_once(context)
    now.advance(seconds=300)
    age = readiness(served)["enrolled_sets"]["production"]["age_seconds"]

    assert age == 300 + IN_FLIGHT.total_seconds()


def test_metrics__for_a_server_key__hold_the_ages(
    served: Client, server_key: str, context: Context, now: FakeClock
) -> None:
    compact_once(context)
    with transaction(context.sessions) as session:
        revision = ruleset.publish(session, now()).revision
    wait_until(lambda: readiness(served)["revision"] == revision)
    now.advance(seconds=30)
    answer = served.get("/metrics", headers={"Authorization": f"Bearer {server_key}"})
    found = dict(
        re.findall(r"^(abide_[a-z_{}=\"]+) ([0-9.]+)$", answer.text, re.MULTILINE)
    )

    assert found["abide_ruleset_revision"] == f"{revision}.0"
    assert found["abide_ruleset_age_seconds"] == "30.0"
    assert 0 <= float(found["abide_ruleset_confirmed_seconds"]) < 30
    assert found["abide_processes_behind"] == "0.0"
    sets = 'abide_enrolled_sets_age_seconds{environment="production"}'
    assert found[sets] == f"{30 + IN_FLIGHT.total_seconds()}"


def test_metrics__pool_without_a_database__what_is_not_known_is_no_number(
    served: Client, server_key: str, context: Context
) -> None:
    revision = readiness(served)["revision"]
    doors_alone = Client(front.build(context, None, doors_too=True))
    answer = doors_alone.get(
        "/metrics", headers={"Authorization": f"Bearer {server_key}"}
    )

    assert f"abide_ruleset_revision {revision}.0" in answer.text
    assert "abide_ruleset_confirmed_seconds NaN" in answer.text
