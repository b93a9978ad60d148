"""Experiments: the design that is sent, and the experiment that is shown."""

from api.schemas.actions import (
    COVERAGE,
    ActionSchema,
    AgainstSchema,
    DeclinedSchema,
    ProposalSchema,
    SentBackSchema,
)
from api.schemas.fields import (
    Choice,
    Decimal,
    Flag,
    Items,
    Object,
    Part,
    StrictSchema,
    Text,
    Time,
    identifier,
    number,
    text,
    whole,
)
from api.schemas.paging import PageQuery
from experiments.design import LEAST_LAYER_SHARE, MAX_LOOKS, MAX_UNITS
from experiments.field_faults import LEAST_CHANGE
from experiments.vocabulary import (
    UNIT_ATTRIBUTE,
    AssignedBy,
    Decision,
    Goal,
    GuardrailTest,
    MonitoringMode,
    ParameterType,
    PlanTask,
    PrimaryTest,
    Risk,
    Role,
    RulePreset,
    Status,
    Unit,
)

NEWEST = "Left out, or null: the newest version."
SHARE = {"exclusiveMinimum": 0, "maximum": 1}
PARAMETERS = {"description": "What the app gets; any JSON object up to 32 KB."}


class SegmentParametersSchema(StrictSchema):
    """One line of a personalised variant: these customers get these parameters."""

    segment = identifier(required=True)
    version = whole(1, load_default=None, metadata={"description": NEWEST})
    parameters = Object(required=True, metadata=PARAMETERS)


class VariantSchema(StrictSchema):
    """One version of the experience."""

    name = identifier(required=True)
    description = text(2000, load_default="")
    is_control = Flag(load_default=False)
    share = Decimal(
        required=True, metadata={**SHARE, "description": "Of the split; all add to 1."}
    )
    parameters = Object(load_default=dict, metadata=PARAMETERS)
    personalisation = Items(
        Part(SegmentParametersSchema),
        load_default=list,
        metadata={"description": "The first segment that matches decides."},
    )


class MetricChoiceSchema(StrictSchema):
    """A metric's part in an experiment."""

    metric = identifier(required=True, metadata={"description": "Key of the metric."})
    version = whole(1, load_default=None, metadata={"description": NEWEST})
    role = Choice(Role, required=True)
    change_that_matters = Decimal(
        required=True,
        metadata={
            "minimum": LEAST_CHANGE,
            "description": "Absolute, on the metric's scale: 0.015 is 1.5 points.",
        },
    )
    margin = Decimal(
        load_default=None,
        metadata={
            "minimum": LEAST_CHANGE,
            "description": "The largest harm you accept; a guardrail must have one.",
        },
    )


class SegmentRefSchema(StrictSchema):
    """A segment in one of its versions."""

    segment = identifier(required=True)
    version = whole(1, load_default=None, metadata={"description": NEWEST})


class DecisionRuleSchema(StrictSchema):
    """When the plan recommends to ship."""

    preset = Choice(
        RulePreset,
        load_default=RulePreset.BETTER_AND_SAFE,
        metadata={
            "description": "better_and_safe: the primary metric better, and harm to"
            " every guardrail ruled out. do_no_harm: harm ruled out for the primary"
            " metric too, which needs a margin. clear_win: better by more than the"
            " change that matters. own: as the other fields say; for the others they"
            " follow from the name."
        },
    )
    primary = Choice(PrimaryTest, metadata={"description": "Asked of the primary."})
    guardrails = Choice(
        GuardrailTest, metadata={"description": "Asked of every guardrail."}
    )
    splits_not_worse = Flag(
        metadata={
            "description": "Whether harm to the primary metric beyond its margin must"
            " be ruled out in each declared split too."
        }
    )


class _DesignFields(StrictSchema):
    name = text(200, required=True)
    hypothesis = identifier(required=True)
    goal = Choice(Goal, required=True)
    assigned_by = Choice(AssignedBy, load_default=AssignedBy.ABIDE)
    unit = Choice(Unit, load_default=Unit.CUSTOMER)
    segment = identifier(
        required=True, metadata={"description": "Key: who is eligible."}
    )
    segment_version = whole(1, load_default=None, metadata={"description": NEWEST})
    variants = Items(
        Part(VariantSchema), required=True, metadata={"minItems": 2, "maxItems": 10}
    )
    coverage = Decimal(
        load_default=1.0,
        metadata={**COVERAGE, "description": "Share of the segment that is enrolled."},
    )
    metrics = Items(Part(MetricChoiceSchema), required=True, metadata={"minItems": 1})
    monitoring_mode = Choice(
        MonitoringMode,
        load_default=MonitoringMode.GROUP_SEQUENTIAL,
        metadata={
            "description": "When estimates are seen: at planned looks, on any day, or"
            " once at the end. Fixed when the plan is locked."
        },
    )
    looks = Items(
        Decimal(metadata={"exclusiveMinimum": 0, "maximum": 1}),
        load_default=list,
        metadata={
            "maxItems": MAX_LOOKS,
            "description": "For group_sequential: shares of the planned size at which"
            " estimates are looked at, rising; the last is 1. Left out: 0.25, 0.5,"
            " 0.75, 1.",
        },
    )
    planned_units = whole(
        20, MAX_UNITS, required=True, metadata={"description": "All variants together."}
    )
    planned_end_at = Time(required=True)
    alpha = number(0.001, 0.2, load_default=0.05)
    exposures_from = Time(
        load_default=None, metadata={"description": "Default: the start."}
    )
    enrolment_ends_at = Time(load_default=None)
    breakdowns = Items(
        Part(SegmentRefSchema),
        load_default=list,
        metadata={"description": "Segments whose results are declared beforehand."},
    )
    post_stratified = Flag(
        load_default=False,
        metadata={
            "description": "Compare means and shares within the breakdowns, then add"
            " up (post-stratification): a smaller error, the same change. For customers"
            " that are drawn one by one."
        },
    )
    parameter_types = Object(
        values=Choice(ParameterType),
        load_default=dict,
        metadata={
            "description": "Type of each parameter; read from the values where left"
            " out. Control gives every parameter a value."
        },
    )
    layer = identifier(
        load_default=None,
        metadata={"description": "Key of the layer whose experiments exclude others."},
    )
    layer_share = Decimal(
        load_default=None,
        metadata={
            "minimum": LEAST_LAYER_SHARE,
            "maximum": 1,
            "description": "Of the layer's customers; taken at the start.",
        },
    )
    decision_rule = Part(DecisionRuleSchema, load_default=dict)
    exposure_point = text(
        1000,
        load_default="",
        metadata={"description": "When a customer first sees a difference."},
    )
    risks = Items(
        Choice(Risk),
        load_default=list,
        metadata={
            "description": "What it touches. Whoever answers for that has to approve"
            " the plan: pricing for price, legal for legal, customer care for"
            " vulnerable and messaging, brand for brand."
        },
    )
    hash_attribute = text(
        64,
        load_default=UNIT_ATTRIBUTE,
        metadata={
            "description": "The attribute that is drawn by: id is the customer's own."
            " For accounts, the one that holds the account's id."
        },
    )
    fallback_attribute = text(
        64,
        load_default=None,
        metadata={"description": "Drawn by where the first is missing."},
    )


class DesignSchema(_DesignFields):
    """An experiment as planned."""

    key = identifier(required=True, metadata={"description": "Never changes."})


class DesignEditSchema(_DesignFields):
    """A draft, saved anew."""

    revision = whole(
        1, required=True, metadata={"description": "The one that was edited."}
    )


class PauseSchema(StrictSchema):
    """A time in which everybody got control."""

    paused_at = Time(required=True)
    resumed_at = Time(required=True, allow_none=True)


class ExperimentSchema(DesignSchema):
    """An experiment: its design, and where it stands."""

    status = Choice(Status, required=True)
    revision = whole(1, required=True)
    owner = Text(required=True, metadata={"description": "E-mail of its owner."})
    created_at = Time(required=True)
    updated_at = Time(required=True)
    phase = whole(0, required=True)
    reviewed_by = Text(
        required=True, allow_none=True, metadata={"description": "E-mail."}
    )
    pre_registered = Flag(required=True)
    holdouts = Items(
        Text(),
        required=True,
        metadata={"description": "Keys of those that began before its start."},
    )
    plan_sha256 = Text(required=True, allow_none=True)
    started_at = Time(required=True, allow_none=True)
    stopped_at = Time(required=True, allow_none=True)
    pauses = Items(Part(PauseSchema), required=True)
    decided_at = Time(required=True, allow_none=True)
    decision = Choice(Decision, required=True, allow_none=True)
    decided_variant = Text(required=True, allow_none=True)
    decision_reason = Text(required=True, allow_none=True)
    sent_back = Part(
        SentBackSchema,
        required=True,
        allow_none=True,
        metadata={"description": "Null once a review is asked for again."},
    )
    decision_proposal = Part(ProposalSchema, required=True, allow_none=True)
    decision_declined = Part(
        DeclinedSchema,
        required=True,
        allow_none=True,
        metadata={"description": "Null once somebody decides again."},
    )
    decided_against = Part(AgainstSchema, required=True, allow_none=True)
    open_tasks = Items(
        Choice(PlanTask),
        required=True,
        metadata={
            "description": "Parts of the plan that nobody has answered on its pages"
            " yet: what a draft says about them is a placeholder."
        },
    )
    actions = Items(Part(ActionSchema), required=True)


class ExperimentSummarySchema(StrictSchema):
    """An experiment as a list shows it."""

    key = identifier(required=True)
    name = Text(required=True)
    hypothesis = identifier(required=True)
    goal = Choice(Goal, required=True)
    assigned_by = Choice(AssignedBy, required=True)
    status = Choice(Status, required=True)
    revision = whole(1, required=True)
    owner = Text(required=True, metadata={"description": "E-mail of its owner."})
    created_at = Time(required=True)
    started_at = Time(required=True, allow_none=True)
    planned_end_at = Time(required=True)
    decision = Choice(Decision, required=True, allow_none=True)


class ExperimentQuery(PageQuery):
    """What the list of experiments may be asked."""

    status = Choice(Status)


class AmendmentSchema(StrictSchema):
    """A change after the lock; the plan itself stays as it was."""

    at = Time(required=True)
    by = Text(required=True)
    reason = Text(required=True)
    change = Text(required=True)


class PlanSchema(StrictSchema):
    """A plan as it was locked."""

    sha256 = Text(required=True, metadata={"description": "Of the canonical text."})
    canonical = Text(
        required=True,
        metadata={"description": "The plan as canonical JSON (RFC 8785), as hashed."},
    )
    plan = Object(required=True)
    locked_at = Time(required=True)
    locked_by = Text(required=True)
    amendments = Items(Part(AmendmentSchema), required=True)
