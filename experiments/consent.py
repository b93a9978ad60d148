"""What an app says about consent: one reading, for doors, receipts and intake.

Who says nothing takes part; who says anything must say yes. A "no" in words of the
app's own must not be taken for a yes, so what cannot be read is a refusal.
"""

from collections.abc import Mapping
from typing import Any

_WORDS = ("true", "yes", "on", "granted")
# Listed, not computed: rules that apps evaluate locally compare with these as well.
YES: tuple[bool | int | str, ...] = (
    True,
    1,
    "1",
    *(form for word in _WORDS for form in (word, word.capitalize(), word.upper())),
)
_YES = frozenset(YES)
_HOLDERS = ("traits", "properties")


def refuses(said: object) -> bool:
    """Whether a value of the attribute `consent` is a refusal to take part.

    Args:
        said: any JSON value; None when nothing is said.

    Returns:
        False for None and for what is plainly a yes.
    """
    if said is True or said is None:
        return False
    return not isinstance(said, (bool, int, float, str)) or said not in _YES


def message_refuses(item: Mapping[str, Any], shared: Mapping[str, Any]) -> bool:
    """Whether a Segment message says anywhere that the customer refused.

    Args:
        item: the message. Consent may stand in it, its context, the context's
            traits, its traits and its properties; each must be a yes.
        shared: the batch's context, which the message's own comes before.

    Returns:
        True when the message must not be stored.
    """
    own = item.get("context")
    context = dict(shared)
    if isinstance(own, dict):
        # A null says nothing, so it takes nothing back.
        context.update({name: one for name, one in own.items() if one is not None})
    parts = [item.get(name) for name in _HOLDERS]
    holders = [item, context, context.get("traits"), *parts]
    said = [one.get("consent") for one in holders if isinstance(one, Mapping)]
    return any(
        _refuses_categories(one) if _in_categories(one) else refuses(one)
        for one in said
    )


def _in_categories(said: object) -> bool:
    """Whether it is Segment's consent object, which says yes or no by category."""
    return isinstance(said, dict) and isinstance(said.get("categoryPreferences"), dict)


def _refuses_categories(said: Any) -> bool:  # noqa: ANN401  # JSON is any type
    """Whether categories are given, and not one of them is agreed to."""
    choices = said["categoryPreferences"].values()
    return bool(choices) and all(one is None or refuses(one) for one in choices)
