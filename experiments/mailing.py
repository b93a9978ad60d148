"""Sending e-mail, and saying in words why it could not be sent.

Words never hold an address: they go into the database and onto pages.
"""

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from types import TracebackType
from typing import Self

from experiments.config import MailSettings
from experiments.vocabulary import MailState

SECONDS = 10.0  # for each answer of the mail server
_FOR_NOW = range(400, 500)  # RFC 5321, 4.2.1: try again later


@dataclass(frozen=True, slots=True)
class Outcome:
    """How sending a mail went.

    Attributes:
        state: SENT; WAITING where it may be tried again, for nothing was taken; FAILED
            where the server will not have it; UNKNOWN where nobody can tell.
        error: what went wrong, in words, or None.
    """

    state: MailState
    error: str | None = None


class NoConnectionError(Exception):
    """The mail server could not be asked; its words say why."""


class Mailer:
    """One connection to the mail server, for as long as the block lasts."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings
        self._server: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        """Connect and sign in.

        Returns:
            Itself, connected.

        Raises:
            NoConnectionError: that was not possible.
        """
        settings = self._settings
        try:
            self._server = self._connected()
            if settings.user is not None and settings.password is not None:
                self._server.login(settings.user, settings.password)
        except (OSError, smtplib.SMTPException) as error:
            self._close()
            raise NoConnectionError(_why(error, settings)) from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Say goodbye, where somebody still listens."""
        self._close()

    def send(self, message: EmailMessage) -> Outcome:
        """Send one mail.

        Args:
            message: with one recipient.

        Returns:
            How it went.
        """
        server = self._server
        if server is None or server.sock is None:  # an earlier mail lost it
            return Outcome(MailState.WAITING, "The mail server hung up.")
        try:
            server.send_message(message)
            outcome = Outcome(MailState.SENT)
        except smtplib.SMTPRecipientsRefused as error:
            ((code, _),) = error.recipients.values()
            outcome = _refused("refused the address", code)
        except smtplib.SMTPSenderRefused as error:
            outcome = _refused("refused the sender's address", error.smtp_code)
        except smtplib.SMTPResponseException as error:
            outcome = _refused("refused the mail", error.smtp_code)
        except smtplib.SMTPNotSupportedError:
            why = "The mail server takes no such letters in addresses."
            outcome = Outcome(MailState.FAILED, why)
        except (OSError, smtplib.SMTPException):
            why = "The connection broke while it was sent. It may have arrived."
            outcome = Outcome(MailState.UNKNOWN, why)
        return outcome

    def _connected(self) -> smtplib.SMTP:
        settings = self._settings
        where = (settings.host, settings.port)
        if settings.security == "tls":
            trusted = ssl.create_default_context()
            return smtplib.SMTP_SSL(*where, timeout=SECONDS, context=trusted)
        server = smtplib.SMTP(*where, timeout=SECONDS)
        if settings.security == "starttls":
            try:
                server.starttls(context=ssl.create_default_context())
            except BaseException:
                server.close()
                raise
        return server

    def _close(self) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        try:
            server.quit()
        except (OSError, smtplib.SMTPException):
            server.close()


def _refused(what: str, code: int) -> Outcome:
    is_for_now = code in _FOR_NOW
    return Outcome(
        MailState.WAITING if is_for_now else MailState.FAILED,
        f"The mail server {what} ({code}).",
    )


def _why(error: Exception, settings: MailSettings) -> str:
    where = f"{settings.host}, port {settings.port}"
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"The mail server refused the sign-in ({error.smtp_code})."
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return f"The mail server at {where} does not offer what is set for it."
    if isinstance(error, ssl.SSLError):
        return f"The mail server at {where} has no certificate that is trusted here."
    if isinstance(error, smtplib.SMTPResponseException):
        return f"The mail server at {where} answered {error.smtp_code}."
    return f"No mail server answers at {where}."
