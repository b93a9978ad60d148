"""What customers see after each step of an experiment.

Where Abide assigns the variants it happens; where another system does, Abide can only
say what to ask that system for.
"""

from dataclasses import dataclass, replace

from experiments.models import Experiment
from experiments.vocabulary import AssignedBy, Status


@dataclass(frozen=True, slots=True)
class CustomersSee:
    """Sentences on what customers see.

    `control` goes on after a colon; `shipped` follows "ship NAME."; `headline` stands
    above the page that stops an experiment; the others stand beside a button and are
    said again when it was pressed.
    """

    control: str
    shipped: str
    headline: str
    pause: str
    resume: str
    stop_enrolment: str
    stop: str
    decide: str
    steps: str


_HERE = CustomersSee(
    control="every customer gets control.",
    shipped="Every customer of the segment gets it.",
    headline="Every customer gets control, at once",
    pause="Every customer gets control until you resume.",
    resume="Every customer gets the same variant as before the pause.",
    stop_enrolment="Customers in it keep their variant until the last one counts.",
    stop="Every customer gets control, at once and for good.",
    decide="Every customer of the segment gets what you ship, or else control.",
    steps="Start, raise the coverage or stop at a time you choose.",
)
_ELSEWHERE = CustomersSee(
    control="ask the system that assigns the variants to show control.",
    shipped="Ask the system that assigned the variants to give it to everybody.",
    headline="Ask the system that assigns the variants to show control",
    pause="Ask the system that assigns the variants to show control meanwhile.",
    resume="Ask the system that assigns the variants to go on as before.",
    stop_enrolment="Ask the system that assigns the variants to take in nobody new.",
    stop="Ask the system that assigns the variants to show control from now on.",
    decide="Then ask the system that assigns the variants to do what you decide.",
    steps="Start or stop at a time you choose.",
)


def customers_see(experiment: Experiment) -> CustomersSee:
    """Choose the sentences that are true for this experiment."""
    own = experiment.assigned_by == AssignedBy.ABIDE.value
    see = _HERE if own else _ELSEWHERE
    if experiment.status in {Status.DRAFT.value, Status.IN_REVIEW.value}:
        return see
    later = "Raise the coverage or stop" if own else "Stop"
    return replace(see, steps=f"{later} at a time you choose.")
