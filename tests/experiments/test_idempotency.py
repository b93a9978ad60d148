from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from experiments import idempotency
from experiments.actors import SYSTEM, Actor
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import Conflict, InvalidInput
from experiments.idempotency import Answer
from experiments.models import IdempotentAnswer
from experiments.vocabulary import PersonRole
from tests.factories import NOW

LONG = "person:1 " + "a" * 64 + "@" + "b" * 185 + ".com"
ADA = Actor(label=LONG, role=PersonRole.EDITOR, person_id=1)
BOB = Actor(label=LONG.replace(":1", ":2"), role=PersonRole.EDITOR, person_id=2)
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Counter:
    """A creation that tells how often it was done."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> Answer:
        self.count += 1
        return Answer(201, f'{{"id": {self.count}}}'.encode())


def test_remember__repeated__is_done_once_and_answered_alike(
    sessions: sessionmaker[Session],
) -> None:
    create = Counter()
    for _ in range(3):
        with transaction(sessions) as session:
            answer = idempotency.remember(
                session, actor=ADA, key="k", request=b"{}", create=create, now=NOW
            )
        assert answer == Answer(201, b'{"id": 1}')
    assert create.count == 1


def test_remember__ten_at_once__is_done_once(context: Context) -> None:
    create = Counter()

    def ask(_: int) -> Answer:
        with transaction(context.sessions) as session:
            return idempotency.remember(
                session, actor=ADA, key="k", request=b"{}", create=create, now=NOW
            )

    with ThreadPoolExecutor(10) as pool:
        answers = set(pool.map(ask, range(10)))
    assert answers == {Answer(201, b'{"id": 1}')}


@SQLITE
def test_remember__other_request__is_a_conflict(
    sessions: sessionmaker[Session],
) -> None:
    create = Counter()
    with transaction(sessions) as session:
        idempotency.remember(
            session, actor=ADA, key="k", request=b"{}", create=create, now=NOW
        )
        with pytest.raises(Conflict, match="different request"):
            idempotency.remember(
                session, actor=ADA, key="k", request=b"[]", create=create, now=NOW
            )
    assert create.count == 1


@SQLITE
@pytest.mark.parametrize(("actor", "key"), [(BOB, "k"), (ADA, "l"), (SYSTEM, "k")])
def test_remember__other_caller_or_key__is_done_again(
    sessions: sessionmaker[Session], actor: Actor, key: str
) -> None:
    create = Counter()
    with transaction(sessions) as session:
        idempotency.remember(
            session, actor=ADA, key="k", request=b"{}", create=create, now=NOW
        )
        idempotency.remember(
            session, actor=actor, key=key, request=b"{}", create=create, now=NOW
        )
    assert create.count == 2


@SQLITE
def test_remember__after_24_hours__is_done_again(
    sessions: sessionmaker[Session],
) -> None:
    create = Counter()
    for hours in (0, 23.99, 24):
        with transaction(sessions) as session:
            idempotency.remember(
                session,
                actor=ADA,
                key="k",
                request=b"{}",
                create=create,
                now=NOW + timedelta(hours=hours),
            )
    assert create.count == 2


@SQLITE
def test_remember__refused_creation__may_be_repeated(
    sessions: sessionmaker[Session],
) -> None:
    def refuse() -> Answer:
        raise InvalidInput("Not like this.")

    with pytest.raises(InvalidInput), transaction(sessions) as session:
        idempotency.remember(
            session, actor=ADA, key="k", request=b"{}", create=refuse, now=NOW
        )
    with transaction(sessions) as session:
        answer = idempotency.remember(
            session, actor=ADA, key="k", request=b"{}", create=Counter(), now=NOW
        )
    assert answer.status == 201


@SQLITE
def test_remember__secret_in_the_answer__is_shown_once_and_not_kept(
    sessions: sessionmaker[Session],
) -> None:
    answers = []
    for _ in range(2):
        with transaction(sessions) as session:
            answers.append(
                idempotency.remember(
                    session,
                    actor=ADA,
                    key="k",
                    request=b"{}",
                    create=lambda: Answer(201, b"the secret"),
                    now=NOW,
                    forget=lambda body: body.replace(b"secret", b"rest"),
                )
            )
    assert [a.body for a in answers] == [b"the secret", b"the rest"]
    with sessions() as session:
        assert session.scalars(select(IdempotentAnswer.body)).all() == [b"the rest"]


@SQLITE
@pytest.mark.parametrize("key", ["", "x" * 256, "ü", "a\nb", "\x00", "\ud800"])
def test_remember__malformed_key__is_refused(
    sessions: sessionmaker[Session], key: str
) -> None:
    with transaction(sessions) as session, pytest.raises(InvalidInput) as refusal:
        idempotency.remember(
            session, actor=ADA, key=key, request=b"{}", create=Counter(), now=NOW
        )
    assert list(refusal.value.fields) == ["Idempotency-Key"]
