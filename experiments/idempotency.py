"""Repeated creations: the same request with the same key is done once."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from experiments import audit
from experiments.actors import Actor
from experiments.errors import Conflict, InvalidInput
from experiments.models import IdempotentAnswer

KEPT = timedelta(hours=24)
MAX_KEY = 255


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it was, or will be, sent."""

    status: int
    body: bytes


def remember(
    session: Session,
    *,
    actor: Actor,
    key: str,
    request: bytes,
    create: Callable[[], Answer],
    now: datetime,
    forget: Callable[[bytes], bytes] | None = None,
) -> Answer:
    """Do a creation, or give the answer of the first time.

    Creation and answer are stored in one transaction. A refusal is not kept: the
    request may be repeated as it is once the cause is gone.

    Args:
        session: open transaction, the one `create` writes in.
        actor: who asks; others may use the same key for something else.
        key: chosen by the caller, 1 to 255 printable ASCII characters.
        request: all that makes the request what it is (method, path, body).
        create: does it, and makes the answer.
        now: aware UTC.
        forget: takes secrets out of the body before it is kept; a repeated request
            gets what is left.

    Returns:
        The answer; within 24 hours the first one.

    Raises:
        Conflict: the key was used for a different request.
        InvalidInput: the key is malformed.
    """
    if not (key.isascii() and key.isprintable() and 1 <= len(key) <= MAX_KEY):
        raise InvalidInput(
            "The Idempotency-Key cannot be used.",
            {"Idempotency-Key": f"Use 1 to {MAX_KEY} printable ASCII characters."},
        )
    audit.take_turn(session)
    session.execute(
        delete(IdempotentAnswer).where(IdempotentAnswer.created_at <= now - KEPT)
    )
    caller = actor.label[:64]  # begins with the number that makes it unique
    request_hash = hashlib.sha256(request).hexdigest()
    first = session.scalar(
        select(IdempotentAnswer).where(
            IdempotentAnswer.caller == caller, IdempotentAnswer.key == key
        )
    )
    if first is not None:
        if first.request_hash != request_hash:
            raise Conflict(
                "This Idempotency-Key was used for a different request."
                " Choose a new one.",
                {"Idempotency-Key": "Used for a different request."},
            )
        return Answer(first.status, first.body)
    answer = create()
    session.add(
        IdempotentAnswer(
            caller=caller,
            key=key,
            request_hash=request_hash,
            status=answer.status,
            body=answer.body if forget is None else forget(answer.body),
            created_at=now,
        )
    )
    session.flush()
    return answer
