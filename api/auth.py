"""Who may call what: every view says it, and what is not said is refused.

A caller shows an admin key, in a header and nowhere else, and acts for the key's
owner. The other kinds of key open the assignment and event doors only.
"""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, Request, Response, current_app, g, request

from api.errors import is_for_programs, refuse, refuse_http
from experiments import keys
from experiments.actors import Actor
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import AbideError, Forbidden, Unauthenticated
from experiments.vocabulary import KeyKind, PersonRole

# Every address of this room that answers without a key. There is no other list.
PUBLIC_PATHS = frozenset({"/openapi.json", "/docs", "/docs/style.css"})
_ATTRIBUTE = "abide_needs"


@dataclass(frozen=True, slots=True)
class Needs:
    """What a view asks of its caller."""

    role: PersonRole  # the weakest that may call it
    to: str  # what it does, as in "start an experiment"


def declare(view: Callable[..., Response], needs: Needs) -> None:
    """Write down what a view needs; without this nobody gets through to it."""
    setattr(view, _ATTRIBUTE, needs)


def needs_of(view: object) -> Needs | None:
    """Read what a view declared, or None."""
    found = getattr(view, _ATTRIBUTE, None)
    return found if isinstance(found, Needs) else None


def guard(app: Flask, context: Context) -> None:
    """Check the caller of every request of a program before anything else.

    Args:
        app: gets the check as a hook that runs for every request.
        context: where keys are looked up.
    """

    @app.before_request
    def check_caller() -> Response | None:
        if not is_for_programs(request.path):
            return None
        # Which address exists is in the public document, so no key is asked.
        if request.routing_exception is not None:
            return refuse_http(request.routing_exception)
        try:
            _check(context)
        except AbideError as error:
            return refuse(error)
        return None


def _check(context: Context) -> None:
    needs = needs_of(current_app.view_functions[str(request.endpoint)])
    if needs is None:
        raise Forbidden("This address is closed: it does not say who may use it.")
    g.abide_actor = authenticate(context, request)
    caller().require(needs.role, needs.to)


def caller() -> Actor:
    """Tell who makes the current request; the guard has let it through."""
    actor: Actor = g.abide_actor
    return actor


def authenticate(context: Context, incoming: Request) -> Actor:
    """Find the person for whom a request's key acts.

    Args:
        context: where keys are looked up.
        incoming: with `Authorization: Bearer KEY` or `X-API-Key: KEY`.

    Returns:
        The actor.

    Raises:
        Unauthenticated: no key, or none that is in force.
        Forbidden: a key of a kind that opens other doors.
    """
    text = key_text(incoming)
    with transaction(context.sessions) as session:
        key = keys.authenticate(session, text)
        if key is None:
            raise Unauthenticated("This key is not known, or it was revoked.")
        if key.kind != KeyKind.ADMIN:
            raise Forbidden(
                f"This is a {key.kind} key. Use an admin key to manage experiments."
            )
        return keys.actor_for_key(session, key)


def key_text(incoming: Request) -> str:
    """Read the key out of a request's headers.

    Args:
        incoming: the address is not looked at: it ends in logs and histories.

    Returns:
        The key's text, not checked yet.

    Raises:
        Unauthenticated: there is none, or there are two different ones.
    """
    scheme, _, bearer = incoming.headers.get("Authorization", "").partition(" ")
    found = {incoming.headers.get("X-API-Key", "").strip()}
    if scheme.lower() == "bearer":
        found.add(bearer.strip())
    found.discard("")
    if len(found) != 1:
        raise Unauthenticated(
            "Send one admin key, as Authorization: Bearer KEY or X-API-Key: KEY."
        )
    return found.pop()
