"""The servers that the ingest benchmark compares."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask

from api import tracking
from api.doors import DoorGroup, Gate, mount
from experiments.config import Settings
from experiments.context import utc_now
from experiments.inbox import Inbox
from experiments.privacy import load_pseudonymiser
from experiments.ruleset_files import RulesetFolder
from experiments.ruleset_reader import RulesetReader

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

FOLDER = "BENCHMARK_DATA"  # environment variable: the data folder


def abide() -> "WSGIApplication":
    """Serve the event doors as in production, in front of a Flask app."""
    folder = Path(os.environ[FOLDER])
    settings = Settings(folder, f"sqlite:///{folder / 'abide.db'}")
    reader = RulesetReader(RulesetFolder(folder / "ruleset"))
    reader.start()
    inbox = Inbox.for_settings(settings)
    routes = tracking.routes(reader, inbox, load_pseudonymiser(settings), utc_now)
    group = DoorGroup(routes, tracking.BODY_CAP, at_once=64, accepts_gzip=True)
    return mount(
        Flask(__name__).wsgi_app,
        [group],
        trusted_hosts=["127.0.0.1"],
        app_gate=Gate(8),
    )
