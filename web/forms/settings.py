"""Forms of the settings: API keys and journey stages."""

from experiments.vocabulary import Environment, KeyKind
from web.forms.base import AbideForm
from web.forms.choices import Boxes, Choice, Radios
from web.forms.fields import Text
from web.forms.numbers import Whole
from web.presenters.words import ENVIRONMENT, KEY_KIND

KINDS = {
    KeyKind.SERVER: "asks for variants and sends events, from your servers; secret",
    KeyKind.CLIENT: "asks for a customer's own variants, from browsers; public",
    KeyKind.WRITE: "sends events only; public",
    KeyKind.ADMIN: "manages experiments for you, with your role; secret",
}


class KeyForm(AbideForm):
    """A new API key."""

    name = Text(
        "Which application is it for?", longest=100, render_kw={"autocomplete": "off"}
    )
    kind = Radios(
        "What may it do?",
        choices=[(k.value, f"{KEY_KIND[k]}: {what}") for k, what in KINDS.items()],
        default=KeyKind.SERVER.value,
    )
    environment = Choice(
        "Environment",
        "Development data is kept apart and never analysed.",
        choices=[(e.value, ENVIRONMENT[e]) for e in Environment],
    )
    may_read_rules = Boxes(
        "Where are variants chosen?",
        "By Abide, unless a client key allows otherwise.",
        choices=[
            ("yes", "In the app: it may read the rules and splits of all experiments")
        ],
    )


class StageForm(AbideForm):
    """A stage of the customer journey."""

    name = Text("Name", longest=100)
    position = Whole("Position", "Lower comes earlier.", default="0")
    health_metrics = Boxes("Metrics that tell how this stage does")
    key = Text(
        "Key",
        "Leave it empty to make it from the name.",
        longest=64,
        optional=True,
        render_kw={"spellcheck": "false", "autocomplete": "off"},
    )
