"""The weekly digest: what needs somebody, what was decided, what is due.

For people who do not sign in. It says what home says, in the same words, and so no
estimate of an experiment that runs; what was decided comes with a link to its summary
that ends after a month. What people wrote, such as why a plan was sent back, is in no
mail: it may name somebody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, select_autoescape
from sqlalchemy.orm import Session

from experiments import catalog, journey, plan_lock, summary_links
from experiments.actors import SYSTEM
from experiments.config import MailSettings, Settings
from experiments.errors import Conflict, NotFound
from experiments.models import Experiment
from experiments.vocabulary import Decision
from web import catalogue
from web.presenters.formats import count, day
from web.presenters.found import found_of
from web.presenters.home import LIVE, Home, home
from web.presenters.words import DECISION

WEEK = timedelta(days=7)
DUE_WITHIN = timedelta(days=14)
LINK_DAYS = 30
MOST = 20  # items of a kind; the page has all
TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Item:
    """One experiment, with a sentence about it."""

    name: str
    sentence: str
    link: str | None = None  # to its summary, without signing in


@dataclass(frozen=True, slots=True)
class Digest:
    """What a week's mail says."""

    subject: str
    sentence: str
    attention: Sequence[Item]
    decided: Sequence[Item]
    due: Sequence[Item]
    home: str  # the address of the page, for who may sign in


def digest_of(
    database: Session, settings: Settings, now: datetime, *, with_links: bool
) -> Digest:
    """Put the digest of the last seven days together.

    Args:
        database: open transaction; links are made in it.
        settings: with the address of the pages.
        now: aware UTC.
        with_links: whether to make links to summaries; a preview needs none.

    Returns:
        The digest in words.
    """
    experiments = catalog.portfolio(database, catalogue.MOST)
    found = found_of(database, experiments, now)
    page = home(journey.stages(database), [], experiments, found, now)
    recent = [e for e in page.decided if _is_recent(e.experiment, now)]
    decided = [
        Item(
            each.experiment.name,
            _decided(each.experiment, each.answer),
            _link(database, each.experiment, settings, now) if with_links else None,
        )
        for each in recent[:MOST]
    ]
    return Digest(
        subject=_subject(page, len(recent)),
        sentence=f"{page.running} {_waits(page).capitalize()} for somebody.",
        attention=[
            Item(item.experiment.name, item.sentence) for item in page.attention[:MOST]
        ],
        decided=decided,
        due=_due(experiments, now)[:MOST],
        home=f"{settings.base_url}/",
    )


def _is_recent(experiment: Experiment, now: datetime) -> bool:
    decided_at = experiment.decided_at
    return decided_at is not None and now - decided_at < WEEK


def _subject(page: Home, decided: int) -> str:
    return f"Experiments this week: {_waits(page)}, {count(decided)} decided"


def _waits(page: Home) -> str:
    number = len(page.attention)
    if number <= 1:
        return "1 waits" if number else "none waits"
    return f"{count(number)} wait"


def _decided(experiment: Experiment, sentence: str) -> str:
    decided = experiment.decision
    word = DECISION[Decision(decided)] if decided else "Decided"
    return f"{word}. {sentence}".strip()


def _due(experiments: Sequence[Experiment], now: datetime) -> list[Item]:
    coming = [
        e
        for e in experiments
        if e.status in LIVE and now < e.planned_end_at < now + DUE_WITHIN
    ]
    coming.sort(key=lambda e: e.planned_end_at)
    return [
        Item(e.name, f"The planned end is {day(e.planned_end_at)}.") for e in coming
    ]


def _link(
    database: Session, experiment: Experiment, settings: Settings, now: datetime
) -> str | None:
    try:
        plan_lock.locked_plan(database, experiment)
        _, token = summary_links.make(
            database, experiment.key, days=LINK_DAYS, actor=SYSTEM, now=now
        )
    except (Conflict, NotFound):  # never started, or too many links work already
        return None
    return f"{settings.base_url}/shared/{token}"


def message_of(
    digest: Digest,
    mail: MailSettings,
    recipient: str,
    now: datetime,
    unsubscribe: str | None,
) -> EmailMessage:
    """Write a digest as a mail, in words and as a page.

    Args:
        digest: what it says.
        mail: from whom.
        recipient: one address.
        now: aware UTC.
        unsubscribe: address that ends it with one click (RFC 8058); None in a test.

    Returns:
        The mail.
    """
    message = EmailMessage()
    message["Subject"] = digest.subject
    message["From"] = f"Abide <{mail.sender}>"
    message["To"] = recipient
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain=mail.sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    if unsubscribe is not None:
        message["List-Unsubscribe"] = f"<{unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    shown = {"digest": digest, "unsubscribe": unsubscribe}
    message.set_content(_templates().get_template("mail_digest.txt").render(shown))
    page = _templates().get_template("mail_digest.html").render(shown)
    message.add_alternative(page, subtype="html")
    return message


def in_words(digest: Digest) -> str:
    """Write the plain text of a digest, as a preview on a page."""
    template = _templates().get_template("mail_digest.txt")
    return template.render(digest=digest, unsubscribe=None).strip()


@cache
def _templates() -> Environment:
    # Not Flask's: the scheduler, which sends, has no app.
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html"]),
        trim_blocks=True,
        lstrip_blocks=True,
    )
