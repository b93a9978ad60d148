"""`abide db`, `abide key`, `abide user`: what an operator does from a terminal."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import click

from experiments import accounts, actors, keys, sign_in_links
from experiments.context import Context, open_context
from experiments.db import transaction
from experiments.errors import AbideError
from experiments.installation import address_of, require_set_up, wait_in_force
from experiments.models import Person
from experiments.vocabulary import Environment, KeyKind, PersonRole


@contextmanager
def refusals_in_words() -> Iterator[None]:
    """Tell the terminal what was refused, with every field at fault.

    Raises:
        ClickException: in place of an AbideError; ends the command with exit code 1.
    """
    try:
        yield
    except AbideError as error:
        faults = [f"{field}: {fault}" for field, fault in error.fields.items()]
        raise click.ClickException("\n".join([error.message, *faults])) from error


def command_context() -> Context:
    """Open what a command works with; it is closed when the command ends."""
    with refusals_in_words():
        context = open_context(os.environ)
    click.get_current_context().call_on_close(context.close)
    return context


def _set_up_context() -> Context:
    context = command_context()
    with refusals_in_words():
        require_set_up(context.settings)
    return context


@click.group("db")
def database() -> None:
    """Look after the database's schema."""


@database.command("upgrade")
def upgrade() -> None:
    """Bring the database to the newest schema."""
    # Alembic is slow to import, and other commands start without it.
    from experiments import preparing, schema  # noqa: PLC0415

    context = command_context()
    preparing.prepare(context)
    click.echo(f"The database is at migration {schema.newest_revision()}.")


@database.command("check")
def check() -> None:
    """Say whether migrations and models agree."""
    from experiments import schema  # noqa: PLC0415  # Alembic is slow to import

    context = command_context()
    engine = context.sessions.kw["bind"]
    current, newest = schema.current_revision(engine), schema.newest_revision()
    if current != newest:
        raise click.ClickException(
            f"The database is at migration {current}, this version needs {newest}."
            " Run: abide db upgrade"
        )
    found = schema.differences(engine)
    if found:
        raise click.ClickException(f"Models and migrations differ: {found}")
    click.echo("Migrations and models agree.")


@click.group("key")
def key() -> None:
    """Make, list and revoke API keys."""


@key.command("create")
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice([k.value for k in KeyKind]),
    default=KeyKind.SERVER.value,
    show_default=True,
)
@click.option(
    "--environment",
    type=click.Choice([e.value for e in Environment]),
    default=Environment.PRODUCTION.value,
    show_default=True,
)
@click.option("--owner", required=True, help="E-mail of the person it acts for.")
@click.option(
    "--may-read-rules",
    is_flag=True,
    help="A client key: its app reads all rules and evaluates by itself.",
)
def create_key(
    name: str, kind: str, environment: str, owner: str, *, may_read_rules: bool
) -> None:
    """Make a key NAME and print it, this once."""
    context = _set_up_context()
    with refusals_in_words(), transaction(context.sessions) as session:
        person = accounts.person_by_email(session, owner)
        _, secret = keys.create_key(
            session,
            kind=KeyKind(kind),
            environment=Environment(environment),
            name=name,
            actor=accounts.actor_for(person),
            now=context.now(),
            may_read_rules=may_read_rules,
        )
    wait_in_force(context)
    click.echo(secret)


@key.command("list")
def list_keys() -> None:
    """Show all keys, newest first, by the part that `revoke` takes."""
    context = _set_up_context()
    with refusals_in_words(), transaction(context.sessions) as session:
        for row in keys.listing(session):
            state = "revoked" if row.revoked_at else "in force"
            parts = (row.public_id, state, row.kind, row.environment, row.owner.email)
            click.echo("  ".join([*parts, row.name]))


@key.command("revoke")
@click.argument("public_id")
def revoke_key(public_id: str) -> None:
    """End the key with PUBLIC_ID, its readable part; see `abide key list`."""
    context = _set_up_context()
    with refusals_in_words(), transaction(context.sessions) as session:
        row = keys.revoke(session, public_id, actor=actors.SYSTEM, now=context.now())
        name = row.name
    wait_in_force(context)
    click.echo(f'The key "{name}" ({public_id}) is revoked.')


@click.group("user")
def user() -> None:
    """Let people in from the terminal."""


@user.command("create")
@click.argument("email")
@click.option("--name", required=True)
@click.option(
    "--role",
    type=click.Choice([r.value for r in PersonRole]),
    default=PersonRole.EDITOR.value,
    show_default=True,
)
def create_user(email: str, name: str, role: str) -> None:
    """Add a person and print a link that signs them in once."""
    context = _set_up_context()
    with refusals_in_words():
        with transaction(context.sessions) as session:
            person = accounts.create_person(
                session,
                email=email,
                name=name,
                role=PersonRole(role),
                password=None,
                actor=actors.SYSTEM,
                now=context.now(),
            )
        link = sign_in_link(context, person)
    click.echo(link)


@user.command("link")
@click.argument("email")
def user_link(email: str) -> None:
    """Print a link that signs EMAIL in once, within 30 minutes."""
    context = _set_up_context()
    with refusals_in_words():
        with transaction(context.sessions) as session:
            person = accounts.person_by_email(session, email)
        link = sign_in_link(context, person)
    click.echo(link)


def sign_in_link(context: Context, person: Person) -> str:
    """Make a one-time link for a person."""
    with transaction(context.sessions) as session:
        token = sign_in_links.create(session, person.id, context.now())
    return f"{address_of(context.settings)}/sign-in/link?token={token}"
