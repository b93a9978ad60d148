"""The commands a person types: what they print, and how they refuse."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click import ClickException
from click.testing import CliRunner
from sqlalchemy import select

from analysis import commands, leases
from analysis.results import latest
from experiments import catalog
from experiments.context import Context
from experiments.db import transaction
from experiments.events import Envelope, read_messages
from experiments.inbox import Inbox
from experiments.installation import address_noted
from experiments.models import AnalysisRun
from experiments.preparing import prepare
from experiments.privacy import load_pseudonymiser
from experiments.vocabulary import PersonRole, RunState
from tests import factories
from tests.analysis.test_importing import customers, write_csv
from tests.experiments.sent_messages import SENDER, track

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def runner(context: Context, environ: dict[str, str]) -> CliRunner:
    prepare(context)
    with transaction(context.sessions) as session:
        factories.make_person(session, role=PersonRole.ADMIN)
    return CliRunner(env=environ)


def test_import_and_analyse__one_command__gives_the_answer_and_its_page(
    runner: CliRunner, tmp_path: Path, context: Context
) -> None:
    path = write_csv(tmp_path / "a.csv", customers())
    words = ["--experiment", "new-page", "--variant", "group"]
    words += ["--outcome", "came_back=retention:7", "--name", "A new page"]
    running = replace(context.settings, base_url="http://127.0.0.1:8931")
    with address_noted(running):  # as `abide up` on another port does
        done = runner.invoke(commands.import_file, [str(path), *words])
    assert done.exit_code == 0, done.output
    assert "200 customers (control 100, new 100) in a.csv are stored." in done.output
    assert "Day-7 retention rose by 25 points" in done.output
    assert "http://127.0.0.1:8931/experiments/new-page/results" in done.output
    again = runner.invoke(commands.analyse, ["new-page"])
    assert again.exit_code == 0, again.output
    assert "Day-7 retention rose by 25 points" in again.output


def test_analyse__as_of_the_future__is_refused_and_the_past_never_takes_over(
    runner: CliRunner, tmp_path: Path, context: Context
) -> None:
    path = write_csv(tmp_path / "a.csv", customers())
    words = ["--experiment", "new-page", "--variant", "group"]
    words += ["--outcome", "came_back=retention:7"]
    assert runner.invoke(commands.import_file, [str(path), *words]).exit_code == 0
    future = runner.invoke(commands.analyse, ["new-page", "--as-of", "2199-01-01"])
    assert future.exit_code == 1
    assert "cannot look into the future" in future.output
    past = runner.invoke(commands.analyse, ["new-page", "--as-of", "2020-01-01"])
    assert past.exit_code == 0, past.output
    with transaction(context.sessions) as session:
        newest = session.scalars(select(AnalysisRun).order_by(AnalysisRun.id)).all()
        run = latest(session, catalog.get(session, "new-page"))
    assert run is not None
    assert [row.id for row in newest].index(run.id) == len(newest) - 2


def test_import__faulty_file__says_where_and_exits_with_1(
    runner: CliRunner, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "a.csv", [{**customers(1)[0], "came_back": "x"}])
    words = ["--experiment", "new-page", "--variant", "group"]
    words += ["--outcome", "came_back=retention:7"]
    done = runner.invoke(commands.import_file, [str(path), *words])
    assert done.exit_code == 1
    assert "row 2: came_back must be 0 or 1, no or yes, or empty." in done.output


def test_analyse__unknown_experiment__is_refused_in_words(runner: CliRunner) -> None:
    done = runner.invoke(commands.analyse, ["nothing"])
    assert done.exit_code == 1
    assert 'There is no experiment "nothing".' in done.output


def test_say_result__of_a_failed_run__is_an_error(
    context: Context,
) -> None:
    prepare(context)
    with transaction(context.sessions) as session:
        actor = factories.make_actor(session, "Bob", PersonRole.ADMIN)
        experiment = factories.start_experiment(
            session, actor, factories.external_design()
        )
        run = AnalysisRun(
            experiment_id=experiment.id,
            state=RunState.FAILED.value,
            started_at=context.now(),
            finished_at=context.now(),
            as_of=context.now(),
            plan_sha256="0" * 64,
            code_version="0",
            error="The analysis failed.",
            counts={},
            summaries=[],
        )
        session.add(run)
        session.flush()
        run_id = run.id
    with pytest.raises(ClickException, match="The analysis failed"):
        commands.say_result(context, run_id)


def test_erase_and_export__of_a_customer__say_what_was_there(
    runner: CliRunner, context: Context
) -> None:
    hide = load_pseudonymiser(context.settings)
    inbox = Inbox.for_settings(context.settings)
    received = Envelope(context.now())
    inbox.append(read_messages([track(userId="u1")], SENDER, received, hide))
    inbox.close()
    copied = runner.invoke(commands.export_customer, ["u1"])
    assert copied.exit_code == 0, copied.output
    assert [e["name"] for e in json.loads(copied.output)["events"]] == ["App Opened"]
    done = runner.invoke(commands.erase, ["u1"])
    assert (done.exit_code, done.output) == (
        0,
        "Erased: 1 rows. Results that were stored before stay.\n",
    )
    anonymous = runner.invoke(commands.erase, ["a1", "--anonymous"])
    assert anonymous.output.startswith("Erased: 0 rows.")
    assert runner.invoke(commands.erase, [""]).exit_code == 1
    assert runner.invoke(commands.export_customer, [""]).exit_code == 1


def test_erase__while_an_analysis_runs__says_that_it_waits(
    runner: CliRunner, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "ERASURE_SECONDS", 0.0)
    with leases.held(context, leases.ANALYSIS):
        done = runner.invoke(commands.erase, ["u1"])
    assert done.exit_code == 1
    assert "Erasure 1 waits: an analysis is running." in done.output
