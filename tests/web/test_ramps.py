"""Raising the coverage, a new phase and planned steps, by their pages."""

from collections.abc import Callable
from datetime import timedelta

from experiments import accounts, catalog, journey, lifecycle, scheduled_steps
from experiments.context import Context
from experiments.db import transaction
from experiments.enrolled import FOLDER, write_through
from experiments.models import Experiment
from experiments.vocabulary import Action, PersonRole, Status
from tests import factories
from tests.factories import EXPERIMENT
from tests.web.conftest import Visitor

SignIn = Callable[..., Visitor]
PATH = f"/experiments/{EXPERIMENT}"


def draft(context: Context, *, start: bool = True) -> None:
    """Store an experiment of the one person there is, half of the segment in it."""
    with transaction(context.sessions) as session:
        journey.seed(session)
        ada = accounts.actor_for(accounts.people(session)[0])
        factories.make_experiment(session, ada, coverage=0.5)
        if start:
            lifecycle.transition(session, EXPERIMENT, Action.START, ada, context.now())


def stored(context: Context) -> Experiment:
    with transaction(context.sessions) as session:
        return catalog.get(session, EXPERIMENT)


def test_coverage__by_its_page__is_raised_and_never_lowered(
    signed_in: SignIn, context: Context
) -> None:
    visitor = signed_in(PersonRole.EDITOR)
    draft(context)
    assert f'href="{PATH}/coverage"' in visitor.get(PATH).text
    page = visitor.get(f"{PATH}/coverage").text
    assert "50 % of the segment are enrolled." in page
    raised = visitor.post(
        f"{PATH}/coverage", {"coverage": "80", "reason": "All is well."}, follow=True
    )
    assert "Coverage is raised." in raised.text
    assert "Coverage was raised from 50 % to 80 %" in raised.text
    lower = visitor.post(f"{PATH}/coverage", {"coverage": "20"})
    assert lower.status_code == 400
    assert "enter more than 80 %." in lower.text
    assert stored(context).coverage == 0.8


def test_new_phase__by_its_page__is_a_draft_to_change(
    signed_in: SignIn, context: Context
) -> None:
    visitor = signed_in(PersonRole.EDITOR)
    draft(context)
    assert "Phase 1 ends now" in visitor.get(f"{PATH}/new-phase").text
    empty = visitor.post(f"{PATH}/new-phase")
    assert (empty.status_code, "Enter a reason." in empty.text) == (400, True)
    ended = visitor.post(f"{PATH}/new-phase", {"reason": "Wrong split."}, follow=True)
    assert "The phase has ended." in ended.text
    assert "Change the plan" in ended.text
    experiment = stored(context)
    assert (experiment.status, experiment.phase) == (Status.DRAFT, 2)
    assert "Draft" in visitor.get(PATH).text
    early = visitor.post(f"{PATH}/review", {"action": "start"})
    assert early.status_code == 400
    assert "customers of the earlier phase are not all known yet" in early.text
    write_through(context.settings.data_dir / "ruleset" / FOLDER, context.now())
    assert visitor.post(f"{PATH}/review", {"action": "start"}).status_code == 302
    assert stored(context).status == Status.RUNNING


def test_step__by_its_page__is_planned_and_taken_back(
    signed_in: SignIn, context: Context
) -> None:
    visitor = signed_in(PersonRole.EDITOR)
    draft(context)
    tomorrow = (context.now() + timedelta(days=1)).date().isoformat()
    sent = {"step": "raise_coverage", "day": tomorrow, "clock": "09:30"}
    planned = visitor.post(f"{PATH}/steps", {**sent, "coverage": "75"}, follow=True)
    assert "Raise the coverage: 75 %" in planned.text
    wrong = visitor.post(f"{PATH}/steps", {**sent, "clock": "late", "coverage": "90"})
    assert wrong.status_code == 400
    assert "Enter a time, such as 09:30." in wrong.text
    none = visitor.post(f"{PATH}/steps", {"step": "stop", "clock": "09:30"})
    assert 'href="#day">On which day? Enter a date, such as' in none.text
    with transaction(context.sessions) as session:
        [step] = scheduled_steps.listing(session, catalog.get(session, EXPERIMENT))
    assert (step.coverage, f"{step.at:%H:%M}") == (0.75, "09:30")
    back = visitor.post(f"{PATH}/steps/{step.id}/cancel", follow=True)
    assert "Taken back" in back.text


def test_ramps__viewer__may_not(signed_in: SignIn, context: Context) -> None:
    signed_in(PersonRole.EDITOR)
    draft(context, start=False)
    viewer = signed_in(PersonRole.VIEWER)
    for page in ("coverage", "new-phase", "steps"):
        assert viewer.get(f"{PATH}/{page}").status_code == 403
