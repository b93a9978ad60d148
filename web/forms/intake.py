"""The form that reads messages again which were set aside."""

from web.forms.base import AbideForm
from web.forms.choices import Boxes
from web.forms.fields import Text

AT_ARRIVAL = "at_arrival"
MOST_VALUES = 50


class ReplayForm(AbideForm):
    """What puts messages right before they are read again."""

    values = Text(
        "Values to put right",
        "One on a line, as the app sent it = as it should have: Variant B = nudge."
        " Of experiment, variant and score.",
        longest=5000,
        rows=3,
        optional=True,
        render_kw={"spellcheck": "false"},
    )
    when = Boxes(
        "When they happened",
        choices=[
            (AT_ARRIVAL, "Take the time of arrival: the client's clock was wrong")
        ],
    )

    def pairs(self) -> dict[str, str]:
        """Read the lines; a line without "=" is a fault of the field."""
        found: dict[str, str] = {}
        for line in (self.values.data or "").splitlines():
            sent, equals, meant = (part.strip() for part in line.rpartition("="))
            if line.strip() and not (sent and equals and meant):
                self.values.errors = ["Write each line as: sent = meant."]
            elif line.strip():
                found[sent] = meant
        if len(found) > MOST_VALUES:
            self.values.errors = [f"Put at most {MOST_VALUES} values right at once."]
        return found
