"""Settings: read once from the environment, validated, frozen."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from experiments.errors import ConfigurationFault

T = TypeVar("T")

MIN_SECRET_LENGTH = 32
DEFAULT_SECRETS = frozenset(
    {"", "secret", "changeme", "change-me", "default", "dev", "development"}
)
DEFAULT_BASE_URL = "http://127.0.0.1:8000"
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")


SECURITIES = ("starttls", "tls", "none")
WEEKDAYS = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)
_ADDRESS = re.compile(r"[^@\s<>,\x00-\x1f\x7f]{1,64}@[^@\s<>,\x00-\x1f\x7f]{1,189}")


@dataclass(frozen=True, slots=True)
class MailSettings:
    """How e-mail is sent.

    Attributes:
        host: of the mail server (ABIDE_SMTP_HOST).
        port: TCP port (ABIDE_SMTP_PORT).
        security: starttls, tls or none (ABIDE_SMTP_SECURITY).
        sender: the address that mails come from (ABIDE_MAIL_FROM).
        user: None where the server asks for nobody (ABIDE_SMTP_USER).
        password: of that user (ABIDE_SMTP_PASSWORD).
    """

    host: str
    port: int
    security: str
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """What an installation can set; every field is documented in docs/operations.md.

    Attributes:
        data_dir: keys, ruleset, inbox and analytic store live here (ABIDE_DATA_DIR).
        database_url: SQLAlchemy URL (DATABASE_URL); SQLite in `data_dir` by default.
        host: address to listen on (ABIDE_HOST).
        port: TCP port (ABIDE_PORT).
        base_url: how people reach the pages (ABIDE_BASE_URL); links are built from
            it and never from a request's Host header.
        trusted_hosts: hosts answered (ABIDE_TRUSTED_HOSTS, commas); others get 400.
        secret: signs short-lived tokens (ABIDE_SECRET); made in keys/ when None.
        demo: demo mode (ABIDE_DEMO), the only mode that accepts a default secret.
        workers: server processes (ABIDE_WORKERS).
        threads: blocking threads of each server process (ABIDE_THREADS).
        log_level: DEBUG, INFO, WARNING or ERROR (ABIDE_LOG_LEVEL).
        allowed_lateness_hours: how late live events may come before an analysis
            counts their day as complete (ABIDE_ALLOWED_LATENESS_HOURS).
        source_silence_hours: a live source silent for longer is frozen at its last
            event (ABIDE_SOURCE_SILENCE_HOURS).
        analysis_hour: UTC hour of the daily analysis (ABIDE_ANALYSIS_HOUR).
        raw_retention_days: raw events are deleted so long after their arrival
            (ABIDE_RAW_RETENTION_DAYS); results stay.
        mail: how e-mail is sent; None sends none.
        digest_weekday: of the weekly digest, 0 is Monday (ABIDE_DIGEST_DAY).
        digest_hour: UTC hour of it (ABIDE_DIGEST_HOUR).
    """

    data_dir: Path
    database_url: str = field(repr=False)  # may hold a password
    host: str = "127.0.0.1"
    port: int = 8000
    base_url: str = DEFAULT_BASE_URL
    trusted_hosts: tuple[str, ...] = LOOPBACK_HOSTS
    secret: str | None = field(default=None, repr=False)
    demo: bool = False
    workers: int = 2
    threads: int = 16
    log_level: str = "INFO"
    allowed_lateness_hours: float = 1.0
    source_silence_hours: float = 24.0
    analysis_hour: int = 6
    raw_retention_days: int = 400
    mail: MailSettings | None = None
    digest_weekday: int = 0
    digest_hour: int = 7

    @property
    def is_sqlite(self) -> bool:
        """Whether the embedded database is used."""
        return self.database_url.startswith("sqlite")

    @property
    def keys_dir(self) -> Path:
        """Where secrets live, readable by the owner only."""
        return self.data_dir / "keys"

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Settings":
        """Read and check all settings.

        Args:
            environ: usually `os.environ`.

        Returns:
            The settings, complete and valid.

        Raises:
            ConfigurationFault: names each variable at fault, and what it should be.
        """
        reader = _Reader(environ)
        data_dir = Path(environ.get("ABIDE_DATA_DIR") or "var").absolute()
        port = reader.get("ABIDE_PORT", 8000, _integer(0, 65535))
        host = environ.get("ABIDE_HOST") or "127.0.0.1"
        base_url = reader.get(
            "ABIDE_BASE_URL", f"http://127.0.0.1:{port}", _http_url
        ).rstrip("/")
        demo = reader.get("ABIDE_DEMO", default=False, read=_boolean)
        _check_secret(environ.get("ABIDE_SECRET"), demo=demo, reader=reader)
        _check_plain_http(base_url, reader)
        trusted = tuple(dict.fromkeys((*LOOPBACK_HOSTS, _host_of(base_url))))
        settings = cls(
            data_dir=data_dir,
            database_url=reader.get(
                "DATABASE_URL", f"sqlite:///{data_dir / 'abide.db'}", _database_url
            ),
            host=host,
            port=port,
            base_url=base_url,
            trusted_hosts=reader.get("ABIDE_TRUSTED_HOSTS", trusted, _hosts),
            secret=environ.get("ABIDE_SECRET"),
            demo=demo,
            workers=reader.get("ABIDE_WORKERS", 2, _integer(1, 64)),
            threads=reader.get("ABIDE_THREADS", 16, _integer(1, 128)),
            log_level=reader.get("ABIDE_LOG_LEVEL", "INFO", _log_level),
            allowed_lateness_hours=reader.get(
                "ABIDE_ALLOWED_LATENESS_HOURS", 1.0, _hours
            ),
            source_silence_hours=reader.get("ABIDE_SOURCE_SILENCE_HOURS", 24.0, _hours),
            analysis_hour=reader.get("ABIDE_ANALYSIS_HOUR", 6, _integer(0, 23)),
            raw_retention_days=reader.get(
                "ABIDE_RAW_RETENTION_DAYS", 400, _integer(30, 36_500)
            ),
            mail=_mail(reader),
            digest_weekday=reader.get("ABIDE_DIGEST_DAY", 0, _weekday),
            digest_hour=reader.get("ABIDE_DIGEST_HOUR", 7, _integer(0, 23)),
        )
        reader.finish()
        return settings


class _Reader:
    """Collects every fault, so that one start names them all."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.faults: dict[str, str] = {}

    def get(self, name: str, default: T, read: Callable[[str], T]) -> T:
        text = self.environ.get(name)
        if text is None or text.strip() == "":
            return default
        try:
            return read(text.strip())
        except ValueError as error:
            self.faults[name] = str(error)
            return default

    def finish(self) -> None:
        if not self.faults:
            return
        names = ", ".join(self.faults)
        raise ConfigurationFault(f"Abide cannot start: look at {names}.", self.faults)


def _mail(reader: _Reader) -> MailSettings | None:
    """Read how e-mail is sent; None where no server is named."""
    host = reader.get("ABIDE_SMTP_HOST", None, _host)
    security = reader.get("ABIDE_SMTP_SECURITY", "starttls", _one_of(SECURITIES))
    port = reader.get(
        "ABIDE_SMTP_PORT",
        {"starttls": 587, "tls": 465, "none": 25}[security],
        _integer(1, 65535),
    )
    sender = reader.get("ABIDE_MAIL_FROM", "", _address)
    user = reader.environ.get("ABIDE_SMTP_USER") or None
    password = reader.environ.get("ABIDE_SMTP_PASSWORD") or None
    if host is None:
        return None
    if not sender:
        reader.faults.setdefault(
            "ABIDE_MAIL_FROM", "must be set: the address that mails come from."
        )
    if (user is None) != (password is None):
        reader.faults["ABIDE_SMTP_USER"] = "needs ABIDE_SMTP_PASSWORD beside it."
    if security == "none" and user is not None and host not in LOOPBACK_HOSTS:
        reader.faults["ABIDE_SMTP_SECURITY"] = (
            "must be starttls or tls: a password is not sent in the clear."
        )
    return MailSettings(host, port, security, sender, user, password)


def _one_of(words: tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in words:
            raise ValueError(f"must be one of {', '.join(words)}, not {text[:40]!r}.")
        return text.lower()

    return read


def _weekday(text: str) -> int:
    return WEEKDAYS.index(_one_of(WEEKDAYS)(text))


def _host(text: str) -> str | None:
    if not re.fullmatch(r"[A-Za-z0-9.\-]{1,255}|[\da-fA-F]*(:[\da-fA-F]*){2,7}", text):
        raise ValueError("must be the name of one host, without a port.")
    return text.lower()


def _address(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise ValueError("must be an e-mail address, as in abide@example.com.")
    return text


def _integer(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        wanted = f"must be a whole number from {low} to {high}, not {text[:40]!r}."
        if not re.fullmatch(r"\d{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(wanted)
        return int(text)

    return read


def _hours(text: str) -> float:
    wanted = f"must be a number of hours from 0 to 8760, not {text[:40]!r}."
    if not re.fullmatch(r"\d{1,6}(\.\d{1,6})?", text) or float(text) > 8760:  # noqa: PLR2004
        raise ValueError(wanted)
    return float(text)


def _boolean(text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "0": False, "false": False}
    words["no"] = False
    if text.lower() not in words:
        raise ValueError(f"must be 1 or 0, not {text[:40]!r}.")
    return words[text.lower()]


def _log_level(text: str) -> str:
    levels = ("DEBUG", "INFO", "WARNING", "ERROR")
    if text.upper() not in levels:
        raise ValueError(f"must be one of {', '.join(levels)}, not {text[:40]!r}.")
    return text.upper()


def _database_url(text: str) -> str:
    if text.startswith("sqlite:///"):
        return text
    if text.startswith(("postgresql://", "postgres://")):
        return "postgresql+psycopg://" + text.split("://", 1)[1]
    if text.startswith("postgresql+psycopg://"):
        return text
    raise ValueError(
        "must start with sqlite:/// or postgresql:// (the two supported databases)."
    )


def _http_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"must be a http or https address, not {text[:80]!r}.")
    return text


def _hosts(text: str) -> tuple[str, ...]:
    hosts = tuple(part.strip().lower() for part in text.split(",") if part.strip())
    if not all(re.fullmatch(r"\.?[a-z0-9.\-\[\]:]{1,255}", host) for host in hosts):
        raise ValueError("must be host names separated by commas, without a path.")
    return hosts


def _host_of(url: str) -> str:
    host = urlsplit(url).hostname or "localhost"
    return f"[{host}]" if ":" in host else host


def _check_secret(secret: str | None, *, demo: bool, reader: _Reader) -> None:
    if secret is None or demo:
        return
    if secret.strip().lower() in DEFAULT_SECRETS or len(secret) < MIN_SECRET_LENGTH:
        reader.faults["ABIDE_SECRET"] = (
            f"must be a secret of at least {MIN_SECRET_LENGTH} characters, not a"
            " default; leave it unset and Abide makes one in its data folder."
        )


def _check_plain_http(base_url: str, reader: _Reader) -> None:
    loopback = _host_of(base_url) in LOOPBACK_HOSTS
    if base_url.startswith("http://") and not loopback:
        reader.faults["ABIDE_BASE_URL"] = (
            "must be https: plain http is accepted on this machine's own address"
            " only (put a TLS proxy in front)."
        )
