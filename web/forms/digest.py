"""The form of who gets the weekly digest."""

from web.forms.base import AbideForm
from web.forms.fields import Text


class RecipientForm(AbideForm):
    """An address that gets the digest."""

    recipient = Text(
        "E-mail address",
        "Somebody of your company who does not sign in here.",
        longest=254,
        render_kw={"type": "email", "autocomplete": "off", "spellcheck": "false"},
    )
