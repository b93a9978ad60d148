"""What most teams measure, ready to start from: names, meanings, definitions.

The names of events are those that many apps send; whoever starts from a template puts
their own in their place.
"""

from dataclasses import dataclass

from experiments.metric_definition import (
    USUAL_CAP_SHARE,
    USUAL_COVARIATE_DAYS,
    MetricDefinition,
)
from experiments.survey_kinds import NPS_TOP, PROMOTERS_FROM
from experiments.vocabulary import Direction, MetricKind


@dataclass(frozen=True, slots=True)
class MetricTemplate:
    """A metric to start from.

    Attributes:
        key: names it in addresses.
        name: as the new metric is called.
        meaning: what it means for the customer.
        definition: complete.
    """

    key: str
    name: str
    meaning: str
    definition: MetricDefinition


_UP, _DOWN = Direction.INCREASE, Direction.DECREASE

TEMPLATES = (
    MetricTemplate(
        "retention",
        "Day-30 retention",
        "The customer still uses the product a month later.",
        MetricDefinition(MetricKind.RETENTION, _UP, events=("App Opened",)),
    ),
    MetricTemplate(
        "came-back",
        "Back on day 30 or later",
        "The customer came back at some time in the second month.",
        MetricDefinition(
            MetricKind.UNBOUNDED_RETENTION,
            _UP,
            events=("App Opened",),
            window_days=30,
        ),
    ),
    MetricTemplate(
        "churn",
        "Churn by day 30",
        "The customer stops using the product for two weeks.",
        MetricDefinition(MetricKind.CHURN, _DOWN, events=("App Opened",)),
    ),
    MetricTemplate(
        "cancellation",
        "Cancellation by day 90",
        "The customer ends the contract; a failed payment is counted apart.",
        MetricDefinition(
            MetricKind.CANCELLATION,
            _DOWN,
            events=("Subscription Cancelled",),
            day=90,
            competing_events=("Payment Failed",),
        ),
    ),
    MetricTemplate(
        "csat",
        "CSAT",
        "How satisfied the customer says to be, from 1 to 5.",
        MetricDefinition(MetricKind.CSAT_MEAN, _UP, satisfied_from=5),
    ),
    MetricTemplate(
        "nps",
        "NPS",
        "Whether the customer would recommend us.",
        MetricDefinition(
            MetricKind.NPS, _UP, scale=NPS_TOP, satisfied_from=PROMOTERS_FROM
        ),
    ),
    MetricTemplate(
        "ces",
        "Effort (CES)",
        "How easy the customer found it to get something done, from 1 to 7.",
        MetricDefinition(MetricKind.CES_MEAN, _UP, scale=7, satisfied_from=7),
    ),
    MetricTemplate(
        "repeat-purchase",
        "Repeat purchase within 60 days",
        "The customer was content enough to buy again.",
        MetricDefinition(
            MetricKind.EVENT_SHARE,
            _UP,
            events=("Order Completed",),
            day=0,
            window_days=60,
            at_least=2,
        ),
    ),
    MetricTemplate(
        "set-up-finished",
        "Set-up finished within 7 days",
        "The customer gets through the set-up, and does not stop on the way.",
        MetricDefinition(
            MetricKind.FUNNEL,
            _UP,
            events=("Signed Up", "Profile Completed", "First Project Created"),
            day=7,
        ),
    ),
    MetricTemplate(
        "first-contact-resolution",
        "First-contact resolution",
        "The customer asks once, and need not ask again.",
        MetricDefinition(
            MetricKind.FIRST_CONTACT_RESOLUTION,
            _UP,
            events=("Ticket Opened",),
            day=28,
            gap_days=7,
        ),
    ),
    MetricTemplate(
        "time-to-resolution",
        "Time to resolution",
        "How long the customer waits until a case is solved.",
        MetricDefinition(
            MetricKind.TIME_TO_EVENT,
            _DOWN,
            events=("Ticket Solved",),
            start_events=("Ticket Opened",),
            day=14,
            window_days=28,
        ),
    ),
    MetricTemplate(
        "time-to-first-value",
        "Time to first value",
        "How long it takes until the product does something for the customer.",
        MetricDefinition(
            MetricKind.TIME_TO_EVENT, _DOWN, events=("First Report Created",), day=14
        ),
    ),
    MetricTemplate(
        "clv",
        "Customer value within 180 days (CLV)",
        "What the customer spends with us in half a year.",
        MetricDefinition(
            MetricKind.VALUE_SUM,
            _UP,
            events=("Order Completed",),
            day=0,
            window_days=180,
            cap_share=USUAL_CAP_SHARE[MetricKind.VALUE_SUM],
            unit="EUR",
            covariate_days=USUAL_COVARIATE_DAYS,
        ),
    ),
    MetricTemplate(
        "cost-to-serve",
        "Cost to serve within 30 days",
        "How much help the customer needs, as what it costs us.",
        MetricDefinition(
            MetricKind.VALUE_SUM,
            _DOWN,
            events=("Support Cost Booked",),
            day=0,
            window_days=30,
            cap_share=USUAL_CAP_SHARE[MetricKind.VALUE_SUM],
            unit="EUR",
            covariate_days=USUAL_COVARIATE_DAYS,
        ),
    ),
)


def template(key: str | None) -> MetricTemplate | None:
    """Find a template; None for one that there is not."""
    return next((each for each in TEMPLATES if each.key == key), None)
