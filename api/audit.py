"""The audit over JSON."""

from typing import Any

from api.endpoints import Call, Endpoint, Resource
from api.pagination import page, place_of
from api.schemas.audit import AuditEntrySchema, AuditQuery
from api.schemas.paging import page_schema
from experiments import audit
from experiments.vocabulary import PersonRole

resource = Resource("audit", "Who did what to which thing, append-only.")

LIST = Endpoint(
    role=PersonRole.ADMIN,
    to="read the audit",
    answer=page_schema(AuditEntrySchema),
    query=AuditQuery,
)


@resource.route("GET", "/audit", LIST)
def list_audit(call: Call, query: dict[str, Any]) -> dict[str, Any]:
    """List the audit, newest first."""
    limit = query["limit"]
    rows = audit.entries(
        call.session,
        subject_kind=query.get("subject_kind"),
        subject_key=query.get("subject_key"),
        before_id=place_of("audit", query.get("cursor"), int),
        limit=limit + 1,
    )
    return page("audit", rows, limit, lambda row: row.id)
