"""The page of one experiment: is it sound, why does nobody count, what came last."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from experiments import accounts
from experiments.context import Context
from experiments.db import transaction
from experiments.models import Experiment, Person, RecentExposure
from experiments.vocabulary import PersonRole, ResultPhase
from tests.analysis.run_examples import BAD_SPLIT, PASSED_CHECKS, change, finish
from tests.factories import EXPERIMENT, NOW, start_experiment
from tests.web.conftest import Visitor
from tests.web.markup import text_of
from web.presenters.customers_see import customers_see

SignIn = Callable[..., Visitor]
PAGE = f"/experiments/{EXPERIMENT}"
LATER = NOW + timedelta(days=60)


@pytest.fixture
def editor(signed_in: SignIn) -> Visitor:
    return signed_in(PersonRole.EDITOR)


def begin(context: Context) -> Experiment:
    with transaction(context.sessions) as session:
        owner = accounts.actor_for(session.get_one(Person, 1))
        return start_experiment(session, owner)


def test_page__analysed__is_sound_in_seven_lines_with_a_figure_each(
    editor: Visitor, context: Context
) -> None:
    experiment = begin(context)
    with transaction(context.sessions) as session:
        finish(session, experiment, at=LATER, phase=ResultPhase.COUNTING)
    page = text_of(editor.get(PAGE).text)
    part = page[page.index("Is it sound?") : page.index("checks of the last analysis")]
    lines = (
        "Split as planned Passed 333 : 333",
        # 2 customers in two groups beside the 666 of the example: 0.3 %.
        "Customers in two groups Passed 0.3 %",
        "Data is fresh",
        "From assignment to outcome",
        "Guardrails Does not apply – The plan shows none before its looks.",  # noqa: RUF001
        "Groups alike beforehand",
        "Other experiments Passed 0",
    )
    found = [part.find(line) for line in lines]
    assert -1 not in found, lines[found.index(-1)]
    assert found == sorted(found)
    for word in ("p-value", "rose", "Better"):
        assert word not in page


def test_page__guardrail_harmed__says_so_once_the_plan_lets_it(
    editor: Visitor, context: Context
) -> None:
    experiment = begin(context)
    worse = change(-0.12, 0.04, control=4.12, n=3_900)
    with transaction(context.sessions) as session:
        finish(session, experiment, at=LATER, guardrail=worse)
    assert "Guardrails Failed 0 of 1 CSAT fell by" in text_of(editor.get(PAGE).text)


def test_page__split_is_off__tells_no_guardrail(
    editor: Visitor, context: Context
) -> None:
    experiment = begin(context)
    with transaction(context.sessions) as session:
        checks = [BAD_SPLIT, *PASSED_CHECKS[1:]]
        finish(session, experiment, at=LATER, checks=checks)
    page = text_of(editor.get(PAGE).text)
    assert "Split as planned Failed" in page
    assert "Guardrails Does not apply" in page


def test_page__nobody_counts__says_what_was_found_of_each_usual_cause(
    editor: Visitor, context: Context
) -> None:
    begin(context)
    page = text_of(editor.get(PAGE).text)
    assert "No customers counted yet" in page
    assert "None came from production in 7 days." in page
    assert "No other name came." in page
    assert "None came with a development key." in page


def test_page__last_exposures__are_for_those_who_connect_apps(
    editor: Visitor, signed_in: SignIn, context: Context
) -> None:
    begin(context)
    with transaction(context.sessions) as session:
        session.add(
            RecentExposure(
                experiment=EXPERIMENT,
                variant="nudge",
                source="src1",
                received_at=NOW,
                customer_start="a3f9",
            )
        )
    page = text_of(editor.get(PAGE).text)
    assert "nudge a3f9… src1" in page
    assert "a3f9" not in signed_in(PersonRole.VIEWER).get(PAGE).text


def test_steps__of_a_running_experiment__offer_no_second_start(
    editor: Visitor, context: Context
) -> None:
    experiment = begin(context)
    page = editor.get(f"{PAGE}/steps").text
    assert '<option value="stop"' in page
    assert '<option value="start"' not in page
    assert customers_see(experiment).steps.startswith("Raise the coverage or stop")
