"""What an analysis says, as far as the plan allows to show it."""

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
    whole,
)
from experiments.vocabulary import (
    CertificateStanding,
    CheckState,
    HealthCheck,
    Reason,
    ResultPhase,
    Role,
    RunState,
    SentenceCase,
    Verdict,
)

BEFORE_THE_END = "Absent until the plan allows to show it."


class IntervalSchema(StrictSchema):
    """A two-sided confidence interval; null is an end without bound."""

    low = Decimal(required=True, allow_none=True)
    high = Decimal(required=True, allow_none=True)
    level = Decimal(required=True, metadata={"description": "0.95 is 95 %."})


class ArmSchema(StrictSchema):
    """One variant's own value, on the metric's scale."""

    n = whole(0, required=True, metadata={"description": "Customers that count."})
    value = Decimal(required=True, allow_none=True)
    interval = Part(IntervalSchema, required=True, allow_none=True)
    n_accounts = whole(
        0,
        required=True,
        allow_none=True,
        metadata={"description": "Whose customers they are; null: none are drawn."},
    )
    n_missing = whole(0, required=True)
    n_nonfinite = whole(0, required=True)
    n_immature = whole(0, required=True)


class LiftSchema(StrictSchema):
    """Relative change against control (0.12 is +12 %), or why there is none."""

    computable = Flag(required=True)
    value = Decimal()
    interval = Part(IntervalSchema)
    method = Text()
    reason = Choice(Reason)
    facts = Object()


class OutcomeSchema(StrictSchema):
    """Treatment against control, or why that cannot be computed."""

    computable = Flag(required=True)
    reason = Choice(Reason)
    facts = Object(metadata={"description": "Numbers to the method or the reason."})
    method = Text()
    control = Part(ArmSchema)
    treatment = Part(ArmSchema)
    effect = Decimal(
        metadata={"description": "Treatment minus control, on the metric's scale."}
    )
    interval = Part(IntervalSchema)
    p_value = Decimal(
        allow_none=True, metadata={"description": "Two-sided, of the effect."}
    )
    lift = Part(LiftSchema)
    graded = Items(
        Part(IntervalSchema),
        metadata={"description": "Further intervals for a chart, widest last."},
    )


class ResultSchema(StrictSchema):
    """One metric, one treatment, one segment."""

    metric = identifier(required=True)
    metric_version = whole(1, required=True)
    role = Choice(Role, required=True)
    variant = identifier(required=True)
    segment = Text(required=True, metadata={"description": "Empty is everybody."})
    case = Choice(SentenceCase, required=True)
    sentence = Text(required=True)
    outcome = Part(OutcomeSchema, metadata={"description": BEFORE_THE_END})
    details = Object(required=True, metadata={"description": "Further read-outs."})


class CheckSchema(StrictSchema):
    """How one trust check came out."""

    name = Choice(HealthCheck, required=True)
    state = Choice(CheckState, required=True)
    sentence = Text(required=True)
    facts = Object(required=True)


class RunResultsSchema(StrictSchema):
    """The last good analysis."""

    experiment = identifier(required=True)
    phase = Choice(ResultPhase, required=True)
    as_of = Time(required=True)
    data_cutoff = Time(required=True, allow_none=True)
    due_at = Time(
        required=True,
        allow_none=True,
        metadata={"description": "When an answer is expected."},
    )
    verdict = Choice(Verdict, required=True)
    variant = Text(required=True, allow_none=True)
    clause = Text(required=True, metadata={"description": "What decided, in words."})
    answer = Text(required=True, metadata={"description": "The lead sentence."})
    counts = Object(required=True, metadata={"description": "Customers, by variant."})
    checks = Items(Part(CheckSchema), required=True)
    results = Items(Part(ResultSchema), required=True)
    failed_since = Time(
        required=True,
        allow_none=True,
        metadata={"description": "When a later analysis failed."},
    )
    erased_since = Flag(
        required=True,
        metadata={"description": "Customers were erased whom its sums still count."},
    )
    primary_certificate = Choice(
        CertificateStanding,
        required=True,
        metadata={
            "description": "Whether the metric that decides has a valid certificate."
        },
    )
    plan_sha256 = Text(required=True)
    ruleset_revision = whole(1, required=True, allow_none=True)
    code_version = Text(required=True)


class LookReadingSchema(StrictSchema):
    """One metric, one treatment, one segment, as a look showed it."""

    metric = identifier(required=True)
    variant = identifier(required=True)
    segment = Text(required=True, metadata={"description": "Empty is everybody."})
    information = Decimal(
        required=True, metadata={"description": "1 / variance of the estimate."}
    )
    z = Decimal(required=True, metadata={"description": "Estimate / standard error."})
    boundary = Decimal(
        required=True, metadata={"description": "Beyond it, the look decides."}
    )
    crossed = Flag(required=True)
    effect = Decimal(required=True)
    low = Decimal(required=True, allow_none=True)
    high = Decimal(required=True, allow_none=True)
    seen_low = Decimal(required=True, allow_none=True)
    seen_high = Decimal(required=True, allow_none=True)
    seen_p = Decimal(
        required=True,
        metadata={"description": "Smallest anytime p-value so far; for always_valid."},
    )


class LookSchema(StrictSchema):
    """A look at the estimates, as it was taken."""

    number = whole(1, required=True)
    as_of = Time(required=True)
    mature_units = whole(0, required=True)
    fraction = Decimal(
        required=True, metadata={"description": "Of the planned size, when taken."}
    )
    spent = Decimal(
        required=True,
        metadata={"description": "Of the accepted false alarms, by then."},
    )
    ended = Flag(required=True, metadata={"description": "No look comes after it."})
    readings = Items(Part(LookReadingSchema), required=True)


class LooksSchema(StrictSchema):
    """The looks of an experiment, in their order."""

    looks = Items(Part(LookSchema), required=True)


class RunSchema(StrictSchema):
    """One analysis, as the list of them shows it."""

    id = whole(1, required=True)
    state = Choice(RunState, required=True)
    phase = Choice(ResultPhase, required=True, allow_none=True)
    started_at = Time(required=True)
    finished_at = Time(required=True)
    as_of = Time(required=True)
    data_cutoff = Time(required=True, allow_none=True)
    verdict = Choice(Verdict, required=True, allow_none=True)
    error = Text(required=True, allow_none=True)
    plan_sha256 = Text(required=True)
    ruleset_revision = whole(1, required=True, allow_none=True)
    store_version = whole(0, required=True, allow_none=True)
    code_version = Text(required=True)
