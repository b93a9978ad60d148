"""The form of preview links."""

from web.forms.base import AbideForm
from web.forms.choices import Choice
from web.forms.numbers import Whole


class PreviewForm(AbideForm):
    """Which variant to show, and for how long."""

    variant = Choice("Variant to show")
    days = Whole("Days until the link ends", low=1, high=30, default="7")
