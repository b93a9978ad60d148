"""Steps of a number by the buttons beside it, which work without script too."""

from decimal import Decimal

from web.forms.base import leaves
from web.forms.experiments import ExperimentForm
from web.forms.numbers import Number

WAYS = {"less": -1, "more": 1}
WHOLE = Decimal(100)


def stepped(action: str) -> str:
    """Name the field that a button steps; "" for another button."""
    way, _, name = action.partition("-")
    return name if way in WAYS else ""


def take_step(form: ExperimentForm, action: str) -> None:
    """Step the number whose button was pressed.

    Args:
        form: as it was sent.
        action: such as "more-duration-power".
    """
    name = stepped(action)
    field = next((each for each in leaves(form) if each.id == name), None)
    if not isinstance(field, Number) or not field.steps:
        return
    value = field.next_to(WAYS[action.partition("-")[0]])
    if value is None:
        return
    field.data = _plain(value)
    shares = [row.share for _, row in form.chosen_variants]
    if len(shares) == 2 and field in shares:  # noqa: PLR2004  # what one gets, the other gives
        other = shares[1 - shares.index(field)]
        other.data = _plain(WHOLE - value)


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"
