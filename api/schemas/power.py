"""How large and how long an experiment must be."""

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
    whole,
)
from experiments.design import MAX_LOOKS
from experiments.vocabulary import MonitoringMode, Reason, Unit

_OWN_DATA = (
    "Where accounts are drawn only. Left out: as in the newest results by account, if"
    " there are any."
)
_OWN = "Left out: from own data, where there are any."
MAX_WEEKS = 52
OPEN_SHARE = {"exclusiveMinimum": 0, "exclusiveMaximum": 1}


class KnownSchema(StrictSchema):
    """A metric with what is known of it; what is left out is read from own data."""

    metric = identifier(required=True, metadata={"description": "Its key."})
    version = whole(
        1,
        load_default=None,
        metadata={"description": "Left out, or null: the newest version."},
    )
    baseline = Decimal(
        load_default=None,
        metadata={
            **OPEN_SHARE,
            "description": "Today's share; for times, the share without the event at"
            f" the end of the last day. For shares and times. {_OWN}",
        },
    )
    sd = Decimal(
        load_default=None,
        metadata={
            "exclusiveMinimum": 0,
            "description": "Standard deviation of the outcome over customers; of NPS in"
            " its points, of a ratio (y - R x) over the mean of x. For means of"
            f" answers and amounts. {_OWN}",
        },
    )
    response_share = Decimal(
        load_default=None,
        metadata={
            "exclusiveMinimum": 0,
            "maximum": 1,
            "description": "Share of exposed customers who answer a survey, or who"
            f" are counted, as by making contact. {_OWN} Else 1.",
        },
    )


class GuardrailSchema(KnownSchema):
    """A metric that must not get worse."""

    margin = Decimal(
        required=True,
        metadata={
            "exclusiveMinimum": 0,
            "description": "Largest harm that is accepted, absolute.",
        },
    )


class PowerBodySchema(KnownSchema):
    """What is planned, and what is known before it."""

    effect = Decimal(
        required=True,
        metadata={
            "description": "The change to detect, absolute and signed, on the metric's"
            " scale: 0.015 is 1.5 points up, for times 2 is two days more."
        },
    )
    segment = identifier(
        load_default="",
        metadata={
            "description": "Whose data are read. Left out, or empty: all customers'."
        },
    )
    correlation = number(
        -1,
        1,
        load_default=None,
        allow_none=True,
        metadata={
            "description": "Of the outcome with what the metric adjusts for."
            f" {_OWN} Else 0."
        },
    )
    guardrails = Items(
        Part(GuardrailSchema),
        load_default=list,
        metadata={"maxItems": 50, "description": "Which of them would be protected?"},
    )
    alpha = number(0.001, 0.2, load_default=0.05)
    power = number(0.5, 0.99, load_default=0.8)
    split = Items(
        Decimal(metadata={"exclusiveMinimum": 0, "exclusiveMaximum": 1}),
        load_default=lambda: [0.5, 0.5],
        metadata={
            "minItems": 2,
            "maxItems": 10,
            "description": "Share of each variant, control first; treatments alike."
            " Left out: two halves.",
        },
    )
    coverage = Decimal(load_default=1.0, metadata={"exclusiveMinimum": 0, "maximum": 1})
    monitoring_mode = Choice(
        MonitoringMode,
        load_default=MonitoringMode.GROUP_SEQUENTIAL,
        metadata={"description": "When estimates are seen; it has its price."},
    )
    looks = Items(
        Decimal(metadata={"exclusiveMinimum": 0, "maximum": 1}),
        load_default=list,
        metadata={
            "maxItems": MAX_LOOKS,
            "description": "For group_sequential, as in a design.",
        },
    )
    weekly_customers = Decimal(
        load_default=None,
        metadata={
            "minimum": 0,
            "description": "New customers of the segment who reach the change in every"
            " week, where customers are drawn. Who comes back counts once: say"
            " `arrivals` instead where they are not new in every week. Left out: the"
            " arrivals that own data tell.",
        },
    )
    arrivals = Items(
        Decimal(metadata={"minimum": 0}),
        load_default=list,
        metadata={
            "maxItems": MAX_WEEKS,
            "description": "Of two weeks or more, who comes for the first time in"
            " week 1, 2, ... of enrolment: customers, or accounts where these are"
            " drawn. Further weeks are like the last one, and at most the mean of the"
            " last two. Instead of `weekly_customers` and `weekly_accounts`.",
        },
    )
    unit = Choice(
        Unit,
        load_default=Unit.CUSTOMER,
        metadata={"description": "What is drawn, and so what the size counts."},
    )
    weekly_accounts = Decimal(
        load_default=None,
        metadata={
            "minimum": 0,
            "description": "New accounts that reach the change in every week, where"
            " accounts are drawn. Left out: the arrivals that own data tell.",
        },
    )
    account_customers = Decimal(
        load_default=None,
        metadata={
            "minimum": 1,
            "description": f"Customers of an account on average. {_OWN_DATA}",
        },
    )
    account_cv = Decimal(
        load_default=None,
        metadata={
            "minimum": 0,
            "description": "How much that varies: standard deviation over mean."
            f" {_OWN_DATA}",
        },
    )
    icc = Decimal(
        load_default=None,
        metadata={
            "minimum": 0,
            "maximum": 1,
            "description": "How alike customers of an account are in the metric:"
            f" intra-account correlation. {_OWN_DATA}",
        },
    )


class LookAheadSchema(StrictSchema):
    """When a share of the planned size will have been followed to the end."""

    share = Decimal(required=True)
    at = Time(required=True)


class WeekSchema(StrictSchema):
    """What an experiment could detect if enrolment ended after so many weeks."""

    weeks = whole(1, required=True)
    units = whole(0, 10**12, required=True, metadata={"description": "Enrolled."})
    change = Decimal(
        required=True,
        allow_none=True,
        metadata={"description": "Smallest, absolute; null where there is none."},
    )
    answer_at = Time(required=True)


class ProtectedSchema(StrictSchema):
    """Whether harm to a guardrail can be ruled out at the planned size."""

    metric = identifier(required=True)
    margin = Decimal(required=True)
    chance = Decimal(
        required=True,
        allow_none=True,
        metadata={
            "description": "That harm beyond the margin is ruled out where there is"
            " none; null where the metric is not known."
        },
    )
    protected = Flag(
        required=True,
        metadata={"description": "Whether the chance reaches the power asked for."},
    )
    needed_units = whole(0, 10**12, required=True, allow_none=True)


class FitSchema(StrictSchema):
    """What would fit, where a plan takes too long."""

    weeks = whole(1, required=True)
    change = Decimal(required=True, allow_none=True)
    weekly_units = whole(0, 10**12, required=True, allow_none=True)


class OtherPlanSchema(StrictSchema):
    """Another metric, or other customers, by which the change is found in time."""

    metric = identifier(required=True)
    segment = Text(
        required=True, allow_none=True, metadata={"description": "Null: everybody."}
    )
    weeks = whole(
        1,
        required=True,
        metadata={"description": "Until the last customer has matured."},
    )


class ArrivalsSchema(StrictSchema):
    """Who comes for the first time in each week of enrolment."""

    weeks = Items(
        Decimal(),
        required=True,
        metadata={"description": "In week 1, 2, ...; empty where all are alike."},
    )
    later = Decimal(
        required=True, metadata={"description": "In each of the further weeks."}
    )


class OwnDataSchema(StrictSchema):
    """What the project's own data say of a metric, over customers of late."""

    measured_at = Time(required=True)
    segment = Text(required=True, allow_none=True)
    customers = whole(1, required=True, allow_none=True)
    since = Time(required=True, allow_none=True)
    until = Time(required=True, allow_none=True)
    baseline = Decimal(required=True, allow_none=True)
    sd = Decimal(required=True, allow_none=True)
    response_share = Decimal(required=True)
    correlation = Decimal(required=True)
    arrivals = Part(
        ArrivalsSchema,
        required=True,
        allow_none=True,
        metadata={
            "description": "Of customers, counted over up to eight weeks; null where"
            " fewer than two are known."
        },
    )
    account_arrivals = Part(
        ArrivalsSchema,
        required=True,
        allow_none=True,
        metadata={"description": "Likewise, of accounts."},
    )


class PowerSchema(StrictSchema):
    """Size and duration, or why there is none."""

    name = Text(required=True, metadata={"description": "Of the primary metric."})
    sentence = Text(
        required=True, metadata={"description": "The answer, as the pages say it."}
    )

    computable = Flag(required=True)
    reason = Choice(Reason, required=True, allow_none=True)
    facts = Object(required=True, metadata={"description": "Numbers to the reason."})
    control_count = whole(
        1,
        10**10,
        required=True,
        allow_none=True,
        metadata={
            "description": "Mature customers needed in control; accounts where these"
            " are drawn."
        },
    )
    treatment_count = whole(1, 10**10, required=True, allow_none=True)
    planned_units = whole(
        1,
        10**12,
        required=True,
        allow_none=True,
        metadata={"description": "All variants together."},
    )
    arrivals = Part(
        ArrivalsSchema,
        required=True,
        metadata={"description": "That were reckoned with."},
    )
    enrolment_days = whole(1, required=True, allow_none=True)
    total_days = whole(
        1,
        required=True,
        allow_none=True,
        metadata={"description": "Until the last customer has matured."},
    )
    first_answer_at = Time(
        required=True,
        allow_none=True,
        metadata={
            "description": "If it started now: when an answer is due that holds"
            " whatever it says."
        },
    )
    looks = Items(Part(LookAheadSchema), required=True)
    event_count = whole(
        1,
        10**12,
        required=True,
        allow_none=True,
        metadata={
            "description": "For times: events in control and one treatment together."
        },
    )
    hazard_ratio = Decimal(
        required=True,
        allow_none=True,
        metadata={"description": "For times: as which the change was taken."},
    )
    by_week = Items(Part(WeekSchema), required=True)
    guardrails = Items(Part(ProtectedSchema), required=True)
    would_fit = Items(
        Part(FitSchema),
        required=True,
        metadata={"description": "Where it takes too long; else empty."},
    )
    others_that_fit = Items(
        Part(OtherPlanSchema),
        required=True,
        metadata={
            "description": "Where it takes too long: by own data, a signal that is"
            " known earlier, or the same metric for other customers; at most two of"
            " each. Of the newest versions; none where accounts are drawn."
        },
    )
    own_data = Part(OwnDataSchema, required=True, allow_none=True)
    design_effect = Decimal(
        required=True,
        allow_none=True,
        metadata={
            "description": "How many times the customers that would do if each were"
            " drawn alone; null where they are."
        },
    )
    planned_customers = whole(
        1,
        required=True,
        allow_none=True,
        metadata={"description": "Those of all planned accounts; null likewise."},
    )
    assumed = Object(
        required=True,
        metadata={
            "description": "Where accounts are drawn: account_customers, account_cv and"
            " icc that were reckoned with, and the experiment they are from, null where"
            " all were given."
        },
    )
