"""Decisions: what a person decides, beside what the rule recommends."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from experiments import accounts
from experiments.actors import Actor
from experiments.design import Design
from experiments.errors import Conflict, Forbidden
from experiments.field_faults import Faults
from experiments.lessons import Lessons
from experiments.lookups import owner_of
from experiments.models import Experiment
from experiments.vocabulary import Decision, PersonRole, Verdict

MIN_REASON_AGAINST = 30
MAX_REASON = 2000

# Which decisions follow a verdict. Not shipping is what the rule says when it does
# not say ship; shipping without its word is always against it.
_FOLLOWS: dict[Verdict | None, frozenset[Decision]] = {
    Verdict.SHIP: frozenset({Decision.SHIP}),
    Verdict.DO_NOT_SHIP: frozenset({Decision.DO_NOT_SHIP}),
    Verdict.UNDECIDED: frozenset(
        {Decision.UNDECIDED, Decision.RUN_AGAIN, Decision.DO_NOT_SHIP}
    ),
    Verdict.KEEP_RUNNING: frozenset(),
    Verdict.DO_NOT_USE: frozenset({Decision.RUN_AGAIN, Decision.UNDECIDED}),
    None: frozenset({Decision.DO_NOT_SHIP, Decision.UNDECIDED, Decision.RUN_AGAIN}),
}


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What the plan's rule says; the caller reads it from the latest result."""

    verdict: Verdict
    variant: str | None = None  # the one to ship
    run_id: int | None = None  # of the analysis that says so


@dataclass(frozen=True, slots=True)
class Proposal:
    """A decision as somebody states it.

    Attributes:
        decision: what to do.
        variant: the treatment to ship; None for anything but ship.
        reason: in words.
        person_id: who states it.
        lessons: what was learned.
        run_id: the analysis that was known then.
        is_against: whether the rule says otherwise, or nothing yet.
        verdict: what the rule says.
    """

    decision: Decision
    variant: str | None
    reason: str
    person_id: int
    lessons: Lessons = field(default_factory=Lessons)
    run_id: int | None = None
    is_against: bool = False
    verdict: Verdict | None = None

    def to_json(self) -> dict[str, Any]:
        """Write it for the column that keeps it until it is confirmed."""
        return {
            "decision": self.decision.value,
            "variant": self.variant,
            "reason": self.reason,
            "person_id": self.person_id,
            "lessons": self.lessons.to_json(),
            "run_id": self.run_id,
            "is_against": self.is_against,
            "verdict": None if self.verdict is None else self.verdict.value,
        }

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> "Proposal":
        """Read it back."""
        # Whatever waited to be confirmed was against the rule.
        found = {"is_against": True, **body, "decision": Decision(body["decision"])}
        if found.get("verdict") is not None:
            found["verdict"] = Verdict(found["verdict"])
        if "lessons" in body:  # those that waited before there were any have none
            found["lessons"] = Lessons.from_json(body["lessons"])
        return cls(**found)


def propose(  # what a decision is made of, each by name
    design: Design,
    actor: Actor,
    now: datetime,
    *,
    decision: Decision | None,
    variant: str | None,
    reason: str | None,
    recommendation: Recommendation | None,
    lessons: Lessons | None = None,
) -> Proposal:
    """Check a decision, and refuse one that is incomplete.

    Args:
        design: of the experiment.
        actor: who decides.
        now: aware UTC.
        decision: what to do.
        variant: the treatment to ship.
        reason: in words; at least 30 characters against the recommendation.
        recommendation: what the rule says; None when there is no result.
        lessons: what was learned.

    Returns:
        The decision, complete.
    """
    faults, learned = Faults(), lessons or Lessons()
    learned.check(faults, now)
    text = (reason or "").strip()
    faults.text("reason", text, MAX_REASON, "the reason for this decision")
    if decision is None:
        faults.add("decision", "Choose ship, do not ship, run again or undecided.")
    treatments = [v.name for v in design.treatments]
    if decision == Decision.SHIP and variant not in treatments:
        names = " or ".join(f'"{name}"' for name in treatments)
        faults.add("variant", f"Choose which variant to ship: {names}.")
    if decision != Decision.SHIP and variant is not None:
        faults.add("variant", "Only the decision to ship names a variant.")
    against = decision is not None and not follows(recommendation, decision, variant)
    if against and len(text) < MIN_REASON_AGAINST:
        faults.add(
            "reason",
            "This is against the recommendation. Give a reason of at least"
            f" {MIN_REASON_AGAINST} characters.",
        )
    faults.raise_if_any("This decision is not complete yet.")
    person_id = owner_of(actor, "a decision")
    return Proposal(
        decision or Decision.UNDECIDED,
        variant,
        text,
        person_id,
        learned,
        None if recommendation is None else recommendation.run_id,
        against,
        None if recommendation is None else recommendation.verdict,
    )


def follows(
    recommendation: Recommendation | None, decision: Decision, variant: str | None
) -> bool:
    """Whether a decision is what the rule recommends.

    Args:
        recommendation: what the rule says; None when there is no result.
        decision: what a person decides.
        variant: the treatment to ship.

    Returns:
        True when it is; shipping another variant than the recommended one is not.
    """
    if recommendation is None:
        return decision in _FOLLOWS[None]
    if decision == Decision.SHIP and recommendation.variant != variant:
        return False
    return decision in _FOLLOWS[recommendation.verdict]


def waiting(experiment: Experiment) -> Proposal:
    """Read the decision that waits for a second person, or raise Conflict."""
    if not experiment.decision_proposal:
        raise Conflict("No decision waits to be confirmed.")
    return Proposal.from_json(experiment.decision_proposal)


def check_none_waits(_session: Session, experiment: Experiment, _actor: Actor) -> None:
    """Refuse (Conflict) another decision while one waits: it would go unread."""
    if experiment.decision_proposal:
        raise Conflict(
            "A decision waits for a second person already. It has to be confirmed or"
            " declined before there is another."
        )


def check_confirm(_session: Session, experiment: Experiment, actor: Actor) -> None:
    """Refuse whoever decided to confirm it (Forbidden)."""
    if actor.person_id in {None, waiting(experiment).person_id}:
        raise Forbidden("A second person has to confirm this decision.")


def check_decline(_session: Session, experiment: Experiment, actor: Actor) -> None:
    """Let whoever decided take it back, and approvers decline it (Forbidden)."""
    if actor.person_id != waiting(experiment).person_id:
        actor.require(PersonRole.APPROVER, "decline what somebody else decided")


def needs_second_person(
    session: Session, proposal: Proposal, recommendation: Recommendation | None
) -> bool:
    """Whether somebody else must confirm: against the rule, where there are two."""
    if follows(recommendation, proposal.decision, proposal.variant):
        return False
    return accounts.active_count(session) > 1
