from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from experiments import (
    allocation,
    audit,
    catalog,
    holdouts,
    journey,
    layer_catalog,
    lifecycle,
)
from experiments.actors import Actor
from experiments.assignment import assign
from experiments.db import transaction
from experiments.errors import Conflict, Forbidden, InvalidInput, NotFound
from experiments.models import RulesetRow
from experiments.ruleset_values import Ruleset, parse
from experiments.vocabulary import (
    Action,
    AssignedBy,
    AssignmentReason,
    PersonRole,
)
from tests import factories
from tests.factories import NOW

Sessions = sessionmaker[Session]
BUSINESS = {"plan": "business"}


@pytest.fixture
def ada(sessions: Sessions) -> Actor:
    with transaction(sessions) as session:
        journey.seed(session)
        actor = factories.make_actor(session, "Ada", PersonRole.ADMIN)
        make_layer(session, actor)
        return actor


def make_layer(session: Session, actor: Actor, key: str = "checkout") -> None:
    layer_catalog.create(
        session, key=key, name="Checkout", description="", actor=actor, now=NOW
    )


def start(session: Session, actor: Actor, key: str, share: float | None) -> None:
    """Draft and start an experiment in the layer."""
    factories.make_experiment(
        session,
        actor,
        key=key,
        layer=None if share is None else "checkout",
        layer_share=share,
    )
    lifecycle.transition(session, key, Action.START, actor, NOW)


def stop(session: Session, actor: Actor, key: str) -> None:
    lifecycle.transition(session, key, Action.STOP, actor, NOW, reason="Enough.")


def free_share(session: Session, **later: float) -> float:
    layer = layer_catalog.get(session, "checkout")
    shown = allocation.shown(layer, NOW + timedelta(**later))
    share: float = shown["free_share"]
    return share


def newest(session: Session) -> Ruleset:
    row = max(session.query(RulesetRow).all(), key=lambda row: row.revision)
    return parse(row.body.encode())


def test_start__two_in_a_layer__have_different_customers(
    sessions: Sessions, ada: Actor
) -> None:
    with transaction(sessions) as session:
        start(session, ada, "one", 0.3)
        start(session, ada, "two", 0.7)
        published = newest(session)
        assert free_share(session) == 0

    for i in range(500):
        answers = [
            assign(published.experiments[key], f"c{i}", BUSINESS)
            for key in ("one", "two")
        ]
        assert sorted(a.reason for a in answers) == [
            AssignmentReason.NOT_IN_LAYER,
            AssignmentReason.SPLIT,
        ]


def test_start__no_room__says_what_would_fit_and_starts_nothing(
    sessions: Sessions, ada: Actor
) -> None:
    with transaction(sessions) as session:
        start(session, ada, "one", 0.8)
    with pytest.raises(Conflict) as refusal, transaction(sessions) as session:
        start(session, ada, "two", 0.3)
    assert refusal.value.message == (
        'The layer "Checkout" has 20 % free, and 30 % is asked for. Up to 20 % would'
        ' fit now. Experiment "one" has 80 %, with no end known.'
    )
    with transaction(sessions) as session, pytest.raises(NotFound):
        catalog.get(session, "two")


def test_layer__experiments_drawn_by_different_ids__is_refused(
    sessions: Sessions, ada: Actor
) -> None:
    said = (
        'The layer "Checkout" draws customers by id, for experiment "one" has a part of'
        " it. This experiment draws customers by deviceId or id, so one customer could"
        " be in both. Choose another layer."
    )
    by_device: dict[str, Any] = {
        "hash_attribute": "deviceId",
        "fallback_attribute": "id",
    }
    with transaction(sessions) as session:
        factories.make_experiment(
            session,
            ada,
            key="two",
            layer="checkout",
            layer_share=0.2,
            **by_device,
        )
        start(session, ada, "one", 0.3)
    with transaction(sessions) as session, pytest.raises(Conflict) as late:
        lifecycle.transition(session, "two", Action.START, ada, NOW)
    assert late.value.message == said
    with transaction(sessions) as session, pytest.raises(InvalidInput) as early:
        factories.make_experiment(
            session, ada, key="three", layer="checkout", layer_share=0.2, **by_device
        )
    assert early.value.fields == {"layer": said}


def test_stop__its_part__is_free_when_the_last_window_has_passed(
    sessions: Sessions, ada: Actor
) -> None:
    with transaction(sessions) as session:
        start(session, ada, "one", 1)
        stop(session, ada, "one")
        # Day-30 retention of the last customer is known 31 days after the stop.
        assert free_share(session, days=30, hours=23) == 0
        assert free_share(session, days=31) == 1
        part = allocation.taken(layer_catalog.get(session, "checkout"), NOW)[0]
        with pytest.raises(Conflict, match="counted until 2026-04-14 09:30 UTC"):
            allocation.free_reservation(
                session, "checkout", part.id, actor=ada, now=NOW
            )
    with (
        pytest.raises(Conflict, match="until 2026-04-14"),
        transaction(sessions) as session,
    ):
        start(session, ada, "two", 0.1)


def test_reserve__for_a_draft__is_what_it_gets_at_the_start(
    sessions: Sessions, ada: Actor
) -> None:
    with transaction(sessions) as session:
        factories.make_experiment(
            session, ada, key="later", layer="checkout", layer_share=0.4
        )
        allocation.reserve(
            session,
            "checkout",
            share=0.4,
            note="May",
            experiment="later",
            actor=ada,
            now=NOW,
        )
        kept = allocation.taken(layer_catalog.get(session, "checkout"), NOW)[0]
        with pytest.raises(Conflict, match='reservation for experiment "later"'):
            start(session, ada, "one", 0.7)
        lifecycle.transition(session, "later", Action.START, ada, NOW)
        held = allocation.taken(layer_catalog.get(session, "checkout"), NOW)
        found = [(p.first_bucket, p.end_bucket, p.in_use) for p in held]
        assert found == [(kept.first_bucket, kept.end_bucket, True)]
        with pytest.raises(Conflict, match="Stop it first"):
            allocation.free_reservation(
                session, "checkout", held[0].id, actor=ada, now=NOW
            )


def test_reserve__for_nobody__keeps_it_until_it_is_freed(
    sessions: Sessions, ada: Actor
) -> None:
    with transaction(sessions) as session:
        allocation.reserve(
            session,
            "checkout",
            share=0.25,
            note="Prices",
            experiment=None,
            actor=ada,
            now=NOW,
        )
        assert free_share(session) == 0.75
        part = allocation.taken(layer_catalog.get(session, "checkout"), NOW)[0]
        allocation.free_reservation(session, "checkout", part.id, actor=ada, now=NOW)
        assert free_share(session) == 1
        with pytest.raises(NotFound):
            allocation.free_reservation(
                session, "checkout", part.id, actor=ada, now=NOW
            )
        rows = audit.entries(session, subject_kind="layer", subject_key="checkout")
    assert [row.action for row in rows] == [
        "layer.free",
        "layer.reserve",
        "layer.create",
    ]


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"share": 0}, {"share"}),
        ({"share": float("nan"), "note": " "}, {"share", "note"}),
        ({"experiment": "no such"}, {"experiment"}),
    ],
)
def test_reserve__fields_at_fault__are_named(
    sessions: Sessions, ada: Actor, changes: dict[str, Any], fields: set[str]
) -> None:
    asked: dict[str, Any] = {"share": 0.1, "note": "x", "experiment": None, **changes}
    with transaction(sessions) as session, pytest.raises(InvalidInput) as refusal:
        allocation.reserve(session, "checkout", **asked, actor=ada, now=NOW)
    assert set(refusal.value.fields) == fields


def test_layers__viewers__may_not_change_them(sessions: Sessions, ada: Actor) -> None:
    viewer = Actor("person:9 v@example.com", PersonRole.VIEWER, 9)
    editor = Actor("person:8 e@example.com", PersonRole.EDITOR, 8)
    with transaction(sessions) as session:
        with pytest.raises(Forbidden):
            make_layer(session, viewer, "other")
        with pytest.raises(Forbidden):
            holdouts.create(
                session,
                key="h",
                name="H",
                share=0.1,
                journey_stage=None,
                actor=editor,
                now=NOW,
            )
        with pytest.raises(Conflict, match="layer"):
            make_layer(session, ada)


def test_design__layer_that_does_not_exist__is_named(
    sessions: Sessions, ada: Actor
) -> None:
    with transaction(sessions) as session, pytest.raises(InvalidInput) as refusal:
        factories.make_experiment(session, ada, layer="gone", layer_share=0.5)
    assert set(refusal.value.fields) == {"layer"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"layer": "checkout"}, "layer_share"),
        ({"layer": "checkout", "layer_share": 0.0}, "layer_share"),
        ({"layer": "checkout", "layer_share": 1.01}, "layer_share"),
        ({"layer_share": 0.5}, "layer"),
        (
            {
                "layer": "checkout",
                "layer_share": 0.5,
                "assigned_by": AssignedBy.EXTERNAL,
            },
            "layer",
        ),
    ],
)
def test_check__layer_and_share_that_do_not_fit__are_named(
    changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        factories.design_value(**changes).check()
    assert set(refusal.value.fields) == {field}


# Holdouts


def begin(
    session: Session, actor: Actor, key: str, stage: str | None = None, **later: float
) -> None:
    holdouts.create(
        session,
        key=key,
        name="Everything",
        share=0.1,
        journey_stage=stage,
        actor=actor,
        now=NOW + timedelta(**later),
    )


def test_holdout__experiments_started_after__honour_it_and_others_do_not(
    sessions: Sessions, ada: Actor
) -> None:
    with transaction(sessions) as session:
        start(session, ada, "before", None)
        begin(session, ada, "all")
        begin(session, ada, "of-its-stage", "renewal")
        begin(session, ada, "elsewhere", "discovery")
        start(session, ada, "after", None)
        published = newest(session)
        after = catalog.get(session, "after")
        assert [h["key"] for h in after.holdouts] == ["all", "of-its-stage"]

    found = [
        (
            assign(published.experiments["before"], f"c{i}", BUSINESS).reason,
            assign(published.experiments["after"], f"c{i}", BUSINESS).reason,
        )
        for i in range(1000)
    ]
    assert {before for before, _ in found} == {AssignmentReason.SPLIT}
    held = sum(after == AssignmentReason.HELD_OUT for _, after in found)
    # Two independent holdouts of 10 %: 19 % of 1,000, within 5 standard deviations.
    assert abs(held - 190) < 5 * (1000 * 0.19 * 0.81) ** 0.5


def test_holdout__ended__running_experiments_still_keep_its_customers_out(
    sessions: Sessions, ada: Actor
) -> None:
    with transaction(sessions) as session:
        begin(session, ada, "all")
        start(session, ada, "during", None)
        before = newest(session).experiments["during"]
        holdouts.end(session, "all", actor=ada, now=NOW)
        with pytest.raises(Conflict, match="ended already"):
            holdouts.end(session, "all", actor=ada, now=NOW)
        start(session, ada, "later", None)
        published = newest(session)
    assert published.experiments["during"].special == before.special
    assert published.experiments["later"].special is None


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"share": 0.009}, {"share"}),
        ({"share": 0.11}, {"share"}),
        ({"key": "a b", "name": ""}, {"key", "name"}),
        ({"journey_stage": "nowhere"}, {"journey_stage"}),
    ],
)
def test_holdout__fields_at_fault__are_named(
    sessions: Sessions, ada: Actor, changes: dict[str, Any], fields: set[str]
) -> None:
    asked: dict[str, Any] = {"key": "h", "name": "H", "share": 0.05}
    asked |= {"journey_stage": None, **changes}
    with transaction(sessions) as session, pytest.raises(InvalidInput) as refusal:
        holdouts.create(session, **asked, actor=ada, now=NOW)
    assert set(refusal.value.fields) == fields


def test_holdout__key_taken_or_unknown__is_said(sessions: Sessions, ada: Actor) -> None:
    with transaction(sessions) as session:
        begin(session, ada, "all")
        with pytest.raises(Conflict):
            begin(session, ada, "all")
        with pytest.raises(NotFound):
            holdouts.get(session, "other")
        assert [row.key for row in holdouts.listing(session)] == ["all"]
        assert holdouts.listing(session, after_key="all") == []
        holdouts.end(session, "all", actor=ada, now=NOW)
        rows = audit.entries(session, subject_kind="holdout", subject_key="all")
    assert [row.action for row in rows] == ["holdout.end", "holdout.create"]
