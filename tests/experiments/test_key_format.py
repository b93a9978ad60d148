import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import key_format
from experiments.vocabulary import Environment, KeyKind


@pytest.mark.parametrize("kind", KeyKind)
@pytest.mark.parametrize(
    ("environment", "short"),
    [(Environment.PRODUCTION, "prod"), (Environment.DEVELOPMENT, "dev")],
)
def test_make__any_kind__reads_back_and_says_what_it_is(
    kind: KeyKind, environment: Environment, short: str
) -> None:
    public_id, text = key_format.make(kind, environment)
    assert key_format.parse(text) == public_id
    assert key_format.is_public_id(public_id)
    # 43 base64url characters hold 256 bits (RFC 4648, section 5).
    assert re.fullmatch(
        rf"abide_{kind.value}_{short}_{public_id}_[A-Za-z0-9_-]{{43}}", text
    )


def test_make__twice__gives_different_keys() -> None:
    made = {key_format.make(KeyKind.SERVER, Environment.PRODUCTION) for _ in range(50)}
    assert len({secret for _, secret in made}) == 50


def test_digest__of_a_key__is_plain_sha256() -> None:
    _, text = key_format.make(KeyKind.ADMIN, Environment.PRODUCTION)
    assert key_format.digest(text) == hashlib.sha256(text.encode("ascii")).hexdigest()


@pytest.mark.parametrize(
    "change",
    [
        lambda key: key + "\n",
        lambda key: " " + key,
        lambda key: key[:-1],
        lambda key: key + "A",
        lambda key: key.replace("abide", "Abide"),
        lambda key: key.replace("server", "root"),
        lambda key: key.replace("prod", "test"),
        lambda key: key[:-1] + "é",
        lambda key: key[:-1] + "٣",  # a digit, but not an ASCII one
        lambda key: key[:-1] + "\x00",
        lambda _: "",
        lambda _: "\ud800",
    ],
)
def test_parse__not_quite_a_key__is_none(change) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    _, text = key_format.make(KeyKind.SERVER, Environment.PRODUCTION)
    assert key_format.parse(change(text)) is None


@given(st.text(max_size=200))
def test_parse__any_text__never_raises(text: str) -> None:
    assert key_format.parse(text) is None


@pytest.mark.parametrize("text", ["", "abc", "A" * 12, "é" * 12, "a" * 13, "a" * 11])
def test_is_public_id__other_text__is_false(text: str) -> None:
    assert not key_format.is_public_id(text)
