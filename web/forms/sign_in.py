"""Forms for signing in and for the first set-up."""

from wtforms import ValidationError  # type: ignore[import-untyped]  # no types

from web.forms.base import AbideForm
from web.forms.fields import Hidden, Password, Text


class SignInForm(AbideForm):
    """E-mail and password; `next` and `kept` say what to go on with."""

    email = Text(
        "E-mail address",
        longest=254,
        render_kw={"type": "email", "autocomplete": "username", "spellcheck": "false"},
    )
    password = Password("Password", render_kw={"autocomplete": "current-password"})
    next = Hidden()
    kept = Hidden()

    def validate_email(self, field: Text) -> None:
        """Ask for an address before the database is asked."""
        if not field.data:
            raise ValidationError("Enter your e-mail address.")


class SetUpForm(AbideForm):
    """The first administrator."""

    name = Text("Your name", render_kw={"autocomplete": "name"})
    email = Text(
        "Your e-mail address",
        "You sign in with it.",
        longest=254,
        render_kw={"type": "email", "autocomplete": "username", "spellcheck": "false"},
    )
    password = Password(
        "Password",
        "At least 12 characters. A few unrelated words are easy to remember.",
        render_kw={"autocomplete": "new-password"},
    )
