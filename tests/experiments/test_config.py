import dataclasses
from pathlib import Path

import pytest

from experiments.config import Settings
from experiments.context import open_context
from experiments.errors import ConfigurationFault

GOOD_SECRET = "0123456789abcdef" * 2
DEFAULT = {"ABIDE_SECRET": "changeme"}


def read(**environ: str) -> Settings:
    return Settings.from_environ(environ)


def faults(**environ: str) -> dict[str, str]:
    with pytest.raises(ConfigurationFault) as refusal:
        Settings.from_environ(environ)
    return refusal.value.fields


def test_from_environ__nothing_set__has_safe_defaults() -> None:
    settings = read()
    assert settings.host == "127.0.0.1"
    assert settings.port == 8000
    assert settings.base_url == "http://127.0.0.1:8000"
    assert settings.trusted_hosts == ("localhost", "127.0.0.1", "[::1]")
    assert settings.data_dir == Path("var").absolute()
    assert settings.database_url == f"sqlite:///{Path('var').absolute()}/abide.db"
    assert settings.is_sqlite
    assert settings.keys_dir == settings.data_dir / "keys"
    assert settings.secret is None
    assert not settings.demo


def test_from_environ__all_set__reads_each() -> None:
    settings = read(
        ABIDE_DATA_DIR="/srv/abide",
        DATABASE_URL="postgresql://u:p@db/abide",
        ABIDE_HOST="0.0.0.0",  # noqa: S104  # a setting, not a socket
        ABIDE_PORT="9000",
        ABIDE_BASE_URL="https://abide.example.com/",
        ABIDE_SECRET=GOOD_SECRET,
        ABIDE_WORKERS="3",
        ABIDE_THREADS="4",
        ABIDE_LOG_LEVEL="debug",
        ABIDE_ALLOWED_LATENESS_HOURS="0.5",
        ABIDE_SOURCE_SILENCE_HOURS="48",
        ABIDE_ANALYSIS_HOUR="23",
        ABIDE_RAW_RETENTION_DAYS="90",
    )
    assert settings.raw_retention_days == 90
    assert settings.database_url == "postgresql+psycopg://u:p@db/abide"
    assert not settings.is_sqlite
    assert (settings.port, settings.workers, settings.threads) == (9000, 3, 4)
    assert settings.base_url == "https://abide.example.com"
    assert "abide.example.com" in settings.trusted_hosts
    assert settings.log_level == "DEBUG"
    assert (settings.allowed_lateness_hours, settings.source_silence_hours) == (0.5, 48)
    assert settings.analysis_hour == 23
    assert settings.secret == GOOD_SECRET


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ABIDE_PORT", "65536"),
        ("ABIDE_PORT", "-1"),
        ("ABIDE_PORT", "80a"),
        ("ABIDE_PORT", "9" * 5000),
        ("ABIDE_WORKERS", "0"),
        ("ABIDE_WORKERS", "65"),
        ("ABIDE_THREADS", "1.5"),
        ("ABIDE_LOG_LEVEL", "LOUD"),
        ("ABIDE_DEMO", "perhaps"),
        ("ABIDE_ALLOWED_LATENESS_HOURS", "nan"),
        ("ABIDE_ALLOWED_LATENESS_HOURS", "-1"),
        ("ABIDE_SOURCE_SILENCE_HOURS", "9000"),
        ("ABIDE_ANALYSIS_HOUR", "24"),
        ("DATABASE_URL", "mysql://localhost/abide"),
        ("DATABASE_URL", "abide.db"),
        ("ABIDE_BASE_URL", "abide.example.com"),
        ("ABIDE_BASE_URL", "ftp://example.com"),
        ("ABIDE_BASE_URL", "http://[::1"),
        ("ABIDE_BASE_URL", "http://abide.example.com"),  # plain http, not loopback
        ("ABIDE_TRUSTED_HOSTS", "https://example.com/path"),
        ("ABIDE_SECRET", "changeme"),
        ("ABIDE_SECRET", "secret"),
        ("ABIDE_SECRET", ""),
        ("ABIDE_SECRET", GOOD_SECRET[:-1]),
    ],
)
def test_from_environ__bad_value__names_the_variable(name: str, value: str) -> None:
    found = faults(**{name: value})
    assert list(found) == [name]
    assert len(found[name]) < 200


def test_from_environ__several_faults__are_named_in_one_start() -> None:
    with pytest.raises(ConfigurationFault) as refusal:
        read(ABIDE_PORT="x", ABIDE_WORKERS="x", **DEFAULT)
    assert set(refusal.value.fields) == {
        "ABIDE_PORT",
        "ABIDE_WORKERS",
        "ABIDE_SECRET",
    }
    for name in refusal.value.fields:
        assert name in refusal.value.message


def test_from_environ__default_secret_in_demo__is_accepted() -> None:
    assert read(**DEFAULT, ABIDE_DEMO="1").demo


@pytest.mark.parametrize(
    "url",
    ["http://localhost:8000", "http://127.0.0.1:8000", "http://[::1]:8000"],
)
def test_from_environ__plain_http_on_loopback__is_accepted(url: str) -> None:
    assert read(ABIDE_BASE_URL=url).base_url == url


def test_from_environ__blank_values__count_as_unset() -> None:
    assert read(ABIDE_PORT=" ", DATABASE_URL="").port == 8000


def test_settings__are_frozen_and_do_not_print_secrets() -> None:
    settings = read(
        ABIDE_SECRET=GOOD_SECRET, DATABASE_URL="postgresql://u:hush@db/abide"
    )
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.port = 1  # type: ignore[misc]
    assert GOOD_SECRET not in repr(settings)
    assert "hush" not in repr(settings)


def test_open_context__data_folder_is_a_file__is_refused_in_words(
    tmp_path: Path,
) -> None:
    (tmp_path / "var").write_text("in the way")
    with pytest.raises(ConfigurationFault, match="cannot be made"):
        open_context({"ABIDE_DATA_DIR": str(tmp_path / "var")})


def test_open_context__database_is_down__still_opens(tmp_path: Path) -> None:
    context = open_context(
        {
            "ABIDE_DATA_DIR": str(tmp_path / "var"),
            "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        }
    )
    assert (tmp_path / "var").stat().st_mode & 0o777 == 0o700
    assert context.now().tzinfo is not None


def test_from_environ__mail_server__is_read_with_what_is_usual_for_it() -> None:
    assert read().mail is None
    plain = {"ABIDE_SMTP_HOST": "Mail.example.com", "ABIDE_MAIL_FROM": "a@example.com"}
    mail = read(**plain).mail
    assert mail is not None
    assert (mail.host, mail.port) == ("mail.example.com", 587)
    assert mail.security == "starttls"
    # RFC 8314, 7.3: implicit TLS has the port 465.
    mail = read(**plain, ABIDE_SMTP_SECURITY="TLS").mail
    assert mail is not None
    assert mail.port == 465
    signs_in = {"ABIDE_SMTP_USER": "u", "ABIDE_SMTP_PASSWORD": "letmein"}
    named = read(**plain, **signs_in)
    assert "letmein" not in repr(named)
    assert read(ABIDE_DIGEST_DAY="Friday", ABIDE_DIGEST_HOUR="16").digest_weekday == 4


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"ABIDE_MAIL_FROM": ""}, "ABIDE_MAIL_FROM"),
        ({"ABIDE_MAIL_FROM": "a@b.example, c@d.example"}, "ABIDE_MAIL_FROM"),
        ({"ABIDE_SMTP_HOST": "mail.example.com:25"}, "ABIDE_SMTP_HOST"),
        ({"ABIDE_SMTP_HOST": "smtp://mail"}, "ABIDE_SMTP_HOST"),
        ({"ABIDE_SMTP_SECURITY": "ssl"}, "ABIDE_SMTP_SECURITY"),
        ({"ABIDE_SMTP_USER": "u"}, "ABIDE_SMTP_USER"),
        (
            {
                "ABIDE_SMTP_SECURITY": "none",
                "ABIDE_SMTP_USER": "u",
                "ABIDE_SMTP_PASSWORD": "p",
            },
            "ABIDE_SMTP_SECURITY",
        ),
        ({"ABIDE_DIGEST_DAY": "someday"}, "ABIDE_DIGEST_DAY"),
    ],
)
def test_from_environ__mail_server_set_wrongly__is_named(
    environ: dict[str, str], named: str
) -> None:
    whole = {"ABIDE_SMTP_HOST": "mail.example.com", "ABIDE_MAIL_FROM": "a@example.com"}
    assert list(faults(**{**whole, **environ})) == [named]
