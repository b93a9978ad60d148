"""Forms about people: one's own password, letting others in, their roles."""

from experiments.vocabulary import PersonRole, Signer
from web.forms.base import AbideForm
from web.forms.choices import Boxes, Choice
from web.forms.fields import Password, Text
from web.presenters.words import PERSON_ROLE, SIGNER

ROLES = [(role.value, PERSON_ROLE[role]) for role in PersonRole]


class PasswordForm(AbideForm):
    """A new password of one's own."""

    password = Password(
        "New password",
        "At least 12 characters. A few unrelated words are easy to remember.",
        render_kw={"autocomplete": "new-password"},
    )


class PersonForm(AbideForm):
    """Somebody who is let in."""

    name = Text("Name", render_kw={"autocomplete": "off"})
    email = Text(
        "E-mail address",
        "They sign in with it.",
        longest=254,
        render_kw={"type": "email", "autocomplete": "off", "spellcheck": "false"},
    )
    role = Choice("Role", choices=ROLES, default=PersonRole.EDITOR.value)


class RoleForm(AbideForm):
    """Another role for somebody."""

    role = Choice("Role", "A new role signs the person out.", choices=ROLES)


class SignsForm(AbideForm):
    """For what somebody signs plans."""

    signs_for = Boxes(
        "Signs plans for",
        "A plan that touches one of these can start only when somebody who signs for"
        " it has approved it. It takes the role of an approver too.",
        choices=[(signer.value, SIGNER[signer]) for signer in Signer],
    )
