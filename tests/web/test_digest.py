"""The weekly digest against a real mail server: once a week, to each, and no more."""

import asyncio
import datetime as dt
import re
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session as Database
from typing_extensions import override

from experiments import accounts, digest_recipients, lifecycle
from experiments.config import MailSettings
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import Unavailable
from experiments.models import DigestMail, DigestRecipient, Person
from experiments.vocabulary import Action, Decision, MailState, PersonRole, ResultPhase
from tests.analysis.run_examples import finish
from tests.clock import FakeClock
from tests.factories import (
    EXPERIMENT,
    NOW,
    make_experiment,
    make_person,
    start_experiment,
)
from tests.web.conftest import BASE, Visitor
from web import digest_job

SignIn = Callable[..., Visitor]
PAGE = "/settings/digest"
# 14 March 2026 is a Saturday (ISO 8601); the next digest is due on Monday at 7 UTC.
MONDAY = dt.datetime(2026, 3, 16, 7, 0, tzinfo=dt.UTC)
LINK = re.compile(rf"{re.escape(BASE)}(/unsubscribe/[\w-]+)")


@dataclass
class Inbox:
    """Takes mails as a server does, or refuses them with the answers it is given."""

    answers: list[str] = field(default_factory=list)
    taken: list[EmailMessage] = field(default_factory=list)
    to: list[str] = field(default_factory=list)

    async def handle_DATA(  # noqa: N802  # the library's name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        if self.answers:
            return self.answers.pop(0)
        content = envelope.content
        assert isinstance(content, bytes)
        self.taken.append(message_from_bytes(content, policy=policy.default))
        self.to += envelope.rcpt_tos
        return "250 OK"


def knows(
    _server: object, _session: object, _envelope: object, _way: str, given: object
) -> AuthResult:  # as the library calls it
    assert isinstance(given, LoginPassword)
    return AuthResult(
        success=given == LoginPassword(b"abide", b"letmein"), handled=False
    )


class Server(Controller):
    """Listens on whatever port is free."""

    @override
    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # the library's


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, MailSettings]]:
    inbox = Inbox()
    server = Server(inbox, hostname="127.0.0.1", port=0)
    server.start()
    yield inbox, MailSettings("127.0.0.1", server.port, "none", "abide@example.com")
    server.stop()


@pytest.fixture
def context(context: Context, inbox: tuple[Inbox, MailSettings]) -> Context:
    return replace(context, settings=replace(context.settings, mail=inbox[1]))


@pytest.fixture
def box(inbox: tuple[Inbox, MailSettings]) -> Inbox:
    return inbox[0]


def add(session: Database, *names: str, now: dt.datetime = NOW) -> None:
    root = make_person(session, "Root", PersonRole.ADMIN)
    for name in names:
        actor = accounts.actor_for(root)
        digest_recipients.add(session, f"{name}@example.com", actor=actor, now=now)


def states(context: Context) -> list[tuple[str, str, int]]:
    with transaction(context.sessions) as session:
        query = select(DigestMail).order_by(DigestMail.id)
        return [(m.week, m.state, m.try_count) for m in session.scalars(query)]


def test_digest__week_by_week__goes_to_each_once(
    context: Context, box: Inbox, now: FakeClock
) -> None:
    with transaction(context.sessions) as session:
        add(session, "dora", "emil")
    digest_job.send_due(context)  # Saturday: those who are new wait for Monday
    assert box.taken == []
    now.time = MONDAY
    for _ in range(3):
        digest_job.send_due(context)
        now.advance(hours=5)
    assert box.to == ["dora@example.com", "emil@example.com"]
    now.time = MONDAY + dt.timedelta(days=7)
    digest_job.send_due(context)
    assert len(box.to) == 4
    assert states(context) == [
        (week, "sent", 1) for week in ("2026-W12", "2026-W13") for _ in range(2)
    ]


def test_digest__nobody_worked_for_days__is_left_out_not_late(
    context: Context, box: Inbox, now: FakeClock
) -> None:
    with transaction(context.sessions) as session:
        add(session, "dora")
    now.time = MONDAY + dt.timedelta(days=2, minutes=1)
    digest_job.send_due(context)
    assert box.taken == []


def test_digest__server_refuses_for_now__is_tried_again_later_and_then_given_up(
    context: Context, box: Inbox, now: FakeClock
) -> None:
    with transaction(context.sessions) as session:
        add(session, "dora")
    now.time = MONDAY
    box.answers = ["451 Try again later"] * 5
    for minutes in (5, 30, 120, 480, 480):
        with pytest.raises(Unavailable, match=r"refused the mail \(451\)\.$") as told:
            digest_job.send_due(context)
        assert "dora" not in str(told.value)
        now.advance(minutes=minutes - 1)
        digest_job.send_due(context)  # it waits
        now.advance(minutes=1)
    digest_job.send_due(context)
    assert states(context) == [("2026-W12", MailState.FAILED, 5)]
    assert box.taken == []


def test_digest__server_refuses_for_good_or_is_away__says_so_in_words(
    context: Context, box: Inbox, now: FakeClock, signed_in: SignIn
) -> None:
    with transaction(context.sessions) as session:
        add(session, "dora")
    now.time = MONDAY
    box.answers = ["550 No such user"]
    with pytest.raises(Unavailable):
        digest_job.send_due(context)
    now.advance(days=1)
    digest_job.send_due(context)
    assert states(context) == [("2026-W12", MailState.FAILED, 1)]
    page = signed_in(PersonRole.ANALYST).get("/data").text
    assert "Not sent of the last digest: 1 mail." in page
    assert "The mail server refused the mail (550)." in page

    nobody = MailSettings("127.0.0.1", 1, "none", "abide@example.com")
    away = replace(context, settings=replace(context.settings, mail=nobody))
    now.advance(days=6)
    with pytest.raises(Unavailable, match=r"No mail server answers at 127\.0\.0\.1"):
        digest_job.send_due(away)
    now.advance(minutes=6)
    digest_job.send_due(context)
    assert box.to == ["dora@example.com"]


def test_digest__process_ended_while_it_sent__is_not_sent_again(
    context: Context, box: Inbox, now: FakeClock
) -> None:
    with transaction(context.sessions) as session:
        add(session, "dora")
        session.add(
            DigestMail(
                recipient_id=1,
                week="2026-W12",
                state=MailState.SENDING.value,
                try_count=1,
                next_try_at=MONDAY,
            )
        )
    now.time = MONDAY + dt.timedelta(hours=1)
    digest_job.send_due(context)
    assert box.taken == []
    assert states(context) == [("2026-W12", MailState.UNKNOWN, 1)]


def test_digest__in_words__has_what_was_decided_with_a_link_and_no_estimate_that_runs(
    context: Context, box: Inbox, now: FakeClock, visitor: Visitor
) -> None:
    now.time = MONDAY + dt.timedelta(days=70)
    started = NOW
    with transaction(context.sessions) as session:
        add(session, "dora")
        owner = accounts.actor_for(session.get_one(Person, 1))
        later = now() - dt.timedelta(days=2)
        finish(session, start_experiment(session, owner), at=later)
        runs = start_experiment(session, owner, key="runs", hypothesis="other")
        finish(session, runs, at=later, phase=ResultPhase.COUNTING)
        lifecycle.transition(
            session,
            EXPERIMENT,
            Action.DECIDE,
            owner,
            later,
            decision=Decision.DO_NOT_SHIP,
            reason="Support would not be able to explain it to customers.",
        )
        back = make_experiment(session, owner, key="back", hypothesis="third")
        back.sent_back = {"name": "Grace", "reason": "Grace knows better."}
    assert started < later
    digest_job.send_due(context)
    (mail,) = box.taken
    assert mail["Subject"] == "Experiments this week: 2 wait, 1 decided"
    parts = [part.get_content() for part in mail.iter_parts()]
    for text in parts:
        assert "Do not ship. Day-30 retention rose by 1.9 points" in text
        assert text.count("points") == 1  # and nothing of the one that runs
        assert "The plan needs a change." in text
        assert "Grace" not in text  # nor anything that people wrote
        assert "Support would" not in text
    link = re.search(rf"{BASE}(/shared/[\w-]+)", parts[0])
    assert link is not None
    assert visitor.get(link[1]).status_code == 200


def test_unsubscribe__by_link__one_click_ends_it_and_opening_does_not(
    context: Context, box: Inbox, now: FakeClock, app: Flask
) -> None:
    with transaction(context.sessions) as session:
        add(session, "dora", "emil")
    now.time = MONDAY
    digest_job.send_due(context)
    mail = box.taken[0]
    found = LINK.search(mail["List-Unsubscribe"])
    assert found is not None
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    there = found[1]
    assert all(there in part.get_content() for part in mail.iter_parts())
    stranger = Visitor(app.test_client())
    opened = stranger.get(there)
    assert "Get it no more" in opened.text
    assert opened.headers["Referrer-Policy"] == "no-referrer"
    with transaction(context.sessions) as session:
        assert len(digest_recipients.listing(session)) == 2
    # RFC 8058, 3.1: the mail program posts this, with no cookie and no page before.
    body = {"List-Unsubscribe": "One-Click"}
    for _ in range(2):  # once is enough, and twice does no harm
        done = stranger.client.post(there, data=body, base_url=BASE)
        assert done.status_code == 200
        assert "You get this mail no more" in done.text
    with transaction(context.sessions) as session:
        left = session.scalars(select(DigestRecipient)).all()
        assert [row.email for row in left] == ["emil@example.com"]
        assert {m.recipient_id for m in session.scalars(select(DigestMail))} == {2}
    wrong = stranger.client.post(f"{there[:-4]}AAAA", data=body, base_url=BASE)
    assert wrong.status_code == 404


def test_page__administrator__adds_tests_and_removes(
    app: Flask, context: Context, box: Inbox, signed_in: SignIn
) -> None:
    app.extensions["abide"] = context
    admin = signed_in(PersonRole.ADMIN)
    assert signed_in(PersonRole.APPROVER).get(PAGE).status_code == 403
    added = admin.post(PAGE, {"recipient": " Dora@Example.com ", "action": "save"})
    assert added.status_code == 302
    again = admin.post(PAGE, {"recipient": "dora@example.com", "action": "save"})
    assert again.status_code == 400
    assert "it is there already" in again.text
    page = admin.get(PAGE).text
    assert "dora@example.com" in page
    assert "It goes out each Monday at 07:00 UTC" in page
    told = admin.post(f"{PAGE}/test", follow=True).text
    assert "The mail server took the test." in told
    assert box.to == ["admin@example.com"]
    assert box.taken[0]["List-Unsubscribe"] is None
    admin.post(f"{PAGE}/1/remove")
    assert "dora@example.com" not in admin.get(PAGE).text
    assert admin.post(f"{PAGE}/1/remove").status_code == 404


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for this machine's own address, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(made - dt.timedelta(days=1))
        .not_valid_after(made + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "mail.pem", folder / "mail.key"
    pem.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return pem, secret


def test_send__starttls_and_sign_in__needs_a_trusted_certificate_and_the_password(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem, secret = certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem, secret)
    inbox = Inbox()
    server = Server(
        inbox,
        hostname="localhost",
        port=0,
        tls_context=tls,
        require_starttls=True,
        authenticator=knows,
        auth_required=True,
    )
    server.start()
    try:
        mail = MailSettings(
            "localhost",
            server.port,
            "starttls",
            "abide@example.com",
            "abide",
            "letmein",
        )

        def told(mail: MailSettings) -> str | None:
            settings = replace(context.settings, mail=mail)
            sent_with = replace(context, settings=settings)
            return digest_job.send_test(sent_with, "ada@example.com").error

        assert "no certificate that is trusted" in str(told(mail))
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        wrong = replace(mail, password="other")  # noqa: S106  # a test's
        assert told(wrong) == "The mail server refused the sign-in (535)."
        assert told(mail) is None
        assert inbox.to == ["ada@example.com"]
    finally:
        server.stop()
