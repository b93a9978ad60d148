"""Keys stand in addresses: none may be a word that an address has already."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy.orm import Session, sessionmaker

from experiments import holdouts, journey, layer_catalog
from experiments.actors import Actor
from experiments.db import transaction
from experiments.errors import InvalidInput
from experiments.field_faults import RESERVED_KEYS
from experiments.vocabulary import PersonRole
from tests.factories import (
    NOW,
    design_value,
    make_actor,
    make_experiment,
    make_hypothesis,
    make_metric,
    make_segment,
    variant,
)
from web.forms.values import key_from

ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def hiding_words(rules: list[str]) -> set[str]:
    """Find the keys that would lead to another address than that of their thing."""
    split = [rule.split("/") for rule in rules]
    return {
        other[place]
        for parts in split
        for place, part in enumerate(parts)
        if re.fullmatch("<(.*:)?key>", part)
        for other in split
        if may_be_one(parts, other) and not other[place].startswith("<")
    }


def may_be_one(one: list[str], other: list[str]) -> bool:
    """Say whether some path fits both rules."""
    return len(one) == len(other) and all(
        a == b or "<" in a + b for a, b in zip(one, other, strict=True)
    )


@ONE_DATABASE
def test_reserved_keys__are_those_that_another_address_hides(
    app: Flask,
) -> None:
    rules = [rule.rule for rule in app.url_map.iter_rules()]
    assert "/experiments/<key>" in rules
    assert hiding_words(rules) == RESERVED_KEYS


MAKERS: dict[str, Callable[[Session, Actor, str], object]] = {
    "experiment": lambda s, who, key: make_experiment(s, who, key=key),
    "hypothesis": lambda s, who, key: make_hypothesis(s, who, key=key),
    "segment": lambda s, _, key: make_segment(s, key),
    "metric": lambda s, _, key: make_metric(s, key),
    "stage": lambda s, who, key: journey.save_stage(
        s, key=key, name="New", position=1, actor=who, now=NOW
    ),
    "layer": lambda s, who, key: layer_catalog.create(
        s, key=key, name="New", description="", actor=who, now=NOW
    ),
    "holdout": lambda s, who, key: holdouts.create(
        s, key=key, name="New", share=0.1, journey_stage=None, actor=who, now=NOW
    ),
}


@ONE_DATABASE
@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("key", sorted(RESERVED_KEYS))
def test_thing__with_a_reserved_key__is_refused_in_words(
    sessions: sessionmaker[Session], kind: str, key: str
) -> None:
    with transaction(sessions) as session:
        who = make_actor(session, "Ada", PersonRole.ADMIN)
        with pytest.raises(InvalidInput) as refused:
            MAKERS[kind](session, who, key)
        assert "Choose another key" in refused.value.fields["key"]
        MAKERS[kind](session, who, f"{key}-er")


def test_variant__called_like_a_reserved_key__is_fine() -> None:
    """A variant has no address of its own: "old" against "new" is a usual pair."""
    control = variant("old", is_control=True)
    design_value(variants=(control, variant("new"))).check()


def test_key__made_from_a_name__is_never_a_reserved_one() -> None:
    assert key_from("New", "segment") == "segment-new"
    assert key_from("New customers", "segment") == "new-customers"
