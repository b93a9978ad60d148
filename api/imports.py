"""Imports of files, and the rows of theirs that were refused."""

from collections.abc import Iterator
from typing import Any

from api.endpoints import Call, Endpoint, Resource
from api.schemas.intake import ImportsSchema
from experiments import import_records
from experiments.vocabulary import PersonRole

resource = Resource("imports", "Imports of files, and rows that were refused.")

LIST = Endpoint(role=PersonRole.ANALYST, to="see imports", answer=ImportsSchema)
REJECTS = Endpoint(role=PersonRole.ANALYST, to="see imports", answer=None)


@resource.route("GET", "/imports", LIST)
def list_imports(call: Call) -> dict[str, Any]:
    """List the imports of the last 30 days whose rows were read, at most 50."""
    return {"items": import_records.listing(call.session)}


@resource.route("GET", "/imports/<key:public_id>/rejects", REJECTS)
def list_rejects(call: Call, public_id: str) -> Iterator[str]:
    """Write every fault of an import's rows: row, field, reason, masked value."""
    record = import_records.get(call.session, public_id)
    return import_records.csv_lines(call.context.settings.data_dir, record)
