"""Sends the weekly digest: what the scheduler calls each minute."""

import structlog

from experiments import digest_mails, digest_recipients
from experiments.config import MailSettings
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import Unavailable
from experiments.mailing import Mailer, NoConnectionError, Outcome
from experiments.sealing import Sealer, load_sealer
from experiments.vocabulary import MailState
from web.digest import Digest, digest_of, message_of

log = structlog.get_logger(__name__)


def send_due(context: Context) -> None:
    """Send the mails of this week's digest that are due, each at most once.

    Args:
        context: settings, database and clock.

    Raises:
        Unavailable: some could not be sent; says how many and why.
    """
    mail = context.settings.mail
    if mail is None:
        return
    with transaction(context.sessions) as session:
        waiting = digest_mails.plan(session, context.settings, context.now())
        if not waiting:
            return
        digest = digest_of(session, context.settings, context.now(), with_links=True)
    refused = _send(context, mail, digest, waiting)
    log.info("digest_sent", count=len(waiting) - len(refused), refused=len(refused))
    if refused:
        raise Unavailable(
            f"{len(refused)} of {len(waiting)} mails of the digest were not sent."
            f" {refused[-1]}"
        )


def _send(
    context: Context, mail: MailSettings, digest: Digest, waiting: list[int]
) -> list[str]:
    """Send some mails through one connection; give what went wrong."""
    try:
        with Mailer(mail) as mailer:
            tries = [_send_one(context, mail, mailer, digest, n) for n in waiting]
    except NoConnectionError as error:  # before the first one was begun
        for number in waiting:
            if _claimed(context, number, None) is not None:
                _note(context, number, Outcome(MailState.WAITING, str(error)))
        return [str(error)] * len(waiting)
    return [each.error for each in tries if each is not None and each.error]


def _send_one(
    context: Context, mail: MailSettings, mailer: Mailer, digest: Digest, number: int
) -> Outcome | None:
    """Begin a mail, send it and write down how it went; None when it is gone."""
    sealer = load_sealer(context.settings)
    claimed = _claimed(context, number, sealer)
    if claimed is None:
        return None
    address, token = claimed
    link = f"{context.settings.base_url}/unsubscribe/{token}"
    outcome = mailer.send(message_of(digest, mail, address, context.now(), link))
    _note(context, number, outcome)
    return outcome


def _claimed(
    context: Context, number: int, sealer: Sealer | None
) -> tuple[str, str] | None:
    """Begin a mail; give its address and the token that ends it, or None."""
    with transaction(context.sessions) as session:
        begun = digest_mails.claim(session, number, context.now())
        if begun is None:
            return None
        who = digest_mails.recipient_of(session, begun)
        token = "" if sealer is None else digest_recipients.token_of(who, sealer)
        return who.email, token


def _note(context: Context, number: int, outcome: Outcome) -> None:
    with transaction(context.sessions) as session:
        digest_mails.note(session, number, outcome.state, outcome.error, context.now())


def send_test(context: Context, address: str) -> Outcome:
    """Send this week's digest to one address now, without links.

    Args:
        context: settings, database and clock.
        address: of who asks for it.

    Returns:
        How it went.

    Raises:
        Unavailable: no mail server is set.
    """
    mail, now = context.settings.mail, context.now()
    if mail is None:
        raise Unavailable("No mail server is set.")
    with transaction(context.sessions) as session:
        digest = digest_of(session, context.settings, now, with_links=False)
    try:
        with Mailer(mail) as mailer:
            return mailer.send(message_of(digest, mail, address, now, None))
    except NoConnectionError as error:
        return Outcome(MailState.WAITING, str(error))
