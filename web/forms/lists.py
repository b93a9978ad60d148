"""The form of lists by hand."""

from experiments.messages import MAX_ID
from experiments.vocabulary import IdKind
from web.forms.base import AbideForm
from web.forms.choices import Choice, Radios
from web.forms.fields import Text

NO_PART = "no part"  # the lists' own word: with the blank, no variant's name


class ListedForm(AbideForm):
    """A customer, and what they get by hand."""

    customer_id = Text(
        "Customer's id",
        "As your apps send it; where accounts are drawn, the account's. It is turned"
        " into its pseudonym at once.",
        longest=MAX_ID,
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )
    id_kind = Radios(
        "Which id is it?",
        choices=[
            (IdKind.CUSTOMER.value, "What apps send as userId"),
            (IdKind.ANONYMOUS.value, "What apps send as anonymousId"),
        ],
        default=IdKind.CUSTOMER.value,
    )
    variant = Choice("What they get")
    note = Text("Note", "Whose device it is, or why they take no part. Never an id.")
