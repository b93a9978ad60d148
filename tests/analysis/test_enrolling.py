"""Customers keep their variant: real doors, real events, the real compactor."""

import os
from typing import Any

import orjson
import pytest
from sqlalchemy.orm import Session, sessionmaker

from analysis.compactor import Compactor, compact_once
from analysis.enrolling import PUBLISH_EVERY, EnrolledSets
from analysis.pipeline import analyse
from analysis.store import EventStore
from experiments import data_requests, journey, lifecycle, preview_links
from experiments.actors import Actor
from experiments.assignment import Assignment, assign, assign_all
from experiments.context import Context
from experiments.db import transaction
from experiments.enrolled import FOLDER, PREFIX_BYTES, installed_through, read_set
from experiments.errors import SetsBehind
from experiments.inbox import Inbox
from experiments.models import AnalysisRun
from experiments.previews import ATTRIBUTE, Asked, Previewer
from experiments.ruleset_files import RulesetFolder
from experiments.ruleset_mirror import RulesetMirror
from experiments.ruleset_reader import RulesetReader
from experiments.vocabulary import (
    Action,
    AssignmentReason,
    Environment,
    IdKind,
    PersonRole,
    Unit,
)
from tests import factories
from tests.analysis.intake import send, sources
from tests.clock import FakeClock
from tests.experiments.sent_messages import HIDE
from tests.factories import EXPERIMENT

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
Sessions = sessionmaker[Session]
AT_RISK = {"lifecycle": "at_risk"}
WELL = {"lifecycle": "active"}
CUSTOMERS = [f"customer-{i}" for i in range(40)]


class Shop:
    """An installation with one churn experiment, and its door."""

    def __init__(self, context: Context, now: FakeClock, **design: Any) -> None:  # noqa: ANN401
        self.context, self.now = context, now
        self.folder = RulesetFolder(context.settings.data_dir / "ruleset")
        self.mirror = RulesetMirror(context.sessions, self.folder)
        self.reader = RulesetReader(self.folder, HIDE)
        with transaction(context.sessions) as session:
            journey.seed(session)
            self.ada = factories.make_actor(session, "Ada", PersonRole.ADMIN)
            factories.make_segment(session, condition=AT_RISK)
            factories.make_experiment(session, self.ada, **design)
        self.do(Action.START)

    def do(self, action: Action, **given: Any) -> None:  # noqa: ANN401
        with transaction(self.context.sessions) as session:
            through = installed_through(self.context.settings.data_dir)
            lifecycle.transition(
                session,
                EXPERIMENT,
                action,
                self.actor,
                self.now(),
                enrolled_through=through,
                **given,
            )

    @property
    def actor(self) -> Actor:
        return self.ada

    def ask(self, who: str, attributes: dict[str, str]) -> Assignment:
        self.mirror.copy()
        self.reader.refresh()
        assert self.reader.current is not None
        one = assign(self.reader.current.experiments[EXPERIMENT], who, attributes)
        assert assign_all(self.reader.current.together, who, attributes) == [one]
        return one

    def see(
        self, who: str, variant: str | None, account: str | None = None, **ids: str
    ) -> None:
        """Report that a customer saw a variant."""
        seen = {"experimentId": EXPERIMENT, "variationId": variant}
        message = {
            "type": "track",
            "event": "Experiment Viewed",
            "messageId": f"m-{who}-{self.now()}",
            "properties": seen,
            **(ids or {"userId": who}),
        }
        if account is not None:
            message["context"] = {"groupId": account}
        send(self.context, message)

    def compact(self) -> None:
        self.now.advance(seconds=PUBLISH_EVERY.total_seconds())
        compact_once(self.context)


@pytest.fixture
def shop(context: Context, now: FakeClock) -> Shop:
    return Shop(context, now)


def test_segment__that_the_treatment_empties__customers_keep_their_variant(
    shop: Shop,
) -> None:
    inside, outside = CUSTOMERS[:20], CUSTOMERS[20:]
    before = {who: shop.ask(who, AT_RISK) for who in inside}
    assert {a.reason for a in before.values()} == {AssignmentReason.SPLIT}
    assert {a.variant for a in before.values()} == {"control", "nudge"}
    for who, given in before.items():
        shop.see(who, given.variant)
    shop.compact()

    # The treatment works: nobody is at risk any more, so the segment is empty.
    for who in inside:
        after = shop.ask(who, WELL)
        assert after == before[who]._replace(kept=True)
        assert after.in_experiment
    for who in outside:
        new = shop.ask(who, WELL)
        assert new.reason == AssignmentReason.NOT_IN_SEGMENT
        assert (new.variant, new.in_experiment) == ("control", False)
    # Who is at risk still comes in.
    assert shop.ask(outside[0], AT_RISK).reason == AssignmentReason.SPLIT


def test_visitor__nobody_knows_yet__keeps_the_variant_by_the_anonymous_id(
    shop: Shop,
) -> None:
    before = shop.ask("visitor-1", AT_RISK)
    shop.see("visitor-1", before.variant, anonymousId="visitor-1")
    shop.compact()
    assert shop.ask("visitor-1", WELL) == before._replace(kept=True)


def test_visitor__who_signs_in_before_or_after__keeps_the_variant(shop: Shop) -> None:
    # The app asks by the visitor's id, before and after. One signs in and reports the
    # exposure with both ids, the other is seen first and signs in later.
    before = {who: shop.ask(who, AT_RISK) for who in ("visitor-1", "visitor-2")}
    shop.see("both", before["visitor-1"].variant, userId="ada", anonymousId="visitor-1")
    shop.see("first", before["visitor-2"].variant, anonymousId="visitor-2")
    shop.compact()
    send(
        shop.context,
        {
            "type": "identify",
            "userId": "bob",
            "anonymousId": "visitor-2",
            "messageId": "i-1",
            "traits": {},
        },
    )
    shop.see(
        "again", before["visitor-2"].variant, userId="bob", anonymousId="visitor-2"
    )
    shop.compact()
    for who, given in before.items():
        assert shop.ask(who, WELL) == given._replace(kept=True)
    # Neither is counted twice, nor taken for two customers.
    store = EventStore(shop.context.settings)
    shop.now.advance(days=1)
    number = analyse(shop.context, store, EXPERIMENT)
    with transaction(shop.context.sessions) as session:
        counts = session.get_one(AnalysisRun, number).counts
    assert sum(counts["exposed"].values()) == 2
    assert counts["two_variants"] == 0


def test_erased_customer__is_in_no_set_any_more(shop: Shop) -> None:
    for who in CUSTOMERS[:3]:
        shop.see(who, "control")
    shop.compact()
    assert shop.ask(CUSTOMERS[0], WELL).kept
    with transaction(shop.context.sessions) as session:
        data_requests.request_erasure(
            session,
            HIDE,
            CUSTOMERS[0],
            IdKind.CUSTOMER,
            actor=shop.ada,
            now=shop.now(),
        )
    shop.compact()

    assert [shop.ask(who, WELL).kept for who in CUSTOMERS[:3]] == [False, True, True]
    path = shop.folder.path / FOLDER / f"{EXPERIMENT}.1.bin"
    hidden = HIDE.customer(CUSTOMERS[0])
    assert hidden[:PREFIX_BYTES] not in (read_set(path) or b"")


def test_new_phase__customers_of_the_one_before__get_control(shop: Shop) -> None:
    shop.see(CUSTOMERS[0], shop.ask(CUSTOMERS[0], AT_RISK).variant)
    shop.now.advance(hours=1)
    shop.do(Action.NEW_PHASE, reason="The change had a fault.")
    shop.compact()
    assert shop.ask(CUSTOMERS[0], AT_RISK).reason == AssignmentReason.NOT_STARTED
    shop.now.advance(hours=1)
    shop.do(Action.START)
    shop.see(CUSTOMERS[1], "control")
    shop.compact()

    gone = shop.ask(CUSTOMERS[0], AT_RISK)
    assert gone.reason == AssignmentReason.EARLIER_PHASE
    assert (gone.variant, gone.in_experiment) == ("control", False)
    assert shop.ask(CUSTOMERS[1], WELL).kept
    assert shop.ask(CUSTOMERS[2], AT_RISK).reason == AssignmentReason.SPLIT


def test_new_phase__exposures_not_compacted_yet__starts_when_doors_know_them(
    shop: Shop,
) -> None:
    given = {who: shop.ask(who, AT_RISK).variant for who in CUSTOMERS}
    shop.compact()
    for who, variant in given.items():
        shop.see(who, variant)
    shop.do(Action.NEW_PHASE, reason="Another split.")
    with pytest.raises(SetsBehind):
        shop.do(Action.START)
    shop.compact()
    shop.do(Action.START)

    reasons = {shop.ask(who, AT_RISK).reason for who in CUSTOMERS}
    assert reasons == {AssignmentReason.EARLIER_PHASE}


def test_sets__after_a_restart__are_read_from_the_store(shop: Shop) -> None:
    for who in CUSTOMERS[:5]:
        shop.see(who, "control")
    shop.compact()
    path = shop.folder.path / FOLDER / f"{EXPERIMENT}.1.bin"
    before = path.read_bytes()
    path.unlink()

    sets = EnrolledSets(shop.context, EventStore(shop.context.settings))
    assert sets.publish(shop.now()) == 1
    assert path.read_bytes() == before
    assert sets.publish(shop.now()) == 0  # nothing new, and too soon


@pytest.mark.parametrize("size", [None, 0, 36])
def test_sets__deleted_or_cut_while_the_compactor_runs__are_written_anew(
    shop: Shop, size: int | None
) -> None:
    for who in CUSTOMERS[:5]:
        shop.see(who, "control")
    compactor = Compactor(shop.context, EventStore(shop.context.settings))
    compactor.round()
    compactor.publish()
    path = shop.folder.path / FOLDER / f"{EXPERIMENT}.1.bin"
    before = path.read_bytes()
    if size is None:
        path.unlink()
    else:
        os.truncate(path, size)

    shop.now.advance(seconds=PUBLISH_EVERY.total_seconds())
    compactor.round()
    compactor.publish()

    assert path.read_bytes() == before
    written = path.stat().st_mtime_ns
    shop.now.advance(seconds=PUBLISH_EVERY.total_seconds())
    compactor.publish()
    assert path.stat().st_mtime_ns == written  # once is enough


def test_sets__of_an_experiment_that_ended__are_removed(shop: Shop) -> None:
    shop.see(CUSTOMERS[0], "control")
    shop.compact()
    path = shop.folder.path / FOLDER / f"{EXPERIMENT}.1.bin"
    assert path.exists()
    shop.do(Action.STOP, reason="Enough.")
    shop.compact()
    assert not path.exists()


def test_development_data__and_other_experiments__enrol_nobody(shop: Shop) -> None:
    other = {"experimentId": "other", "variationId": "control"}
    message = {
        "type": "track",
        "event": "Experiment Viewed",
        "userId": CUSTOMERS[0],
        "properties": other,
    }
    send(shop.context, message)
    activity = {"type": "track", "event": "App Opened", "userId": CUSTOMERS[1]}
    send(shop.context, activity)
    shop.compact()
    assert not shop.ask(CUSTOMERS[0], WELL).kept
    assert not shop.ask(CUSTOMERS[1], WELL).kept


def test_disk_full__sets_wait_and_compaction_goes_on(shop: Shop) -> None:
    shop.see(CUSTOMERS[0], "control")
    folder = shop.folder.path / FOLDER
    folder.mkdir(parents=True)
    (folder / f"{EXPERIMENT}.1.next").symlink_to("/dev/full")
    compactor = Compactor(shop.context, EventStore(shop.context.settings))
    assert compactor.round().event_count == 1
    compactor.publish()
    assert not shop.ask(CUSTOMERS[0], WELL).kept
    (folder / f"{EXPERIMENT}.1.next").unlink()
    compactor.publish()
    assert shop.ask(CUSTOMERS[0], WELL).kept


def test_ruleset__on_disk__has_no_enrolled_customer_in_it(shop: Shop) -> None:
    shop.see(CUSTOMERS[0], "control")
    shop.compact()
    shop.ask(CUSTOMERS[0], WELL)
    body = orjson.loads(
        (shop.folder.path / "current.json").read_bytes().split(b"\n")[1]
    )
    assert CUSTOMERS[0] not in str(body)


def test_previewer__who_reports_it_seen__is_set_aside_everywhere(shop: Shop) -> None:
    # The app sends the exposure all the same: the customer is in no set, so keeps
    # nothing, and the analysis counts them as left out. No source is made up for it.
    inbox = Inbox.for_settings(shop.context.settings)
    previewer = Previewer(inbox, HIDE, shop.now)
    with transaction(shop.context.sessions) as session:
        _, token = preview_links.make(
            session, EXPERIMENT, variant="nudge", days=1, actor=shop.ada, now=shop.now()
        )
    shop.ask("tester", AT_RISK)
    asked = Asked("tester", {ATTRIBUTE: token}, Environment.PRODUCTION)
    assert shop.reader.current is not None
    shown = previewer.show(shop.reader.current, asked)
    inbox.close()
    assert shown is not None
    shop.see("tester", shown.given.variant)
    shop.see("customer", shown.given.variant)
    shop.compact()
    path = shop.context.settings.data_dir / "ruleset" / FOLDER / f"{EXPERIMENT}.1.bin"
    assert read_set(path) == HIDE.customer("customer")[:PREFIX_BYTES]
    # So it is after a restart, when the store is read anew.
    shop.now.advance(seconds=60)
    again = EnrolledSets(shop.context, EventStore(shop.context.settings))
    again.publish(shop.now())
    assert read_set(path) == HIDE.customer("customer")[:PREFIX_BYTES]
    assert [row.source for row in sources(shop.context)] == ["src1"]
    shop.now.advance(days=1)
    store = EventStore(shop.context.settings)
    number = analyse(shop.context, store, EXPERIMENT)
    with transaction(shop.context.sessions) as session:
        run = session.get_one(AnalysisRun, number)
    assert run.counts["previewed"] == 1
    assert sum(run.counts["exposed"].values()) == 1


def test_accounts__seen_by_one_of_their_people__keep_the_variant_for_all(
    context: Context, now: FakeClock
) -> None:
    shop = Shop(context, now, unit=Unit.ACCOUNT, hash_attribute="accountId")
    acme = {"accountId": "acme"}
    given = shop.ask("ada", AT_RISK | acme)
    assert given.in_experiment
    assert shop.ask("bob", AT_RISK | acme) == given
    assert shop.ask("ada", AT_RISK).reason == AssignmentReason.INVALID_UNIT

    shop.see("ada", given.variant, account="acme")
    shop.compact()

    kept = shop.ask("bob", WELL | acme)  # the treatment worked for all of Acme
    assert (kept.variant, kept.kept) == (given.variant, True)
    other = shop.ask("ada", WELL | {"accountId": "globex"})
    assert other.reason == AssignmentReason.NOT_IN_SEGMENT
