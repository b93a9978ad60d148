"""The lifecycle: who may do what when, what it writes, and races for it."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from experiments import accounts, audit, catalog, lifecycle, plan_lock
from experiments.actors import SYSTEM, Actor
from experiments.context import Context
from experiments.db import transaction
from experiments.decisions import Recommendation
from experiments.errors import AbideError, Conflict, Forbidden, InvalidInput
from experiments.models import Experiment, Person, PlanRow, RulesetRow
from experiments.plan import sha256_of
from experiments.vocabulary import (
    Action,
    Decision,
    PersonRole,
    Status,
    Verdict,
)
from tests import factories
from tests.factories import EXPERIMENT, NOW

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
DAY = timedelta(days=1)


class Team:
    """Three people and one experiment, acted on one transaction at a time."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self.sessions = sessions
        with transaction(sessions) as session:
            self.ada = factories.make_actor(session, "Ada")
            self.paul = factories.make_actor(session, "Paul", PersonRole.APPROVER)
            self.root = factories.make_actor(session, "Root", PersonRole.ADMIN)

    def do(
        self,
        action: Action,
        actor: Actor,
        now: datetime = NOW,
        **given: Any,  # noqa: ANN401  # what transition takes
    ) -> Experiment:
        with transaction(self.sessions) as session:
            return lifecycle.transition(
                session, EXPERIMENT, action, actor, now, **given
            )

    def draft(self, **changes: Any) -> None:  # noqa: ANN401  # fields of the design
        with transaction(self.sessions) as session:
            factories.make_experiment(session, self.ada, **changes)

    def start(self) -> None:
        self.draft()
        self.do(Action.SUBMIT, self.ada)
        self.do(Action.APPROVE, self.paul)
        self.do(Action.START, self.ada)

    @property
    def experiment(self) -> Experiment:
        with self.sessions() as session:
            return catalog.get(session, EXPERIMENT)

    def served(self) -> dict[str, str]:
        """Status of each experiment that the newest ruleset serves."""
        with self.sessions() as session:
            body = session.scalars(
                select(RulesetRow.body).order_by(RulesetRow.revision.desc())
            ).first()
        return {e["key"]: e["status"] for e in orjson.loads(body or "")["experiments"]}


@pytest.fixture
def team(sessions: sessionmaker[Session]) -> Team:
    return Team(sessions)


# The table


@SQLITE
@pytest.mark.parametrize(
    ("status", "action"),
    [
        (status, action)
        for status in Status
        for action in Action
        if (status, action) not in lifecycle.TRANSITIONS
    ],
)
def test_transition__not_in_the_table__is_a_conflict_and_changes_nothing(
    team: Team, status: Status, action: Action
) -> None:
    team.draft()
    with transaction(team.sessions) as session:
        catalog.get(session, EXPERIMENT).status = status.value
    with pytest.raises(Conflict):
        team.do(action, team.root, reason="because it must be refused")
    assert team.experiment.status == status
    assert team.experiment.revision == 1


@SQLITE
def test_transition__refused_for_where_it_stands__says_so_in_english(
    team: Team,
) -> None:
    team.draft()
    with pytest.raises(Conflict, match="is a draft; you cannot approve it"):
        team.do(Action.APPROVE, team.paul)


def test_transition__unknown_action__is_a_conflict(team: Team) -> None:
    team.draft()
    with pytest.raises(Conflict):
        team.do("explode", team.root)  # type: ignore[arg-type]


def test_journey__draft_to_decided__audits_every_step(team: Team) -> None:
    team.start()
    team.do(Action.PAUSE, team.ada, now=NOW + DAY)
    team.do(Action.RESUME, team.ada, now=NOW + 2 * DAY)
    team.do(Action.STOP_ENROLMENT, team.ada, now=NOW + 3 * DAY, reason="Full house.")
    team.do(Action.STOP, team.ada, now=NOW + 60 * DAY, reason="Enough.")
    team.do(
        Action.DECIDE,
        team.ada,
        now=NOW + 61 * DAY,
        decision=Decision.SHIP,
        variant="nudge",
        reason="The rule says so.",
        recommendation=Recommendation(Verdict.SHIP, "nudge"),
    )
    with team.sessions() as session:
        rows = audit.entries(session, subject_kind="experiment")
        assert audit.verify(session) == []
    assert [r.action for r in reversed(rows)] == [
        "experiment.draft",
        "experiment.submit",
        "experiment.approve",
        "experiment.start",
        "experiment.pause",
        "experiment.resume",
        "experiment.stop_enrolment",
        "experiment.stop",
        "experiment.decide",
    ]
    # Each row begins where the one before it ended.
    for earlier, later in zip(rows[1:-1], rows[:-2], strict=True):
        assert earlier.after is not None
        assert later.before is not None
        assert earlier.after["status"] == later.before["status"]
    decided = team.experiment
    assert (decided.status, decided.decision) == (Status.DECIDED, Decision.SHIP)
    assert decided.decided_variant == "nudge"
    assert decided.decided_at == NOW + 61 * DAY
    assert decided.stopped_at == NOW + 60 * DAY
    (pause,) = decided.pauses
    assert (pause.paused_at, pause.resumed_at) == (NOW + DAY, NOW + 2 * DAY)


def test_ruleset__follows_every_change_of_what_is_served(team: Team) -> None:
    team.draft()
    assert team.served() == {}
    team.do(Action.SUBMIT, team.ada)
    team.do(Action.APPROVE, team.paul)
    assert team.served() == {}
    for action, status in [
        (Action.START, Status.RUNNING),
        (Action.PAUSE, Status.PAUSED),
        (Action.RESUME, Status.RUNNING),
        (Action.STOP, Status.STOPPED),
    ]:
        team.do(action, team.ada, reason="Enough.")
        assert team.served() == {EXPERIMENT: status}


# Review


def test_start__two_people_and_no_review__is_refused(team: Team) -> None:
    team.draft()
    with pytest.raises(Conflict, match="Ask for a review"):
        team.do(Action.START, team.ada)
    team.do(Action.SUBMIT, team.ada)
    with pytest.raises(Conflict, match="has to approve"):
        team.do(Action.START, team.ada)
    assert team.experiment.status == Status.IN_REVIEW
    with team.sessions() as session:
        assert session.scalars(select(PlanRow)).all() == []


def test_start__one_active_person__needs_no_review_and_says_so(team: Team) -> None:
    team.draft()
    with transaction(team.sessions) as session:
        for actor in (team.ada, team.paul):
            assert actor.person_id is not None
            accounts.set_active(
                session, actor.person_id, active=False, actor=SYSTEM, now=NOW
            )
    team.do(Action.START, team.root)
    with team.sessions() as session:
        plan, _ = lifecycle.locked_plan(session, team.experiment)
    assert not plan.reviewed


def test_start__external__needs_no_review(team: Team) -> None:
    team.draft(design=factories.external_design())
    started = team.do(Action.START, team.ada)
    assert started.status == Status.RUNNING
    assert not started.pre_registered


@pytest.mark.parametrize("who", ["owner", "editor of the draft", "submitter"])
def test_approve__by_somebody_who_wrote_it__is_forbidden(team: Team, who: str) -> None:
    # All three are approvers, so that only authorship can stop them.
    with transaction(team.sessions) as session:
        for actor in (team.ada, team.paul, team.root):
            assert actor.person_id is not None
            accounts.set_role(
                session, actor.person_id, PersonRole.ADMIN, actor=SYSTEM, now=NOW
            )
        ada, paul, root = (
            accounts.actor_for(accounts.get(session, actor.person_id or 0))
            for actor in (team.ada, team.paul, team.root)
        )
    team.draft()
    with transaction(team.sessions) as session:
        catalog.edit(session, factories.design_value(name="New"), 1, paul, NOW)
    team.do(Action.SUBMIT, root)
    own = {"owner": ada, "editor of the draft": paul, "submitter": root}[who]
    with pytest.raises(Forbidden, match="Nobody approves their own plan"):
        team.do(Action.APPROVE, own)
    # A key acts for its owner, and cannot approve what that owner wrote.
    key = Actor("key:abc for somebody", PersonRole.ADMIN, own.person_id)
    with pytest.raises(Forbidden, match="Nobody approves their own plan"):
        team.do(Action.APPROVE, key)
    with pytest.raises(Forbidden, match="Nobody approves their own plan"):
        team.do(Action.APPROVE, SYSTEM)
    assert team.experiment.reviewed_by is None


def test_send_back__approved_plan__has_to_be_approved_again(team: Team) -> None:
    team.draft()
    team.do(Action.SUBMIT, team.ada)
    team.do(Action.APPROVE, team.paul)
    team.do(Action.SEND_BACK, team.paul, reason="The margin is too wide.")
    assert team.experiment.status == Status.DRAFT
    assert team.experiment.reviewed_by is None
    told = team.experiment.sent_back
    assert told is not None
    assert (told["name"], told["reason"]) == ("Paul", "The margin is too wide.")
    assert told["revision"] == team.experiment.revision
    team.do(Action.SUBMIT, team.ada)
    assert team.experiment.sent_back is None
    with pytest.raises(Conflict, match="has to approve"):
        team.do(Action.START, team.ada)


@SQLITE
@pytest.mark.parametrize("reason", [None, "", " ", "x" * 2001, "\x00", "\ud800"])
def test_send_back__without_a_good_reason__is_refused(
    team: Team, reason: str | None
) -> None:
    team.draft()
    team.do(Action.SUBMIT, team.ada)
    with pytest.raises(InvalidInput) as refusal:
        team.do(Action.SEND_BACK, team.paul, reason=reason)
    assert list(refusal.value.fields) == ["reason"]


@SQLITE
@pytest.mark.parametrize("reason", ["x" * 2001, "\x00", "\ud800"])
def test_any_action__reason_that_cannot_be_kept__is_refused(
    team: Team, reason: str
) -> None:
    team.draft()
    with pytest.raises(InvalidInput) as refusal:
        team.do(Action.SUBMIT, team.ada, reason=reason)
    assert list(refusal.value.fields) == ["reason"]


def test_edit__after_submit_or_start__is_refused(team: Team) -> None:
    team.draft()
    changed = factories.design_value(name="Changed")
    team.do(Action.SUBMIT, team.ada)
    for action, actor in [(None, None), (Action.APPROVE, team.paul)]:
        if action is not None and actor is not None:
            team.do(action, actor)
        revision = team.experiment.revision
        with (
            pytest.raises(Conflict, match="in review"),
            transaction(team.sessions) as session,
        ):
            catalog.edit(session, changed, revision, team.ada, NOW)
    team.do(Action.START, team.ada)
    revision = team.experiment.revision
    with (
        pytest.raises(Conflict, match="Only a draft can be edited"),
        transaction(team.sessions) as session,
    ):
        catalog.edit(session, changed, revision, team.ada, NOW)
    assert team.experiment.name == factories.design_value().name


@SQLITE
@pytest.mark.parametrize(
    ("action", "least"),
    [
        (Action.SUBMIT, PersonRole.EDITOR),
        (Action.START, PersonRole.EDITOR),
        (Action.APPROVE, PersonRole.APPROVER),
        (Action.SEND_BACK, PersonRole.EDITOR),
        (Action.PAUSE, PersonRole.EDITOR),
        (Action.RESUME, PersonRole.EDITOR),
        (Action.STOP_ENROLMENT, PersonRole.EDITOR),
        (Action.STOP, PersonRole.EDITOR),
        (Action.DECIDE, PersonRole.EDITOR),
        (Action.CONFIRM_DECISION, PersonRole.APPROVER),
        (Action.DECLINE_DECISION, PersonRole.EDITOR),
    ],
)
def test_roles__below_the_least__are_forbidden(
    team: Team, action: Action, least: PersonRole
) -> None:
    team.draft()
    begins = next(status for status, name in lifecycle.TRANSITIONS if name == action)
    with transaction(team.sessions) as session:
        catalog.get(session, EXPERIMENT).status = begins.value
    for role in PersonRole:
        if role == least:
            break
        weak = Actor("person:9", role, 9)
        with pytest.raises(Forbidden, match=f"Only {least}s"):
            team.do(action, weak, reason="A reason that is long enough to count.")


# Start


def test_start__writes_a_plan_that_reads_back(team: Team) -> None:
    team.start()
    with team.sessions() as session:
        plan, sha256 = lifecycle.locked_plan(session, team.experiment)
        row = plan_lock.plan_row(session, team.experiment)
    assert row is not None
    assert (row.sha256, row.locked_by) == (sha256, team.ada.label)
    assert plan.canonical_json() == row.body
    assert plan.reviewed
    assert plan.salt == team.experiment.salt
    assert team.experiment.started_at == NOW


@pytest.mark.parametrize("action", [Action.START, Action.APPROVE])
def test_race__fifty_at_once__one_wins_and_writes_one_row(
    context: Context, action: Action
) -> None:
    # S16: 50 parallel starts or approvals; exactly one wins, others 409.
    team = Team(context.sessions)
    team.draft()
    team.do(Action.SUBMIT, team.ada)
    if action == Action.START:
        team.do(Action.APPROVE, team.paul)

    def run(_: int) -> str:
        try:
            with transaction(context.sessions) as session:
                actor = team.ada if action == Action.START else team.paul
                lifecycle.transition(session, EXPERIMENT, action, actor, NOW)
        except Conflict:
            return "conflict"
        return "won"

    with ThreadPoolExecutor(50) as pool:
        outcomes = Counter(pool.map(run, range(50)))
    assert outcomes == {"won": 1, "conflict": 49}
    with context.sessions() as session:
        rows = audit.entries(session, subject_kind="experiment")
        assert [r.action for r in rows].count(f"experiment.{action}") == 1
        plans = len(session.scalars(select(PlanRow)).all())
        assert plans == (1 if action == Action.START else 0)
        assert audit.verify(session) == []


def test_race__edits_of_one_revision__one_wins(context: Context) -> None:
    team = Team(context.sessions)
    team.draft()

    def save(number: int) -> str:
        design = factories.design_value(name=f"Name {number}")
        try:
            with transaction(context.sessions) as session:
                catalog.edit(session, design, 1, team.ada, NOW)
        except Conflict:
            return "conflict"
        return "won"

    with ThreadPoolExecutor(10) as pool:
        assert Counter(pool.map(save, range(10))) == {"won": 1, "conflict": 9}
    assert team.experiment.revision == 2


@SQLITE
def test_transition__failing_late__leaves_nothing(team: Team) -> None:
    team.draft()

    def start_and_fail() -> None:
        with transaction(team.sessions) as session:
            lifecycle.transition(session, EXPERIMENT, Action.SUBMIT, team.ada, NOW)
            lifecycle.transition(session, EXPERIMENT, Action.APPROVE, team.paul, NOW)
            lifecycle.transition(session, EXPERIMENT, Action.START, team.ada, NOW)
            raise LookupError

    with pytest.raises(LookupError):
        start_and_fail()
    assert team.experiment.status == Status.DRAFT
    assert team.served() == {}
    with team.sessions() as session:
        assert session.scalars(select(PlanRow)).all() == []
        assert len(audit.entries(session, subject_kind="experiment")) == 1


# Pause, stop


@SQLITE
def test_pause__external__is_refused(team: Team) -> None:
    team.draft(design=factories.external_design())
    team.do(Action.START, team.ada)
    with pytest.raises(Conflict, match="Another system"):
        team.do(Action.PAUSE, team.ada)


def test_stop__while_paused__ends_the_pause(team: Team) -> None:
    team.start()
    team.do(Action.PAUSE, team.ada, now=NOW + DAY)
    team.do(Action.STOP, team.ada, now=NOW + 2 * DAY, reason="Enough.")
    (pause,) = team.experiment.pauses
    assert pause.resumed_at == NOW + 2 * DAY


def test_stop_enrolment__running__is_an_amendment_with_its_reason(team: Team) -> None:
    team.start()
    with pytest.raises(InvalidInput):
        team.do(Action.STOP_ENROLMENT, team.ada)
    team.do(Action.STOP_ENROLMENT, team.ada, now=NOW + DAY, reason="Full house.")
    assert team.experiment.enrolment_ends_at == NOW + DAY
    assert team.experiment.status == Status.RUNNING
    with team.sessions() as session:
        (amendment,) = plan_lock.amendments(session, team.experiment)
        plan, sha256 = lifecycle.locked_plan(session, team.experiment)
    assert amendment.reason == "Full house."
    assert amendment.change == "Enrolment was stopped on 2026-03-15 09:30 UTC."
    assert amendment.by == team.ada.label
    # The plan itself is never edited.
    assert plan.design.enrolment_ends_at is None
    assert sha256_of(plan.canonical_json()) == sha256
    with pytest.raises(Conflict, match="ended already"):
        team.do(Action.STOP_ENROLMENT, team.ada, now=NOW + 2 * DAY, reason="Again.")


def test_stop__before_the_planned_end__is_an_amendment(team: Team) -> None:
    team.start()
    team.do(Action.STOP, team.ada, now=NOW + DAY, reason="Enough.")
    with team.sessions() as session:
        (amendment,) = plan_lock.amendments(session, team.experiment)
    assert "before the planned end" in amendment.change
    assert amendment.reason == "Enough."


@SQLITE
def test_stop__after_the_planned_end__is_none(team: Team) -> None:
    team.start()
    team.do(Action.STOP, team.ada, now=NOW + 58 * DAY, reason="Enough.")
    with team.sessions() as session:
        assert plan_lock.amendments(session, team.experiment) == []


# Decide

LONG = "We know that prices change in May, so we ship it now."
SHIP: dict[str, Any] = {"decision": Decision.SHIP, "variant": "nudge", "reason": LONG}
UNDECIDED = Recommendation(Verdict.UNDECIDED)


def test_decide__against_the_rule__waits_for_a_second_person(team: Team) -> None:
    team.start()
    proposed = team.do(Action.DECIDE, team.ada, **SHIP, recommendation=UNDECIDED)
    assert proposed.status == Status.RUNNING
    assert (proposed.decision, proposed.decided_at) == (None, None)
    assert team.served() == {EXPERIMENT: Status.RUNNING}
    own = Actor(team.ada.label, PersonRole.ADMIN, team.ada.person_id)
    with pytest.raises(Forbidden, match="second person"):
        team.do(Action.CONFIRM_DECISION, own)
    with pytest.raises(Forbidden, match="second person"):
        team.do(Action.CONFIRM_DECISION, SYSTEM)
    decided = team.do(Action.CONFIRM_DECISION, team.paul, now=NOW + DAY)
    assert (decided.status, decided.decision) == (Status.DECIDED, Decision.SHIP)
    assert (decided.decided_variant, decided.decision_reason) == ("nudge", LONG)
    assert decided.decided_at == decided.stopped_at == NOW + DAY
    assert decided.decision_proposal is None
    assert team.served() == {EXPERIMENT: Status.DECIDED}


def test_confirm__nothing_proposed__is_a_conflict(team: Team) -> None:
    team.start()
    with pytest.raises(Conflict, match="No decision waits"):
        team.do(Action.CONFIRM_DECISION, team.paul)


@SQLITE
def test_decide__while_one_waits__is_refused_and_leaves_it_as_it_was(
    team: Team,
) -> None:
    team.start()
    waits = team.do(Action.DECIDE, team.ada, **SHIP, recommendation=UNDECIDED)
    with pytest.raises(Conflict, match="has to be confirmed or declined"):
        team.do(
            Action.DECIDE,
            team.paul,
            decision=Decision.UNDECIDED,
            reason="On second thoughts.",
            recommendation=UNDECIDED,
        )
    assert team.experiment.decision_proposal == waits.decision_proposal


def test_decline__decision_that_waits__tells_its_author_why_until_the_next(
    team: Team,
) -> None:
    team.start()
    team.do(Action.DECIDE, team.ada, **SHIP, recommendation=UNDECIDED)
    why = "Prices change in June, not in May."
    declined = team.do(Action.DECLINE_DECISION, team.paul, reason=why)
    assert (declined.status, declined.decision) == (Status.RUNNING, None)
    assert declined.decision_proposal is None
    told = declined.decision_declined
    assert told is not None
    assert (told["name"], told["reason"]) == ("Paul", why)
    assert told["proposal"]["person_id"] == team.ada.person_id
    assert team.served() == {EXPERIMENT: Status.RUNNING}
    with team.sessions() as session:
        (row, *_) = audit.entries(session, subject_kind="experiment")
        assert audit.verify(session) == []
    assert row.action == "experiment.decline_decision"
    assert (row.after or {})["reason"] == why
    again = team.do(
        Action.DECIDE,
        team.ada,
        decision=Decision.UNDECIDED,
        reason="On second thoughts.",
        recommendation=UNDECIDED,
    )
    assert (again.status, again.decision) == (Status.DECIDED, Decision.UNDECIDED)
    assert again.decision_declined is None


@SQLITE
def test_decline__own_decision__takes_it_back_and_others_must_approve(
    team: Team,
) -> None:
    team.start()
    team.do(Action.DECIDE, team.ada, **SHIP, recommendation=UNDECIDED)
    with transaction(team.sessions) as session:
        other = factories.make_actor(session, "Eve", PersonRole.EDITOR)
    with pytest.raises(Forbidden, match="decline what somebody else decided"):
        team.do(Action.DECLINE_DECISION, other, reason=LONG)
    declined = team.do(Action.DECLINE_DECISION, team.ada, reason="The wrong variant.")
    told = declined.decision_declined
    assert told is not None
    assert told["person_id"] == told["proposal"]["person_id"] == team.ada.person_id


@SQLITE
def test_decline__nothing_waits_or_no_reason__is_refused(team: Team) -> None:
    team.start()
    with pytest.raises(Conflict, match="No decision waits"):
        team.do(Action.DECLINE_DECISION, team.paul, reason=LONG)
    team.do(Action.DECIDE, team.ada, **SHIP, recommendation=UNDECIDED)
    with pytest.raises(InvalidInput) as refusal:
        team.do(Action.DECLINE_DECISION, team.paul)
    assert list(refusal.value.fields) == ["reason"]


@SQLITE
def test_decide__alone_against_the_rule__takes_the_reason_only(team: Team) -> None:
    team.start()
    with transaction(team.sessions) as session:
        for actor in (team.paul, team.root):
            session.get_one(Person, actor.person_id).active = False
    decided = team.do(Action.DECIDE, team.ada, **SHIP, recommendation=None)
    assert decided.status == Status.DECIDED


def test_race__twenty_decisions__one_wins(context: Context) -> None:
    team = Team(context.sessions)
    team.start()

    def decide(_: int) -> str:
        try:
            team.do(
                Action.DECIDE,
                team.ada,
                **SHIP,
                recommendation=Recommendation(Verdict.SHIP, "nudge"),
            )
        except Conflict:
            return "conflict"
        return "won"

    with ThreadPoolExecutor(20) as pool:
        assert Counter(pool.map(decide, range(20))) == {"won": 1, "conflict": 19}


# What a page shows


@pytest.mark.parametrize("status", Status)
@SQLITE
def test_allowed_actions__each_state__agrees_with_doing_it(
    team: Team, status: Status
) -> None:
    walk: dict[Status, list[Action]] = {
        Status.DRAFT: [],
        Status.IN_REVIEW: [Action.SUBMIT],
        Status.RUNNING: [Action.SUBMIT, Action.APPROVE, Action.START],
    }
    walk[Status.PAUSED] = [*walk[Status.RUNNING], Action.PAUSE]
    walk[Status.STOPPED] = [*walk[Status.RUNNING], Action.STOP]
    walk[Status.DECIDED] = [*walk[Status.RUNNING], Action.DECIDE]
    given = {**SHIP, "recommendation": Recommendation(Verdict.SHIP, "nudge")}
    team.draft()
    for action in walk[status]:
        actor = team.paul if action == Action.APPROVE else team.ada
        team.do(
            action, actor, **(given if action == Action.DECIDE else {"reason": LONG})
        )
    experiment = team.experiment
    assert experiment.status == status
    for actor in (team.ada, team.paul, team.root):
        with team.sessions() as session:
            views = lifecycle.allowed_actions(session, experiment, actor)
        known = {name for begins, name in lifecycle.TRANSITIONS if begins == status}
        # These need a decision that waits.
        waits = {Action.CONFIRM_DECISION, Action.DECLINE_DECISION}
        assert {v.action for v in views} == known - waits
        for view in views:
            outcome = attempt(team, view.action, actor, given)
            assert (outcome is None) == view.allowed, (view, outcome)
            assert view.why_not == outcome


def attempt(
    team: Team, action: Action, actor: Actor, given: dict[str, Any]
) -> str | None:
    """Do it and take it back; tell the refusal's words."""
    full: dict[str, Any] = given if action == Action.DECIDE else {"reason": LONG}
    with team.sessions() as session:
        try:
            lifecycle.transition(session, EXPERIMENT, action, actor, NOW, **full)
        except AbideError as refusal:
            return refusal.message
        finally:
            session.rollback()
    return None


@SQLITE
def test_allowed_actions__decision_waits__offers_to_confirm_or_decline(
    team: Team,
) -> None:
    team.start()
    waiting = team.do(Action.DECIDE, team.ada, **SHIP, recommendation=UNDECIDED)
    with team.sessions() as session:
        for actor, allowed in ((team.paul, True), (team.ada, False)):
            views = lifecycle.allowed_actions(session, waiting, actor)
            may = {view.action: view.allowed for view in views}
            assert may[Action.CONFIRM_DECISION] == allowed
            assert may[Action.DECLINE_DECISION]
            assert not may[Action.DECIDE]
