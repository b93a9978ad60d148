"""Why did this customer get this? The page for people."""

import io
from collections.abc import Callable

import pytest

from experiments.context import Context
from experiments.db import transaction
from experiments.models import Experiment
from experiments.ruleset_files import RulesetFolder
from experiments.ruleset_mirror import RulesetMirror
from experiments.vocabulary import PersonRole
from tests.factories import EXPERIMENT, make_actor, start_experiment
from tests.web.conftest import Visitor

SignIn = Callable[..., Visitor]
PATH = f"/experiments/{EXPERIMENT}/why"


@pytest.fixture
def running(context: Context) -> Experiment:
    with transaction(context.sessions) as session:
        actor = make_actor(session, "Grace", PersonRole.ADMIN)
        experiment = start_experiment(session, actor)
    folder = RulesetFolder(context.settings.data_dir / "ruleset")
    RulesetMirror(context.sessions, folder).copy()
    return experiment


@pytest.mark.usefixtures("running")
def test_why__customer_outside_the_segment__every_step_in_words(
    signed_in: SignIn, logged: io.StringIO
) -> None:
    visitor = signed_in(PersonRole.ANALYST)
    assert "Step by step" not in visitor.get(PATH).text
    sent = {"unit": "customer-4711", "attributes": '{"plan": "pro"}'}
    answer = visitor.post(PATH, sent)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    page = answer.text
    assert "This customer gets control: the customer is not in the segment." in page
    assert "plan is business" in page
    assert 'found <code>"pro"</code>' in page
    assert "4711" not in logged.getvalue()


@pytest.mark.usefixtures("running")
def test_why__customer_in_it__variant_seed_and_ranges(signed_in: SignIn) -> None:
    visitor = signed_in(PersonRole.ANALYST)
    sent = {"unit": "customer-1", "attributes": '{"plan": "business"}'}
    page = visitor.post(PATH, sent).text
    assert "the hash of the id says so." in page
    assert "nudge: buckets 5,000 to 9,999" in page
    assert "Seed" in page


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"unit": " ", "attributes": ""}, "Enter the id of the customer."),
        ({"unit": "a", "attributes": "[1]"}, "enter a JSON object"),
    ],
)
def test_why__faulty_form__is_shown_again_with_what_is_wrong(
    signed_in: SignIn, sent: dict[str, str], words: str
) -> None:
    answer = signed_in(PersonRole.ANALYST).post(PATH, sent)
    assert answer.status_code == 400
    assert words in answer.text


def test_why__nothing_published__says_so(signed_in: SignIn, context: Context) -> None:
    with transaction(context.sessions) as session:
        start_experiment(session, make_actor(session, "Grace", PersonRole.ADMIN))
    answer = signed_in(PersonRole.ANALYST).post(PATH, {"unit": "a"})
    assert answer.status_code == 400
    assert "cannot be read" in answer.text


@pytest.mark.usefixtures("running")
def test_why__viewer__may_not(signed_in: SignIn) -> None:
    assert signed_in(PersonRole.VIEWER).get(PATH).status_code == 403
