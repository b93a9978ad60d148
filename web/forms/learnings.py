"""Forms of learnings: a later experiment to compare with, and later lessons."""

from experiments.learnings import LONGEST_NOTE
from experiments.lessons import LONGEST
from experiments.vocabulary import HypothesisHeld, LearningRelation
from web.forms.base import AbideForm
from web.forms.choices import Choice, Radios
from web.forms.fields import Text
from web.presenters.words import HELD


class MarkForm(AbideForm):
    """What a later experiment says about an earlier one."""

    later = Choice("Which later experiment?", needed="a later experiment")
    relation = Radios(
        "What did it find?",
        choices=[
            (LearningRelation.REPLICATED.value, "The same again"),
            (LearningRelation.CONTRADICTED.value, "The opposite"),
        ],
    )
    note = Text(
        "What else was different?",
        "Another segment, another season, another price.",
        longest=LONGEST_NOTE,
        rows=3,
        optional=True,
    )


class NoteForm(AbideForm):
    """What was learned since the decision."""

    text = Text(
        "What was learned since?",
        "What the months after showed, or what nobody wrote down at the decision.",
        longest=LONGEST,
        rows=4,
    )
    held = Choice(
        "Was the hypothesis right, as far as you know now?",
        choices=[
            ("", "Nothing new said"),
            *((held, HELD[held]) for held in HypothesisHeld),
        ],
        optional=True,
    )
