"""Links to opt out, counts and words for customers over JSON."""

import pytest
from sqlalchemy.orm import Session

from experiments import opt_outs
from experiments.choice_links import ChoiceLinks
from experiments.context import Context
from experiments.db import transaction
from experiments.privacy import load_pseudonymiser
from experiments.sealing import load_sealer
from tests import factories
from tests.api.conftest import Caller

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_links__in_bulk__lead_to_the_choice_of_each_customer(
    api: Caller, context: Context
) -> None:
    ids = [f"customer-{i}" for i in range(1000)]
    made = api.post("/opt-outs/links", {"customer_ids": ids})
    assert made.status_code == 200, made.text
    found = made.json["links"]
    assert [one["customer_id"] for one in found] == ids
    hide, links = (
        load_pseudonymiser(context.settings),
        ChoiceLinks(load_sealer(context.settings)),
    )
    read = links.read(found[7]["token"])
    assert read is not None
    assert read.customer == hide.customer("customer-7")
    assert found[7]["url"].endswith(f"/c/{found[7]['token']}")


def test_links__of_nobody_or_too_many__are_refused_by_field(api: Caller) -> None:
    for ids in ([], ["u"] * 1001, ["u", ""]):
        refused = api.post("/opt-outs/links", {"customer_ids": ids})
        assert refused.status_code == 422
        assert any(name.startswith("customer_ids") for name in refused.json["fields"])


def test_counts__by_day__name_nobody(api: Caller, context: Context) -> None:
    nothing = {"opted_out_count": 0, "days": []}
    assert api.get("/opt-outs").json == nothing
    with transaction(context.sessions) as session:
        for who in (b"a" * 16, b"b" * 16):
            opt_outs.opt_out(session, who, now=context.now())
        opt_outs.opt_in(session, b"a" * 16, now=context.now())
    day = {"day": "2026-03-14", "opted_out_count": 2, "opted_in_count": 1}
    assert api.get("/opt-outs").json == {"opted_out_count": 1, "days": [day]}


def test_customer_words__written__read_as_they_were_sent(
    api: Caller, context: Context
) -> None:
    with transaction(context.sessions) as session:
        _draft(session)
    path = f"/experiments/{factories.EXPERIMENT}/customer-words"
    assert api.get(path).json == {"name": "", "difference": ""}
    words = {"name": "A shorter set-up", "difference": "Fewer steps."}
    assert api.put(path, words).json == words
    assert api.get(path).json == words
    refused = api.put(path, {"difference": "Fewer steps."})
    assert (refused.status_code, list(refused.json["fields"])) == (422, ["name"])
    assert api.put(path, {"name": "x" * 121}).status_code == 422
    assert api.get("/experiments/none/customer-words").status_code == 404


def _draft(session: Session) -> None:
    factories.make_experiment(session, factories.make_actor(session, "Eve"))
