"""S20: every change there is writes who, when, what, before and after."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy.orm import Session, sessionmaker

from experiments import (
    accounts,
    allocation,
    audit,
    backlog,
    catalog,
    connector_replay,
    connectors,
    customer_words,
    data_requests,
    digest_recipients,
    holdouts,
    hypotheses,
    journey,
    keys,
    later_lessons,
    layer_catalog,
    learnings,
    lifecycle,
    listed_units,
    metrics,
    opt_outs,
    preview_links,
    quarantine,
    scheduled_steps,
    segments,
    sign_in_links,
    summary_links,
    surveys,
    uploads,
)
from experiments.actors import SYSTEM, Actor
from experiments.choice_inviting import ChoiceWish, make_links
from experiments.choice_links import ChoiceLinks
from experiments.config import Settings
from experiments.connector_presets import EXAMPLE
from experiments.connectors import NewConnector
from experiments.customer_words import Words
from experiments.db import transaction
from experiments.errors import Conflict
from experiments.inbox import Inbox
from experiments.key_format import new_public_id
from experiments.models import ImportRecord, QuarantinedMessage
from experiments.privacy import Pseudonymiser
from experiments.quarantine import Pile
from experiments.replay import Mending
from experiments.sealing import Sealer
from experiments.survey_commands import survey_key
from experiments.survey_inviting import Inviter, Wish, survey_keys
from experiments.survey_links import SurveyLinks
from experiments.vocabulary import (
    Action,
    ConnectorKind,
    Decision,
    Environment,
    IdKind,
    KeyKind,
    LearningRelation,
    PersonRole,
    QuarantineReason,
    Signer,
)
from tests import factories
from tests.experiments.sent_messages import aside, track
from tests.factories import NOW, PASSWORD
from tests.surveys import make_survey, terms

SOURCES = Path(__file__).parents[2] / "experiments"
KINDS = (
    "person|key|journey|segment|metric|hypothesis|sign_in_link|experiment|layer|holdout"
    r"|erasure|export|quarantine|connector|survey|opt_out|import|digest"
)
SETTINGS = Settings(Path(), "sqlite://")  # nothing is stored, nothing is written
HIDE = Pseudonymiser(b"k" * 32)
LONG = "Prices change in May, so we ship it now and measure again."


def named_actions() -> set[str]:
    """Collect every action that the sources can write."""
    found = {f"experiment.{action}" for action in Action}
    for path in SOURCES.glob("*.py"):
        found |= set(re.findall(rf'"((?:{KINDS})\.[a-z_]+)"', path.read_text()))
    return found


def change_people(session: Session) -> None:
    bob = factories.make_person(session, "Bob", password=PASSWORD)
    actor = accounts.actor_for(bob)
    accounts.set_password(session, bob.id, PASSWORD + "!", actor=actor, now=NOW)
    accounts.set_role(session, bob.id, PersonRole.VIEWER, actor=SYSTEM, now=NOW)
    accounts.set_signs_for(session, bob.id, [Signer.LEGAL], actor=SYSTEM, now=NOW)
    accounts.set_active(session, bob.id, active=False, actor=SYSTEM, now=NOW)
    accounts.set_active(session, bob.id, active=True, actor=SYSTEM, now=NOW)
    token = sign_in_links.create(session, bob.id, NOW)
    sign_in_links.redeem(session, token, NOW)


def change_catalogue(session: Session) -> None:
    root = factories.make_actor(session, "Root", PersonRole.ADMIN)
    key, _ = keys.create_key(
        session,
        kind=KeyKind.SERVER,
        environment=Environment.PRODUCTION,
        name="Shop",
        actor=root,
        now=NOW,
    )
    keys.revoke(session, key.public_id, actor=root, now=NOW)
    factories.make_experiment(session, root)
    metrics.add_version(
        session,
        factories.RETENTION,
        factories.definition(day=7),
        actor=root,
        now=NOW,
    )
    entry = metrics.CatalogueEntry("Still here", "They stay.")
    metrics.describe(session, factories.RETENTION, entry, actor=root, now=NOW)
    segments.add_version(session, factories.SEGMENT, {}, actor=root, now=NOW)
    hypotheses.update(session, factories.hypothesis_value(if_up="!"), 1, root, NOW)
    order_backlog(session, root)
    journey.save_stage(
        session, key="trial", name="Trial", position=9, actor=root, now=NOW
    )
    journey.remove_stage(session, "trial", actor=root, now=NOW)
    change_layers(session, root)
    catalog.edit(session, factories.design_value(name="New"), 1, root, NOW)


def order_backlog(session: Session, root: Actor) -> None:
    factories.make_hypothesis(session, root, key="twin")
    backlog.fix_place(session, "twin", 1, root, NOW)
    backlog.park(session, "twin", "Not now.", root, NOW)
    backlog.take_up(session, "twin", root, NOW)
    backlog.merge(session, "twin", factories.HYPOTHESIS, root, NOW)


def change_layers(session: Session, root: Actor) -> None:
    layer_catalog.create(
        session, key="checkout", name="Checkout", description="", actor=root, now=NOW
    )
    layer = allocation.reserve(
        session,
        "checkout",
        share=0.5,
        note="May",
        experiment=None,
        actor=root,
        now=NOW,
    )
    number = layer.ranges[0].id
    allocation.free_reservation(session, "checkout", number, actor=root, now=NOW)
    holdouts.create(
        session,
        key="all",
        name="All",
        share=0.1,
        journey_stage=None,
        actor=root,
        now=NOW,
    )
    holdouts.end(session, "all", actor=root, now=NOW)


def ramp(session: Session) -> None:
    """Walk another experiment through its coverage, steps and phases."""
    root = accounts.actor_for(accounts.person_by_email(session, "root@example.com"))
    paul = accounts.actor_for(accounts.person_by_email(session, "paul@example.com"))
    factories.make_experiment(session, root, key="ramp", coverage=0.5)
    for action, actor in (
        (Action.SUBMIT, root),
        (Action.APPROVE, paul),
        (Action.START, root),
    ):
        lifecycle.transition(session, "ramp", action, actor, NOW)
    lifecycle.transition(
        session, "ramp", Action.RAISE_COVERAGE, root, NOW, coverage=0.6
    )
    steps = [
        scheduled_steps.plan(
            session,
            "ramp",
            at=NOW + timedelta(hours=1),
            action=Action.STOP,
            coverage=None,
            actor=root,
            now=NOW,
        ).id
        for _ in range(2)
    ]
    scheduled_steps.cancel(session, "ramp", steps[0], actor=root, now=NOW)
    scheduled_steps.fail(session, steps[1], Conflict("Not now."), NOW)
    listed = listed_units.put(
        session, "ramp", b"p" * 16, variant=None, note="Test", actor=root, now=NOW
    )
    listed_units.remove(session, "ramp", listed.id, actor=root, now=NOW)
    link, _ = preview_links.make(
        session, "ramp", variant="nudge", days=1, actor=root, now=NOW
    )
    preview_links.revoke(session, "ramp", link.id, actor=root, now=NOW)
    shared, _ = summary_links.make(session, "ramp", days=1, actor=root, now=NOW)
    summary_links.revoke(session, "ramp", shared.id, actor=root, now=NOW)
    words = Words("A shorter set-up", "Fewer steps")
    customer_words.write(session, "ramp", words, actor=root, now=NOW)
    lifecycle.transition(session, "ramp", Action.NEW_PHASE, root, NOW, reason=LONG)


def answer_a_customer(session: Session) -> None:
    root = accounts.actor_for(accounts.person_by_email(session, "root@example.com"))
    kind = IdKind.CUSTOMER
    data_requests.request_erasure(session, HIDE, "u1", kind, actor=root, now=NOW)
    data_requests.note_export(session, kind, actor=root, now=NOW)
    opt_outs.opt_out(session, b"p" * 16, now=NOW)
    opt_outs.opt_in(session, b"p" * 16, now=NOW)
    links = ChoiceLinks(Sealer(b"k" * 32))
    make_links(session, links, HIDE, ChoiceWish(["u1"]), actor=root, now=NOW)
    pile = Pile("src1", "production", QuarantineReason.INVALID_SCORE)
    off = aside(track("CSAT Submitted", properties={"score": "very"}))
    place = {"slot": "s", "seq": 1, "position": 0, "received_at": NOW}
    whose = {"source": pile.source, "environment": pile.environment}
    kept = {"customer": HIDE.customer("u1"), "anonymous": None}
    session.add(QuarantinedMessage(**place, **whose, **kept, **off._asdict()))
    quarantine.replay(session, SETTINGS, HIDE, pile, Mending(), actor=root, now=NOW)


def upload(session: Session, data_dir: Path) -> None:
    root = accounts.actor_for(accounts.person_by_email(session, "root@example.com"))
    for is_wanted in (True, False):
        record = ImportRecord(
            public_id=new_public_id(),
            finished_at=NOW,
            file_name="history.csv",
            is_dry_run=False,
            row_count=2,
            faulty_row_count=1,
            fault_count=1,
            listed_count=1,
            state="ready",
            ready_count=1,
        )
        uploads.keep(session, data_dir, record, root, NOW)
        if is_wanted:
            uploads.ask(session, record.public_id, root, NOW)
        else:
            uploads.discard(session, data_dir, record.public_id, root, NOW)


def send_a_digest(session: Session) -> None:
    root = accounts.actor_for(accounts.person_by_email(session, "root@example.com"))
    sealer = Sealer(b"k" * 32)
    rows = [
        digest_recipients.add(session, f"{name}@example.com", actor=root, now=NOW)
        for name in ("dora", "emil")
    ]
    digest_recipients.remove(session, rows[0].id, actor=root, now=NOW)
    token = digest_recipients.token_of(rows[1], sealer)
    assert digest_recipients.unsubscribe(session, token, sealer, NOW)


def connect(session: Session) -> None:
    root = accounts.actor_for(accounts.person_by_email(session, "root@example.com"))
    sealer = Sealer(b"k" * 32)
    new = NewConnector(ConnectorKind.GENERIC, Environment.PRODUCTION, "Support desk")
    row, _ = connectors.create(session, new, sealer, actor=root, now=NOW)
    name = row.public_id
    connectors.change_secret(session, name, "", 1, sealer, actor=root, now=NOW)
    connectors.save_mapping(session, name, EXAMPLE, 0, actor=root, now=NOW)
    connector_replay.replay(session, SETTINGS, HIDE, sealer, name, actor=root, now=NOW)
    connector_replay.discard(session, name, actor=root, now=NOW)
    connectors.end(session, name, actor=root, now=NOW)


def ask_customers(session: Session, environ: dict[str, str]) -> None:
    root = accounts.actor_for(accounts.person_by_email(session, "root@example.com"))
    survey = make_survey(session, root, NOW)
    surveys.change(session, "support", terms(wave="2026-04"), actor=root, now=NOW)
    settings = Settings.from_environ(environ)
    inbox = Inbox.for_settings(settings)
    links = SurveyLinks(survey_keys(settings), lambda: NOW)
    wish = Wish(["customer-17"])
    Inviter(links, HIDE, inbox).invite(session, survey, wish, actor=root, now=NOW)
    inbox.close()


def rotate_keys(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    for arguments in (["rotate"], ["retire", "1"], ["list"]):
        result = CliRunner().invoke(survey_key, arguments)
        assert result.exit_code == 0, result.output


def walk_lifecycle(session: Session) -> None:
    root = accounts.actor_for(accounts.person_by_email(session, "root@example.com"))
    paul = factories.make_actor(session, "Paul", PersonRole.APPROVER)
    walk = [
        (Action.SUBMIT, root),
        (Action.SEND_BACK, paul),
        (Action.SUBMIT, root),
        (Action.APPROVE, paul),
        (Action.START, root),
        (Action.PAUSE, root),
        (Action.RESUME, root),
        (Action.STOP_ENROLMENT, root),
        (Action.STOP, root),
    ]
    for hours, (action, actor) in enumerate(walk):
        later = NOW + timedelta(hours=hours)
        lifecycle.transition(
            session, factories.EXPERIMENT, action, actor, later, reason=LONG
        )
    for action, actor in (
        (Action.DECIDE, root),
        (Action.DECLINE_DECISION, paul),
        (Action.DECIDE, root),
        (Action.CONFIRM_DECISION, paul),
    ):
        deciding = action == Action.DECIDE
        lifecycle.transition(
            session,
            factories.EXPERIMENT,
            action,
            actor,
            NOW + timedelta(days=60),
            reason=LONG,
            decision=Decision.SHIP if deciding else None,
            variant="nudge" if deciding else None,
        )


def learn(session: Session) -> None:
    root = accounts.actor_for(accounts.person_by_email(session, "root@example.com"))
    later = NOW + timedelta(days=61)
    factories.start_experiment(session, root, key="once-more")
    lifecycle.transition(
        session,
        "once-more",
        Action.DECIDE,
        root,
        later,
        reason=LONG,
        decision=Decision.DO_NOT_SHIP,
    )
    again = LearningRelation.REPLICATED
    learnings.mark(session, factories.EXPERIMENT, "once-more", again, "", root, later)
    later_lessons.add(session, "once-more", "It held.", None, root, later)


def test_audit__every_change_there_is__writes_a_chained_row(
    sessions: sessionmaker[Session],
    environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with transaction(sessions) as session:
        change_people(session)
        change_catalogue(session)
        ask_customers(session, environ)
        answer_a_customer(session)
        upload(session, Path(environ["ABIDE_DATA_DIR"]))
        connect(session)
        send_a_digest(session)
        walk_lifecycle(session)
        learn(session)
        ramp(session)
    rotate_keys(environ, monkeypatch)
    accounts.verify_password(
        sessions, "bob@example.com", PASSWORD + "!", "192.0.2.1", NOW
    )
    with sessions() as session:
        rows = audit.entries(session, limit=200)
        assert audit.verify(session) == []
    assert {row.action for row in rows} == named_actions()
    for row in rows:
        assert row.actor
        assert row.subject_key
        assert row.at >= NOW
        assert not (row.before is None and row.after is None)
        # Neither a password nor a hash of one is written anywhere.
        assert "argon2" not in repr((row.before, row.after))
        assert PASSWORD not in repr((row.before, row.after))
        # Nor the address of a reader, who may want to be forgotten.
        assert "dora" not in repr((row.subject_key, row.before, row.after))
        assert "emil" not in repr((row.subject_key, row.before, row.after))
