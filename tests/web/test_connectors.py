"""Pages of connectors: registered, mapped, tried, read again, ended."""

import json
import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from analysis.compactor import compact_once
from experiments import waiting_bodies
from experiments.connector_presets import EXAMPLE
from experiments.context import Context
from experiments.db import transaction
from experiments.inbox import Inbox
from experiments.models import Connector, RefusedHookDay
from experiments.vocabulary import ConnectorKind, PersonRole
from tests.analysis.intake import events, quarantined
from tests.api.hook_doors import Hooks, register
from tests.web.conftest import Visitor

PAGE = "/settings/connectors"
SENT = {"id": "1", "customer_id": "u1", "score": 4, "submitted_at": "2026-03-14"}
NEW = {
    "kind": "generic",
    "name": "BlueHub",
    "environment": "production",
    "style": "hmac",
    "header": "X-BlueHub-Signature",
    "algorithm": "sha256",
    "encoding": "base64",
}
SignIn = Callable[..., Visitor]


def receive(context: Context, row: Connector, *bodies: object) -> None:
    inbox = Inbox.for_settings(context.settings)
    door = Hooks(context, inbox)
    for body in bodies:
        assert door.send(row, body).status_code == 200
    inbox.close()
    compact_once(context)


def test_connector__registered_by_an_admin__shows_a_made_secret_once(
    signed_in: SignIn,
) -> None:
    admin = signed_in(PersonRole.ADMIN)
    assert PAGE in admin.get("/settings").text
    made = admin.post(PAGE, NEW)
    found = re.search(r'id="secret" readonly value="([^"]{43})"', made.text)
    assert found is not None
    link = re.search(rf'href="({PAGE}/[a-z0-9]{{12}})"', made.text)
    assert link is not None
    page = admin.get(link.group(1)).text
    assert "It has no mapping yet: what comes in waits." in page
    assert f"http://127.0.0.1:8000/hooks/{link.group(1)[-12:]}" in page
    assert "X-BlueHub-Signature" in page
    for path in (link.group(1), PAGE, "/settings/audit"):
        assert found.group(1) not in admin.get(path).text


def test_connector__of_a_vendor_without_its_secret__is_refused_at_the_field(
    signed_in: SignIn,
) -> None:
    admin = signed_in(PersonRole.ADMIN)
    answer = admin.post(PAGE, {**NEW, "kind": "zendesk"})
    assert answer.status_code == 400
    assert "Enter the secret that Zendesk signs with." in answer.text
    registered = admin.post(
        PAGE, {**NEW, "kind": "zendesk", "secret": "signing-secret-0123"}, follow=True
    )
    assert "BlueHub is registered. Give the tool its address." in registered.text
    assert "signing-secret-0123" not in registered.text
    assert "X-Zendesk-Webhook-Signature-Timestamp" in registered.text


def test_bodies__that_wait__are_shown_masked_and_read_once_mapped(
    signed_in: SignIn, context: Context
) -> None:
    row = register(context)
    receive(context, row, SENT, {**SENT, "id": "2", "score": "good"})
    admin = signed_in(PersonRole.ADMIN)
    path = f"{PAGE}/{row.public_id}"
    page = admin.get(path).text
    assert "This connector has no mapping yet." in page
    assert "&#34;customer_id&#34;: &#34;a0&#34;" in page
    aside = f"/data/set-aside/{row.public_id}/production/unmapped"
    assert path in admin.get(aside).text
    waits = admin.post(f"{path}/replay", follow=True).text
    assert "Save a mapping first" in waits
    mapping = {"mapping": json.dumps(EXAMPLE), "based_on": "0"}
    saved = admin.post(path, mapping, follow=True).text
    assert "Version 1 of the mapping is in force within seconds." in saved
    stale = admin.post(path, mapping)
    assert stale.status_code == 400
    assert "Somebody saved version 1 of this mapping meanwhile." in stale.text
    done = admin.post(f"{path}/replay", follow=True).text
    assert "Read now, their facts on the way in: 1." in done
    assert "Still waiting: 1. score: what stands at score is no number" in done
    compact_once(context)
    assert [event["value"] for event in events(context)] == [4.0]
    assert "Thrown away: 1." in admin.post(f"{path}/discard", follow=True).text
    assert quarantined(context) == []


def test_mapping__tried_on_a_body__shows_its_facts_and_stores_nothing(
    signed_in: SignIn, context: Context
) -> None:
    row = register(context)
    path = f"{PAGE}/{row.public_id}"
    editor = signed_in(PersonRole.EDITOR)
    asked = {"action": "try", "mapping": json.dumps(EXAMPLE), "body": json.dumps(SENT)}
    page = editor.post(path, asked)
    assert page.status_code == 200
    assert "What the body would give" in page.text
    assert ">CSAT Submitted</th>" in page.text
    nothing = editor.post(path, {**asked, "body": '{"id": 1}'}).text
    assert "<strong>Nothing.</strong> customer: nothing stands at customer_id." in (
        " ".join(nothing.split())
    )
    wrong = json.dumps({"facts": [{**EXAMPLE["facts"][0], "score": "a..b"}]})
    refused = editor.post(path, {**asked, "mapping": wrong})
    assert refused.status_code == 400
    assert "Mapping: fact 1, score: This path cannot be read from" in refused.text
    assert (events(context), quarantined(context)) == ([], [])


def test_secret__replaced__says_until_when_the_old_one_holds(
    signed_in: SignIn, context: Context
) -> None:
    row = register(context, ConnectorKind.INTERCOM)
    path = f"{PAGE}/{row.public_id}"
    admin = signed_in(PersonRole.ADMIN)
    hours = {"secret-old_valid_hours": "3"}
    empty = admin.post(f"{path}/secret", hours)
    assert empty.status_code == 400
    assert "Enter the secret that Intercom signs with." in empty.text
    given = {**hours, "secret-secret": "another-secret-0123"}
    done = admin.post(f"{path}/secret", given, follow=True).text
    assert "The new secret is in force within seconds." in done
    assert "The replaced secret holds too until" in done
    assert "another-secret-0123" not in done


def test_connector__ended__offers_nothing_more_and_editors_cannot_change(
    signed_in: SignIn, context: Context
) -> None:
    row = register(context)
    path = f"{PAGE}/{row.public_id}"
    editor = signed_in(PersonRole.EDITOR)
    page = editor.get(path).text
    assert "Save the mapping" not in page
    assert "Replace the secret" not in page
    for part in ("secret", "discard", "end"):
        assert editor.post(f"{path}/{part}").status_code == 403
    mapping = {"mapping": json.dumps(EXAMPLE), "based_on": "0"}
    assert editor.post(path, mapping).status_code == 403
    assert signed_in(PersonRole.ANALYST).get(PAGE).status_code == 403
    admin = signed_in(PersonRole.ADMIN)
    ended = admin.post(f"{path}/end", follow=True).text
    assert "Support desk has ended." in ended
    assert "End the connector" not in ended
    assert admin.get(f"{PAGE}/nothing-here").status_code == 404


def test_connector__with_as_many_waiting_bodies_as_are_kept__says_so(
    context: Context, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = register(context)
    receive(context, row, SENT, SENT)
    admin = signed_in(PersonRole.ADMIN)
    path = f"{PAGE}/{row.public_id}"
    assert "as many as are kept" not in admin.get(path).text
    monkeypatch.setattr(waiting_bodies, "MOST_BODIES", 2)
    assert "2 bodies wait, as many as are kept for one" in admin.get(path).text
    viewer = signed_in(PersonRole.VIEWER).get("/data").text
    assert "wait for a mapping as are kept" in viewer
    assert path not in viewer


def test_pages__where_webhooks_were_refused__say_how_many(
    context: Context, signed_in: SignIn
) -> None:
    row = register(context)
    today = context.now().replace(hour=0, minute=0, second=0, microsecond=0)
    with transaction(context.sessions) as session:
        for days, count in ((0, 3), (6, 4), (8, 100)):
            at = today - timedelta(days=days)
            refused = {"connector": row.public_id, "day_at": at, "last_at": at}
            session.add(RefusedHookDay(**refused, refused_count=count))
    admin, path = signed_in(PersonRole.ADMIN), f"{PAGE}/{row.public_id}"
    assert "7 webhooks were refused within seven days" in admin.get(path).text
    assert path in admin.get("/data").text
    viewer = signed_in(PersonRole.VIEWER).get("/data").text
    assert "7 webhooks of " in viewer
    assert path not in viewer
