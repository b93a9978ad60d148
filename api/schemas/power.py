"""How large and how long an experiment must be."""

from api.schemas.fields import (
    Choice,
    Decimal,
    Flag,
    Items,
    Object,
    StrictSchema,
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
OPEN_SHARE = {"exclusiveMinimum": 0, "exclusiveMaximum": 1}


class PowerBodySchema(StrictSchema):
    """What is planned, and what is known before it."""

    metric = identifier(
        required=True, metadata={"description": "Key of the primary metric."}
    )
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
            " the last day. Needed for all but means of answers.",
        },
    )
    sd = Decimal(
        load_default=None,
        metadata={
            "exclusiveMinimum": 0,
            "description": "Standard deviation of the score (of NPS in its points)."
            " Needed for means of answers: CSAT, NPS, effort.",
        },
    )
    effect = Decimal(
        required=True,
        metadata={
            "description": "The change to detect, absolute and signed: 0.015 is 1.5"
            " points up."
        },
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
    response_share = Decimal(
        load_default=1.0,
        metadata={
            "exclusiveMinimum": 0,
            "maximum": 1,
            "description": "Share of exposed customers who answer a survey, or who"
            " are counted, as by making contact.",
        },
    )
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
            "description": "New customers of the segment who reach the change a week."
            " Needed where customers are drawn.",
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
            "description": "Accounts that reach the change for the first time a week."
            " Needed where accounts are drawn.",
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


class PowerSchema(StrictSchema):
    """Size and duration, or why there is none."""

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
    enrolment_days = whole(1, required=True, allow_none=True)
    total_days = whole(
        1,
        required=True,
        allow_none=True,
        metadata={"description": "Until the last customer has matured."},
    )
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
