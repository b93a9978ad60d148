from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.test import Client, TestResponse

from api import assignments
from api.doors import DoorGroup, Gate, mount
from experiments import key_format, keys, ruleset
from experiments.assignment import bucket
from experiments.config import Settings
from experiments.db import transaction
from experiments.models import Experiment
from experiments.ruleset_files import RulesetFolder
from experiments.ruleset_mirror import RulesetMirror
from experiments.ruleset_reader import RulesetReader
from experiments.ruleset_values import parse
from experiments.vocabulary import Environment, KeyKind, PersonRole, Status
from tests import factories
from tests.clock import FakeClock

Sessions = sessionmaker[Session]
EXPERIMENT = factories.EXPERIMENT
BUSINESS = {"plan": "business"}


class Door:
    """The assignment door over a published ruleset, as a worker serves it."""

    def __init__(self, sessions: Sessions, folder: RulesetFolder) -> None:
        self.sessions = sessions
        self.reader = RulesetReader(folder)
        self.mirror = RulesetMirror(sessions, folder)
        group = DoorGroup(
            assignments.routes(self.reader), assignments.BODY_CAP, at_once=4
        )
        self.client = Client(
            mount(
                lambda _environ, _start: [],
                [group],
                trusted_hosts=["localhost"],
                app_gate=Gate(1),
            )
        )
        self.key = ""

    def publish(self, now: FakeClock) -> None:
        with transaction(self.sessions) as session:
            ruleset.publish(session, now())
        self.mirror.copy()
        self.reader.refresh()

    def post(self, body: object, key: str | None = None) -> TestResponse:
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        headers = {"X-API-Key": self.key if key is None else key}
        return self.client.post(assignments.PATH, data=data, headers=headers)

    def ask(
        self, unit: object = "user-1", attributes: Mapping[str, Any] = BUSINESS
    ) -> list[dict[str, Any]]:
        answer = self.post({"unit": unit, "attributes": attributes})
        assert answer.status_code == 200, answer.text
        given_: list[dict[str, Any]] = orjson.loads(answer.data)["assignments"]
        return given_


def put_key(
    sessions: Sessions,
    now: FakeClock,
    kind: KeyKind,
    environment: Environment = Environment.PRODUCTION,
) -> str:
    with transaction(sessions) as session:
        owner = factories.make_actor(
            session, f"{kind} {environment}".title().replace(" ", ""), PersonRole.ADMIN
        )
        _, text = keys.create_key(
            session,
            kind=kind,
            environment=environment,
            name="shop",
            actor=owner,
            now=now(),
        )
    return text


def set_status(
    sessions: Sessions, status: Status, *, decided: str | None = None
) -> None:
    with transaction(sessions) as session:
        experiment = session.query(Experiment).filter_by(key=EXPERIMENT).one()
        experiment.status = status
        experiment.decided_variant = decided


@pytest.fixture
def door(sessions: Sessions, settings: Settings, now: FakeClock) -> Door:
    made = Door(sessions, RulesetFolder(settings.data_dir / "ruleset"))
    made.key = put_key(sessions, now, KeyKind.SERVER)
    with transaction(sessions) as session:
        actor = factories.make_actor(session)
        for key, status in (
            (EXPERIMENT, Status.RUNNING),
            ("second", Status.RUNNING),
            ("later", Status.DRAFT),
        ):
            experiment = factories.make_experiment(session, actor, key=key)
            experiment.status = status
            experiment.salt = None if status is Status.DRAFT else f"salt of {key}"
    made.publish(now)
    return made


@pytest.fixture(scope="module")
def still_door(tmp_path_factory: pytest.TempPathFactory) -> Door:
    """Serve a ruleset that never changes: many questions, no database."""
    public_id, text = key_format.make(KeyKind.SERVER, Environment.PRODUCTION)
    split: list[dict[str, Any]] = [
        {"name": name, "share": 0.5, "parameters": {}, "personalisation": []}
        for name in ("control", "nudge")
    ]
    body = orjson.dumps(
        {
            "format": 2,
            "revision": 1,
            "published_at": "2026-03-14T09:30:00+00:00",
            "experiments": [
                {
                    "key": EXPERIMENT,
                    "status": "running",
                    "salt": "s",
                    "phase": 1,
                    "coverage": 1.0,
                    "segment": {"key": "b", "version": 1, "condition": BUSINESS},
                    "control": "control",
                    "decided_variant": None,
                    "types": {},
                    "variants": split,
                }
            ],
            "silent": {"later": "not_started"},
            "keys": [
                {
                    "public_id": public_id,
                    "digest": key_format.digest(text),
                    "kind": "server",
                    "environment": "production",
                    "revoked": False,
                }
            ],
            "attributes": [],
        }
    )
    folder = RulesetFolder(tmp_path_factory.mktemp("ruleset"))
    folder.write(parse(body), body)
    made = Door(sessionmaker(), folder)
    made.reader.refresh()
    made.key = text
    return made


only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def refusal(answer: TestResponse) -> tuple[int, dict[str, str]]:
    body = orjson.loads(answer.data)
    assert set(body) == {"code", "message", "fields"}
    assert body["message"].endswith((".", ")."))
    return answer.status_code, body["fields"]


# Answers


def test_assignments__running__variant_by_hash_for_every_experiment(
    door: Door,
) -> None:
    answer = door.post({"unit": "user-1", "attributes": BUSINESS})

    body = orjson.loads(answer.data)
    assert door.reader.current is not None
    assert body["revision"] == door.reader.current.revision
    assert answer.headers["Content-Type"] == "application/json"
    assert [a["experiment"] for a in body["assignments"]] == [EXPERIMENT, "second"]
    for given_ in body["assignments"]:
        # Two halves: buckets below 5,000 are control, the first variant.
        is_control = bucket(f"salt of {given_['experiment']}", "user-1") < 5000
        assert given_ == {
            "experiment": given_["experiment"],
            "variant": "control" if is_control else "nudge",
            "parameters": {
                "headline": "Go yearly" if is_control else "Save two months"
            },
            "reason": "split",
            "in_experiment": True,
        }


@only_sqlite
def test_assignments__named__each_once_in_that_order_with_reasons(door: Door) -> None:
    answer = door.post(
        {
            "unit": "user-1",
            "attributes": BUSINESS,
            "experiments": ["none such", "later", "second", "second"],
        }
    )

    given_ = orjson.loads(answer.data)["assignments"]
    assert [(a["experiment"], a["reason"]) for a in given_] == [
        ("none such", "unknown_experiment"),
        ("later", "not_started"),
        ("second", "split"),
    ]
    assert [a["variant"] for a in given_[:2]] == [None, None]
    assert [a["parameters"] for a in given_[:2]] == [{}, {}]


def test_assignments__no_experiments_named__empty_list_is_not_all(
    still_door: Door,
) -> None:
    answer = still_door.post({"unit": "user-1", "experiments": []})

    assert orjson.loads(answer.data)["assignments"] == []


@pytest.mark.parametrize(
    ("unit", "attributes", "reason"),
    [
        ("user-1", {}, "not_in_segment"),
        ("user-1", {**BUSINESS, "consent": False}, "no_consent"),
        ("", BUSINESS, "invalid_unit"),
        (0, BUSINESS, "invalid_unit"),
        (None, BUSINESS, "invalid_unit"),
        ("0", BUSINESS, "split"),
        (17, BUSINESS, "split"),
        ("\U0001f600", BUSINESS, "split"),
    ],
)
def test_assignments__customer__gets_control_with_a_reason_or_takes_part(
    still_door: Door, unit: object, attributes: Mapping[str, Any], reason: str
) -> None:
    for given_ in still_door.ask(unit, attributes):
        assert given_["reason"] == reason
        assert given_["in_experiment"] is (reason == "split")
        assert reason == "split" or given_["variant"] == "control"


def test_assignments__number__same_as_its_text(still_door: Door) -> None:
    assert still_door.ask(12.0) == still_door.ask("12")


@pytest.mark.parametrize(
    ("status", "decided", "variant", "reason"),
    [
        (Status.PAUSED, None, "control", "paused"),
        (Status.STOPPED, None, "control", "stopped"),
        (Status.DECIDED, "nudge", "nudge", "decided"),
        (Status.DECIDED, None, "control", "decided"),
    ],
)
@only_sqlite
def test_assignments__status_changes__next_publication_is_served(
    door: Door,
    now: FakeClock,
    status: Status,
    decided: str | None,
    variant: str,
    reason: str,
) -> None:
    set_status(door.sessions, status, decided=decided)
    before = door.ask()[0]
    door.publish(now)
    after = door.ask()[0]

    assert before["reason"] == "split"
    assert (after["variant"], after["reason"]) == (variant, reason)
    assert not after["in_experiment"]


# Keys


@only_sqlite
def test_assignments__each_kind_of_key__server_and_client_open(
    door: Door, now: FakeClock
) -> None:
    texts = {kind: put_key(door.sessions, now, kind) for kind in list(KeyKind)[2:]}
    admin = put_key(
        door.sessions, now, KeyKind.ADMIN, environment=Environment.DEVELOPMENT
    )
    door.publish(now)

    def status(key: str) -> int:
        return door.post({"unit": "a"}, key).status_code

    assert status(door.key) == status(texts[KeyKind.CLIENT]) == 200
    assert status(texts[KeyKind.WRITE]) == status(admin) == 403
    assert status("abide") == status("") == 401


@only_sqlite
def test_assignments__development_key__gets_what_production_gets(
    door: Door, now: FakeClock
) -> None:
    key = put_key(door.sessions, now, KeyKind.SERVER, Environment.DEVELOPMENT)
    door.publish(now)
    body = {"unit": "user-1", "attributes": BUSINESS}

    assert door.post(body, key).data == door.post(body).data


@only_sqlite
def test_assignments__key_revoked__refused_from_the_next_publication(
    door: Door, now: FakeClock
) -> None:
    text = put_key(door.sessions, now, KeyKind.CLIENT)
    door.publish(now)
    before = door.post({"unit": "a"}, text).status_code
    with transaction(door.sessions) as session:
        admin = factories.make_actor(session, "Grace", PersonRole.ADMIN)
        keys.revoke(session, text.split("_")[3], actor=admin, now=now())
    door.publish(now)

    assert (before, door.post({"unit": "a"}, text).status_code) == (200, 401)


# Without the database


def test_assignments__database_gone__same_answers_and_keys_still_checked(
    door: Door, settings: Settings
) -> None:
    before = door.ask()
    door.sessions.kw["bind"].dispose()
    door.sessions.configure(bind=create_engine("sqlite:////nowhere/abide.db"))
    door.mirror.copy()
    door.reader.refresh()
    # A worker that starts while the database is gone has the file alone.
    cold = Door(door.sessions, RulesetFolder(settings.data_dir / "ruleset"))
    cold.key = door.key
    cold.reader.refresh()

    assert "does not answer" in str(door.mirror.fault)
    assert door.ask() == cold.ask() == before
    for each in (door, cold):
        assert each.post({"unit": "a"}, "abide_server_prod_x").status_code == 401


def test_assignments__no_ruleset_at_all__503_with_retry(
    sessions: Sessions, tmp_path: Path
) -> None:
    answer = Door(sessions, RulesetFolder(tmp_path / "none")).post({"unit": "a"})

    assert refusal(answer)[0] == 503
    assert answer.headers["Retry-After"] == "1"


# Bad input


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"unit"}),
        ({"unit": True}, {"unit"}),
        ({"unit": ["a"]}, {"unit"}),
        ({"unit": {"id": "a"}}, {"unit"}),
        ({"unit": "a" * 513}, {"unit"}),
        ({"unit": "a", "attributes": []}, {"attributes"}),
        ({"unit": "a", "attributes": None}, {"attributes"}),
        ({"unit": "a", "attributes": "plan"}, {"attributes"}),
        ({"unit": "a", "experiments": "b"}, {"experiments"}),
        ({"unit": "a", "experiments": None}, {"experiments"}),
        ({"unit": "a", "experiments": ["b", 1]}, {"experiments.1"}),
        ({"unit": "a", "experiments": ["b"] * 501}, {"experiments"}),
        ({"unit": "a", "user": "b"}, {"user"}),
        ({"Unit": "a", "attributes": 1}, {"Unit", "unit", "attributes"}),
        ([], set()),
        ("unit", set()),
        (None, set()),
    ],
)
def test_assignments__wrong_fields__422_names_each(
    still_door: Door, body: object, fields: set[str]
) -> None:
    status, named = refusal(still_door.post(body))

    assert (status, set(named)) == (422, fields)
    assert all(sentence.endswith(".") for sentence in named.values())


def test_assignments__thousands_of_unknown_fields__twenty_short_names(
    still_door: Door,
) -> None:
    body = {"unit": "a", **{f"{i}-{'x' * 100}": 1 for i in range(500)}}

    _, named = refusal(still_door.post(body))

    assert len(named) == 20
    assert all(len(name) < 70 for name in named)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"unit=a", 400),
        (b'{"unit":NaN}', 400),
        (b'{"unit":1e999}', 400),
        (b'{"unit":"\\u0000"}', 400),
        (b'{"unit":"a","attributes":{"b":"\\u0000"}}', 400),
        (b'{"unit":"\\ud800"}', 400),
        (b'{"unit":"\xff"}', 400),
        (b'{"unit":"a","attributes":' + b'{"a":' * 100_000, 413),
        (b'{"unit":"a","attributes":' + b'{"a":' * 10_000, 400),
        (b'{"unit":"a","attributes":{"a":' + b"[" * 63 + b"]" * 63 + b"}}", 400),
        (b" " * 64_001, 413),
        (b"x" * 10_000_000, 413),
        (b'{"unit":"a","unit":"b"}', 200),
        (b'{"unit":"a","attributes":{"year":0}}', 200),
        (b'{"unit":1e308}', 200),
    ],
)
def test_assignments__odd_bytes__a_sentence_never_a_fault_of_ours(
    still_door: Door, body: bytes, status: int
) -> None:
    answer = still_door.post(body)

    assert answer.status_code == status
    assert status == 200 or refusal(answer)


def test_assignments__name_given_twice__the_last_counts(still_door: Door) -> None:
    twice = still_door.post(
        b'{"unit":"x","attributes":{"plan":"business"},"unit":"user-1"}'
    )

    assert orjson.loads(twice.data)["assignments"] == still_door.ask("user-1")


KINDS = {
    "unit": st.text(max_size=5) | st.integers() | st.none() | st.booleans(),
    "attributes": st.dictionaries(
        st.sampled_from(["plan", "consent", "x"]),
        st.none() | st.booleans() | st.floats() | st.lists(st.text(max_size=2)),
    )
    | st.none(),
    "experiments": st.lists(st.sampled_from([EXPERIMENT, "later", "\u00e9", ""]))
    | st.integers(),
    "other": st.integers(),
}
SLOW_FIXTURE = [HealthCheck.function_scoped_fixture]


@settings(max_examples=300, deadline=None, suppress_health_check=SLOW_FIXTURE)
@given(body=st.fixed_dictionaries({}, optional=KINDS))
def test_assignments__any_fields__answered_or_refused_in_words(
    still_door: Door, body: dict[str, Any]
) -> None:
    try:
        data = orjson.dumps(body)
    except TypeError:  # half a surrogate pair, or beyond 64 bits: not JSON bytes
        return
    answer = still_door.post(data)

    if answer.status_code == 200:
        assert orjson.loads(answer.data)["revision"] == 1
    else:
        assert refusal(answer)[0] in {400, 422}


@settings(max_examples=300, deadline=None, suppress_health_check=SLOW_FIXTURE)
@given(body=st.binary(max_size=300))
def test_assignments__any_bytes__never_a_fault_of_ours(
    still_door: Door, body: bytes
) -> None:
    assert refusal(still_door.post(body))[0] in {400, 422}


# Document


def test_openapi__assignments__names_every_field_and_status() -> None:
    operation = assignments.OPENAPI_PATHS[assignments.PATH]["post"]

    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert set(schema["properties"]) == {"unit", "attributes", "experiments"}
    assert set(operation["responses"]) == {
        "200", "400", "401", "403", "413", "415", "422", "503",
    }  # fmt: skip
