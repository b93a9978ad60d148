"""The front door: the only module that knows all rooms, and puts them together."""

import os
from collections.abc import Mapping

import click
from flask import Flask
from flask.cli import FlaskGroup

from experiments import commands as experiment_commands
from experiments import secrets
from experiments.context import Context, open_context


def create_app(environ: Mapping[str, str] = os.environ) -> Flask:
    """Build the Flask app: pages and JSON API, without the hot doors.

    Args:
        environ: the environment to read the settings from.

    Returns:
        The app; nothing is asked of the database yet.
    """
    return create_flask_app(open_context(environ))


def create_flask_app(context: Context) -> Flask:
    """Build the Flask app around an open context."""
    from api import app as api_app
    from web import app as web_app

    settings = context.settings
    app = Flask("abide", static_folder=None, template_folder=None)
    app.config.update(
        SECRET_KEY=settings.secret
        or secrets.load_or_create(settings.keys_dir, "session"),
        TRUSTED_HOSTS=list(settings.trusted_hosts),
        MAX_CONTENT_LENGTH=1_000_000,
        MAX_FORM_MEMORY_SIZE=500_000,
        MAX_FORM_PARTS=1_000,
    )
    app.extensions["abide"] = context
    web_app.register(app, context)
    api_app.register(app, context)
    return app


@click.group(cls=FlaskGroup, create_app=create_app, add_version_option=False)
def main() -> None:
    """Abide: experiments that show whether customers stay and are satisfied."""


main.add_command(experiment_commands.database)
main.add_command(experiment_commands.key)
main.add_command(experiment_commands.user)

if __name__ == "__main__":
    main()
