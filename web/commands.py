"""`abide check`: what works on this machine, and what to install for the rest."""

import click

from experiments.commands import command_context
from experiments.context import Context
from experiments.errors import AbideError
from web import pdf

PROBE = "<!DOCTYPE html><html lang='en'><title>Check</title><p>Abide</p></html>"


@click.command()
def check() -> None:
    """Say what works here, and what to install for the rest."""
    context = command_context()
    is_whole = True
    for works, sentence in (_database(context), _pdf()):
        click.echo(sentence, err=not works)
        is_whole &= works
    if not is_whole:
        click.get_current_context().exit(1)


def _database(context: Context) -> tuple[bool, str]:
    from experiments import schema  # noqa: PLC0415  # Alembic is slow to import

    newest = schema.newest_revision()
    current = schema.current_revision(context.sessions.kw["bind"])
    if current == newest:
        return True, f"Database: at migration {newest}, as this version needs."
    return False, (
        f"Database: at migration {current}, this version needs {newest}."
        " Run: abide db upgrade"
    )


def _pdf() -> tuple[bool, str]:
    try:
        pdf.maker.make([pdf.Part(PROBE, fits=True)], "A4")
    except AbideError as error:
        return False, f"PDF: {error.message}"
    return True, "PDF: works."
