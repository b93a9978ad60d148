"""Links to surveys: signed, expiring, and without the customer's id."""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.errors import Conflict, NotFound
from experiments.survey_links import LONGEST, SurveyKeys, SurveyLink, SurveyLinks
from experiments.vocabulary import Environment

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
LINK = SurveyLink(
    survey_id=7,
    wave="2026-03",
    customer=bytes(range(16)),
    is_anonymous=False,
    key_id="0badcafe",
    environment=Environment.PRODUCTION,
    expires_at=NOW + timedelta(days=30),
)


@pytest.fixture
def keys(tmp_path: Path) -> SurveyKeys:
    return SurveyKeys(tmp_path / "keys")


@pytest.fixture
def links(keys: SurveyKeys) -> SurveyLinks:
    return SurveyLinks(keys, lambda: NOW)


@pytest.mark.parametrize("environment", list(Environment))
@pytest.mark.parametrize("anonymous", [True, False])
@pytest.mark.parametrize("wave", ["1", "w" * 64])
def test_token__of_any_link__says_it_again(
    environment: Environment,
    anonymous: bool,  # noqa: FBT001  # a parameter of the test
    wave: str,
    keys: SurveyKeys,
) -> None:
    link = SurveyLink(
        **{
            **{name: getattr(LINK, name) for name in LINK.__slots__},
            "environment": environment,
            "is_anonymous": anonymous,
            "wave": wave,
        }
    )
    links = SurveyLinks(keys, lambda: NOW)
    token = links.sign(link)
    assert links.read(token) == link
    assert len(token) <= LONGEST
    assert token.replace("-", "").replace("_", "").isalnum()


def test_token__of_any_change__is_not_ours(links: SurveyLinks) -> None:
    token = links.sign(LINK)
    signed = bytearray(base64.urlsafe_b64decode(f"{token}=="))
    for place in range(len(signed)):
        changed = bytes(
            signed[:place] + bytes([signed[place] ^ 1]) + signed[place + 1 :]
        )
        text = base64.urlsafe_b64encode(changed).rstrip(b"=").decode()
        assert links.read(text) is None, place
    for cut in (token[:-1], token[1:], token[:40], "", "1"):
        assert links.read(cut) is None


@given(text=st.text(max_size=400))
def test_token__any_text__is_read_without_a_fault(text: str) -> None:
    assert SurveyLinks(SurveyKeys(Path("/nonexistent")), lambda: NOW).read(text) is None


def test_token__after_its_time__has_expired(keys: SurveyKeys) -> None:
    token = SurveyLinks(keys, lambda: NOW).sign(LINK)
    for moment, expired in ((LINK.expires_at, True), (NOW, False)):
        links = SurveyLinks(keys, lambda moment=moment: moment)  # type: ignore[misc]
        link = links.read(token)
        assert link is not None
        assert links.has_expired(link) is expired


def test_keys__rotated_and_retired__old_links_work_until_then(
    keys: SurveyKeys, links: SurveyLinks
) -> None:
    old = links.sign(LINK)
    assert keys.rotate() == 2
    new = links.sign(LINK)
    assert links.read(old) == links.read(new) == LINK
    assert new != old
    keys.retire(1)
    assert (links.read(old), links.read(new)) == (None, LINK)
    with pytest.raises(NotFound):
        keys.retire(1)
    with pytest.raises(Conflict, match="signs new links"):
        keys.retire(2)
