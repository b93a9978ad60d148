from datetime import timedelta
from hashlib import sha256
from typing import Any

import orjson
import pytest
from sqlalchemy import inspect, select, text
from sqlalchemy.orm import Session, sessionmaker

from experiments import accounts, audit, key_format, keys, ruleset
from experiments.actors import SYSTEM, Actor
from experiments.db import transaction
from experiments.errors import Conflict, Forbidden, InvalidInput, NotFound
from experiments.models import ApiKey, RulesetRow
from experiments.ruleset_values import parse
from experiments.vocabulary import Environment, KeyKind, PersonRole
from tests import factories
from tests.factories import NOW

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def admin(sessions: sessionmaker[Session]) -> Actor:
    with transaction(sessions) as session:
        return factories.make_actor(session, "Ada", PersonRole.ADMIN)


def make_key(session: Session, actor: Actor, **changes: Any) -> tuple[ApiKey, str]:  # noqa: ANN401
    plain = {
        "kind": KeyKind.ADMIN,
        "environment": Environment.PRODUCTION,
        "name": "Web shop",
    }
    return keys.create_key(session, actor=actor, now=NOW, **{**plain, **changes})


def test_create_key__stored__holds_only_the_hash_of_the_whole_text(
    sessions: sessionmaker[Session], admin: Actor
) -> None:
    with transaction(sessions) as session:
        key, secret = make_key(session, admin)
    assert key_format.parse(secret) == key.public_id
    assert key.secret_hash == sha256(secret.encode()).hexdigest()
    assert (key.kind, key.environment) == ("admin", "production")
    assert key.owner.email == "ada@example.com"
    tail = secret.rsplit("_", 1)[-1] if secret.count("_") == 4 else secret[-43:]
    with sessions() as session:
        dump = whole_database(session)
    # S15: a dump of the database contains no key, nor its secret half.
    assert secret not in dump
    assert tail not in dump
    assert key.public_id in dump


def whole_database(session: Session) -> str:
    names = inspect(session.get_bind()).get_table_names()
    rows = [session.execute(text(f"SELECT * FROM {name}")).all() for name in names]  # noqa: S608  # names of our own tables
    return repr(rows)


def test_create_key__client_that_reads_rules__says_so_in_the_ruleset(
    sessions: sessionmaker[Session], admin: Actor
) -> None:
    with transaction(sessions) as session:
        reads, _ = make_key(session, admin, kind=KeyKind.CLIENT, may_read_rules=True)
        plain, _ = make_key(session, admin, kind=KeyKind.CLIENT)
        published = parse(ruleset.publish(session, NOW).body.encode())

    assert published.keys[reads.public_id].may_read_rules
    assert not published.keys[plain.public_id].may_read_rules


@pytest.mark.parametrize("kind", ["admin", "server", "write"])
def test_create_key__other_kind_that_reads_rules__is_refused(
    sessions: sessionmaker[Session], admin: Actor, kind: str
) -> None:
    with transaction(sessions) as session, pytest.raises(InvalidInput) as refused:
        make_key(session, admin, kind=KeyKind(kind), may_read_rules=True)
    assert set(refused.value.fields) == {"may_read_rules"}


def test_authenticate__right_text__gives_the_key(
    sessions: sessionmaker[Session], admin: Actor
) -> None:
    with transaction(sessions) as session:
        key, secret = make_key(session, admin)
        found = keys.authenticate(session, secret)
    assert found is not None
    assert found.public_id == key.public_id


@SQLITE
def test_authenticate__anything_else__is_none(
    sessions: sessionmaker[Session], admin: Actor
) -> None:
    with transaction(sessions) as session:
        key, secret = make_key(session, admin)
        _, other = key_format.make(KeyKind.ADMIN, Environment.PRODUCTION)
        flipped = secret[:-1] + ("A" if secret[-1] != "A" else "B")
        swapped = secret.replace("admin", "server", 1)
        moved = other.replace(key_format.parse(other) or "", key.public_id)
        for wrong in ("", "\x00", "\ud800", other, flipped, swapped, moved):
            assert keys.authenticate(session, wrong) is None


def test_revoke__key__is_refused_and_the_ruleset_says_so(
    sessions: sessionmaker[Session], admin: Actor
) -> None:
    with transaction(sessions) as session:
        key, secret = make_key(session, admin)
    assert revoked_in_ruleset(sessions) == {key.public_id: False}
    with transaction(sessions) as session:
        keys.revoke(session, key.public_id, actor=admin, now=NOW + timedelta(days=1))
    with transaction(sessions) as session:
        assert keys.authenticate(session, secret) is None
        with pytest.raises(Conflict, match="revoked already"):
            keys.revoke(session, key.public_id, actor=admin, now=NOW)
        assert audit.verify(session) == []
        actions = [e.action for e in audit.entries(session, subject_kind="api_key")]
    assert actions == ["key.revoke", "key.create"]
    assert revoked_in_ruleset(sessions) == {key.public_id: True}


def revoked_in_ruleset(sessions: sessionmaker[Session]) -> dict[str, bool]:
    with sessions() as session:
        body = session.scalars(
            select(RulesetRow.body).order_by(RulesetRow.revision.desc())
        ).first()
    assert body is not None
    return {k["public_id"]: k["revoked"] for k in orjson.loads(body)["keys"]}


@SQLITE
@pytest.mark.parametrize("public_id", ["", "a" * 12, "\x00" * 12, "x" * 500])
def test_get__unknown_public_id__is_not_found(
    sessions: sessionmaker[Session], public_id: str
) -> None:
    with sessions() as session, pytest.raises(NotFound):
        keys.get(session, public_id)


@SQLITE
@pytest.mark.parametrize("role", [r for r in PersonRole if r != PersonRole.ADMIN])
def test_create_and_revoke__below_admin__are_forbidden(
    sessions: sessionmaker[Session], admin: Actor, role: PersonRole
) -> None:
    with transaction(sessions) as session:
        eve = factories.make_actor(session, "Eve", role)
        key, _ = make_key(session, admin)
        with pytest.raises(Forbidden):
            make_key(session, eve)
        with pytest.raises(Forbidden):
            keys.revoke(session, key.public_id, actor=eve, now=NOW)


@SQLITE
@pytest.mark.parametrize("name", ["", " ", "x" * 101, "\x00", "\ud800"])
def test_create_key__bad_name__is_refused(
    sessions: sessionmaker[Session], admin: Actor, name: str
) -> None:
    with transaction(sessions) as session, pytest.raises(InvalidInput) as refusal:
        make_key(session, admin, name=name)
    assert list(refusal.value.fields) == ["name"]


@SQLITE
def test_create_key__by_the_system__needs_an_owner(
    sessions: sessionmaker[Session],
) -> None:
    with transaction(sessions) as session, pytest.raises(InvalidInput, match="owner"):
        make_key(session, SYSTEM)


def test_actor_for_key__owner_gets_another_role__acts_with_the_new_one(
    sessions: sessionmaker[Session], admin: Actor
) -> None:
    with transaction(sessions) as session:
        other = factories.make_actor(session, "Olga", PersonRole.ADMIN)
        key, secret = make_key(session, other)
        assert other.person_id is not None
        before = keys.actor_for_key(session, key)
        accounts.set_role(
            session, other.person_id, PersonRole.VIEWER, actor=admin, now=NOW
        )
        after = keys.actor_for_key(session, key)
        assert (before.role, after.role) == (PersonRole.ADMIN, PersonRole.VIEWER)
        owner = other.label  # "person:2 olga@example.com"
        assert after.label == f"key:{key.public_id} for {owner}"
        assert after.person_id == other.person_id
        accounts.set_active(
            session, other.person_id, active=False, actor=admin, now=NOW
        )
        assert keys.authenticate(session, secret) is None


@SQLITE
@pytest.mark.parametrize("kind", [KeyKind.SERVER, KeyKind.CLIENT, KeyKind.WRITE])
def test_actor_for_key__other_kinds__are_forbidden(
    sessions: sessionmaker[Session], admin: Actor, kind: str
) -> None:
    with transaction(sessions) as session:
        key, secret = make_key(session, admin, kind=kind)
        assert keys.authenticate(session, secret) is not None
        with pytest.raises(Forbidden):
            keys.actor_for_key(session, key)


@SQLITE
def test_listing__several__newest_first(
    sessions: sessionmaker[Session], admin: Actor
) -> None:
    with transaction(sessions) as session:
        make_key(session, admin, name="first")
        make_key(session, admin, name="second")
    with sessions() as session:
        found = keys.listing(session)
    assert [(k.name, k.owner.name) for k in found] == [
        ("second", "Ada"),
        ("first", "Ada"),
    ]


@SQLITE
def test_publish__is_part_of_the_transaction__rolls_back_with_the_key(
    sessions: sessionmaker[Session], admin: Actor
) -> None:
    def make_and_fail() -> None:
        with transaction(sessions) as session:
            make_key(session, admin)
            raise LookupError

    with pytest.raises(LookupError):
        make_and_fail()
    with sessions() as session:
        assert keys.listing(session) == []
        assert ruleset.compile_ruleset(session, NOW)["keys"] == []
        assert session.scalars(select(RulesetRow)).all() == []
