"""Forms of layers and holdouts."""

from web.forms.base import AbideForm
from web.forms.choices import NONE, Choice, Choices, options
from web.forms.fields import Text
from web.forms.numbers import PERCENT, Number
from web.forms.values import key_from

_KEY = {"spellcheck": "false", "autocomplete": "off"}
_KEY_HINT = "It cannot be changed. Leave it empty to make it from the name."


class LayerForm(AbideForm):
    """A new layer."""

    name = Text("Name", "Such as: Checkout page.")
    description = Text(
        "Which experiments belong in it?", longest=2000, rows=2, optional=True
    )
    key = Text("Key", _KEY_HINT, longest=64, optional=True, render_kw=_KEY)

    def new_key(self) -> str:
        """Take the key as typed, or make it from the name."""
        return str(self.key.data or key_from(self.name.data or "", "layer"))


class ReservationForm(AbideForm):
    """A part of a layer to keep for later."""

    layer = Choice("Layer", needed="a layer")
    share = Number("Share of its customers", scale=PERCENT, low=0.1, high=100)
    note = Text("What is it for?", longest=500)
    experiment = Choice("Which draft will use it?", optional=True)

    def offer(self, layers: Choices, drafts: Choices) -> None:
        """Fill the lists."""
        self.layer.choices = options([NONE, *layers])
        self.experiment.choices = options([("", "None yet"), *drafts])


class HoldoutForm(AbideForm):
    """A new holdout."""

    name = Text("Name", "Such as: Everything in 2026.")
    share = Number("Share of all customers", scale=PERCENT, low=1, high=10)
    journey_stage = Choice("Which experiments honour it?", optional=True)
    key = Text("Key", _KEY_HINT, longest=64, optional=True, render_kw=_KEY)

    def offer(self, stages: Choices) -> None:
        """Fill the list."""
        every = [(key, f"Those at the stage {name}") for key, name in stages]
        self.journey_stage.choices = options([("", "All"), *every])

    def new_key(self) -> str:
        """Take the key as typed, or make it from the name."""
        return str(self.key.data or key_from(self.name.data or "", "holdout"))
