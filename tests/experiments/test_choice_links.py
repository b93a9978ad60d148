"""Links to a customer's choice: sealed, whole, and nobody else's."""

import base64
from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from experiments.choice_inviting import ChoiceWish, make_links
from experiments.choice_links import LONGEST, ChoiceLink, ChoiceLinks
from experiments.db import transaction
from experiments.errors import Forbidden, InvalidInput
from experiments.models import AuditEntry
from experiments.sealing import SECRET_PURPOSE, Sealer
from experiments.vocabulary import IdKind, PersonRole
from tests import factories
from tests.experiments.sent_messages import HIDE

SEALER = Sealer(b"k" * 32)
LINKS = ChoiceLinks(SEALER)
LINK = ChoiceLink(HIDE.customer("u1"), is_anonymous=False, key_id=HIDE.key_id)

one_store = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_link__sealed__reads_as_it_was_and_tells_nothing() -> None:
    token = LINKS.seal(LINK)
    # What is sealed is packed before, so that tokens are of several lengths.
    assert all(LINKS.read(LINKS.seal(LINK)) == LINK for _ in range(100))
    for number in range(100):
        packed = LINKS.seal(replace(LINK, customer=HIDE.customer(f"u{number}")))
        found = LINKS.read(packed)
        assert found is not None
        assert found.customer == HIDE.customer(f"u{number}")
    assert LINKS.seal(LINK) != token  # two mails cannot be known to go to one customer
    assert len(token) <= LONGEST
    assert LINK.customer not in base64.urlsafe_b64decode(token + "===")
    visitor = ChoiceLink(HIDE.anonymous("a"), is_anonymous=True, key_id=HIDE.key_id)
    assert LINKS.read(LINKS.seal(visitor)) == visitor


def test_link__of_anybody_else__is_none() -> None:
    token = LINKS.seal(LINK)
    other = ChoiceLinks(Sealer(b"o" * 32)).seal(LINK)
    secret = base64.urlsafe_b64encode(SEALER.seal(b"x" * 22, SECRET_PURPOSE)).decode()
    end = "AAAA" if not token.endswith("AAAA") else "BBBB"
    damaged = token[:-4] + end
    for wrong in ("", "1", "ü", "x" * 500, token[:20], damaged, other, secret):
        assert LINKS.read(wrong) is None


@one_store
def test_links__in_bulk__each_id_once_and_none_of_them_kept(
    sessions: sessionmaker[Session],
) -> None:
    wish = ChoiceWish(["u1", "u2", "u1"], IdKind.ANONYMOUS)
    with transaction(sessions) as session:
        editor = factories.make_actor(session, "Eve", PersonRole.EDITOR)
        made = make_links(session, LINKS, HIDE, wish, actor=editor, now=factories.NOW)
        assert [customer_id for customer_id, _ in made] == ["u1", "u2"]
        read = [LINKS.read(token) for _, token in made]
        assert [one.customer for one in read if one is not None] == [
            HIDE.anonymous("u1"),
            HIDE.anonymous("u2"),
        ]
        last = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()))
        noted = last.first()
        assert noted is not None
        assert noted.after == {"link_count": 2, "id_kind": "anonymous"}


@one_store
def test_links__without_ids_or_role__are_refused_by_field(
    sessions: sessionmaker[Session],
) -> None:
    now = factories.NOW
    with transaction(sessions) as session:
        editor = factories.make_actor(session, "Eve", PersonRole.EDITOR)
        viewer = factories.make_actor(session, "Vic", PersonRole.VIEWER)
        for ids, field in (
            ([], "customer_ids"),
            (["u"] * 1001, "customer_ids"),
            (["u1", ""], "customer_ids.1"),
        ):
            wish = ChoiceWish(ids)
            with pytest.raises(InvalidInput) as caught:
                make_links(session, LINKS, HIDE, wish, actor=editor, now=now)
            assert field in caught.value.fields
        with pytest.raises(Forbidden):
            make_links(session, LINKS, HIDE, ChoiceWish(["u"]), actor=viewer, now=now)
