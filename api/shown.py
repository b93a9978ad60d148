"""How an experiment is laid out for its schemas."""

import dataclasses
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from experiments import accounts, catalog, lifecycle, plan_lock
from experiments.actors import Actor
from experiments.decisions import Proposal
from experiments.design import Design
from experiments.models import Experiment
from experiments.vocabulary import Verdict

_COLUMNS = (
    "status",
    "revision",
    "created_at",
    "updated_at",
    "phase",
    "pre_registered",
    "started_at",
    "stopped_at",
    "pauses",
    "decided_at",
    "decision",
    "decided_variant",
    "decision_reason",
    "open_tasks",
)
_SUMMARY = (
    "key",
    "name",
    "goal",
    "assigned_by",
    "status",
    "revision",
    "created_at",
    "started_at",
    "planned_end_at",
    "decision",
)
_DESIGN = tuple(field.name for field in dataclasses.fields(Design))


def whole_experiment(session: Session, row: Experiment, actor: Actor) -> dict[str, Any]:
    """Lay out an experiment as `ExperimentSchema` shows it.

    Args:
        session: where its plan and what may be done is looked up.
        row: with all it names.
        actor: whose actions are told.

    Returns:
        The values by field.
    """
    design = catalog.to_design(row)
    plan = plan_lock.plan_row(session, row)
    reviewer = row.reviewed_by
    return {
        **{name: getattr(design, name) for name in _DESIGN},
        **{name: getattr(row, name) for name in _COLUMNS},
        "owner": row.owner.email,
        "holdouts": [holdout["key"] for holdout in row.holdouts],
        "reviewed_by": None if reviewer is None else reviewer.email,
        "plan_sha256": None if plan is None else plan.sha256,
        "sent_back": _sent_back(session, row),
        "decision_proposal": _proposal(session, row.decision_proposal),
        "decision_declined": _declined(session, row),
        "decided_against": _against(session, row),
        "actions": lifecycle.allowed_actions(session, row, actor),
    }


def _sent_back(session: Session, row: Experiment) -> dict[str, Any] | None:
    return None if row.sent_back is None else _refusal(session, row.sent_back)


def _refusal(session: Session, found: dict[str, Any]) -> dict[str, Any]:
    person_id = found["person_id"]
    return {
        "by": None if person_id is None else accounts.get(session, person_id).email,
        "reason": found["reason"],
        "at": datetime.fromisoformat(found["at"]),
    }


def _against(session: Session, row: Experiment) -> dict[str, Any] | None:
    found = row.decided_against
    if found is None:
        return None
    who = found["person_id"]
    return {
        "verdict": None if found["verdict"] is None else Verdict(found["verdict"]),
        "confirmed_by": None if who is None else accounts.get(session, who).email,
    }


def _declined(session: Session, row: Experiment) -> dict[str, Any] | None:
    found = row.decision_declined
    if found is None:
        return None
    return {
        **_refusal(session, found),
        "proposal": _proposal(session, found["proposal"]),
    }


def _proposal(session: Session, body: dict[str, Any] | None) -> dict[str, Any] | None:
    if body is None:
        return None
    proposal = Proposal.from_json(body)
    return {
        "decision": proposal.decision,
        "variant": proposal.variant,
        "reason": proposal.reason,
        "by": accounts.get(session, proposal.person_id).email,
    }


def experiment_summary(row: Experiment) -> dict[str, Any]:
    """Lay out an experiment as a list shows it."""
    return {
        **{name: getattr(row, name) for name in _SUMMARY},
        "hypothesis": row.hypothesis.key,
        "owner": row.owner.email,
    }
