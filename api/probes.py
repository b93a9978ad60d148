"""Health for machines: /healthz, /readyz and /metrics, answered without a database."""

import os

import orjson
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    generate_latest,
)
from prometheus_client import multiprocess as multiprocess_metrics

from api.door_auth import authenticate
from api.door_values import Door, Request, Response
from experiments.ruleset_mirror import RulesetMirror
from experiments.ruleset_reader import RulesetReader
from experiments.serving import Fellows
from experiments.vocabulary import KeyKind

JSON = [("Content-Type", "application/json")]


def routes(
    reader: RulesetReader,
    mirror: RulesetMirror | None = None,
    fellows: Fellows | None = None,
) -> dict[tuple[str, str], Door]:
    """List the probes as doors.

    Args:
        reader: what this process serves assignments from.
        mirror: brings rulesets from the database, in processes that ask it.
        fellows: the other processes of this server; it is ready when all are.

    Returns:
        (method, path) -> door.
    """

    def fault() -> str:
        return (mirror.fault if mirror is not None else None) or ""

    def healthz(_request: Request) -> Response:
        return Response(200, JSON, b'{"status":"ok"}')

    def readyz(_request: Request) -> Response:
        ruleset = reader.current
        if ruleset is None:
            return _waiting(f"No ruleset is loaded yet. {fault()}".strip())
        missing = fellows.missing() if fellows is not None else ""
        if missing:
            return _waiting(missing)
        ready = {
            "status": "ready",
            "revision": ruleset.revision,
            "message": reader.fault or fault(),
        }
        return Response(200, JSON, orjson.dumps(ready))

    def metrics(request: Request) -> Response:
        # Figures tell how much a company does, so they take a secret key.
        authenticate(request, reader, {KeyKind.SERVER, KeyKind.ADMIN})
        content = [("Content-Type", CONTENT_TYPE_LATEST)]
        return Response(200, content, generate_latest(_registry()))

    return {
        ("GET", "/healthz"): healthz,
        ("GET", "/readyz"): readyz,
        ("GET", "/metrics"): metrics,
    }


def _waiting(message: str) -> Response:
    body = orjson.dumps({"status": "waiting", "message": message})
    return Response(503, [*JSON, ("Retry-After", "1")], body)


def _registry() -> CollectorRegistry:
    """Gather the figures of all processes of this server, or of this one alone."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    multiprocess_metrics.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
