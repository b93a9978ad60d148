"""The form that compares a learning with a later experiment."""

from experiments.learnings import LONGEST_NOTE
from experiments.vocabulary import LearningRelation
from web.forms.base import AbideForm
from web.forms.fields import Choice, Radios, Text


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
