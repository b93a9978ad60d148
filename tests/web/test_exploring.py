"""Results by segments that nobody declared: shown as ideas, beside a final answer."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from experiments import accounts
from experiments.context import Context
from experiments.db import transaction
from experiments.models import Experiment, Person
from experiments.vocabulary import PersonRole, ResultPhase
from tests.analysis.run_examples import BAD_SPLIT, explored_splits, finish
from tests.factories import EXPERIMENT, NOW, start_experiment
from tests.web.conftest import Visitor
from tests.web.markup import text_of

SignIn = Callable[..., Visitor]
PAGE = f"/experiments/{EXPERIMENT}/results"
LATER = NOW + timedelta(days=60)
TITLE = "Exploring: treat as ideas"


def begin(context: Context) -> Experiment:
    with transaction(context.sessions) as session:
        owner = accounts.actor_for(session.get_one(Person, 1))
        return start_experiment(session, owner)


def test_results__splits_outside_the_plan__are_shown_as_ideas(
    signed_in: SignIn, context: Context
) -> None:
    reader = signed_in(PersonRole.ADMIN)
    with transaction(context.sessions) as session:
        finish(session, begin(context), at=LATER, tried=explored_splits())
    page = text_of(reader.get(PAGE).text)
    part = page[page.index(TITLE) : page.index("Method and data")]
    assert "decide nothing" in part
    # Of the example: 64.0 % and 4.1 points more, of 3,100 customers each.
    assert "Teams of five and more 64.0 % (3,100) 68.1 % (3,100) +4.1 points" in part
    assert "+2.4 points (+0.4 to +4.4)" in part
    assert "Flower shops Day-30 retention cannot be computed: a group has fewer" in part
    assert "p-value" not in part


@pytest.mark.parametrize("state", ["counting", "unusable", "none tried"])
def test_results__not_to_be_seen_or_none_there__show_no_splits(
    signed_in: SignIn, context: Context, state: str
) -> None:
    reader = signed_in(PersonRole.ADMIN)
    given: dict[str, dict[str, Any]] = {
        "counting": {"phase": ResultPhase.COUNTING, "tried": explored_splits()},
        "unusable": {"checks": [BAD_SPLIT], "tried": explored_splits()},
        "none tried": {},
    }
    with transaction(context.sessions) as session:
        finish(session, begin(context), at=LATER, **given[state])
    assert TITLE not in reader.get(PAGE).text
    found = reader.get(f"{PAGE}.json").text
    assert ("Flower shops" in found) == (state == "unusable")
