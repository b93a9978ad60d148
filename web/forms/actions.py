"""Forms of what is done with an experiment: a reason, a confirmation, a decision."""

from wtforms import ValidationError  # type: ignore[import-untyped]  # no types

from experiments.vocabulary import Decision
from web.forms.base import AbideForm
from web.forms.fields import Choice, Radios, Text
from web.presenters.words import DECISION


class ReasonForm(AbideForm):
    """Why something is done; experiments says when it is needed."""

    reason = Text("Reason", longest=2000, rows=3)


class StopForm(AbideForm):
    """Stopping for good, confirmed by typing the experiment's name."""

    reason = Text("Reason", "Stands in the results.", longest=2000, rows=3)
    confirm = Text("Type the name of the experiment to confirm", longest=200)

    name: str = ""  # what has to be typed

    def validate_confirm(self, field: Text) -> None:
        """Compare what was typed with the name."""
        if " ".join(str(field.data).split()) != " ".join(self.name.split()):
            raise ValidationError(f'Type "{self.name}" to confirm.')


class DecisionForm(AbideForm):
    """What is decided, and why."""

    decision = Radios(
        "What do you decide?", choices=[(d.value, DECISION[d]) for d in Decision]
    )
    variant = Choice(
        "Which variant do all customers of the segment get?",
        "Only when you ship.",
        optional=True,
    )
    reason = Text(
        "Why?",
        "What was learned, and what comes next. Against the recommendation it takes at"
        " least 30 characters.",
        longest=2000,
        rows=4,
    )
