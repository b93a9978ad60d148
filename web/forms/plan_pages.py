"""The pages of a plan: one class a page, and all of them together are the plan."""

from collections.abc import Mapping

from experiments.vocabulary import (
    UNIT_ATTRIBUTE,
    AssignedBy,
    Goal,
    MonitoringMode,
    PlanTask,
    Risk,
    Unit,
)
from web.forms.base import AbideForm
from web.forms.choices import Boxes, Choice, Radios
from web.forms.fields import Day, Json, Part, Rows, Text
from web.forms.hypotheses import PlanHypothesisForm
from web.forms.numbers import PERCENT, Number, Whole
from web.forms.plan_parts import (
    KEY_WORDS,
    DurationForm,
    MetricChoiceForm,
    PersonalForm,
    RuleForm,
    VariantForm,
)
from web.presenters.monitoring import CHOICES
from web.presenters.words import ASSIGNED_BY, DRAWN, GOAL, RISK

YES = "yes"
# More than any design may have, so that experiments refuses it in words.
MOST_ROWS = 60


class HypothesisPage(AbideForm):
    """What is believed, and what would show that it is wrong."""

    hypothesis = Choice(
        "Which hypothesis does it test?",
        "Of the backlog, or a new one that you write below.",
    )
    new_hypothesis = Part(PlanHypothesisForm, "New hypothesis")
    name = Text(
        "Name of the experiment",
        "Short, as your team calls it. Leave it empty to take the line of the"
        " hypothesis.",
        optional=True,
    )
    goal = Choice("What is it for?", choices=[(g.value, GOAL[g]) for g in Goal])
    key = Text(
        "Name for programs",
        "Your app asks for the experiment by it. It cannot be changed. Leave it empty"
        " to make it from the name.",
        longest=64,
        optional=True,
        render_kw=KEY_WORDS,
    )


class SegmentPage(AbideForm):
    """Whom it is for."""

    segment = Choice("Which segment is it for?", needed="a segment")
    coverage = Number(
        "Share of the segment to enrol",
        scale=PERCENT,
        low=0.1,
        high=100,
        steps="10",
        default="100",
    )
    layer = Choice(
        "Does it exclude other experiments?",
        "Experiments of one layer never share a customer.",
        default="",
    )
    layer_share = Number(
        "Share of the layer it takes",
        scale=PERCENT,
        low=0.1,
        high=100,
        optional=True,
    )


class VariantsPage(AbideForm):
    """What customers get, and how they are drawn."""

    variants = Rows(
        Part(VariantForm, "Variant"), "Variants", min_entries=2, max_entries=MOST_ROWS
    )
    exposure_point = Text(
        "When does a customer first see a difference?",
        "Your app sends the exposure then, and only then, such as: when the set-up page"
        " opens.",
        longest=1000,
        rows=2,
        optional=True,
    )
    unit = Radios(
        "Who is drawn?",
        "Choose accounts when the people of one company share what you change, such"
        " as a price or a setting: all of them get the same variant, and their results"
        " count as one account's. It takes more customers to be as sure.",
        choices=[(u.value, DRAWN[u]) for u in Unit],
        default=Unit.CUSTOMER.value,
    )
    hash_attribute = Text(
        "Drawn by the attribute",
        "id is the customer's own. For accounts, the attribute in which your app sends"
        " the account's id, such as accountId.",
        longest=64,
        optional=True,
        default=UNIT_ATTRIBUTE,
    )
    fallback_attribute = Text(
        "Where it is missing, drawn by",
        "Leave it empty to leave such customers out.",
        longest=64,
        optional=True,
    )
    assigned_by = Radios(
        "Who decides which customer gets which variant?",
        choices=[(a.value, ASSIGNED_BY[a]) for a in AssignedBy],
        default=AssignedBy.ABIDE.value,
    )
    personalised = Choice("Which variant is personalised?", default="")
    rules = Rows(
        Part(PersonalForm, "Line"),
        "Personalised rules",
        min_entries=1,
        max_entries=MOST_ROWS,
    )
    parameter_types = Json(
        "Types of parameters",
        "Leave it empty to take them from the values. Else such as"
        ' {"price": "float"}; there are string, boolean, integer, float and json.',
        rows=2,
    )


class MetricsPage(AbideForm):
    """What decides, and what must not get worse."""

    metrics = Rows(
        Part(MetricChoiceForm, "Metric"),
        "Metrics",
        min_entries=2,
        max_entries=MOST_ROWS,
    )
    breakdowns = Boxes(
        "Show results by these segments too",
        "Choose before the start; splits chosen afterwards find too much.",
    )
    post_stratified = Choice(
        "Are customers compared within these segments?",
        "Chance puts more of one segment into one group. To compare like with like, and"
        " add up after that, takes this part of the error away.",
        choices=[
            ("", "No: all customers of a group together"),
            (YES, "Yes: within each segment, then added up"),
        ],
        default="",
    )
    rule = Part(RuleForm, "Decision rule")


class DurationPage(AbideForm):
    """How many customers, for how long, and when estimates are seen."""

    duration = Part(DurationForm, "Duration")
    planned_units = Whole(
        "Planned size",
        "Customers, or accounts where these are drawn; all variants together.",
    )
    planned_end_at = Day("Planned end")
    monitoring_mode = Radios(
        "When do you see estimates?",
        "Fixed when the experiment starts. Between looks nobody sees an estimate.",
        choices=[(mode.value, words) for mode, words in CHOICES.items()],
        default=MonitoringMode.GROUP_SEQUENTIAL.value,
    )
    looks = Text(
        "Looks, in percent of the planned size",
        "For planned looks only, such as 50, 100. Leave it empty for 25, 50, 75"
        " and 100.",
        longest=200,
        optional=True,
    )
    exposures_from = Day(
        "First exposures that count",
        "Leave it empty to begin with the start. A day in the past is for experiments"
        " that another system assigns; for others an admin may choose one, and says why"
        " at the start.",
        optional=True,
    )
    enrolment_ends_at = Day(
        "Enrolment ends",
        "So that the last to come are counted by the planned end.",
        optional=True,
    )
    alpha = Number(
        "Accepted rate of false alarms",
        "5 % unless you have agreed on another.",
        scale=PERCENT,
        low=0.1,
        high=20,
        default="5",
    )


class RiskPage(AbideForm):
    """What it touches that others answer for."""

    risks = Boxes(
        "Does it touch any of these?",
        "Tick all that it touches. None ticked says that you looked, and found none."
        " Whoever answers for what you tick has to approve the plan.",
        choices=[(risk.value, RISK[risk]) for risk in Risk],
    )


PAGES: Mapping[PlanTask, type[AbideForm]] = {
    PlanTask.HYPOTHESIS: HypothesisPage,
    PlanTask.SEGMENT: SegmentPage,
    PlanTask.VARIANTS: VariantsPage,
    PlanTask.METRICS: MetricsPage,
    PlanTask.DURATION: DurationPage,
    PlanTask.RISK: RiskPage,
}


def fields_of(task: PlanTask) -> frozenset[str]:
    """Name the fields of a page."""
    return frozenset(PAGES[task]()._fields)
