import shutil
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import delete, event, func, select
from sqlalchemy.orm import Session, sessionmaker

from experiments import keys, layer_catalog, ruleset, segments
from experiments.actors import SYSTEM
from experiments.assignment import assign, bucket
from experiments.context import Context, open_context
from experiments.db import transaction
from experiments.design_parts import SegmentParameters
from experiments.models import (
    Experiment,
    LayerRange,
    ListedUnit,
    RulesetRow,
)
from experiments.preparing import prepare
from experiments.ruleset_files import RulesetFolder, checksum
from experiments.ruleset_mirror import RulesetMirror
from experiments.ruleset_values import Ruleset, parse
from experiments.vocabulary import (
    AssignedBy,
    AssignmentReason,
    Environment,
    KeyKind,
    PersonRole,
    Status,
)
from tests import factories
from tests.clock import FakeClock

Sessions = sessionmaker[Session]


def publish(sessions: Sessions, now: FakeClock) -> Ruleset:
    with transaction(sessions) as session:
        row = ruleset.publish(session, now())
    return parse(row.body.encode())


def put_experiment(
    sessions: Sessions,
    status: Status = Status.RUNNING,
    key: str = factories.EXPERIMENT,
    **changes: Any,  # noqa: ANN401  # any field of the design
) -> None:
    """Store an experiment in a state that the lifecycle brings it to."""
    with transaction(sessions) as session:
        actor = factories.make_actor(session, key)
        experiment = factories.make_experiment(session, actor, key=key, **changes)
        experiment.status = status
        if status not in {Status.DRAFT, Status.IN_REVIEW}:
            experiment.salt = f"salt of {key}"


def test_publish__nothing_yet__first_revision_with_checksum(
    sessions: Sessions, now: FakeClock
) -> None:
    published = publish(sessions, now)

    with sessions() as session:
        row = session.scalars(select(RulesetRow)).one()
    assert (row.revision, row.published_at) == (1, now())
    assert row.checksum == checksum(row.body.encode())
    assert (published.revision, published.published_at) == (1, now())
    assert (published.experiments, published.silent) == ({}, {})
    assert published.keys == {}


def test_publish__running_experiment__assigns_by_its_salt_split_and_segment(
    sessions: Sessions, now: FakeClock
) -> None:
    put_experiment(sessions)

    design = publish(sessions, now).experiments[factories.EXPERIMENT]

    business = {"plan": "business"}
    for unit in ("user-1", "user-2", "user-3", "user-4", "user-5"):
        # 50/50: buckets below 5,000 are control, the first variant.
        first_half = bucket(f"salt of {design.key}", unit) < 5000
        expected = "control" if first_half else "nudge"
        assert assign(design, unit, business).variant == expected
    assert assign(design, "user-1", {}).reason == AssignmentReason.NOT_IN_SEGMENT


def test_publish__other_attributes__are_those_drawn_by(
    sessions: Sessions, now: FakeClock
) -> None:
    put_experiment(sessions, hash_attribute="deviceId", fallback_attribute="id")

    design = publish(sessions, now).experiments[factories.EXPERIMENT]

    business = {"plan": "business", "deviceId": "d-1"}
    salt = f"salt of {design.key}"
    assert assign(design, "user-1", business).bucket == bucket(salt, "d-1")
    business["deviceId"] = ""
    assert assign(design, "user-1", business).bucket == bucket(salt, "user-1")


def test_publish__each_status__gives_or_is_silent(
    sessions: Sessions, now: FakeClock
) -> None:
    for status in Status:
        put_experiment(sessions, status, key=status.value)
    put_experiment(
        sessions,
        key="elsewhere",
        assigned_by=AssignedBy.EXTERNAL,
    )

    published = publish(sessions, now)

    assert {key: d.status for key, d in published.experiments.items()} == {
        "running": Status.RUNNING,
        "paused": Status.PAUSED,
        "stopped": Status.STOPPED,
        "decided": Status.DECIDED,
    }
    assert published.silent == {
        "draft": AssignmentReason.NOT_STARTED,
        "in_review": AssignmentReason.NOT_STARTED,
        "elsewhere": AssignmentReason.EXTERNAL,
    }


def test_publish__personalised_and_decided__rules_in_their_frozen_version(
    sessions: Sessions, now: FakeClock
) -> None:
    with transaction(sessions) as session:
        factories.make_segment(session, "vip", condition={"vip": True})
    variants = (
        factories.variant("control", is_control=True, parameters={"headline": "Hi"}),
        factories.variant(
            "nudge",
            parameters={"headline": "Save"},
            personalisation=(SegmentParameters("vip", 1, {"headline": "Thanks"}),),
        ),
    )
    put_experiment(sessions, Status.DECIDED, variants=variants)
    with transaction(sessions) as session:
        experiment = session.scalars(select(Experiment)).one()
        experiment.decided_variant = "nudge"
        segments.add_version(session, "vip", {"vip": "no"}, actor=SYSTEM, now=now())

    design = publish(sessions, now).experiments[factories.EXPERIMENT]
    answer = assign(design, "anybody", {"plan": "business", "vip": True})

    assert (answer.variant, answer.rule) == ("nudge", "vip")
    assert answer.parameters == {"headline": "Thanks"}
    assert answer.reason == AssignmentReason.DECIDED


def test_publish__typed_parameters__completed_from_control_and_floats_stay(
    sessions: Sessions, now: FakeClock
) -> None:
    variants = (
        factories.variant(
            "control", is_control=True, parameters={"price": 5, "title": "Plan"}
        ),
        factories.variant("nudge", parameters={"price": 4.5}),
    )
    put_experiment(sessions, variants=variants)

    published = publish(sessions, now)
    design = published.experiments[factories.EXPERIMENT]

    assert design.types == {"price": "float", "title": "string"}
    control, nudge = design.variants
    assert repr(control.parameters) == "{'price': 5.0, 'title': 'Plan'}"
    assert repr(nudge.parameters) == "{'price': 4.5, 'title': 'Plan'}"


def test_prepare__newest_ruleset_of_another_format__is_published_anew(
    context: Context, sessions: Sessions, now: FakeClock
) -> None:
    publish(sessions, now)
    with transaction(sessions) as session:
        row = session.scalars(select(RulesetRow)).one()
        row.body = row.body.replace('"format":2', '"format":1')

    prepare(context)
    prepare(context)

    with sessions() as session:
        rows = session.scalars(select(RulesetRow).order_by(RulesetRow.revision)).all()
    assert [row.revision for row in rows] == [1, 2]
    assert parse(rows[1].body.encode()).revision == 2


def _restore_older(context: Context, now: FakeClock, steps: int = 2) -> RulesetMirror:
    """Publish some rulesets, and take the database back to the first of them."""
    sessions = context.sessions
    mirror = RulesetMirror(
        sessions, RulesetFolder(context.settings.data_dir / "ruleset")
    )
    for _ in range(steps):
        publish(sessions, now)
        now.advance(minutes=1)
    mirror.copy()
    with transaction(sessions) as session:
        session.execute(delete(RulesetRow).where(RulesetRow.revision > 1))
    return mirror


def test_publish__older_database_restored__action_is_in_force(
    context: Context, sessions: Sessions, now: FakeClock
) -> None:
    mirror = _restore_older(context, now, steps=3)
    published = publish(sessions, now)
    mirror.copy()

    assert published.revision == 4
    assert mirror.fault is None
    folder = RulesetFolder(context.settings.data_dir / "ruleset")
    assert folder.read().checksum == published.checksum
    assert publish(sessions, now).revision == 5


def test_prepare__older_database_restored__comes_into_force_once(
    context: Context, sessions: Sessions, now: FakeClock
) -> None:
    prepare(context)
    put_experiment(sessions)
    mirror = _restore_older(context, now)
    with sessions() as session:
        assert session.scalar(select(func.max(RulesetRow.revision))) == 1
    folder = RulesetFolder(context.settings.data_dir / "ruleset")
    served = folder.read().revision

    prepare(context)
    mirror.copy()
    prepare(context)

    assert (folder.read().revision, mirror.fault) == (served + 1, None)
    with sessions() as session:
        assert session.scalar(select(func.max(RulesetRow.revision))) == served + 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_prepare__empty_database_beside_rules_on_disk__overrules_nothing(
    context: Context, environ: dict[str, str], now: FakeClock, sqlite_template: Path
) -> None:
    put_experiment(context.sessions)
    _restore_older(context, now)
    wrong = context.settings.data_dir / "wrong.db"
    shutil.copy(sqlite_template, wrong)
    other = open_context({**environ, "DATABASE_URL": f"sqlite:///{wrong}"}, now)

    prepare(other)
    prepare(other)
    folder = RulesetFolder(context.settings.data_dir / "ruleset")
    mirror = RulesetMirror(other.sessions, folder)
    mirror.copy()
    other.close()

    assert set(folder.read().experiments) == {factories.EXPERIMENT}
    assert "If it is the wrong database, set DATABASE_URL" in str(mirror.fault)


def test_publish__keys_and_attributes__ride_along_hashed(
    sessions: Sessions, now: FakeClock
) -> None:
    with transaction(sessions) as session:
        owner = factories.make_actor(session, "Grace", PersonRole.ADMIN)
        factories.make_segment(session, condition={"tier": "gold"})
        row, secret = keys.create_key(
            session,
            kind=KeyKind.CLIENT,
            environment=Environment.DEVELOPMENT,
            name="web shop",
            actor=owner,
            now=now(),
        )
    before = publish(sessions, now)
    with transaction(sessions) as session:
        keys.revoke(session, row.public_id, actor=owner, now=now())
    after = publish(sessions, now)

    held = before.keys[row.public_id]
    assert (held.kind, held.environment) == (KeyKind.CLIENT, Environment.DEVELOPMENT)
    assert held.digest == row.secret_hash
    assert (held.revoked, after.keys[row.public_id].revoked) == (False, True)
    assert before.attributes >= {"tier"}
    with sessions() as session:
        bodies = session.scalars(select(RulesetRow.body)).all()
    assert not any(secret in body for body in bodies)


def test_publish__ten_at_once__contiguous_and_each_has_all_before(
    sessions: Sessions, now: FakeClock
) -> None:
    together = threading.Barrier(10)
    faults: list[BaseException] = []

    def change_and_publish(number: int) -> None:
        try:
            together.wait()
            with transaction(sessions) as session:
                factories.make_segment(
                    session, f"s{number}", condition={f"a{number}": "x"}
                )
                ruleset.publish(session, now() + timedelta(seconds=number))
        except BaseException as error:  # noqa: BLE001  # shown by the assert below
            faults.append(error)

    threads = [
        threading.Thread(target=change_and_publish, args=(number,))
        for number in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults == []
    with sessions() as session:
        rows = session.scalars(select(RulesetRow).order_by(RulesetRow.revision)).all()
    # Each transaction publishes at least once: a new attribute is published too.
    assert [row.revision for row in rows] == list(range(1, len(rows) + 1))
    assert len(rows) >= 10
    sizes = [len(orjson.loads(row.body)["attributes"]) for row in rows]
    assert sizes == sorted(sizes)
    assert sizes[-1] == sizes[0] + 9


def test_publish__transaction_rolled_back__leaves_no_revision(
    sessions: Sessions, now: FakeClock
) -> None:
    def fail() -> None:
        with transaction(sessions) as session:
            ruleset.publish(session, now())
            msg = "the change failed after all"
            raise RuntimeError(msg)

    with pytest.raises(RuntimeError):
        fail()

    assert publish(sessions, now).revision == 1


def test_publish__more_experiments__takes_no_more_statements(
    sessions: Sessions, now: FakeClock
) -> None:
    """Each publication holds the others up, so it must not slow down with them."""
    counts = []
    for number in range(1, 13):
        key = f"number-{number}"
        put_experiment(sessions, key=key)
        with transaction(sessions) as session:
            experiment = session.scalars(
                select(Experiment).where(Experiment.key == key)
            ).one()
            _in_a_layer_and_on_a_list(session, experiment, now)
        statements: list[str] = []
        with transaction(sessions) as session:
            event.listen(
                session.connection(),
                "before_cursor_execute",
                lambda *told, to=statements: to.append(told[2]),
            )
            published = parse(ruleset.publish(session, now()).body.encode())
        assert len(published.experiments) == number
        counts.append(len(statements))

    assert len(set(counts)) == 1, counts
    assert counts[0] <= 15


def _in_a_layer_and_on_a_list(
    session: Session, experiment: Experiment, now: FakeClock
) -> None:
    key = experiment.key
    layer = layer_catalog.create(
        session, key=key, name="L", description="", actor=SYSTEM, now=now()
    )
    layer.ranges.append(
        LayerRange(
            experiment=experiment.key,
            note="",
            first_bucket=0,
            end_bucket=5000,
            created_at=now(),
            created_by="Ada",
            in_use=True,
        )
    )
    experiment.layer = layer.key
    session.add(
        ListedUnit(
            experiment_id=experiment.id,
            pseudonym=bytes(16),
            variant="nudge",
            note="",
            created_at=now(),
            created_by="Ada",
        )
    )
