"""Opting out over JSON: links for customers, counts by day, words for customers."""

from typing import Any

from api.endpoints import Call, Endpoint, Resource
from api.schemas.opt_outs import (
    ChoiceLinksBodySchema,
    ChoiceLinksSchema,
    CustomerWordsSchema,
    OptOutsSchema,
)
from experiments import customer_words, opt_outs
from experiments.choice_inviting import ChoiceWish, make_links
from experiments.choice_links import ChoiceLinks
from experiments.customer_words import Words
from experiments.privacy import load_pseudonymiser
from experiments.sealing import load_sealer
from experiments.vocabulary import PersonRole

resource = Resource("opt-outs", "", tag="privacy")

READ = Endpoint(role=PersonRole.VIEWER, to="count opt-outs", answer=OptOutsSchema)
# Not one that "creates": the key that tells repeated requests apart would keep the
# ids; other links to the same choice do no harm.
MAKE_LINKS = Endpoint(
    role=PersonRole.EDITOR,
    to="make links to opt out",
    answer=ChoiceLinksSchema,
    body=ChoiceLinksBodySchema,
)
READ_WORDS = Endpoint(
    role=PersonRole.VIEWER, to="read words for customers", answer=CustomerWordsSchema
)
WRITE_WORDS = Endpoint(
    role=PersonRole.EDITOR,
    to="write words for customers",
    answer=CustomerWordsSchema,
    body=CustomerWordsSchema,
)


@resource.route("GET", "/opt-outs", READ)
def read_opt_outs(call: Call) -> dict[str, Any]:
    """Count who takes part in no experiment, and who chose so by day."""
    return {
        "opted_out_count": opt_outs.count(call.session),
        "days": opt_outs.by_day(call.session, call.now),
    }


@resource.route("POST", "/opt-outs/links", MAKE_LINKS)
def make_choice_links(call: Call, body: ChoiceWish) -> dict[str, Any]:
    """Make sealed links on which customers see their tests, and can opt out."""
    settings = call.context.settings
    made = make_links(
        call.session,
        ChoiceLinks(load_sealer(settings)),
        load_pseudonymiser(settings),
        body,
        actor=call.actor,
        now=call.now,
    )
    base = f"{settings.base_url.rstrip('/')}/c/"
    return {
        "links": [
            {"customer_id": customer_id, "token": token, "url": f"{base}{token}"}
            for customer_id, token in made
        ]
    }


@resource.route("GET", "/experiments/<key:key>/customer-words", READ_WORDS)
def read_customer_words(call: Call, key: str) -> Words:
    """Read what customers are told about an experiment."""
    return customer_words.read(call.session, key)


@resource.route("PUT", "/experiments/<key:key>/customer-words", WRITE_WORDS)
def write_customer_words(call: Call, body: Words, key: str) -> Words:
    """Say what customers are told about an experiment; the plan is never shown."""
    return customer_words.write(call.session, key, body, actor=call.actor, now=call.now)
