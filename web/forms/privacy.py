"""Forms of the privacy page: which customer is asked about."""

from experiments.messages import MAX_ID
from experiments.vocabulary import IdKind
from web.forms.base import AbideForm
from web.forms.choices import Boxes, Radios
from web.forms.fields import Text

KINDS = {
    IdKind.CUSTOMER: "What apps send as userId",
    IdKind.ANONYMOUS: "What apps send as anonymousId",
}
SURE = "sure"


class CustomerForm(AbideForm):
    """One customer, named as the apps do."""

    customer_id = Text(
        "Customer's id",
        "It is turned into its pseudonym at once and kept nowhere.",
        longest=MAX_ID,
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )
    id_kind = Radios(
        "Which id is it?",
        choices=[(kind.value, text) for kind, text in KINDS.items()],
        default=IdKind.CUSTOMER.value,
    )


class EraseForm(CustomerForm):
    """A customer to erase, for good."""

    confirm = Boxes(
        "Are you sure?",
        choices=[(SURE, "I understand that this cannot be undone")],
    )

    def __init__(self, *given: object, **named: object) -> None:
        super().__init__(*given, **named)
        self.confirm.flags.optional = False  # as other boxes are

    def check_sure(self) -> None:
        """Find fault with a box that was not ticked."""
        if SURE not in (self.confirm.data or ()):
            self.confirm.errors = ["Tick the box: nobody can bring the data back."]
