from sqlalchemy.orm import Session, sessionmaker

from experiments import lifecycle
from experiments.db import transaction
from experiments.plan import sha256_of
from experiments.vocabulary import Status
from tests import factories


def test_start__complete_draft__freezes_the_plan_with_its_hash(
    sessions: sessionmaker[Session],
) -> None:
    with transaction(sessions) as session:
        ada = factories.make_actor(session)
        experiment = factories.start_experiment(session, ada)
    with sessions() as session:
        plan, sha256 = lifecycle.locked_plan(session, experiment)
    assert experiment.status == Status.RUNNING
    assert sha256 == sha256_of(plan.canonical_json())
    assert plan.design == factories.design_value()
    assert plan.pre_registered
    assert plan.exposures_from == plan.locked_at == factories.NOW
