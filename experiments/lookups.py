"""Small steps that all services with keys, pages and owners share."""

from collections.abc import Mapping

from experiments.actors import Actor
from experiments.errors import Conflict, InvalidInput, NotFound
from experiments.field_faults import KEY_PATTERN

PAGE_LIMIT = 200


def known_key(key: str, what: str) -> str:
    """Pass a well-formed key on; any other cannot be the key of anything.

    Asking a database for it could fail instead (NUL, half a surrogate pair).

    Args:
        key: as it arrived.
        what: the thing, as in "experiment".

    Returns:
        The same key.

    Raises:
        NotFound: it is not written like a key.
    """
    if not KEY_PATTERN.fullmatch(key):
        raise NotFound(f"There is no such {what}.")
    return key


def page_size(limit: int) -> int:
    """Keep a page between 1 and 200 rows."""
    return max(1, min(limit, PAGE_LIMIT))


def owner_of(actor: Actor, what: str) -> int:
    """Tell which person owns what this actor makes.

    Args:
        actor: a person, or a key acting for one.
        what: the thing, as in "an experiment".

    Returns:
        The person's number.

    Raises:
        InvalidInput: the system itself acts, which owns nothing.
    """
    if actor.person_id is None:
        raise InvalidInput(f"{what.capitalize()} needs a person as its owner.")
    return actor.person_id


def check_revision(what: str, seen: int, current: int) -> None:
    """Refuse a save that saw an older revision than the stored one.

    Args:
        what: the thing, as in "experiment".
        seen: the revision that was edited.
        current: the revision that is stored.

    Raises:
        Conflict: names both.
    """
    if seen != current:
        raise Conflict(
            f"Somebody saved this {what} since you opened it: you edited revision"
            f" {seen}, revision {current} is stored. Load it again and repeat your"
            " change.",
            {"revision": f"You edited {seen}; {current} is stored."},
        )


def changes(
    before: Mapping[str, object], after: Mapping[str, object]
) -> tuple[dict[str, object], dict[str, object]]:
    """Keep the entries in which two states differ, for the audit."""
    names = [name for name in after if before.get(name) != after[name]]
    return {n: before.get(n) for n in names}, {n: after[n] for n in names}
