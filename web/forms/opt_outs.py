"""The forms of links to opt out, and of words for customers."""

from experiments.choice_inviting import MOST_AT_ONCE, ChoiceWish
from experiments.customer_words import LONGEST_DIFFERENCE, LONGEST_NAME, Words
from experiments.vocabulary import IdKind
from web.forms.base import AbideForm
from web.forms.choices import Radios
from web.forms.fields import Text
from web.forms.values import pick


class ChoiceLinksForm(AbideForm):
    """Whose links are wanted."""

    customer_ids = Text(
        "Customer ids",
        f"One a line, as your apps send them, up to {MOST_AT_ONCE:,}. They are not"
        " stored.",
        longest=200_000,
        rows=4,
        render_kw={"spellcheck": "false", "autocomplete": "off"},
    )
    id_kind = Radios(
        "Which ids are they?",
        choices=[
            (IdKind.CUSTOMER.value, "userId"),
            (IdKind.ANONYMOUS.value, "anonymousId"),
        ],
        default=IdKind.CUSTOMER.value,
    )

    def wish(self) -> ChoiceWish:
        """Build the value that experiments checks."""
        lines = (self.customer_ids.data or "").splitlines()
        return ChoiceWish(
            customer_ids=[line.strip() for line in lines if line.strip()],
            id_kind=pick(IdKind, self.id_kind.data),
        )


class CustomerWordsForm(AbideForm):
    """What customers read about an experiment."""

    name = Text(
        "Name for customers",
        "Such as: A shorter set-up. Leave it empty to call it a test of our service.",
        longest=LONGEST_NAME,
    )
    difference = Text(
        "What differs",
        "What some customers see and others do not, in plain words. Do not say what you"
        " expect of it.",
        longest=LONGEST_DIFFERENCE,
        rows=3,
    )

    def show(self, words: Words) -> None:
        """Fill in what is stored."""
        self.name.data, self.difference.data = words.name, words.difference

    def words(self) -> Words:
        """Build the value that experiments checks."""
        return Words(self.name.data or "", self.difference.data or "")
