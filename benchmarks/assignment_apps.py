"""The servers that the assignment benchmark compares."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import orjson
from flask import Flask, Response, jsonify, request

from api import assignments, ofrep
from api.doors import DoorGroup, Gate, mount
from experiments.assigned_counts import Tally
from experiments.config import Settings
from experiments.context import utc_now
from experiments.inbox import Inbox
from experiments.previews import Previewer
from experiments.privacy import load_pseudonymiser
from experiments.ruleset_files import RulesetFolder
from experiments.ruleset_reader import RulesetReader

FOLDER = "BENCHMARK_DATA"  # environment variable: the data folder
Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


def echo() -> Wsgi:
    """Parse JSON and write it again: the least that any JSON door must do."""

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:  # noqa: ANN401
        value = orjson.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        body = orjson.dumps(value)
        length = ("Content-Length", str(len(body)))
        start_response("200 OK", [("Content-Type", "application/json"), length])
        return [body]

    return app


def flask_view() -> Flask:
    """Do the same as an ordinary Flask view."""
    app = Flask(__name__)

    @app.post("/")
    def view() -> Response:
        return jsonify(request.get_json())

    return app


def abide() -> Wsgi:
    """Serve the assignment door as in production, in front of a Flask app."""
    folder = Path(os.environ[FOLDER])
    settings = Settings(folder, f"sqlite:///{folder / 'abide.db'}")
    inbox, hide = Inbox.for_settings(settings), load_pseudonymiser(settings)
    reader = RulesetReader(RulesetFolder(folder / "ruleset"), hide)
    reader.start()
    previewer = Previewer(inbox, hide, utc_now)
    tally = Tally(inbox, utc_now, hide.key_id)
    groups = [
        DoorGroup(
            doors.routes(reader, previewer, tally),
            doors.BODY_CAP,
            at_once=8,
            wording=doors.word,
        )
        for doors in (assignments, ofrep)
    ]
    return mount(
        Flask(__name__).wsgi_app,
        groups,
        trusted_hosts=["127.0.0.1"],
        app_gate=Gate(8),
    )
