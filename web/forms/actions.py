"""Forms of what is done with an experiment: a reason, a confirmation, a decision."""

from collections.abc import Mapping
from datetime import datetime

from wtforms import ValidationError  # type: ignore[import-untyped]  # no types

from experiments.lessons import LONGEST, LONGEST_TITLE, Lessons
from experiments.vocabulary import Decision, HypothesisHeld
from web.forms.base import AbideForm
from web.forms.choices import Choice, Radios
from web.forms.fields import NEVER, Day, Text
from web.forms.numbers import PERCENT, Number
from web.forms.values import pick
from web.presenters.words import DECISION, HELD, STEP


class ReasonForm(AbideForm):
    """Why something is done; experiments says when it is needed."""

    reason = Text("Reason", longest=2000, rows=3)


class CoverageForm(AbideForm):
    """A higher share of the segment."""

    coverage = Number("Share of the segment to enrol", scale=PERCENT, low=0.1, high=100)
    reason = Text("Why now?", "Stands in the results.", longest=2000, rows=3)


class StepForm(AbideForm):
    """A step to be done later."""

    step = Choice(
        "What is to be done?",
        choices=[(action.value, STEP[action]) for action in STEP],
    )
    day = Day("On which day?")
    clock = Text("At what time? (UTC)", longest=5, default="09:00")
    coverage = Number(
        "Share of the segment to enrol",
        "For a higher coverage only.",
        scale=PERCENT,
        low=0.1,
        high=100,
        optional=True,
    )

    @property
    def at(self) -> datetime:
        """The day and time as one moment; long ago when it cannot be read."""
        day = self.day.at()
        try:
            clock = datetime.strptime(self.clock.data or "", "%H:%M")  # noqa: DTZ007
        except ValueError:
            self.clock.errors = ["Enter a time, such as 09:30."]
            return NEVER
        if day is None:  # its field says so
            return NEVER
        return day.replace(hour=clock.hour, minute=clock.minute)


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
        "Against the recommendation it takes at least 30 characters.",
        longest=2000,
        rows=4,
    )
    held = Choice(
        "Was the hypothesis right?",
        choices=[
            ("", "Nothing said"),
            *((held, HELD[held]) for held in HypothesisHeld),
        ],
        optional=True,
    )
    surprise = Text(
        "What surprised you?",
        "What did customers do that nobody had expected?",
        longest=LONGEST,
        rows=3,
        optional=True,
    )
    next_step = Text(
        "What comes next?",
        "For those who follow you.",
        longest=LONGEST,
        rows=3,
        optional=True,
    )
    next_hypothesis = Text(
        "The next hypothesis, in one line",
        "It goes into the backlog, filled in like this one, for you to complete.",
        longest=LONGEST_TITLE,
        optional=True,
    )
    follow_up = Day(
        "When to look again",
        "For comparing with what the holdout or the months after say.",
        optional=True,
    )

    @property
    def lessons(self) -> Lessons:
        """What was learned, as experiments checks it."""
        held = self.held.data
        return Lessons(
            held=pick(HypothesisHeld, held) if held else None,
            surprise=self.surprise.data or "",
            next_step=self.next_step.data or "",
            next_hypothesis=self.next_hypothesis.data or "",
            follow_up_at=self.follow_up.at(),
        )


# Field of experiments -> field of DecisionForm.
LESSONS: Mapping[str, str] = {
    "lessons.held": "held",
    "lessons.surprise": "surprise",
    "lessons.next_step": "next_step",
    "lessons.next_hypothesis": "next_hypothesis",
    "lessons.follow_up_at": "follow_up",
}
