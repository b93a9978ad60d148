"""The parts of the form of an experiment that stand more than once, or on their own."""

from experiments.vocabulary import Role
from web.forms.base import AbideForm
from web.forms.fields import PERCENT, Choice, Json, Number, Text, Whole
from web.presenters.words import ROLE

KEY_WORDS = {"spellcheck": "false", "autocomplete": "off"}


class VariantForm(AbideForm):
    """One version of the experience; the first row is control."""

    name = Text(
        "Name",
        "The key your app gets, such as control.",
        longest=64,
        render_kw=KEY_WORDS,
    )
    share = Number("Share", scale=PERCENT, low=0, high=100)
    description = Text("What do customers see?", longest=2000, rows=2, optional=True)
    parameters = Json(
        "Parameters", "What your app gets with the variant, as a JSON object."
    )

    @property
    def is_blank(self) -> bool:
        """Whether nothing was entered."""
        return not any(field.data for field in self)


class PersonalForm(AbideForm):
    """One line of a personalised variant."""

    segment = Choice("Customers in", optional=True)
    parameters = Json("get these parameters", rows=2)


class MetricChoiceForm(AbideForm):
    """A metric's part in the experiment."""

    metric = Choice("Metric")
    role = Choice("Role", choices=[(role.value, ROLE[role]) for role in Role])
    change_that_matters = Number("Change that matters")
    margin = Number("Largest harm you accept", optional=True)


class DurationForm(AbideForm):
    """What the duration is worked out from; none of it is stored."""

    baseline = Number(
        "Where does the primary metric stand today?",
        "In percent for rates, else in its own unit.",
        optional=True,
    )
    spread = Number(
        "How much do customers differ in it?",
        "Standard deviation; for means of answers and time to churn only.",
        optional=True,
    )
    weekly_customers = Whole(
        "How many customers of the segment reach the change each week?",
        low=1,
        high=1e12,
        optional=True,
    )
    response = Number(
        "How many of them answer the survey?",
        "For surveys only.",
        scale=PERCENT,
        low=0,
        high=100,
        optional=True,
        default="100",
    )
    power = Number(
        "Power",
        "How likely an effect of that size should be found.",
        scale=PERCENT,
        low=50,
        high=99.9,
        default="80",
    )
