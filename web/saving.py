"""Carrying out what a form asks for, all of it or nothing, with every fault at once."""

from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import urlencode

from flask import request
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from experiments.db import transaction
from experiments.errors import Conflict, InvalidInput, SetsBehind
from web.access import context, safe_next
from web.forms.base import AbideForm

T = TypeVar("T")
SAVE = "save"


class _NotSavedError(Exception):
    """Rolls back what a form with faults began."""


def wants_to_save() -> bool:
    """Whether the form was sent to be carried out, not to be shown again."""
    return request.method == "POST" and request.form.get("action", SAVE) == SAVE


def save(
    form: AbideForm,
    act: Callable[[Session], T],
    names: Mapping[str, str] | None = None,
) -> T | None:
    """Carry out what a form asks for, in one transaction.

    Args:
        form: filled from the request.
        act: does it; its InvalidInput, Conflict and SetsBehind are put at the
            form's fields.
        names: field of experiments -> field of the form, where they differ.

    Returns:
        What `act` returned; None when nothing was saved and the form says why.
    """
    form.validate()
    try:
        with transaction(context().sessions) as database:
            done = act(database)
            # The rules had nothing against it, but a field may not have been readable.
            stop_if_wrong(form)
            return done
    except _NotSavedError:
        return None
    except (InvalidInput, Conflict, SetsBehind) as error:
        form.take(error, names)
        return None


def gather(
    form: AbideForm, check: Callable[[], None], names: Mapping[str, str] | None = None
) -> None:
    """Let a value be checked, and put its faults at the form's fields."""
    try:
        check()
    except (InvalidInput, Conflict) as error:
        form.take(error, names)


def stop_if_wrong(form: AbideForm) -> None:
    """End the transaction of `save` when the form has problems by now."""
    if form.problems():
        raise _NotSavedError


def back_with(name: str = "", made: str = "") -> str | None:
    """Give the address that a page was opened from to make something.

    Args:
        name: what it is called there; "" to go back without it.
        made: its key.

    Returns:
        A path of this site; None where nobody waits for it.
    """
    back = safe_next(request.args.get("next"))
    if back is None or not name:
        return back
    return f"{back}{'&' if '?' in back else '?'}{urlencode({name: made})}"


def form_data() -> MultiDict[str, str] | None:
    """Give what was sent, for a form; None for a page that is only opened."""
    return request.form if request.method == "POST" else None
