"""What has come in by source, and what was set aside, over JSON."""

import dataclasses
from typing import Any

from analysis import reconciled
from api.endpoints import Call, Endpoint, Resource
from api.schemas.intake import (
    ExposureDaysSchema,
    GroupsSchema,
    NamedListSchema,
    ReconciledDaysSchema,
    ReplayBodySchema,
    ReplayedSchema,
    SourcesSchema,
)
from experiments import (
    catalog,
    exposures_view,
    intake_view,
    quarantine,
    reconciled_days,
)
from experiments.privacy import load_pseudonymiser
from experiments.quarantine import Pile, Replayed
from experiments.replay import Mending
from experiments.vocabulary import PersonRole

resource = Resource("intake", "Events on their way in: sources, and what was refused.")

SOURCES = Endpoint(role=PersonRole.VIEWER, to="see what came in", answer=SourcesSchema)
NAMED = Endpoint(role=PersonRole.VIEWER, to="see what came in", answer=NamedListSchema)
DAYS = Endpoint(
    role=PersonRole.VIEWER, to="see what came in", answer=ExposureDaysSchema
)
RECONCILED = Endpoint(
    role=PersonRole.VIEWER, to="see what came in", answer=ReconciledDaysSchema
)
GROUPS = Endpoint(
    role=PersonRole.ANALYST, to="see what was set aside", answer=GroupsSchema
)
REPLAY = Endpoint(
    role=PersonRole.EDITOR,
    to="read messages again",
    answer=ReplayedSchema,
    body=ReplayBodySchema,
)


@resource.route("GET", "/event-sources", SOURCES)
def list_sources(call: Call) -> dict[str, Any]:
    """List the sources of events: how fresh, how much, and what was not kept."""
    return {"items": intake_view.sources(call.session, call.now)}


@resource.route("GET", "/exposures", NAMED)
def list_named(call: Call) -> dict[str, Any]:
    """List the experiments and variants that exposures name, unknown ones first."""
    return {"items": exposures_view.named(call.session, call.now)}


@resource.route("GET", "/experiments/<key:key>/exposures", DAYS)
def list_days(call: Call, key: str) -> dict[str, Any]:
    """Count an experiment's exposures by day, source and variant."""
    experiment = catalog.get(call.session, key)
    return {"items": exposures_view.by_day(call.session, experiment.key)}


@resource.route("GET", "/experiments/<key:key>/reconciliation", RECONCILED)
def list_reconciled(call: Call, key: str) -> dict[str, Any]:
    """Say how far customers came from assignment to outcome, and what arrived."""
    experiment = catalog.get(call.session, key)
    return {
        "counted": reconciled.read(call.session, experiment),
        "items": reconciled_days.by_day(call.session, experiment.key, call.now),
    }


@resource.route("GET", "/quarantine", GROUPS)
def list_groups(call: Call) -> dict[str, Any]:
    """Count the messages that were set aside, by source and reason."""
    return {
        "items": [
            {**_fields(group), **_fields(group.pile)}
            for group in quarantine.groups(call.session)
        ]
    }


@resource.route("POST", "/quarantine/replays", REPLAY)
def replay(call: Call, body: dict[str, Any]) -> Replayed:
    """Read messages of one pile again, by today's rules and what puts them right."""
    mending = Mending(body.pop("values"), body.pop("at_arrival"))
    body["environment"] = body["environment"].value
    return quarantine.replay(
        call.session,
        call.context.settings,
        load_pseudonymiser(call.context.settings),
        Pile(**body),
        mending,
        actor=call.actor,
        now=call.now,
    )


def _fields(value: Any) -> dict[str, Any]:  # noqa: ANN401  # a dataclass
    return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
