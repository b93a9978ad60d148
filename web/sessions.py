"""Sessions kept on the server: the cookie holds 256 random bits, the table their hash.

A visitor who has not signed in costs no row: the cookie alone carries what the
CSRF token is derived from. A row begins at sign-in under a new token, so that a token
planted beforehand is worth nothing, and ends at sign-out, after 8 idle hours, after
24 hours, or when the person is disabled or gets another role (experiments.accounts).
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, Request, Response
from flask.sessions import SessionInterface, SessionMixin
from sqlalchemy import delete, or_
from typing_extensions import override

from experiments import accounts
from experiments.actors import Actor
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import AbideError
from experiments.models import Person, SignInSession
from experiments.vocabulary import PersonRole

IDLE = timedelta(hours=8)
ABSOLUTE = timedelta(hours=24)
# Writing each visit down would turn every page view into a database write.
SEEN_STEP = timedelta(minutes=1)
TOKEN_BYTES = 32
CSRF = "csrf_token"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The person behind a session; what flask-login calls the user."""

    id: int
    email: str
    name: str
    role: PersonRole
    actor: Actor
    is_authenticated: bool = True
    is_active: bool = True
    is_anonymous: bool = False

    def get_id(self) -> str:
        """Give the id that the session keeps."""
        return str(self.id)

    def may(self, least: str) -> bool:
        """Whether this person has at least the role `least`; for templates."""
        return self.actor.may(PersonRole(least))


class ServerSession(SessionMixin):
    """One browser's session, read from the database when first asked for.

    Static files and the JSON API pass through here too, and must neither cost a
    query nor fail with the database; so nothing is read before it is needed.
    """

    def __init__(self, store: "SessionStore", token: str | None) -> None:
        self.store = store
        self.token = token
        self.touched = False
        self.set_cookie = False
        self.expired = False
        self.person: SignedIn | None = None
        self._loaded = False
        self._data: dict[str, Any] = {}

    def _load(self) -> dict[str, Any]:
        self.touched = True
        if not self._loaded:
            # Set first: the page that reports a failed read asks again, and shall
            # then see a visitor instead of a second failure.
            self._loaded = True
            if self.token is not None:
                self.store.load(self)
        return self._data

    def fill(self, person: SignedIn | None, data: dict[str, Any]) -> None:
        """Take over what the store found; no person means a visitor."""
        self.person = person
        self._data = dict(data)
        self.modified = False

    def renew(self, token: str | None) -> None:
        """Answer with another token from now on; None forgets the cookie."""
        self.token = token
        self.set_cookie = True

    @override
    def __getitem__(self, key: str) -> Any:
        data = self._load()
        if key != CSRF:
            return data[key]
        if self.token is None:
            self.renew(secrets.token_urlsafe(TOKEN_BYTES))
        return self.store.csrf_secret(str(self.token))

    @override
    def __contains__(self, key: object) -> bool:
        return key == CSRF or key in self._load()

    @override
    def __setitem__(self, key: str, value: Any) -> None:
        self._load()[key] = value
        self.modified = True

    @override
    def __delitem__(self, key: str) -> None:
        del self._load()[key]
        self.modified = True

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._load())

    @override
    def __len__(self) -> int:
        return len(self._load())

    @property
    def data(self) -> dict[str, Any]:
        """What is written to the row."""
        return self._data


class SessionStore:
    """The table of sessions, and the secret that CSRF tokens are derived with."""

    def __init__(self, context: Context, secret: bytes) -> None:
        self.context = context
        self.secret = secret

    def csrf_secret(self, token: str) -> str:
        """Derive the CSRF secret of a session from its token."""
        return hmac.new(self.secret, b"csrf" + token.encode(), "sha256").hexdigest()

    def load(self, session: ServerSession) -> None:
        """Fill a session from its row, and end a row that is too old."""
        now = self.context.now()
        with transaction(self.context.sessions) as database:
            row = database.get(SignInSession, _digest(str(session.token)))
            person = database.get(Person, row.person_id) if row else None
            if row is None or person is None:
                return
            if _is_over(row, now) or not person.active:
                database.delete(row)
                session.expired = True
                return
            if now - row.seen_at >= SEEN_STEP:
                row.seen_at = now
            session.fill(_signed_in(person), row.data)

    def start(self, session: ServerSession, person: Person) -> None:
        """Sign a person in: a new row under a new token; the old token is dropped."""
        now = self.context.now()
        old, token = session.token, secrets.token_urlsafe(TOKEN_BYTES)
        data = {"_user_id": str(person.id), "_fresh": True}
        with transaction(self.context.sessions) as database:
            database.execute(
                delete(SignInSession).where(
                    or_(
                        SignInSession.token_hash == _digest(old or ""),
                        SignInSession.seen_at < now - IDLE,
                        SignInSession.created_at < now - ABSOLUTE,
                    )
                )
            )
            database.add(
                SignInSession(
                    token_hash=_digest(token),
                    person_id=person.id,
                    data=data,
                    created_at=now,
                    seen_at=now,
                )
            )
        session.fill(_signed_in(person), data)
        session.renew(token)

    def end(self, session: ServerSession) -> None:
        """Sign out: the row goes, so the token is dead wherever it was copied to."""
        with transaction(self.context.sessions) as database:
            database.execute(
                delete(SignInSession).where(
                    SignInSession.token_hash == _digest(session.token or "")
                )
            )
        session.fill(None, {})
        session.renew(None)

    def save(self, session: ServerSession) -> None:
        """Write what a page changed in its session, such as a message to show."""
        with transaction(self.context.sessions) as database:
            row = database.get(SignInSession, _digest(str(session.token)))
            if row is not None:
                row.data = dict(session.data)


class ServerSessions(SessionInterface):
    """Flask's door to the store."""

    def __init__(self, store: SessionStore, *, https: bool) -> None:
        self.store = store
        self.https = https
        # Browsers keep __Host- cookies to this host, path / and https; on loopback
        # http they would refuse it.
        self.cookie = "__Host-abide" if https else "abide"

    @override
    def open_session(self, app: Flask, request: Request) -> ServerSession:
        token = request.cookies.get(self.cookie)
        # A token that we cannot have made is none; it never reaches the database.
        if token is not None and not (token.isascii() and 20 < len(token) < 100):  # noqa: PLR2004
            token = None
        return ServerSession(self.store, token)

    @override
    def save_session(
        self, app: Flask, session: SessionMixin, response: Response
    ) -> None:
        if not isinstance(session, ServerSession) or not session.touched:
            return
        response.vary.add("Cookie")
        response.headers["Cache-Control"] = "no-store"
        if session.modified and session.person is not None:
            try:
                self.store.save(session)
            except AbideError:
                # The page was made; a lost message is no reason to lose it too.
                app.logger.warning("a session could not be saved")
        if session.set_cookie:
            self._write_cookie(session, response)

    def _write_cookie(self, session: ServerSession, response: Response) -> None:
        if session.token is None:
            response.delete_cookie(
                self.cookie, secure=self.https, httponly=True, samesite="Lax"
            )
        else:
            response.set_cookie(
                self.cookie,
                session.token,
                secure=self.https,
                httponly=True,
                samesite="Lax",
            )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _is_over(row: SignInSession, now: datetime) -> bool:
    return now - row.seen_at >= IDLE or now - row.created_at >= ABSOLUTE


def _signed_in(person: Person) -> SignedIn:
    return SignedIn(
        id=person.id,
        email=person.email,
        name=person.name,
        role=PersonRole(person.role),
        actor=accounts.actor_for(person),
    )
