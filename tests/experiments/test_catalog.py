from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from experiments import audit, catalog, metrics, segments
from experiments.actors import SYSTEM, Actor
from experiments.db import transaction
from experiments.design import Design
from experiments.design_parts import SegmentParameters, SegmentRef
from experiments.errors import Conflict, Forbidden, InvalidInput, NotFound
from experiments.models import RulesetRow, Variant
from experiments.vocabulary import AssignedBy, ParameterType, PersonRole, Role, Status
from tests import factories
from tests.factories import CSAT, EXPERIMENT, NOW, RETENTION, choice, variant

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def ada(sessions: sessionmaker[Session]) -> Actor:
    with transaction(sessions) as session:
        return factories.make_actor(session)


def full_design() -> Design:
    """Every field filled, with text, numbers and times that are easily lost."""
    return factories.design_value(
        name="Jährlich - mit Ersparnis \U0001f642",
        variants=(
            variant(
                "control",
                is_control=True,
                share=1 / 3,
                parameters={"a": [], "headline": ""},
            ),
            variant("nudge", share=1 / 3, parameters={"a": [1, 2.5, None, True]}),
            variant(
                "personal",
                share=1 / 3,
                description="",
                parameters={"headline": "Hello"},
                personalisation=(
                    SegmentParameters("newcomers", 1, {"headline": "Welcome"}),
                    SegmentParameters(factories.SEGMENT, 1, {}),
                ),
            ),
        ),
        coverage=0.1,
        metrics=(
            choice(RETENTION, change_that_matters=0.015, margin=0.02),
            choice(CSAT, Role.GUARDRAIL, margin=0.05),
            choice("churn", Role.SECONDARY),
        ),
        planned_end_at=NOW + timedelta(days=58, microseconds=123456),
        exposures_from=NOW + timedelta(days=1),
        enrolment_ends_at=NOW + timedelta(days=20),
        breakdowns=(SegmentRef("newcomers", 1), SegmentRef("newcomers", 2)),
        alpha=0.1,
        parameter_types={
            "a": ParameterType.JSON,
            "headline": ParameterType.STRING,
        },
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        # Day-30 retention looks at the day after day 30: 14 March, 09:30, and 31
        # days are 14 April, 09:30.
        (
            {"planned_end_at": NOW + timedelta(days=31, microseconds=-1)},
            (
                "Too early: the primary metric is known 31 days after a customer's"
                " first exposure. The earliest day is 15 Apr 2026."
            ),
        ),
        (
            {
                "enrolment_ends_at": datetime(2026, 4, 20, tzinfo=UTC),
                "planned_end_at": datetime(2026, 5, 20, tzinfo=UTC),
            },
            (
                "Too early: enrolment ends on 20 Apr 2026, and the primary metric is"
                " known 31 days after a customer's first exposure. The earliest day is"
                " 21 May 2026."
            ),
        ),
    ],
)
def test_draft__that_ends_before_the_last_can_count__names_the_earliest_day(
    sessions: sessionmaker[Session], ada: Actor, changes: dict[str, Any], said: str
) -> None:
    with transaction(sessions) as session:
        factories.make_experiment(session, ada, key="fits")
        with pytest.raises(InvalidInput) as refusal:
            factories.make_experiment(session, ada, **changes)
        assert refusal.value.fields == {"planned_end_at": said}
        end = NOW + timedelta(days=31)  # counts who comes in the first moment
        factories.make_experiment(session, ada, key="just", planned_end_at=end)


@pytest.mark.parametrize("name", ["planned_end_at", "enrolment_ends_at"])
def test_draft__whose_end_has_passed__is_refused_unless_it_ran_elsewhere(
    sessions: sessionmaker[Session], ada: Actor, name: str
) -> None:
    past: dict[str, Any] = {name: NOW}  # the very moment counts as passed
    with transaction(sessions) as session:
        drafted = factories.make_experiment(session, ada)
        revision = drafted.revision
        with pytest.raises(InvalidInput) as on_draft:
            factories.make_experiment(session, ada, key="late", **past)
        with pytest.raises(InvalidInput) as on_edit:
            catalog.edit(session, factories.design_value(**past), revision, ada, NOW)
        external = AssignedBy.EXTERNAL
        factories.make_experiment(
            session, ada, key="history", assigned_by=external, **past
        )
    said = {name: "This time has passed. Choose a later one."}
    assert on_draft.value.fields == on_edit.value.fields == said


def have_all(session: Session) -> None:
    factories.make_segment(session, "newcomers", condition={"lifecycle": "new"})
    segments.add_version(session, "newcomers", {}, actor=SYSTEM, now=NOW)
    factories.make_metric(session, "churn")


def test_draft__every_field__reads_back_equal(
    sessions: sessionmaker[Session], ada: Actor
) -> None:
    with transaction(sessions) as session:
        have_all(session)
        factories.make_experiment(session, ada, full_design())
    with sessions() as session:
        stored = catalog.get(session, EXPERIMENT)
    assert catalog.to_design(stored) == full_design()
    assert stored.status == Status.DRAFT
    assert (stored.revision, stored.owner.name, stored.phase) == (1, "Ada", 1)
    assert stored.author_ids == [ada.person_id]
    assert (stored.salt, stored.reviewed_by, stored.started_at) == (None, None, None)


def test_draft__stored__is_audited_and_doors_know_its_key(
    sessions: sessionmaker[Session], ada: Actor
) -> None:
    with transaction(sessions) as session:
        factories.make_experiment(session, ada)
    with sessions() as session:
        (entry,) = audit.entries(session, subject_kind="experiment")
        body = session.scalars(
            select(RulesetRow.body).order_by(RulesetRow.revision.desc())
        ).first()
        assert audit.verify(session) == []
    assert (entry.action, entry.actor) == ("experiment.draft", ada.label)
    assert orjson.loads(body or "")["silent"] == {EXPERIMENT: "not_started"}


def test_edit__current_revision__replaces_all_but_the_key(
    sessions: sessionmaker[Session], ada: Actor
) -> None:
    with transaction(sessions) as session:
        have_all(session)
        factories.make_experiment(session, ada)
        bob = factories.make_actor(session, "Bob")
        edited = catalog.edit(session, full_design(), 1, bob, NOW)
    assert catalog.to_design(edited) == full_design()
    assert (edited.revision, edited.owner.name) == (2, "Ada")
    assert edited.author_ids == [ada.person_id, bob.person_id]
    with sessions() as session:
        entry = audit.entries(session, subject_kind="experiment")[0]
        assert len(session.scalars(select(Variant)).all()) == 3
    assert entry.before is not None
    assert entry.after is not None
    assert "key" not in entry.before
    assert (entry.before["coverage"], entry.after["coverage"]) == (1.0, 0.1)


def test_edit__stale_revision__is_a_conflict_that_names_both(
    sessions: sessionmaker[Session], ada: Actor
) -> None:
    with transaction(sessions) as session:
        factories.make_experiment(session, ada)
        catalog.edit(session, factories.design_value(name="First"), 1, ada, NOW)
    with transaction(sessions) as session, pytest.raises(Conflict) as refusal:
        catalog.edit(session, factories.design_value(name="Second"), 1, ada, NOW)
    assert refusal.value.fields == {"revision": "You edited 1; 2 is stored."}
    with sessions() as session:
        assert catalog.get(session, EXPERIMENT).name == "First"


@SQLITE
def test_edit__other_key__finds_no_experiment(
    sessions: sessionmaker[Session], ada: Actor
) -> None:
    with transaction(sessions) as session:
        factories.make_experiment(session, ada)
        with pytest.raises(NotFound):
            catalog.edit(session, factories.design_value(key="other"), 1, ada, NOW)


@SQLITE
def test_draft__taken_key__is_a_conflict(
    sessions: sessionmaker[Session], ada: Actor
) -> None:
    with transaction(sessions) as session:
        factories.make_experiment(session, ada)
        with pytest.raises(Conflict) as refusal:
            factories.make_experiment(session, ada)
    assert list(refusal.value.fields) == ["key"]


RULE = SegmentParameters("nowhere", 1, {})


@SQLITE
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"hypothesis": "nowhere"}, "hypothesis"),
        ({"hypothesis": "\x00"}, "hypothesis"),
        ({"segment": "nowhere"}, "segment"),
        ({"segment": "\ud800"}, "segment"),
        ({"segment_version": 2}, "segment"),
        ({"breakdowns": (SegmentRef("nowhere", 1),)}, "breakdowns.0.segment"),
        (
            {
                "variants": (
                    variant("control", is_control=True),
                    variant("b", personalisation=(RULE,)),
                )
            },
            "variants.1.personalisation.0.segment",
        ),
        (
            {"metrics": (choice(RETENTION, version=2), choice(CSAT, Role.SECONDARY))},
            "metrics.0.metric",
        ),
    ],
)
def test_draft__reference_to_nothing__is_named(
    sessions: sessionmaker[Session],
    ada: Actor,
    changes: dict[str, Any],
    field: str,
) -> None:
    external = factories.external_design()
    with transaction(sessions) as session:
        factories.make_experiment(session, ada, external, key="first")
        faulty = factories.external_design(**changes)
        with pytest.raises(InvalidInput) as refusal:
            catalog.draft(session, faulty, ada, NOW)
    assert list(refusal.value.fields) == [field]


@SQLITE
def test_draft__primary_is_not_the_hypothesis_metric__is_named(
    sessions: sessionmaker[Session], ada: Actor
) -> None:
    swapped = (
        choice(CSAT, change_that_matters=0.05),
        choice(RETENTION, Role.GUARDRAIL, margin=0.01),
    )
    with transaction(sessions) as session:
        factories.make_hypothesis(session, ada)
        factories.make_metric(session, CSAT)
        with pytest.raises(InvalidInput) as refusal:
            catalog.draft(session, factories.design_value(metrics=swapped), ada, NOW)
    assert list(refusal.value.fields) == ["metrics.0.metric"]
    assert f'"{RETENTION}"' in refusal.value.fields["metrics.0.metric"]


@SQLITE
def test_draft__margin_wider_than_the_scale__is_named(
    sessions: sessionmaker[Session], ada: Actor
) -> None:
    # 1.5 "points" of a rate is 150 %; CSAT from 1 to 5 is 4 wide.
    wide = (
        choice(RETENTION, change_that_matters=1.5),
        choice(CSAT, Role.GUARDRAIL, margin=4),
    )
    with transaction(sessions) as session, pytest.raises(InvalidInput) as refusal:
        factories.make_experiment(session, ada, metrics=wide)
    assert set(refusal.value.fields) == {
        "metrics.0.change_that_matters",
        "metrics.1.margin",
    }


@SQLITE
def test_exposures_from__in_the_past__is_for_external_or_admin(
    sessions: sessionmaker[Session], ada: Actor
) -> None:
    past = NOW - timedelta(seconds=1)
    with transaction(sessions) as session:
        admin = factories.make_actor(session, "Root", PersonRole.ADMIN)
        factories.make_experiment(session, admin, key="a", exposures_from=past)
        factories.make_experiment(session, ada, factories.external_design(key="b"))
        with pytest.raises(InvalidInput) as refusal:
            factories.make_experiment(session, ada, key="c", exposures_from=past)
        assert list(refusal.value.fields) == ["exposures_from"]
        factories.make_experiment(session, ada, key="d", exposures_from=NOW)


@SQLITE
def test_changes__below_editor_or_without_person__are_refused(
    sessions: sessionmaker[Session], ada: Actor
) -> None:
    with transaction(sessions) as session:
        ann = factories.make_actor(session, "Ann", PersonRole.ANALYST)
        factories.make_experiment(session, ada)
        with pytest.raises(Forbidden):
            catalog.draft(session, factories.design_value(key="x"), ann, NOW)
        with pytest.raises(Forbidden):
            catalog.edit(session, factories.design_value(), 1, ann, NOW)
        with pytest.raises(InvalidInput, match="owner"):
            catalog.draft(session, factories.design_value(key="x"), SYSTEM, NOW)


@SQLITE
@pytest.mark.parametrize("key", ["nowhere", "", "\x00", "\ud800", "../etc", "x" * 65])
def test_get__unknown__is_not_found(sessions: sessionmaker[Session], key: str) -> None:
    with sessions() as session, pytest.raises(NotFound):
        catalog.get(session, key)


def test_listing__by_status_and_page__is_readable_after_the_session(
    sessions: sessionmaker[Session], ada: Actor
) -> None:
    with transaction(sessions) as session:
        for key in ("a", "b", "c"):
            factories.make_experiment(session, ada, key=key)
        factories.start_experiment(session, ada, key="d")
    with sessions() as session:
        drafts = catalog.listing(session, status=Status.DRAFT, limit=2)
        rest = catalog.listing(session, status=Status.DRAFT, after_key="b")
        running = catalog.listing(session, status=Status.RUNNING)
    found = [catalog.to_design(e).key for e in (*drafts, *rest, *running)]
    assert found == ["a", "b", "c", "d"]


def test_metric_version__newer_one__leaves_drafts_on_theirs(
    sessions: sessionmaker[Session], ada: Actor
) -> None:
    with transaction(sessions) as session:
        factories.make_experiment(session, ada)
        metrics.add_version(
            session, RETENTION, factories.definition(day=7), actor=SYSTEM, now=NOW
        )
    with sessions() as session:
        stored = catalog.get(session, EXPERIMENT)
    assert [m.metric_version.version for m in stored.metrics] == [1, 1]
