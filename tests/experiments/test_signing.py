"""Who has to sign a plan, by what it touches."""

import pytest
from sqlalchemy.orm import Session, sessionmaker

from experiments import accounts, catalog, lifecycle, signing
from experiments.actors import SYSTEM, Actor
from experiments.db import transaction
from experiments.errors import Conflict, Forbidden, InvalidInput
from experiments.vocabulary import Action, PersonRole, PlanTask, Risk, Signer, Status
from tests.factories import (
    EXPERIMENT,
    NOW,
    design_value,
    make_actor,
    make_experiment,
    make_hypothesis,
    make_metric,
    make_person,
)

Sessions = sessionmaker[Session]


def signer(session: Session, name: str, *signs: Signer) -> Actor:
    person = make_person(session, name, PersonRole.APPROVER)
    accounts.set_signs_for(session, person.id, signs, actor=SYSTEM, now=NOW)
    return accounts.actor_for(person)


def walk(
    session: Session, action: Action, actor: Actor, reason: str | None = None
) -> str:
    return lifecycle.transition(
        session, EXPERIMENT, action, actor, NOW, reason=reason
    ).status


def test_needed__by_risk__is_named_once_in_order() -> None:
    risks = [Risk.MESSAGING, Risk.VULNERABLE, Risk.PRICE]
    assert signing.needed(risks) == [Signer.PRICING, Signer.CARE]
    assert set(signing.SIGNER_OF) == set(Risk)
    assert set(signing.SIGNER_NAMES) == set(Signer)


def test_approval__of_a_plan_with_risks__takes_everybody_who_answers_for_them(
    sessions: Sessions,
) -> None:
    with transaction(sessions) as session:
        owner = make_actor(session)
        make_experiment(session, owner, risks=(Risk.PRICE, Risk.LEGAL))
        anybody = signer(session, "Any")
        legal = signer(session, "Lea", Signer.LEGAL)
        pricing = signer(session, "Pia", Signer.PRICING, Signer.BRAND)
        walk(session, Action.SUBMIT, owner)
        with pytest.raises(Forbidden, match="signs for pricing and legal"):
            walk(session, Action.APPROVE, anybody)
        walk(session, Action.APPROVE, legal)
        with pytest.raises(Conflict, match="Another person has to approve"):
            walk(session, Action.START, owner)
        with pytest.raises(Forbidden, match="signs for pricing has"):
            walk(session, Action.APPROVE, legal)
        # What was signed once is signed anew after the plan was sent back.
        walk(session, Action.SEND_BACK, legal, reason="The price is not agreed.")
        assert catalog.get(session, EXPERIMENT).approvals == []
        walk(session, Action.SUBMIT, owner)
        walk(session, Action.APPROVE, pricing)
        walk(session, Action.APPROVE, legal)
        approvals = catalog.get(session, EXPERIMENT).approvals
        assert [(a["name"], a["signs_for"]) for a in approvals] == [
            ("Pia", ["pricing"]),
            ("Lea", ["legal"]),
        ]
        assert walk(session, Action.START, owner) == Status.RUNNING


def test_own_plan__with_risks__is_not_signed_by_its_author(sessions: Sessions) -> None:
    with transaction(sessions) as session:
        owner = signer(session, "Lea", Signer.LEGAL)
        make_experiment(session, owner, risks=(Risk.LEGAL,))
        walk(session, Action.SUBMIT, owner)
        with pytest.raises(Forbidden, match="Nobody approves their own plan"):
            walk(session, Action.APPROVE, owner)


def test_draft__answered_task_by_task__starts_only_when_it_is_whole(
    sessions: Sessions,
) -> None:
    with transaction(sessions) as session:
        owner = make_actor(session)
        make_hypothesis(session, owner)
        make_metric(session, "csat")
        whole = design_value()
        begun = design_value(planned_units=0, planned_end_at=NOW, metrics=())
        first = catalog.draft(session, begun, owner, NOW, task=PlanTask.HYPOTHESIS)
        assert first.open_tasks == [task.value for task in list(PlanTask)[1:]]
        with pytest.raises(InvalidInput) as refused:
            catalog.edit(session, begun, 1, owner, NOW, task=PlanTask.DURATION)
        assert set(refused.value.fields) == {"planned_units"}
        saved = catalog.edit(session, begun, 1, owner, NOW, task=PlanTask.RISK)
        assert PlanTask.RISK not in saved.open_tasks
        for action in (Action.SUBMIT, Action.START):
            with pytest.raises(Conflict, match="Open: Customers, Variants, Metrics"):
                walk(session, action, owner)
        # Saved whole, as the API does, it is whole.
        saved = catalog.edit(session, whole, 2, owner, NOW)
        assert saved.open_tasks == []
        assert walk(session, Action.START, owner) == Status.RUNNING
