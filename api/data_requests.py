"""Erasure of one customer, and a copy of what is stored about one, over JSON."""

from typing import Any

from api.endpoints import Call, Endpoint, Resource
from api.pagination import page, place_of
from api.schemas.data_requests import (
    CustomerBodySchema,
    CustomerCopySchema,
    ErasureSchema,
)
from api.schemas.paging import PageQuery, page_schema
from experiments import data_requests
from experiments.privacy import load_pseudonymiser
from experiments.vocabulary import PersonRole

resource = Resource("privacy", "What customers may ask for about their own data.")

LIST = Endpoint(
    role=PersonRole.ADMIN,
    to="see erasures",
    answer=page_schema(ErasureSchema),
    query=PageQuery,
)
# Not one that "creates": asking twice is the same request, and the key that tells
# repeated requests apart would keep a plain hash of the id.
ASK = Endpoint(
    role=PersonRole.ADMIN,
    to="erase a customer's data",
    answer=ErasureSchema,
    body=CustomerBodySchema,
)
READ = Endpoint(role=PersonRole.ADMIN, to="see erasures", answer=ErasureSchema)
COPY = Endpoint(
    role=PersonRole.ADMIN,
    to="export a customer's data",
    answer=CustomerCopySchema,
    body=CustomerBodySchema,
)


@resource.route("GET", "/erasures", LIST)
def list_erasures(call: Call, query: dict[str, Any]) -> dict[str, Any]:
    """List the erasures, newest first."""
    limit = query["limit"]
    rows = data_requests.listing(
        call.session,
        before_id=place_of("erasures", query.get("cursor"), int),
        limit=limit + 1,
    )
    return page("erasures", rows, limit, lambda row: row.id)


@resource.route("POST", "/erasures", ASK)
def erase(call: Call, body: dict[str, Any]) -> Any:  # noqa: ANN401  # a row
    """Erase everything about a customer; later events are dropped from now on."""
    return data_requests.request_erasure(
        call.session,
        load_pseudonymiser(call.context.settings),
        **body,
        actor=call.actor,
        now=call.now,
    )


@resource.route("GET", "/erasures/<int(max=2147483647):number>", READ)
def read_erasure(call: Call, number: int) -> Any:  # noqa: ANN401  # a row
    """Read how far an erasure is; it takes a minute at most."""
    return data_requests.get(call.session, number)


@resource.route("POST", "/customer-exports", COPY)
def export(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    """Give everything that is stored about a customer, under every stitched id."""
    # Reads the analytic store, which servers otherwise start without.
    from analysis.customer_data import copy_of  # noqa: PLC0415

    hide = load_pseudonymiser(call.context.settings)
    copy = copy_of(call.context, hide, **body)
    data_requests.note_export(
        call.session, body["id_kind"], actor=call.actor, now=call.now
    )
    return {**copy, "is_erased": data_requests.is_erased(call.session, hide, **body)}
