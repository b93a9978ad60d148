"""Preview links: by token, bound to one experiment, ended by time, person or status."""

from typing import Any

import pytest

from experiments import catalog, experiment_links, preview_links, ruleset
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import Conflict, Forbidden, InvalidInput, NotFound, Unavailable
from experiments.lookups import Place
from experiments.models import AuditEntry
from experiments.parcels import EventRow, Parcel
from experiments.previews import (
    ATTRIBUTE,
    Asked,
    Preview,
    Previewer,
    find_preview,
    shown_by,
)
from experiments.ruleset_values import Ruleset, parse
from experiments.vocabulary import AssignmentReason, Environment, PersonRole
from tests import factories, rulesets
from tests.clock import FakeClock
from tests.experiments.sent_messages import HIDE
from tests.factories import EXPERIMENT

RULES = [rulesets.personal("pro", {"plan": "pro"}, on=2)]
CONTROL = rulesets.variant("control", 1.0, parameters={"on": 0})
OTHER = rulesets.variant("treatment", 0.0, parameters={"on": 1}, personalisation=RULES)
ENTRY = rulesets.entry("nudge", variants=[CONTROL, OTHER], types={"on": "integer"})
ENTRIES = [ENTRY, {**ENTRY, "key": "over", "status": "stopped"}]
LINK = "abp_0123456789"


def ruleset_with(key: str = "nudge", variant: str = "treatment") -> Ruleset:
    link = rulesets.preview(LINK, key, variant)
    return rulesets.ruleset_of(ENTRIES, previews=[link])


def ask(unit: object = "a", **attributes: Any) -> Asked:  # noqa: ANN401
    return Asked(unit, {ATTRIBUTE: LINK, **attributes}, Environment.PRODUCTION)


def shown(
    previewer: Previewer | None, published: Ruleset, asked: Asked
) -> Preview | None:
    who = asked.unit, asked.attributes, asked.environment
    return shown_by(previewer, published, *who)


class Shelf:
    """Keeps parcels, or fails."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.parcels: list[Parcel] = []
        self.fault = fault

    def append(self, parcel: Parcel) -> None:
        if self.fault is not None:
            raise self.fault
        self.parcels.append(parcel)


def found(
    now: FakeClock,
    published: Ruleset,
    **attributes: Any,  # noqa: ANN401
) -> Preview | None:
    return find_preview(published, {ATTRIBUTE: LINK, **attributes}, now())


def test_preview__running_experiment__variant_that_the_hash_never_gives(
    now: FakeClock,
) -> None:
    shown = found(now, ruleset_with())
    assert shown is not None
    assert (shown.given.variant, shown.given.parameters) == ("treatment", {"on": 1})
    assert shown.given.reason == AssignmentReason.PREVIEW
    assert not shown.given.in_experiment
    # The published rules of a personalised variant choose, not the link.
    shown = found(now, ruleset_with(), plan="pro")
    assert shown is not None
    assert (shown.given.parameters, shown.given.rule) == ({"on": 2}, "pro")


def test_preview__draft__parameters_of_the_link(now: FakeClock) -> None:
    shown = found(now, ruleset_with("draft"))
    assert shown is not None
    assert (shown.given.experiment, shown.given.parameters) == ("draft", {"on": 9})


@pytest.mark.parametrize(
    ("key", "variant"),
    [("over", "treatment"), ("elsewhere", "x"), ("none", "x"), ("nudge", "gone")],
)
def test_preview__ended_external_or_unknown__nothing(
    now: FakeClock, key: str, variant: str
) -> None:
    assert found(now, ruleset_with(key, variant)) is None


def test_preview__expired_revoked_or_refused__nothing(now: FakeClock) -> None:
    published = ruleset_with()
    assert found(now, published, consent=False) is None
    assert found(now, published, consent="no") is None
    assert found(now, rulesets.ruleset_of(ENTRIES)) is None  # revoked: not published
    now.advance(days=1, seconds=-1)
    assert found(now, published) is not None
    now.advance(seconds=1)
    assert found(now, published) is None


@pytest.mark.parametrize(
    "token", ["", LINK + "A", LINK[:-1], "\N{SNOWMAN}", "\ud800", 7, None, [LINK]]
)
def test_preview__odd_token__nothing(now: FakeClock, token: object) -> None:
    assert find_preview(ruleset_with(), {ATTRIBUTE: token}, now()) is None


# What a door notes


def test_show__customer__noted_once_as_customer_and_visitor(now: FakeClock) -> None:
    shelf = Shelf()
    previewer = Previewer(shelf, HIDE, now)
    published = ruleset_with()
    assert shown(previewer, published, ask()) is not None
    assert shown(previewer, published, ask()) is not None
    (parcel,) = shelf.parcels
    rows = [EventRow(*fields) for fields in parcel.rows]
    assert [(row.customer, row.anonymous) for row in rows] == [
        (HIDE.customer("a"), None),
        (HIDE.anonymous("a"), HIDE.anonymous("a")),
    ]
    assert {(row.kind, row.experiment, row.variant) for row in rows} == {
        ("preview", "nudge", "treatment")
    }
    # Somebody else, and the same one elsewhere, are noted too, under ids of their own.
    shown(previewer, published, ask("b"))
    elsewhere = Asked("a", ask().attributes, Environment.DEVELOPMENT)
    shown(previewer, published, elsewhere)
    ids = [row[12] for each in shelf.parcels for row in each.rows]
    assert len(set(ids)) == len(ids) == 6


def test_show__cannot_be_noted__no_preview(now: FakeClock) -> None:
    shelf = Shelf(Unavailable("The events cannot be stored right now."))
    previewer = Previewer(shelf, HIDE, now)
    assert shown(previewer, ruleset_with(), ask()) is None
    shelf.fault = None
    assert shown(previewer, ruleset_with(), ask()) is not None


def test_show__without_token_or_usable_id__nothing_to_note(now: FakeClock) -> None:
    shelf = Shelf()
    previewer = Previewer(shelf, HIDE, now)
    published = ruleset_with()
    nobody = Asked("a", {}, Environment.PRODUCTION)
    assert shown(previewer, published, nobody) is None
    assert shown(None, published, ask()) is None
    for unit in ("", None, "\ud800"):
        assert shown(previewer, published, ask(unit)) is not None
    assert shelf.parcels == []


# Making and revoking


def published(context: Context) -> Ruleset:
    with transaction(context.sessions) as session:
        return parse(ruleset.publish(session, context.now()).body.encode())


def test_make__draft__published_until_it_is_revoked(
    context: Context, now: FakeClock
) -> None:
    with transaction(context.sessions) as session:
        actor = factories.make_actor(session)
        factories.make_experiment(session, actor)
    with transaction(context.sessions) as session:
        link, token = preview_links.make(
            session, EXPERIMENT, variant="nudge", days=7, actor=actor, now=now()
        )
    shown = find_preview(published(context), {ATTRIBUTE: token}, now())
    assert shown is not None
    assert shown.given.parameters == {"headline": "Save two months"}
    with transaction(context.sessions) as session:
        ended: dict[str, Any] = {"actor": actor, "now": now()}
        row = preview_links.revoke(session, EXPERIMENT, link.id, **ended)
        assert preview_links.revoke(session, EXPERIMENT, link.id, **ended) is row
        assert (row.revoked_at, row.revoked_by) == (now(), actor.label)
        with pytest.raises(NotFound):
            preview_links.revoke(session, EXPERIMENT, 99, actor=actor, now=now())
    assert find_preview(published(context), {ATTRIBUTE: token}, now()) is None
    with transaction(context.sessions) as session:
        entries = session.query(AuditEntry).order_by(AuditEntry.id).all()
        actions = [entry.action for entry in entries]
        assert actions[-2:] == ["experiment.make_preview", "experiment.revoke_preview"]
        assert not any(token in str(entry.after) for entry in entries)
        experiment = catalog.get(session, EXPERIMENT)
        listed = preview_links.listing(session, experiment, Place(falling=True), 10)
        assert [row.id for row in listed] == [link.id]


def test_make__at_fault__is_refused_in_words(context: Context, now: FakeClock) -> None:
    with transaction(context.sessions) as session:
        actor = factories.make_actor(session)
        viewer = factories.make_actor(session, "Vic", PersonRole.VIEWER)
        factories.make_experiment(session, actor)
        given: dict[str, Any] = {"variant": "nudge", "days": 7, "now": now()}
        wrong = {**given, "variant": "none", "days": 31, "actor": actor}
        with pytest.raises(InvalidInput) as refusal:
            preview_links.make(session, EXPERIMENT, **wrong)
        assert set(refusal.value.fields) == {"variant", "days"}
        with pytest.raises(Forbidden):
            preview_links.make(session, EXPERIMENT, **given, actor=viewer)


def test_make__too_many_links__is_refused_until_some_end(
    context: Context, now: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(experiment_links, "MOST_LINKS", 1)
    with transaction(context.sessions) as session:
        actor = factories.make_actor(session)
        factories.make_experiment(session, actor)
        given: dict[str, Any] = {"variant": "nudge", "days": 1, "actor": actor}
        preview_links.make(session, EXPERIMENT, **given, now=now())
        with pytest.raises(Conflict, match="Revoke some"):
            preview_links.make(session, EXPERIMENT, **given, now=now())
        now.advance(days=1)
        preview_links.make(session, EXPERIMENT, **given, now=now())


def test_make__external_experiment__is_refused(
    context: Context, now: FakeClock
) -> None:
    with transaction(context.sessions) as session:
        actor = factories.make_actor(session)
        external = factories.external_design()
        experiment = factories.make_experiment(session, actor, external)
        assert not preview_links.may_preview(experiment)
        with pytest.raises(Conflict):
            preview_links.make(
                session, EXPERIMENT, variant="nudge", days=7, actor=actor, now=now()
            )
