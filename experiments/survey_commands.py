"""abide survey-key: the keys that sign links to surveys."""

from datetime import datetime

import click
from sqlalchemy.orm import Session

from experiments import audit
from experiments.actors import SYSTEM
from experiments.commands import command_context, refusals_in_words
from experiments.db import transaction
from experiments.survey_inviting import survey_keys


@click.group("survey-key")
def survey_key() -> None:
    """Replace the keys that sign links to surveys."""


@survey_key.command("list")
def list_keys() -> None:
    """List the keys there are; the newest signs new links."""
    numbers = survey_keys(command_context().settings).numbers()
    if not numbers:
        click.echo("No link has been made yet.")
    for number in numbers:
        signs = "signs new links" if number == numbers[-1] else "old links only"
        click.echo(f"{number}\t{signs}")


@survey_key.command("rotate")
def rotate() -> None:
    """Make a new key for new links; links that were sent still work."""
    context = command_context()
    with refusals_in_words(), transaction(context.sessions) as session:
        audit.take_turn(session)
        number = survey_keys(context.settings).rotate()
        _note(session, "survey.rotate_key", number, context.now())
    click.echo(f"Key {number} signs new links from now on.")


@survey_key.command("retire")
@click.argument("number", type=int)
def retire(number: int) -> None:
    """Remove an old key: the links that it signed work no more."""
    context = command_context()
    with refusals_in_words(), transaction(context.sessions) as session:
        audit.take_turn(session)
        survey_keys(context.settings).retire(number)
        _note(session, "survey.retire_key", number, context.now())
    click.echo(f"Links that key {number} signed work no more.")


def _note(session: Session, action: str, number: int, now: datetime) -> None:
    after = {"number": number}
    audit.record(session, SYSTEM, action, "survey_key", str(number), None, after, now)
