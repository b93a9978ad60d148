"""`abide up`: everything at once on one machine, and the link to get in."""

import http.client
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

import click

from analysis import demo
from experiments import logs, sign_in_links
from experiments.commands import sign_in_link
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import AbideError, DatabaseAway
from experiments.installation import address_noted, address_of, alone_here
from experiments.preparing import prepare
from experiments.processes import (
    Supervisor,
    name_parent,
    require_free_disk,
    require_free_port,
)
from experiments.ruleset_files import RulesetFolder

START_SECONDS = 60.0
RETRY_SECONDS = 2.0
# Where a server that listens everywhere is asked.
ANY_HOST = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
LARGEST_LOG_BYTES = 50_000_000


def bring_up(context: Context, *, with_demo: bool) -> None:
    """Start all processes, print how to get in, and stay until told to stop.

    Where the database is away, apps get variants by the rules published last until it
    is there: a machine that starts again must not wait for another one.

    Args:
        context: settings and database of this installation.
        with_demo: whether to fill the demo company when it is not there yet.

    Raises:
        ConfigurationFault: the port is taken, the disk is full, another one runs on
            the data folder, or the database is away and no rules were ever published.
    """
    settings = context.settings
    require_free_disk(settings.data_dir)
    require_free_port(settings.host, settings.port)
    with alone_here(settings):
        _run_here(context, with_demo=with_demo)


def _run_here(context: Context, *, with_demo: bool) -> None:
    settings = context.settings
    away = _prepare(context)
    log_path = settings.data_dir / "log" / "abide.log"
    with _open_log(log_path) as log_file, address_noted(settings):
        logs.configure(settings.log_level, log_file)
        name_parent()
        supervisor = Supervisor(output=log_file)
        supervisor.obey_signals()
        try:
            # The server first: the others load statistics, which takes a while.
            supervisor.launch("serve", _abide("serve"))
            if away is not None:
                _wait_for_database(context, supervisor, away)
            _keep_up(context, supervisor, log_path, with_demo=with_demo)
        finally:
            supervisor.stop()


def _prepare(context: Context) -> DatabaseAway | None:
    """Prepare the database; where it is away but rules are here, say so."""
    try:
        prepare(context)
    except DatabaseAway as fault:
        folder = RulesetFolder(context.settings.data_dir / "ruleset")
        if folder.mark() is None:
            raise
        return fault
    return None


def _wait_for_database(
    context: Context, supervisor: Supervisor, fault: DatabaseAway
) -> None:
    click.echo(
        f"\n  {fault.message}\n  Until it answers, apps get variants by the rules"
        " published last. Abide tries again every two seconds.\n",
        err=True,
    )
    retry_at = time.monotonic()
    while not supervisor.stopping:
        supervisor.tend()
        if time.monotonic() >= retry_at:
            try:
                prepare(context)
            except DatabaseAway:
                retry_at = time.monotonic() + RETRY_SECONDS
            else:
                return
        time.sleep(0.1)


def _keep_up(
    context: Context, supervisor: Supervisor, log_path: Path, *, with_demo: bool
) -> None:
    if supervisor.stopping:
        return
    _wait_until_served(context, supervisor)
    supervisor.launch("compact", _abide("compact"))
    supervisor.launch("schedule", _abide("schedule"))
    if not supervisor.stopping:
        _greet(context, log_path, with_demo=with_demo)
    supervisor.run()


def _abide(command: str) -> list[str]:
    return [sys.executable, "-m", "abide", command]


def _greet(context: Context, log_path: Path, *, with_demo: bool) -> None:
    link = _link(context, with_demo=with_demo)
    # To the terminal alone: a link in a log would let every reader of the log in.
    click.echo(f"\n  Abide is running at {context.settings.base_url}\n")
    click.echo(f"  Sign in once, within 30 minutes:\n  {link}\n")
    click.echo(f"  Logs: {log_path}. Stop with Ctrl-C; all data stays.\n")
    if with_demo and not demo.is_filled(context):
        # A process of its own: what it loads is free again when it has ended.
        subprocess.Popen(_abide("demo"))  # noqa: S603  # our own command


def _link(context: Context, *, with_demo: bool) -> str:
    """Make the link to get in, or say why there is none: Abide runs all the same."""
    try:
        if with_demo:
            return sign_in_link(context, demo.make_people(context))
        with transaction(context.sessions) as session:
            token = sign_in_links.create_to_get_in(session, context.now())
    except AbideError as refusal:
        return refusal.message
    return f"{address_of(context.settings)}/sign-in/link?token={token}"


def _wait_until_served(context: Context, supervisor: Supervisor) -> None:
    settings = context.settings
    host = ANY_HOST.get(settings.host, settings.host)
    # The server answers to its own names alone, and 0.0.0.0 is none.
    names = {"Host": urlsplit(settings.base_url).netloc}
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and not supervisor.stopping:
        supervisor.tend()
        connection = http.client.HTTPConnection(host, settings.port, timeout=2)
        try:
            connection.request("GET", "/readyz", headers=names)
            if connection.getresponse().status == http.client.OK:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.1)


def _open_log(path: Path) -> TextIO:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if path.exists() and path.stat().st_size > LARGEST_LOG_BYTES:
        path.replace(path.with_suffix(".old.log"))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    return os.fdopen(descriptor, "a", buffering=1)
