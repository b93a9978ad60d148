"""Pages of metrics and segments name the experiments that use them."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from experiments import accounts
from experiments.context import Context
from experiments.db import transaction
from experiments.models import Person
from experiments.vocabulary import PersonRole, ResultPhase
from tests.analysis.run_examples import finish
from tests.factories import CSAT, NOW, RETENTION, make_metric, start_experiment
from tests.web.conftest import Visitor

SignIn = Callable[..., Visitor]
LATER = NOW + timedelta(days=60)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def test_metric__that_experiments_use__names_them_with_what_came_out(
    signed_in: SignIn, context: Context
) -> None:
    visitor = signed_in(PersonRole.ADMIN)
    with transaction(context.sessions) as session:
        owner = accounts.actor_for(session.get_one(Person, 1))
        first = start_experiment(session, owner, key="first", name="The first")
        finish(session, first, at=LATER)
        second = start_experiment(session, owner, key="second", name="The second")
        finish(session, second, at=LATER, phase=ResultPhase.COUNTING)
        segment = first.segment_version.segment.key
    page = visitor.get(f"/catalogue/{RETENTION}").text
    used = page[page.index("Where it is used") :]
    assert used.index("The second") < used.index("The first")
    assert used.count("No answer yet") == 1
    # The answer of run_examples.finish: retention rose by 1.9 points.
    assert "rose by 1.9 points" in used[used.index("The first") :]
    assert "Primary" in used
    assert "Guardrail" in visitor.get(f"/catalogue/{CSAT}").text
    page = visitor.get(f"/segments/{segment}").text
    assert "The first" in page[page.index("Where it is used") :]


def test_metric__that_nobody_uses__says_so(signed_in: SignIn, context: Context) -> None:
    visitor = signed_in(PersonRole.ANALYST)
    with transaction(context.sessions) as session:
        make_metric(session, "lonely", name="Lonely")
    assert "No experiment uses it yet." in visitor.get("/catalogue/lonely").text
