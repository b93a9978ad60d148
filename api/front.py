"""What one server process serves: probes and hot doors in front, the app behind."""

import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from api import (
    assignments,
    doors,
    explain,
    hooks,
    ofrep,
    plugin_track,
    probes,
    sdk_payload,
    tracking,
)
from api.door_figures import FOLDER as FIGURES_FOLDER
from api.door_figures import DoorFigures
from api.doors import DoorGroup, Gate
from api.errors import HEADERS, json_bytes
from experiments.assigned_counts import Tally
from experiments.context import Context
from experiments.freshness import FreshnessProbe
from experiments.inbox import Inbox
from experiments.previews import Previewer
from experiments.privacy import load_pseudonymiser
from experiments.refused_hooks import Refusals
from experiments.ruleset_files import RulesetFolder
from experiments.ruleset_mirror import RulesetMirror
from experiments.ruleset_reader import RulesetReader
from experiments.sealing import load_sealer
from experiments.serving import Fellows, ServingBoard, wait_when_published
from experiments.waiting_bodies import WaitingLimit

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

PROBE_BODY_CAP = 1_000
# Of a process's threads, pages may hold half and have a quarter wait: a slow database
# can then never take the last thread from assignment.
APP_WAIT_SECONDS = 5.0
FIRST_LOOK_SECONDS = 1.5


def build(
    context: Context,
    app: "WSGIApplication | None",
    *,
    doors_too: bool,
    server: str = "server",
    processes: int = 1,
) -> "WSGIApplication":
    """Put the doors of this process in front of its app.

    Args:
        context: settings, database and clock.
        app: the Flask app, or None for a process of doors alone.
        doors_too: whether assignment and event intake are served here.
        server: name of the server that this process is one of.
        processes: how many it has; it is ready when all of them are.

    Returns:
        The WSGI callable to serve; its threads are running.
    """
    settings = context.settings
    folder = RulesetFolder(settings.data_dir / "ruleset")
    pseudonymiser = load_pseudonymiser(settings) if doors_too else None
    board = ServingBoard(settings.data_dir)
    reader = RulesetReader(folder, pseudonymiser, partial(board.join, server))
    mirror = None
    if app is not None:
        mirror = RulesetMirror(context.sessions, folder, reader.hurry)
        mirror.start()
        # So that the first request meets what was published before the start. Without
        # a database the file has to do.
        mirror.wait(FIRST_LOOK_SECONDS)
        wait_when_published(context.sessions, board, mirror.hurry)
    reader.start()
    shared = os.environ.get(FIGURES_FOLDER)
    figures = DoorFigures(None if shared is None else Path(shared))
    probing = probes.routes(
        reader,
        FreshnessProbe(folder, board, mirror),
        Fellows(board, server, processes),
        figures,
        context.now,
        mirror,
    )
    groups = [DoorGroup(probing, PROBE_BODY_CAP, settings.threads)]
    if doors_too:
        groups += _hot_doors(context, reader)
    gate = Gate(max(1, settings.threads // 2), settings.threads // 4, APP_WAIT_SECONDS)
    return doors.mount(
        app or _nothing_else,
        groups,
        trusted_hosts=settings.trusted_hosts,
        app_gate=gate,
        figures=figures,
    )


def _hot_doors(context: Context, reader: RulesetReader) -> Iterable[DoorGroup]:
    settings = context.settings
    inbox, hide = Inbox.for_settings(settings), load_pseudonymiser(settings)
    tracked = {
        **tracking.routes(reader, inbox, hide, context.now),
        **plugin_track.routes(reader, inbox, hide, context.now),
    }
    waiting = WaitingLimit(settings.data_dir / "ruleset")
    sealer = load_sealer(settings)
    refusals = Refusals(inbox, context.now, hide.key_id)
    hooked = hooks.routes(reader, inbox, hide, sealer, waiting, refusals, context.now)
    tally = Tally(inbox, context.now, hide.key_id)
    previewer = Previewer(inbox, hide, context.now)
    yield DoorGroup(
        explain.routes(reader, context.now), explain.BODY_CAP, settings.threads
    )
    for asked in (assignments, ofrep, sdk_payload):
        yield DoorGroup(
            asked.routes(reader, previewer, tally),
            asked.BODY_CAP,
            settings.threads,
            wording=asked.word,
        )
    # One thread stays over: a slow inbox must not keep assignment waiting.
    at_once = max(1, settings.threads - 1)
    yield DoorGroup(tracked, tracking.BODY_CAP, at_once, accepts_gzip=True)
    yield DoorGroup(hooked, hooks.BODY_CAP, at_once)


def _nothing_else(
    _environ: "WSGIEnvironment", start_response: "StartResponse"
) -> Iterable[bytes]:
    words = "There is nothing at this address. This process serves doors only."
    answer = {"code": "not_found", "message": words, "fields": {}}
    headers = [("Content-Type", "application/json"), *HEADERS.items()]
    start_response("404 Not Found", headers)
    return [json_bytes(answer)]
