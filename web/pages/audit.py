"""Audit: who did what, and whether the chain of rows is whole."""

from flask import Blueprint, render_template, request

from experiments import audit
from experiments.db import transaction
from experiments.vocabulary import PersonRole
from web.access import context, least

pages = Blueprint("audit", __name__)
PAGE = 50
LAST_ID = 2**31 - 1  # what the column holds


@pages.get("/settings/audit")
@least(PersonRole.ANALYST)
def listing() -> str:
    """List rows, newest first, a page at a time."""
    before = request.args.get("before", type=int)
    before = before if before is None or 0 < before <= LAST_ID else None
    with transaction(context().sessions) as database:
        rows = audit.entries(database, before_id=before, limit=PAGE)
        return render_template(
            "audit.html", rows=rows, older=rows[-1].id if len(rows) == PAGE else None
        )


@pages.post("/settings/audit/check")
@least(PersonRole.ADMIN)
def verify() -> str:
    """Walk the whole chain and say whether a row was edited or removed."""
    with transaction(context().sessions) as database:
        broken = audit.verify(database)
        rows = audit.entries(database, limit=PAGE)
        return render_template(
            "audit.html",
            rows=rows,
            older=rows[-1].id if len(rows) == PAGE else None,
            broken=broken,
        )
