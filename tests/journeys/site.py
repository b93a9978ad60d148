"""The pages on a real port, with a company that has done some work in them."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Flask
from sqlalchemy.orm import Session
from typing_extensions import override
from werkzeug.serving import WSGIRequestHandler, make_server

from experiments import (
    accounts,
    connectors,
    hypotheses,
    keys,
    lifecycle,
    listed_units,
    preview_links,
    sign_in_links,
)
from experiments.actors import Actor
from experiments.connectors import NewConnector
from experiments.context import Context
from experiments.db import transaction
from experiments.held_bodies import hold
from experiments.hypothesis import BacklogInputs
from experiments.models import (
    Person,
    QuarantinedMessage,
    Survey,
    SurveyComment,
    SurveyReply,
)
from experiments.sealing import load_sealer
from experiments.vocabulary import (
    Action,
    ConnectorKind,
    Decision,
    Environment,
    KeyKind,
    PersonRole,
    QuarantineReason,
)
from tests.factories import (
    PASSWORD,
    RETENTION,
    SEGMENT,
    hypothesis_value,
    make_experiment,
    make_person,
    start_experiment,
)
from tests.stages import choose, keep_weeks
from tests.surveys import make_survey

NASTY = '<img src=x onerror="alert(1)"> {{7*7}}'
LONG = "A very long name that somebody pasted from a document " * 3
# Every page that an administrator can open; results come from analysis.
PAGES = (
    "/",
    "/hypotheses",
    "/hypotheses/new",
    "/hypotheses/annual-nudge",
    "/hypotheses/annual-nudge/edit",
    "/hypotheses/annual-nudge/park",
    "/hypotheses/annual-nudge/merge",
    "/backlog/order",
    "/backlog/compare?first=annual-nudge&second=twin",
    "/segments",
    "/segments/new",
    "/segments/business",
    "/segments/business/rule",
    "/catalogue",
    "/catalogue/new",
    "/catalogue/retention_d30",
    "/catalogue/retention_d30/definition",
    "/experiments",
    "/experiments?view=timeline",
    "/experiments?status=stopped",
    "/experiments/new",
    "/experiments/draft",
    "/experiments/draft/plan/hypothesis",
    "/experiments/draft/plan/segment",
    "/experiments/draft/plan/variants",
    "/experiments/draft/plan/metrics",
    "/experiments/draft/plan/duration",
    "/experiments/draft/plan/risk",
    "/experiments/draft/plan",
    "/experiments/asks/review",
    "/experiments/runs",
    "/experiments/runs/results",
    "/experiments/runs/summary",
    "/experiments/runs/summary/links",
    "/experiments/runs/stop-enrolment",
    "/experiments/runs/preview",
    "/experiments/runs/lists",
    "/experiments/runs/stop",
    "/experiments/runs/decide",
    "/experiments/waits",
    "/experiments/waits/decline-decision",
    "/experiments/paused",
    "/experiments/decided",
    "/learnings",
    "/learnings?q=nothing",
    "/learnings/decided",
    "/learnings/decided/compare",
    "/learnings/decided/add",
    "/experiments/decided/decide",
    "/settings",
    "/settings/people",
    "/settings/people/2",
    "/settings/keys",
    "/settings/connectors",
    "/settings/connectors/supportdesk1",
    "/review?month=2026-03",
    "/settings/digest",
    "/stages/renewal",
    "/settings/stages",
    "/settings/stages/new",
    "/settings/audit",
    "/surveys",
    "/data/imports/new",
    "/surveys/new",
    "/surveys/support",
    "/surveys/support/edit",
    "/surveys/support/texts/de",
    "/surveys/support/links",
    "/account",
    "/nothing-here",
)


@dataclass(frozen=True, slots=True)
class Site:
    """A running site and somebody who may sign in."""

    url: str
    context: Context
    email: str = "ada@example.com"
    password: str = PASSWORD

    def link(self) -> str:
        """Make a link that signs the administrator in once."""
        with transaction(self.context.sessions) as session:
            token = sign_in_links.create(session, 1, self.context.now())
        return f"{self.url}/sign-in/link?token={token}"


class _Quiet(WSGIRequestHandler):
    @override
    def log(self, type: str, message: str, *args: object) -> None:
        """Say nothing: a request is no news in a test."""


@contextmanager
def running_site(app: Flask, context: Context) -> Iterator[Site]:
    """Serve the app in a thread until the block ends."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Site(f"http://127.0.0.1:{server.port}", context)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def fill_survey(session: Session, survey: Survey, now: datetime) -> None:
    """Let a customer answer and write something nasty."""
    wave, who = survey.wave, b"c" * 16
    session.add(
        SurveyReply(
            survey_id=survey.id,
            wave=wave,
            environment=Environment.PRODUCTION.value,
            customer=who,
            invited_at=now,
            first_at=now,
            last_at=now,
        )
    )
    session.add(
        SurveyComment(
            survey=survey.key,
            wave=wave,
            environment=Environment.PRODUCTION.value,
            customer=who,
            text=NASTY,
            written_at=now,
        )
    )


def furnish(context: Context) -> None:
    """Give the site people, keys and experiments in every state."""
    now = context.now()
    with transaction(context.sessions) as session:
        make_person(session, "Ada", PersonRole.ADMIN, password=PASSWORD)
        owner = accounts.actor_for(session.get_one(Person, 1))
        start_experiment(session, owner, key="runs", name=NASTY)
        start_experiment(session, owner, key="paused", name=LONG.strip())
        start_experiment(session, owner, key="decided", hypothesis="other")
        start_experiment(session, owner, key="waits")
        for key, title, effort in (("twin", NASTY, 2.0), ("third", LONG.strip(), 0.5)):
            value = hypothesis_value(key=key, title=title)
            inputs = BacklogInputs(effort, reach=22_100, baseline=0.7)
            hypotheses.create(session, value, owner, now, inputs)
        make_experiment(session, owner, key="draft", name="A draft")
        make_experiment(session, owner, key="asks", name="Waits for a review")
        lifecycle.transition(session, "asks", Action.SUBMIT, owner, now)
        lifecycle.transition(
            session, "paused", Action.PAUSE, owner, now + timedelta(hours=1)
        )
        lifecycle.transition(
            session,
            "decided",
            Action.DECIDE,
            owner,
            now,
            decision=Decision.DO_NOT_SHIP,
            reason="It changes nothing that matters.",
        )
        listed_units.put(
            session, "runs", b"\0" * 16, variant=None, note=LONG, actor=owner, now=now
        )
        preview_links.make(
            session, "runs", variant="nudge", days=7, actor=owner, now=now
        )
        make_person(session, "Grace", PersonRole.APPROVER)
        # Against the rule, which says nothing yet: it waits for Grace.
        lifecycle.transition(
            session,
            "waits",
            Action.DECIDE,
            owner,
            now,
            decision=Decision.SHIP,
            variant="nudge",
            reason=LONG,
        )
        fill_survey(session, make_survey(session, owner, now), now)
        keys.create_key(
            session,
            kind=KeyKind.SERVER,
            environment=Environment.PRODUCTION,
            name=LONG[:100].strip(),
            actor=owner,
            now=now,
        )
        connect(context, session, owner)
        choose(session, owner, RETENTION, now)
        for segment, fall in (("", 0.001), (SEGMENT, 0.004)):
            course = [0.72 - fall * week for week in range(20)]
            keep_weeks(session, RETENTION, [0.7, None, *course], now, segment)


def connect(context: Context, session: Session, owner: Actor) -> None:
    """Register a connector, with a body that waits for its mapping."""
    new = NewConnector(ConnectorKind.GENERIC, Environment.PRODUCTION, LONG[:100])
    sealer, now = load_sealer(context.settings), context.now()
    row, _ = connectors.create(session, new, sealer, actor=owner, now=now)
    row.public_id = "supportdesk1"
    body = {"id": "r-1", "customer_id": "u1", "score": NASTY}
    held = hold(
        sealer,
        json.dumps(body).encode(),
        body,
        QuarantineReason.UNMAPPED,
        "This connector has no mapping yet.",
    )
    session.add(
        QuarantinedMessage(
            slot="site",
            seq=1,
            position=0,
            received_at=now,
            environment=row.environment,
            source=row.public_id,
            **held._asdict(),
        )
    )
