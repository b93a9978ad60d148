"""The form of links to a summary."""

from experiments.summary_links import MOST_DAYS
from web.forms.base import AbideForm
from web.forms.numbers import Whole


class ShareForm(AbideForm):
    """For how long a link works."""

    days = Whole("Days until the link ends", low=1, high=MOST_DAYS, default="14")
