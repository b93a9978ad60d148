"""What 500 running experiments cost a whole worker: time at a fixed rate, and memory.

`python -m benchmarks many_experiments` takes about 30 s on two cores. The worker is the
one that `abide serve` starts: doors, API and pages. Its database is empty, so that it
serves the ruleset from the disk, as it does when the database is gone.
"""

import tempfile
from pathlib import Path

import orjson

from api import assignments, ofrep
from benchmarks.assignment import ATTRIBUTES, UNITS, make_ruleset
from benchmarks.harness import Figure, figure
from benchmarks.load import Delays, Server, ask, at_rate, post, serving
from experiments.ruleset_files import RulesetFolder
from experiments.ruleset_values import parse

EXPERIMENTS = 500
SECONDS = 6.0
ONE_PER_SECOND, ALL_PER_SECOND = 400, 20
# What is promised of one worker (docs/operations.md); the longest delay is only shown.
P50_MS, P99_MS, RESIDENT_MB = 10.0, 50.0, 250.0


def measure() -> list[Figure]:
    """Measure one question at a time, questions for all 500, and what it holds.

    Returns:
        The figures.
    """
    body, key = make_ruleset(EXPERIMENTS)
    with tempfile.TemporaryDirectory() as folder:
        RulesetFolder(Path(folder) / "ruleset").write(parse(body), body)
        environ = {
            "ABIDE_DATA_DIR": folder,
            "DATABASE_URL": f"sqlite:///{folder}/abide.db",
            "ABIDE_LOG_LEVEL": "ERROR",
        }
        with serving("abide:create_wsgi", environ, threads=16) as server:
            return _figures(server, f"X-API-Key: {key}\r\n")


def _figures(server: Server, headers: str) -> list[Figure]:
    asked = {"unit": UNITS[0], "attributes": ATTRIBUTES}
    context = {"context": {"targetingKey": UNITS[0], **ATTRIBUTES}}
    named = {**asked, "experiments": ["experiment-0"]}
    questions = [
        ("door, one of 500", assignments.PATH, named, ONE_PER_SECOND),
        (
            "OpenFeature, one of 500",
            f"{ofrep.PATH}/experiment-0",
            context,
            ONE_PER_SECOND,
        ),
        ("door, all 500", assignments.PATH, asked, ALL_PER_SECOND),
    ]
    figures: list[Figure] = []
    for name, path, question, rate in questions:
        request = post(server.port, path, orjson.dumps(question), headers)
        ask(server.port, request)
        figures += _of(name, rate, at_rate(server, request, rate, SECONDS))
    resident = server.resident_mb()
    name = "memory of a worker with 500 experiments"
    return [*figures, figure(name, resident, "MB", limit=RESIDENT_MB, at_most=1)]


def _of(name: str, rate: int, delays: Delays) -> list[Figure]:
    named = f"{name}, {rate} a second"
    return [
        figure(f"{named}, p50", delays.p50, "ms", limit=P50_MS, at_most=1),
        figure(f"{named}, p99", delays.p99, "ms", limit=P99_MS, at_most=1),
        figure(f"{named}, longest", delays.longest, "ms"),
    ]
