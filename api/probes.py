"""Health for machines: /healthz, /readyz and /metrics, answered without a database."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

import orjson
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

from api.door_auth import authenticate
from api.door_figures import DoorFigures
from api.door_values import Door, Request, Response
from experiments.freshness import Freshness, FreshnessProbe
from experiments.ruleset_mirror import RulesetMirror
from experiments.ruleset_reader import RulesetReader
from experiments.serving import Fellows
from experiments.vocabulary import Environment, KeyKind

JSON = [("Content-Type", "application/json")]


def routes(
    reader: RulesetReader,
    probe: FreshnessProbe,
    fellows: Fellows,
    figures: DoorFigures,
    now: Callable[[], datetime],
    mirror: RulesetMirror | None = None,
) -> dict[tuple[str, str], Door]:
    """List the probes as doors.

    Args:
        reader: what this process serves assignments from.
        probe: tells how old it is.
        fellows: the other processes of this server; it is ready when all are.
        figures: of the doors of this server.
        now: the clock.
        mirror: brings rulesets from the database, in processes that ask it.

    Returns:
        (method, path) -> door.
    """
    probes = _Probes(reader, probe, fellows, figures, now, mirror)
    return {
        ("GET", "/healthz"): probes.healthz,
        ("GET", "/readyz"): probes.readyz,
        ("GET", "/metrics"): probes.metrics,
    }


@dataclass(frozen=True, slots=True)
class _Probes:
    reader: RulesetReader
    probe: FreshnessProbe
    fellows: Fellows
    figures: DoorFigures
    now: Callable[[], datetime]
    mirror: RulesetMirror | None

    @staticmethod
    def healthz(_request: Request) -> Response:
        """Say that this process answers."""
        return Response(200, JSON, b'{"status":"ok"}')

    def readyz(self, _request: Request) -> Response:
        """Say whether this server serves, and how old what it serves is."""
        ruleset = self.reader.current
        fault = (self.mirror.fault if self.mirror is not None else None) or ""
        if ruleset is None:
            return _waiting(f"No ruleset is loaded yet. {fault}".strip())
        missing = self.fellows.missing()
        if missing:
            return _waiting(missing)
        found = self.probe.measure(ruleset, self.now())
        ready = {
            "status": "ready",
            "revision": ruleset.revision,
            "message": self.reader.fault or fault,
            "ruleset": {
                "age_seconds": found.ruleset_age,
                "confirmed_seconds": found.ruleset_confirmed,
                "processes_behind": found.processes_behind,
            },
            # Data of development are never analysed, so nobody is enrolled there.
            "enrolled_sets": {
                Environment.PRODUCTION.value: {"age_seconds": found.enrolled_age}
            },
        }
        return Response(200, JSON, orjson.dumps(ready))

    def metrics(self, request: Request) -> Response:
        """Write figures for Prometheus."""
        # They tell how much a company does, so they take a secret key.
        authenticate(request, self.reader, {KeyKind.SERVER, KeyKind.ADMIN})
        registry = CollectorRegistry()
        registry.register(self.figures)
        ruleset = self.reader.current
        if ruleset is not None:
            registry.register(_Ages(self.probe.measure(ruleset, self.now())))
        content = [("Content-Type", CONTENT_TYPE_LATEST)]
        return Response(200, content, generate_latest(registry))


def _waiting(message: str) -> Response:
    body = orjson.dumps({"status": "waiting", "message": message})
    return Response(503, [*JSON, ("Retry-After", "1")], body)


class _Ages(Collector):
    """The ages as figures, as this process sees them when it is asked."""

    def __init__(self, found: Freshness) -> None:
        self._found = found

    @override
    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Write each as a gauge; what is not known is NaN."""
        found = self._found
        for name, meaning, value in (
            ("ruleset_revision", "Revision of the ruleset in force.", found.revision),
            (
                "ruleset_age_seconds",
                "Since the ruleset was published.",
                found.ruleset_age,
            ),
            (
                "ruleset_confirmed_seconds",
                "Since the database last said that this ruleset is the newest.",
                found.ruleset_confirmed,
            ),
            (
                "processes_behind",
                "Processes of this machine that serve an older ruleset.",
                found.processes_behind,
            ),
        ):
            yield GaugeMetricFamily(f"abide_{name}", meaning, _figure(value))
        sets = GaugeMetricFamily(
            "abide_enrolled_sets_age_seconds",
            "Exposures that came within this time may not keep their variant yet.",
            labels=["environment"],
        )
        sets.add_metric([Environment.PRODUCTION], _figure(found.enrolled_age))
        yield sets


def _figure(value: float | None) -> float:
    return math.nan if value is None else float(value)
