"""The parts of the form of an experiment that stand more than once, or on their own."""

from experiments.decision_rule import DecisionRule, preset_rule
from experiments.vocabulary import GuardrailTest, PrimaryTest, Role, RulePreset
from web.forms.base import AbideForm
from web.forms.choices import Choice, Radios
from web.forms.fields import Hidden, Json, Part, Rows, Text
from web.forms.numbers import PERCENT, Number, Whole
from web.forms.values import pick
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
    share = Number("Share", scale=PERCENT, low=0, high=100, steps="5")
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
    change_that_matters = Number(
        "Change that matters",
        steps="digit",
    )
    margin = Number(
        "Largest harm you accept",
        optional=True,
    )


class RuleForm(AbideForm):
    """When the plan recommends to ship."""

    preset = Radios(
        "When should it be shipped?",
        "The rule is locked with the plan; the verdict follows it.",
        choices=[
            (
                RulePreset.BETTER_AND_SAFE.value,
                "The primary metric is better, and no guardrail is harmed",
            ),
            (
                RulePreset.DO_NO_HARM.value,
                (
                    "Nothing is harmed: for a change you would make anyway, such as one"
                    " that saves cost. The primary metric needs a largest harm too"
                ),
            ),
            (
                RulePreset.CLEAR_WIN.value,
                (
                    "A clear win: the whole range lies beyond the change that matters,"
                    " and no guardrail is harmed. It takes many more customers"
                ),
            ),
            (RulePreset.OWN.value, "A rule of our own, as chosen below"),
        ],
        default=RulePreset.BETTER_AND_SAFE.value,
    )
    primary = Choice(
        "The primary metric must be",
        choices=[
            (PrimaryTest.BETTER.value, "better"),
            (PrimaryTest.BEYOND_CHANGE.value, "better by more than the change"),
            (PrimaryTest.HARM_RULED_OUT.value, "not worse than the largest harm"),
        ],
        default=PrimaryTest.BETTER.value,
    )
    guardrails = Choice(
        "Of each guardrail",
        choices=[
            (GuardrailTest.HARM_RULED_OUT.value, "harm must be ruled out"),
            (GuardrailTest.HARM_NOT_SHOWN.value, "harm must not be shown"),
        ],
        default=GuardrailTest.HARM_RULED_OUT.value,
    )
    splits = Choice(
        "In each declared split",
        choices=[
            ("", "nothing is asked"),
            ("yes", "the primary metric must not be harmed"),
        ],
        default="",
    )

    def rule(self) -> DecisionRule:
        """Build the value; a preset fixes what stands below it."""
        preset = pick(RulePreset, self.preset.data)
        if preset != RulePreset.OWN:
            return preset_rule(preset)
        return DecisionRule(
            preset,
            pick(PrimaryTest, self.primary.data),
            pick(GuardrailTest, self.guardrails.data),
            self.splits.data == "yes",
        )

    def show(self, rule: DecisionRule) -> None:
        """Fill in a stored rule."""
        self.preset.data = rule.preset.value
        self.primary.data = rule.primary.value
        self.guardrails.data = rule.guardrails.value
        self.splits.data = "yes" if rule.splits_not_worse else ""


class KnownForm(AbideForm):
    """What is known of a guardrail, where the project's own data do not tell."""

    metric = Hidden()
    today = Number(
        "Where does it stand today?",
        "In percent, for shares; for times the share still without the event on the"
        " last day. Leave it empty to take it from your own data.",
        low=0,
        high=100,
        optional=True,
    )
    spread = Number(
        "How much do customers differ in it?",
        "Standard deviation; for means of answers and amounts. May be empty likewise.",
        optional=True,
    )


class DurationForm(AbideForm):
    """What the duration is worked out from; none of it is stored."""

    baseline = Number(
        "Where does the primary metric stand today?",
        "In percent, for rates; for times the share still without the event on the last"
        " day. Leave it empty to take it from your own data.",
        optional=True,
    )
    spread = Number(
        "How much do customers differ in it?",
        "Standard deviation over customers; for means of answers and amounts only. May"
        " be empty likewise.",
        optional=True,
    )
    first_week_customers = Whole(
        "How many customers of the segment reach the change in the first week?",
        "Who is a customer already comes then. Leave this and the next empty to take"
        " them from the last eight weeks of your own data.",
        low=1,
        high=1e12,
        optional=True,
    )
    weekly_customers = Whole(
        "How many new ones reach it in each week after that?",
        "Who comes back counts once. Where every week brings as many who are new, fill"
        " in this one only.",
        low=0,
        high=1e12,
        optional=True,
    )
    first_week_accounts = Whole(
        "How many accounts reach the change in the first week?",
        "Instead of customers; may be empty likewise.",
        low=1,
        high=1e12,
        optional=True,
    )
    weekly_accounts = Whole(
        "How many new accounts reach it in each week after that?",
        "Who comes back counts once.",
        low=0,
        high=1e12,
        optional=True,
    )
    account_customers = Number(
        "How many customers has an account?",
        "On average. Leave these three empty to take them from the newest results by"
        " account.",
        low=1,
        high=1e6,
        optional=True,
    )
    account_cv = Number(
        "How much does that vary?",
        "Standard deviation over mean: 0 where all accounts are equally large, often"
        " near 1.",
        low=0,
        high=100,
        optional=True,
    )
    icc = Number(
        "How alike are customers of an account?",
        "ICC, from 0 (not at all) to 1 (all the same); often 0.01 to 0.2.",
        low=0,
        high=1,
        optional=True,
    )
    response = Number(
        "How many of them answer, or are counted?",
        "For surveys, and for metrics that count only who made contact or a start. May"
        " be empty likewise.",
        scale=PERCENT,
        low=0,
        high=100,
        optional=True,
    )
    power = Number(
        "Power",
        "How likely an effect of that size should be found.",
        scale=PERCENT,
        low=50,
        high=99.9,
        steps="5",
        default="80",
    )
    guardrails = Rows(Part(KnownForm, "Guardrail"), "Guardrails", max_entries=60)
