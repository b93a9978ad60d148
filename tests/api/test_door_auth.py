import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.door_auth import authenticate
from api.door_values import Refusal, Request, refusal_of
from experiments import key_format
from experiments.errors import AbideError
from experiments.ruleset_files import RulesetFolder
from experiments.ruleset_reader import RulesetReader
from experiments.ruleset_values import PublishedKey, Ruleset
from experiments.vocabulary import Environment, KeyKind

DOOR = {KeyKind.SERVER, KeyKind.CLIENT}


def make_key(
    kind: KeyKind,
    environment: Environment = Environment.PRODUCTION,
    *,
    revoked: bool = False,
) -> tuple[str, PublishedKey]:
    public_id, text = key_format.make(kind, environment)
    digest = key_format.digest(text)
    return text, PublishedKey(public_id, digest, kind, environment, revoked)


TEXT, SERVER = make_key(KeyKind.SERVER, Environment.DEVELOPMENT)
WRITE_TEXT, WRITE = make_key(KeyKind.WRITE)
OLD_TEXT, OLD = make_key(KeyKind.SERVER, revoked=True)
UNKNOWN_TEXT, _ = make_key(KeyKind.SERVER)
FOUND = SERVER


@pytest.fixture(scope="module")
def reader() -> RulesetReader:
    made = RulesetReader(RulesetFolder(Path("nowhere")))
    made.current = Ruleset(
        revision=1,
        published_at=datetime(2026, 3, 14, tzinfo=UTC),
        experiments={},
        together=(),
        silent={},
        keys={key.public_id: key for key in (SERVER, WRITE, OLD)},
        attributes=frozenset(),
    )
    return made


def asking(**headers: str) -> Request:
    plain = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request("POST", "/", "", plain, b"")


def basic(user: str, password: str = "") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def refused(
    request: Request, reader: RulesetReader, body_key: str | None = None
) -> Refusal:
    with pytest.raises(AbideError) as raised:
        authenticate(request, reader, DOOR, body_key)
    return refusal_of(raised.value)


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {TEXT}"},
        {"authorization": f"bearer  {TEXT} "},
        {"x_api_key": TEXT},
        {"authorization": basic(TEXT)},
        {"authorization": basic(TEXT, "anything")},
        {"authorization": f"Bearer {TEXT}", "x_api_key": OLD_TEXT},
    ],
)
def test_authenticate__key_in_a_header__found(
    reader: RulesetReader, headers: dict[str, str]
) -> None:
    assert authenticate(asking(**headers), reader, DOOR) == FOUND


def test_authenticate__key_in_the_body__counts_when_no_header_has_one(
    reader: RulesetReader,
) -> None:
    alone = authenticate(asking(), reader, DOOR, body_key=TEXT)
    beside = authenticate(
        asking(authorization=basic(TEXT)), reader, DOOR, body_key=UNKNOWN_TEXT
    )

    assert alone == beside == FOUND


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer  "},
        {"authorization": f"Digest {TEXT}"},
        {"authorization": "Basic ???"},
        {"authorization": "Basic " + base64.b64encode(b":x").decode()},
        {"authorization": f"Bearer {UNKNOWN_TEXT}"},
        {"authorization": f"Bearer {OLD_TEXT}"},
        {"authorization": f"Bearer {TEXT[:-1]}"},
        {"authorization": f"Bearer {TEXT[:-1]}\xe9"},
        {"authorization": f"Bearer {TEXT.upper()}"},
        {"authorization": f"Bearer {SERVER.public_id}"},
        {"authorization": f"Bearer {SERVER.digest}"},
        {"x_api_key": TEXT.replace("server", "client")},
    ],
)
def test_authenticate__no_key_in_force__401_and_says_how(
    reader: RulesetReader, headers: dict[str, str]
) -> None:
    answer = refused(asking(**headers), reader)

    assert (answer.status, answer.code) == (401, "unauthenticated")
    assert ("WWW-Authenticate", 'Bearer realm="abide"') in answer.headers


def test_authenticate__right_public_id_with_another_secret__401(
    reader: RulesetReader,
) -> None:
    secret = "A" * 43
    forged = f"abide_server_dev_{SERVER.public_id}_{secret}"
    assert key_format.parse(forged) == SERVER.public_id

    assert refused(asking(x_api_key=forged), reader).status == 401


def test_authenticate__key_of_another_kind__403_names_it(reader: RulesetReader) -> None:
    answer = refused(asking(x_api_key=WRITE_TEXT), reader)

    assert (answer.status, answer.code) == (403, "forbidden")
    assert answer.message.startswith("This write key does not open this door. Use a ")
    assert answer.message.endswith("Use a server or client key.")


def test_authenticate__no_ruleset_yet__503_for_any_key() -> None:
    empty = RulesetReader(RulesetFolder(Path("nowhere")))

    answer = refused(asking(x_api_key=TEXT), empty)

    assert answer.status == 503
    assert ("Retry-After", "1") in answer.headers


@given(
    authorization=st.text(max_size=80) | st.text(max_size=60).map("Basic {}".format),
    body_key=st.none() | st.text(max_size=100),
)
def test_authenticate__any_text__refused_never_a_fault(
    reader: RulesetReader, authorization: str, body_key: str | None
) -> None:
    asked = asking(authorization=authorization)

    assert refused(asked, reader, body_key).status == 401
