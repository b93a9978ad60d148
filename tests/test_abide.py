"""The front door's command line: what it offers, and how it refuses."""

import pytest
from click.testing import CliRunner

from abide import main
from experiments.context import Context
from experiments.db import transaction
from experiments.preparing import prepare
from experiments.vocabulary import PersonRole
from tests import factories


def test_help__shows_the_commands_and_options_of_abide_alone() -> None:
    shown = CliRunner().invoke(main, ["--help"]).output
    options, commands = shown.partition("Options:\n")[2].split("Commands:\n")
    named = [line.split()[0] for line in options.splitlines() if line]
    assert named == ["--version", "--help"]
    offered = {line.split()[0] for line in commands.splitlines()}
    assert offered >= {"analyse", "db", "import", "key", "serve", "up", "user"}
    assert offered.isdisjoint({"run", "shell", "routes", "openapi"})  # Flask's own


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_refusal__names_each_field_at_fault(
    context: Context, environ: dict[str, str]
) -> None:
    prepare(context)
    with transaction(context.sessions) as session:
        person = factories.make_person(session, role=PersonRole.ADMIN)
        owner = person.email
    runner = CliRunner(env=environ)
    unnamed = runner.invoke(main, ["key", "create", "", "--owner", owner])
    assert unnamed.exit_code == 1
    assert unnamed.output == (
        "Error: This key cannot be made yet.\n"
        "name: Enter which application the key is for.\n"
    )
    nobody = runner.invoke(main, ["user", "create", "bad", "--name", ""])
    assert nobody.exit_code == 1
    assert nobody.output == (
        "Error: This account cannot be made yet.\n"
        "email: Enter an e-mail address, as in ada@example.com.\n"
        "name: Enter a name.\n"
    )


def test_setting_at_fault__is_told_once() -> None:
    refused = CliRunner().invoke(main, ["up"], env={"ABIDE_PORT": "abc"})
    assert refused.exit_code == 1
    assert refused.output == (
        "Error: Abide cannot start: look at ABIDE_PORT.\n"
        "ABIDE_PORT: must be a whole number from 0 to 65535, not 'abc'.\n"
    )


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_keys__are_listed_and_revoked_by_their_readable_part(
    context: Context, environ: dict[str, str]
) -> None:
    prepare(context)
    with transaction(context.sessions) as session:
        owner = factories.make_person(session, role=PersonRole.ADMIN).email
    runner = CliRunner(env=environ)
    assert runner.invoke(main, ["key", "create", "shop", "--owner", owner]).output
    public_id, *shown = runner.invoke(main, ["key", "list"]).output.split()
    assert shown == ["in", "force", "server", "production", owner, "shop"]
    ended = runner.invoke(main, ["key", "revoke", public_id])
    assert ended.output == f'The key "shop" ({public_id}) is revoked.\n'
    assert "revoked" in runner.invoke(main, ["key", "list"]).output
    again = runner.invoke(main, ["key", "revoke", public_id])
    assert (again.exit_code, again.output) == (
        1,
        "Error: This key is revoked already.\n",
    )
