"""The front door: the only module that knows all rooms, and puts them together."""

import os
import signal
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING

import click
from typing_extensions import override

from experiments import commands, processes, secrets
from experiments.config import Settings
from experiments.context import Context, open_context
from experiments.explain_command import explain
from experiments.inbox import Inbox
from experiments.survey_commands import survey_key
from web.commands import check

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from flask import Flask, Response

# Command -> function in analysis.commands.
ANALYSIS_COMMANDS = {
    "analyse": "analyse",
    "certify": "certify",
    "compact": "compact",
    "demo": "demo",
    "erase": "erase",
    "export-customer": "export_customer",
    "import": "import_file",
    "schedule": "schedule",
}
POOLS = ("all", "assign", "app")
# For pages; API answers bring stricter ones. Nothing inline, nothing from elsewhere.
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:;"
    " style-src 'self'; script-src 'self'; object-src 'none'; base-uri 'none';"
    " frame-ancestors 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
YEAR_SECONDS = 31_536_000


def create_app(environ: Mapping[str, str] = os.environ) -> "Flask":
    """Build the Flask app: pages and JSON API, without the hot doors.

    Args:
        environ: the environment to read the settings from.

    Returns:
        The app; nothing is asked of the database yet.
    """
    return create_flask_app(open_context(environ))


def create_flask_app(context: Context) -> "Flask":
    """Build the Flask app around an open context."""
    # Imported here: commands that serve nothing start faster without these.
    from flask import Flask  # noqa: PLC0415

    from api import app as api_app  # noqa: PLC0415
    from web import app as web_app  # noqa: PLC0415
    from web import compressing  # noqa: PLC0415

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
    # Pages take survey answers too; nothing is opened before the first one.
    app.extensions["abide_inbox"] = Inbox.for_settings(settings)
    compressing.register(app)
    web_app.register(app, context)
    api_app.register(app, context)

    @app.after_request
    def _add_headers(response: "Response") -> "Response":
        for name, value in PAGE_HEADERS.items():
            response.headers.setdefault(name, value)
        if settings.base_url.startswith("https:"):
            hsts = f"max-age={YEAR_SECONDS}"
            response.headers.setdefault("Strict-Transport-Security", hsts)
        return response

    return app


def create_wsgi() -> "WSGIApplication":
    """Build what one server process serves: doors in front, the Flask app behind."""
    processes.end_when_told()
    from api import front  # noqa: PLC0415  # after `serve` has set the metrics folder
    from experiments import logs  # noqa: PLC0415

    context = open_context()
    logs.configure(context.settings.log_level)
    processes.die_with_parent(signal.SIGKILL)
    pool = os.environ.get("ABIDE_POOL", POOLS[0])
    app = None if pool == "assign" else create_flask_app(context)
    return front.build(
        context,
        app,
        doors_too=pool != "app",
        server=f"{pool}-{os.getppid()}",
        processes=int(os.environ.get("ABIDE_PROCESSES", "1")),
    )


class FrontDoor(click.Group):
    """Loads what computes only when it is called: servers stay small without it."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *ANALYSIS_COMMANDS])

    @override
    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in ANALYSIS_COMMANDS:
            from analysis import commands as computing  # noqa: PLC0415

            found: click.Command = getattr(computing, ANALYSIS_COMMANDS[name])
            return found
        return super().get_command(ctx, name)


def _send_digest(context: Context) -> None:
    from web.digest_job import send_due  # noqa: PLC0415  # only the scheduler sends

    send_due(context)


# What the rooms above analysis have to do at times, for the scheduler.
SCHEDULED = {"weekly_digest": _send_digest}


@click.group(cls=FrontDoor)
@click.version_option(version("abide"), prog_name="abide")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Abide: experiments that show whether customers stay and are satisfied."""
    ctx.obj = SCHEDULED
    processes.die_with_parent(signal.SIGTERM)  # what `abide up` starts ends with it


@main.command()
@click.option("--pool", type=click.Choice(POOLS), default=POOLS[0], show_default=True)
def serve(pool: str) -> None:
    """Serve pages, API and hot doors; assign: doors alone; app: all but doors."""
    from granian import Granian  # noqa: PLC0415  # only this command needs it
    from granian.constants import Interfaces  # noqa: PLC0415

    from api.door_figures import FOLDER as FIGURES_FOLDER  # noqa: PLC0415
    from api.metrics_folder import metrics_folder  # noqa: PLC0415

    settings = _settings()
    with metrics_folder(settings.data_dir, pool) as folder:
        os.environ |= {
            "ABIDE_POOL": pool,
            "ABIDE_PROCESSES": str(settings.workers),
            FIGURES_FOLDER: str(folder),
        }
        processes.name_parent()
        Granian(
            "abide:create_wsgi",
            factory=True,
            interface=Interfaces.WSGI,
            address=settings.host,
            port=settings.port,
            workers=settings.workers,
            blocking_threads=settings.threads,
            backpressure=max(512, settings.threads * 16),
            respawn_failed_workers=True,
            respawn_interval=0.5,
            workers_kill_timeout=30,
            websockets=False,
        ).serve()


@main.command()
@click.option("--demo", is_flag=True, help="Fill the demo company first.")
def up(*, demo: bool) -> None:
    """Start everything on this machine, and print how to get in."""
    from analysis.up import bring_up  # noqa: PLC0415  # loads statistics

    with commands.refusals_in_words():
        bring_up(open_context(), with_demo=demo)


def _settings() -> Settings:
    with commands.refusals_in_words():
        return open_context().settings


for command in (
    check,
    commands.database,
    commands.key,
    commands.user,
    explain,
    survey_key,
):
    main.add_command(command)

if __name__ == "__main__":
    main()
