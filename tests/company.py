"""A small company for tests of whole processes: one person, keys, one experiment."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from experiments import accounts, keys
from experiments.context import Context, open_context
from experiments.db import transaction
from experiments.vocabulary import Environment, KeyKind, PersonRole
from tests.factories import make_person
from tests.servers import RunningServer

EXPERIMENT = "welcome-call"


@dataclass(frozen=True, slots=True)
class Company:
    """The keys of a company with one administrator."""

    admin: str
    server: str
    write: str
    context: Context


def found_company(environ: Mapping[str, str]) -> Company:
    """Make the first person and one key of each useful kind, on a migrated database."""
    context = open_context(environ)
    now = context.now()
    with transaction(context.sessions) as session:
        person = make_person(session, role=PersonRole.ADMIN, now=now)
        made = {
            kind: keys.create_key(
                session,
                kind=kind,
                environment=Environment.PRODUCTION,
                name=f"Test {kind.value}",
                actor=accounts.actor_for(person),
                now=now,
            )[1]
            for kind in (KeyKind.ADMIN, KeyKind.SERVER, KeyKind.WRITE)
        }
    # On SQLite a connection left open would hold a place in the lock queue.
    context.sessions.kw["bind"].dispose()
    return Company(
        made[KeyKind.ADMIN], made[KeyKind.SERVER], made[KeyKind.WRITE], context
    )


def start_experiment(server: RunningServer, company: Company) -> None:
    """Register and start one experiment over the API."""
    for path, body in (
        ("segments", _segment()),
        ("metrics", _retention()),
        ("metrics", _csat()),
        ("hypotheses", _hypothesis()),
        ("experiments", _experiment()),
        (f"experiments/{EXPERIMENT}/actions/start", {}),
    ):
        status, answer = server.request(
            "POST", f"/api/v1/{path}", body, key=company.admin
        )
        assert status in {200, 201}, (path, status, answer)


def _segment() -> dict[str, Any]:
    return {
        "key": "small",
        "name": "Small",
        "description": "",
        "condition": {"size": "small"},
    }


def _retention() -> dict[str, Any]:
    definition = {
        "kind": "retention",
        "direction": "increase",
        "events": ["Opened"],
        "day": 7,
    }
    return {
        "key": "d7",
        "name": "Day-7 retention",
        "description": "",
        "definition": definition,
    }


def _csat() -> dict[str, Any]:
    definition = {"kind": "csat_mean", "direction": "increase", "day": 14}
    return {
        "key": "csat",
        "name": "CSAT",
        "description": "",
        "definition": definition,
    }


def _hypothesis() -> dict[str, Any]:
    return {
        "key": EXPERIMENT,
        "title": "A call keeps small customers",
        "evidence": "complaints",
        "evidence_text": "They say that nobody asks how it goes.",
        "change": "a welcome call",
        "segment": "small",
        "metric": "d7",
        "direction": "increase",
        "expected_change": 0.02,
        "journey_stage": "onboarding",
        "friction_point": "Nobody to ask.",
        "if_up": "Call everybody.",
        "if_flat": "Do not call.",
        "if_down": "Do not call.",
        "forecast": {
            "lift_low": 0.0,
            "lift_mid": 0.02,
            "lift_high": 0.05,
            "ship_probability": 0.4,
        },
    }


def _experiment() -> dict[str, Any]:
    variants = [
        {
            "name": name,
            "description": "",
            "is_control": name == "control",
            "share": 0.5,
            "parameters": {"call": name == "call"},
        }
        for name in ("control", "call")
    ]
    return {
        "key": EXPERIMENT,
        "name": "Welcome call",
        "hypothesis": EXPERIMENT,
        "goal": "churn_reduction",
        "assigned_by": "abide",
        "unit": "customer",
        "segment": "small",
        "segment_version": 1,
        "variants": variants,
        "coverage": 1.0,
        "metrics": [
            {
                "metric": "d7",
                "version": 1,
                "role": "primary",
                "change_that_matters": 0.02,
            },
            {
                "metric": "csat",
                "version": 1,
                "role": "guardrail",
                "change_that_matters": 0.1,
                "margin": 0.1,
            },
        ],
        "monitoring_mode": "fixed_end",
        "planned_units": 1000,
        "planned_end_at": (datetime.now(UTC) + timedelta(days=14)).isoformat(),
    }
