"""Lists by hand over JSON: who gets a variant for a test, and who takes no part."""

from typing import Any

from api.endpoints import Call, Endpoint, Resource
from api.schemas.steps import ListedBodySchema, ListedItemsSchema, ListedSchema
from experiments import catalog, data_requests, listed_units
from experiments.models import ListedUnit
from experiments.privacy import load_pseudonymiser
from experiments.vocabulary import PersonRole, Unit

_NUMBER = "<int(max=2147483647):row_id>"  # what an INTEGER column holds

resource = Resource("listed", "", tag="experiments")

LIST = Endpoint(role=PersonRole.EDITOR, to="read lists", answer=ListedItemsSchema)
PUT = Endpoint(
    role=PersonRole.EDITOR,
    to="change the lists of an experiment",
    answer=ListedSchema,
    body=ListedBodySchema,
    creates=True,
)
REMOVE = Endpoint(
    role=PersonRole.EDITOR,
    to="change the lists of an experiment",
    answer=ListedSchema,
)


@resource.route("GET", "/experiments/<key:key>/listed", LIST)
def list_listed(call: Call, key: str) -> dict[str, Any]:
    """List who gets a variant by hand, or takes no part."""
    experiment = catalog.get(call.session, key)
    return {"items": listed_units.listing(call.session, experiment)}


@resource.route("POST", "/experiments/<key:key>/listed", PUT)
def put_on_list(call: Call, body: dict[str, Any], key: str) -> ListedUnit:
    """Put a customer on a list; analysis leaves them out for good."""
    hide = load_pseudonymiser(call.context.settings)
    who, kind = body.pop("customer_id"), body.pop("id_kind")
    unit = Unit(catalog.get(call.session, key).unit)
    pseudonym = data_requests.pseudonym_of(hide, who, kind, unit)
    return listed_units.put(
        call.session, key, pseudonym, **body, actor=call.actor, now=call.now
    )


@resource.route("DELETE", f"/experiments/<key:key>/listed/{_NUMBER}", REMOVE)
def take_off_list(call: Call, key: str, row_id: int) -> ListedUnit:
    """Take a customer off a list; what was seen until then still does not count."""
    return listed_units.remove(
        call.session, key, row_id, actor=call.actor, now=call.now
    )
