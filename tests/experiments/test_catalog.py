from sqlalchemy.orm import Session, sessionmaker

from experiments import catalog
from experiments.db import transaction
from tests import factories


def test_draft__complete_design__reads_back_equal(
    sessions: sessionmaker[Session],
) -> None:
    with transaction(sessions) as session:
        ada = factories.make_actor(session)
        factories.make_experiment(session, ada)
    with sessions() as session:
        stored = catalog.get(session, factories.EXPERIMENT)
    assert catalog.to_design(stored) == factories.design_value()
