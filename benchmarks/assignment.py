"""How fast Abide assigns: evaluator and door, each beside its limit.

`python -m benchmarks.assignment` takes about three minutes on two cores.
"""

import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from operator import attrgetter
from pathlib import Path

import orjson
from growthbook import GrowthBook

from api import assignments, ofrep
from api.sdk_features import feature
from benchmarks.assignment_apps import FOLDER
from benchmarks.harness import Figure, figure, record
from benchmarks.load import Load, ask, post, press, serving
from experiments import key_format
from experiments.assignment import assign, assign_all
from experiments.ruleset_files import RulesetFolder
from experiments.ruleset_values import Ruleset, parse
from experiments.vocabulary import Environment, KeyKind

SECONDS = 0.6  # each time a server is pressed
ROUNDS, STARTS = 2, 5  # the best counts: luck at a start, and other work, slow down
EXPERIMENTS = 50
UNITS = [str(uuid.uuid5(uuid.NAMESPACE_URL, f"customer {i}")) for i in range(400)]
ATTRIBUTES = {"country": "NL", "plan": "pro", "tenure_days": 41, "app": "4.2.0"}


def measure() -> list[Figure]:
    """Measure everything about assignment.

    Returns:
        The figures.
    """
    body, key = make_ruleset()
    ruleset = parse(body)
    with tempfile.TemporaryDirectory() as folder:
        RulesetFolder(Path(folder) / "ruleset").write(ruleset, body)
        return [*evaluator_figures(ruleset), *door_figures(folder, key)]


def evaluator_figures(ruleset: Ruleset) -> list[Figure]:
    """Time `assign` beside the bare version-2 hash of the same ids: the limit."""
    one = ruleset.experiments["experiment-0"]
    salts = [_salt(index) for index in range(EXPERIMENTS)]
    bare = _microseconds(lambda: [bare_hash(salts[0], u) for u in UNITS], len(UNITS))
    single = _microseconds(
        lambda: [assign(one, u, ATTRIBUTES) for u in UNITS], len(UNITS)
    )
    bare_50 = _microseconds(
        lambda: [bare_hash(s, u) for u in UNITS for s in salts],
        len(UNITS) * EXPERIMENTS,
    )
    bulk = _microseconds(
        lambda: [assign_all(ruleset.together, u, ATTRIBUTES) for u in UNITS],
        len(UNITS) * EXPERIMENTS,
    )
    us = "microseconds"
    return [
        figure("assign in one experiment", single, us, limit=bare, at_most=2),
        figure("assign, each of 50 experiments", bulk, us, limit=bare_50, at_most=2),
        figure(
            "assign, against GrowthBook's Python SDK",
            1e6 / single,
            "assignments/s",
            limit=1e6 / _sdk_microseconds(ruleset),
            at_least=3,
        ),
    ]


def _sdk_microseconds(ruleset: Ruleset) -> float:
    """Time the SDK on the same experiment and ids, one instance for all of them."""
    key, design = next(iter(ruleset.experiments.items()))
    client = GrowthBook(features={key: feature(design)})
    known = [{**ATTRIBUTES, "id": unit} for unit in UNITS]

    def run() -> None:
        for attributes in known:
            client.set_attributes(attributes)
            client.eval_feature(key)

    return _microseconds(run, len(UNITS))


def bare_hash(salt: str, unit: str) -> int:
    """Hash as GrowthBook's Python client does for ASCII ids, and nothing else."""
    value = f"{salt}{unit}"
    for _ in range(2):
        state = 0x811C9DC5
        for byte in value.encode():
            state = ((state ^ byte) * 0x01000193) & 0xFFFFFFFF
        value = str(state)
    return int(value) % 10_000


def door_figures(folder: str, key: str) -> list[Figure]:
    """Put the door, a raw echo and a Flask view under the same load, in turn."""
    asked = {"unit": UNITS[0], "attributes": ATTRIBUTES}
    named = {**asked, "experiments": ["experiment-0"]}
    context = {"context": {"targetingKey": UNITS[0], **ATTRIBUTES}}
    single, bulk = (0.5, 60), (0.15, 250)
    questions = [
        ("door, one experiment", assignments.PATH, named, single),
        ("door, 50 experiments", assignments.PATH, asked, bulk),
        ("OpenFeature, one flag", f"{ofrep.PATH}/experiment-0", context, single),
        ("OpenFeature, 50 flags", ofrep.PATH, context, bulk),
    ]
    environ = {FOLDER: folder}
    figures = []
    for name, path, question, goals in questions:
        body = orjson.dumps(question)
        rounds = [
            loads for _ in range(STARTS) for loads in _in_turn(path, body, key, environ)
        ]
        door, echo, view = (_best(loads) for loads in zip(*rounds, strict=True))
        figures += _compare(name, door, echo, view, *goals)
    return figures


def _in_turn(
    path: str, body: bytes, key: str, environ: Mapping[str, str]
) -> list[list[Load]]:
    """Press door, echo and view in turn, so that a slow moment meets all three."""
    apps = [
        f"benchmarks.assignment_apps:{app}" for app in ("abide", "echo", "flask_view")
    ]
    with ExitStack() as running:
        servers = [running.enter_context(serving(app, environ)) for app in apps]
        ports = [server.port for server in servers]
        asked = post(ports[0], path, body, f"X-API-Key: {key}\r\n")
        # The limit is to parse and write what the door has to say.
        answer = ask(ports[0], asked)
        requests = [asked, *(post(port, "/", answer) for port in ports[1:])]
        pairs = list(zip(servers, requests, strict=True))
        return [
            [press(server, request, SECONDS) for server, request in pairs]
            for _ in range(ROUNDS)
        ]


def _best(loads: Iterable[Load]) -> Load:
    return max(loads, key=attrgetter("per_second"))


def _compare(
    name: str, door: Load, echo: Load, view: Load, at_least: float, at_most: float
) -> list[Figure]:
    rate, cost = "answers/s", "CPU-ms per 1,000"
    return [
        figure(
            f"{name}, against a raw WSGI echo",
            door.per_second,
            rate,
            limit=echo.per_second,
            at_least=at_least,
        ),
        figure(
            f"{name}, against a bare Flask view",
            door.per_second,
            rate,
            limit=view.per_second,
        ),
        figure(f"{name}, server cost", door.cpu_ms, cost, at_most=at_most),
        figure(f"{name}, server cost of a raw WSGI echo", echo.cpu_ms, cost),
        figure(f"{name}, server cost of a bare Flask view", view.cpu_ms, cost),
    ]


def make_ruleset(count: int = EXPERIMENTS) -> tuple[bytes, str]:
    """Write a ruleset of running experiments, half with a condition.

    Args:
        count: of the experiments.

    Returns:
        Its body, and the text of a server key in it.
    """
    public_id, text = key_format.make(KeyKind.SERVER, Environment.PRODUCTION)
    key = {
        "public_id": public_id,
        "digest": key_format.digest(text),
        "kind": "server",
        "environment": "production",
        "revoked": False,
    }
    content = {
        "format": 2,
        "revision": 1,
        "published_at": "2026-03-14T09:30:00+00:00",
        "experiments": [_experiment(index) for index in range(count)],
        "silent": {},
        "keys": [key],
        "attributes": list(ATTRIBUTES),
    }
    return orjson.dumps(content), text


def _experiment(index: int) -> dict[str, object]:
    rule = {
        "country": {"$in": ["NL", "BE", "DE"]},
        "tenure_days": {"$exists": True, "$gte": 30},
    }
    variants: list[dict[str, object]] = [
        {
            "name": name,
            "share": 0.5,
            "parameters": {"headline": f"Headline of {name}", "steps": 3},
            "personalisation": [],
        }
        for name in ("control", "treatment")
    ]
    return {
        "key": f"experiment-{index}",
        "status": "running",
        "salt": _salt(index),
        "phase": 1,
        "coverage": 1.0,
        "segment": {"key": "s", "version": 1, "condition": rule if index % 2 else {}},
        "control": "control",
        "decided_variant": None,
        "types": {"headline": "string", "steps": "integer"},
        "variants": variants,
    }


def _salt(index: int) -> str:
    return f"salt-of-experiment-{index}"


def _microseconds(run: Callable[[], object], count: int) -> float:
    """Time the best of seven runs, for each of `count` things done in it."""
    best = float("inf")
    for _ in range(7):
        began = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - began)
    return best / count * 1e6


if __name__ == "__main__":
    record(measure())
