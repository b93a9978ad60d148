"""Names that are stored as they are, and so must not tell who somebody is."""

from collections.abc import Mapping
from typing import Any

from experiments import messages as wire
from experiments.messages import Rejected
from experiments.privacy import names_somebody
from experiments.vocabulary import QuarantineReason


def refuse_personal(name: str, identifiers: tuple[str | None, ...]) -> None:
    """Refuse a name that tells who somebody is.

    Args:
        name: of an event, a survey or a wave.
        identifiers: the message's own raw ids.

    Raises:
        Rejected: it holds one of them, an e-mail address, a phone or a card number.
    """
    wire.refuse_id_inside(name, identifiers)
    if names_somebody(name):
        raise looks_like_somebody()


def looks_like_somebody() -> Rejected:
    """Say why such a name is refused."""
    return Rejected(
        QuarantineReason.INVALID_TEXT,
        "A name looks like an e-mail address, a phone or a card number, which"
        " are never stored; name what happened, not to whom.",
    )


def first_label(properties: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """Read the first of some properties that is given, as a short name."""
    found = first(properties, names)
    return None if found is None else wire.label(found)


def first(properties: Mapping[str, Any], names: tuple[str, ...]) -> object:
    """Find the first of some properties that is given, None where none is."""
    found = (properties[name] for name in names if properties.get(name) is not None)
    return next(found, None)
