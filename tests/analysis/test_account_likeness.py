"""What stored results tell about accounts."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session, sessionmaker

from analysis.account_likeness import known_likeness
from experiments.db import transaction
from experiments.models import Experiment
from experiments.vocabulary import ResultPhase, Unit
from tests.analysis.run_examples import clustered, finish
from tests.factories import CSAT, NOW, RETENTION, make_actor, start_experiment

LATER = NOW + timedelta(days=60)


@pytest.fixture
def experiment(sessions: sessionmaker[Session]) -> Experiment:
    with transaction(sessions) as session:
        return start_experiment(
            session,
            make_actor(session),
            unit=Unit.ACCOUNT,
            hash_attribute="accountId",
        )


def test_known__results_of_the_metric__customers_spread_and_likeness(
    sessions: sessionmaker[Session], experiment: Experiment
) -> None:
    with transaction(sessions) as session:
        assert known_likeness(session, RETENTION) is None
        finish(session, experiment, at=LATER, primary=clustered())
        found = known_likeness(session, RETENTION)
        other = known_likeness(session, CSAT)

    assert found is not None
    assert found.experiment == experiment.key
    assert found.customers == pytest.approx(4)
    assert found.cv == pytest.approx(0.5)
    assert found.icc == pytest.approx(1)
    # Accounts are as large whatever is measured; how alike they are is the metric's.
    assert other is not None
    assert (other.customers, other.icc) == (found.customers, None)


def test_known__results_that_may_not_be_shown_yet__are_not_read(
    sessions: sessionmaker[Session], experiment: Experiment
) -> None:
    with transaction(sessions) as session:
        finish(
            session,
            experiment,
            at=LATER,
            primary=clustered(),
            phase=ResultPhase.COUNTING,
        )
        assert known_likeness(session, RETENTION) is None
