"""The privacy page: for administrators, who erase and export."""

import json
from collections.abc import Callable

import pytest

from analysis.compactor import compact_once, erase_once
from experiments.context import Context
from experiments.events import Envelope, read_messages
from experiments.inbox import Inbox
from experiments.privacy import load_pseudonymiser
from experiments.vocabulary import PersonRole
from tests.analysis.intake import events
from tests.clock import FakeClock
from tests.experiments.sent_messages import NOW, SENDER, track
from tests.web.conftest import Visitor

PAGE = "/settings/privacy"
ID = "canary0007wren"


@pytest.fixture
def admin(signed_in: Callable[..., Visitor]) -> Visitor:
    return signed_in(PersonRole.ADMIN)


@pytest.fixture
def with_events(context: Context) -> None:
    hide = load_pseudonymiser(context.settings)
    inbox = Inbox.for_settings(context.settings)
    inbox.append(read_messages([track(userId=ID)], SENDER, Envelope(NOW), hide))
    inbox.close()
    compact_once(context)


def test_page__for_an_editor__is_closed(signed_in: Callable[..., Visitor]) -> None:
    editor = signed_in(PersonRole.EDITOR)
    assert editor.get(PAGE).status_code == 403
    assert PAGE not in editor.get("/settings").text


def test_page__for_an_admin__says_what_is_kept(admin: Visitor) -> None:
    assert PAGE in admin.get("/settings").text
    page = admin.get(PAGE).text
    assert "deleted 400 days after they came" in page
    assert "Nobody was erased yet" in page


@pytest.mark.usefixtures("with_events")
def test_erase__with_the_box_ticked__goes_and_is_listed(
    admin: Visitor, context: Context, now: FakeClock
) -> None:
    sent = {"erase-customer_id": ID, "erase-id_kind": "customer"}
    refused = admin.post(f"{PAGE}/erasures", sent)
    assert refused.status_code == 400
    assert "Tick the box" in refused.text
    asked = admin.post(
        f"{PAGE}/erasures", {**sent, "erase-confirm": "sure"}, follow=True
    )
    assert "Erasure 1 has begun" in asked.text
    now.advance(seconds=5)
    again = admin.post(
        f"{PAGE}/erasures", {**sent, "erase-confirm": "sure"}, follow=True
    )
    assert "erasure 1 is under way" in again.text
    assert "Under way" in asked.text
    assert ID not in asked.text
    erase_once(context)
    assert events(context) == []
    assert "Under way" not in admin.get(PAGE).text


def test_erase__without_an_id__says_so_at_its_field(admin: Visitor) -> None:
    sent = {"erase-id_kind": "customer", "erase-confirm": "sure"}
    refused = admin.post(f"{PAGE}/erasures", sent)
    assert refused.status_code == 400
    assert 'href="#erase-customer_id"' in refused.text


@pytest.mark.usefixtures("with_events")
def test_copy__of_a_customer__is_a_file(admin: Visitor) -> None:
    sent = {"copy-customer_id": ID, "copy-id_kind": "customer"}
    given = admin.post(f"{PAGE}/copy", sent)
    assert given.headers["Content-Disposition"].startswith("attachment")
    assert [event["name"] for event in json.loads(given.text)["events"]] == [
        "App Opened"
    ]
    assert admin.post(f"{PAGE}/copy", {**sent, "copy-customer_id": ""}).status_code == (
        400
    )
    assert "Export make" in admin.get("/settings/audit").text
