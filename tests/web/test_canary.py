"""Raw ids and e-mail addresses, through every page and webhook: on no disk, in no log.

The event doors are searched in tests/api/test_tracking_privacy.py, all other addresses
in test_canary_routes.py; here are the links that customers open, the pages on which
people enter ids, webhooks, and each of them failing.
"""

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from analysis.compactor import compact_once
from experiments.connector_presets import EXAMPLE
from experiments.context import Context
from experiments.db import transaction
from experiments.inbox import Inbox
from experiments.vocabulary import ConnectorKind, PersonRole, SurveyKind
from tests import factories
from tests.analysis.intake import events, quarantined
from tests.api.hook_doors import Hooks, register, save_mapping
from tests.canaries import (
    ADDRESSES,
    CANARIES,
    EVERYBODY,
    IDS,
    MAILS,
    MARK,
    STORES,
    found_in,
)
from tests.surveys import make_survey
from tests.web.conftest import BASE, Visitor
from web.answer_limit import AnswerLimit
from web.pages import asking, choosing

pytestmark = pytest.mark.parametrize("database_url", STORES, indirect=True)


@pytest.fixture(autouse=True)
def no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_limit", AnswerLimit())
    monkeypatch.setattr(choosing, "_limit", AnswerLimit())


@pytest.fixture
def admin(signed_in: Callable[..., Visitor], context: Context, app: Flask) -> Visitor:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    with transaction(context.sessions) as session:
        actor = factories.make_actor(session, "Eve", PersonRole.ADMIN)
        make_survey(session, actor, context.now())
        make_survey(session, actor, context.now(), "loyalty", SurveyKind.NPS)
        factories.start_experiment(
            session, actor, factories.design_value(key="exp"), now=context.now()
        )
    return signed_in(PersonRole.ADMIN)


@pytest.fixture
def hooks(context: Context) -> Iterator[Hooks]:
    inbox = Inbox.for_settings(context.settings)
    yield Hooks(context, inbox)
    inbox.close()


def test_customers__through_every_page_and_webhook__are_in_no_file_and_no_log(
    admin: Visitor,
    app: Flask,
    context: Context,
    hooks: Hooks,
    logged: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    surveys = links(admin, "/surveys/support/links")
    choices = links(admin, "/settings/opt-outs")
    answer(app.test_client(), surveys)
    choose(app.test_client(), choices)
    enter(admin)
    report(context, hooks)
    compact_once(context)
    with monkeypatch.context() as broken:
        fail(app.test_client(), hooks, context, surveys[-1], choices[-1], broken)

    assert len(events(context)) >= len(EVERYBODY)  # they came through
    assert len(quarantined(context)) >= 40
    assert "unexpected failure" in logged.getvalue()  # and what failed, failed
    assert MARK not in logged.getvalue()
    assert found_in(context) == []
    record_property("ids", IDS)
    record_property("addresses", MAILS)
    record_property("hits", 0)


def links(admin: Visitor, page: str) -> list[str]:
    """Make everybody's link, as files of at most so many as the page takes."""
    found: list[str] = []
    for first in range(0, len(EVERYBODY), 1000):
        some = "\n".join(EVERYBODY[first : first + 1000])
        sent = {"customer_ids": some, "id_kind": "customer"}
        if "surveys" in page:
            sent |= {"days": "30", "tells": "no", "wave": "now"}
        made = admin.post(page, sent)
        assert made.status_code == 200
        found += [line.rsplit(",", 1)[1] for line in made.text.splitlines()[1:]]
    assert len(found) == len(EVERYBODY)
    return [url.removeprefix(BASE) for url in found]


def send(client: FlaskClient, path: str, **fields: str) -> TestResponse:
    headers = {"Origin": BASE, "Referer": f"{BASE}/?who={CANARIES[0]}"}
    return client.post(path, base_url=BASE, data=fields, headers=headers)


def answer(client: FlaskClient, paths: list[str]) -> None:
    for number, path in enumerate(paths):
        mail = ADDRESSES[number % MAILS]
        comment = f"Write to {mail}, or call +31 6 1234 5678."
        assert send(client, path, score="4", comment=comment).status_code == 303
        assert send(client, path, score=mail, comment=comment).status_code == 400
    for who in (CANARIES[0], ADDRESSES[0]):
        assert client.get(f"/s/{who}?score={who}", base_url=BASE).status_code == 404


def choose(client: FlaskClient, paths: list[str]) -> None:
    for path in paths[::4]:
        assert client.get(path, base_url=BASE).status_code == 200
        assert send(client, path, choice="out").status_code == 303
        assert send(client, path, choice=CANARIES[0]).status_code == 400
    for who in (CANARIES[0], ADDRESSES[0]):
        assert client.get(f"/c/{who}", base_url=BASE).status_code == 404


def enter(admin: Visitor) -> None:
    """Enter ids wherever a page asks for one."""
    for who in (CANARIES[1], ADDRESSES[1]):
        why = {"unit": who, "attributes": f'{{"plan": "{who}"}}'}
        assert admin.post("/experiments/exp/why", why).status_code < 500
        listed = {"customer_id": who, "id_kind": "customer", "variant": "control"}
        assert admin.post("/experiments/exp/lists", listed).status_code < 500
        for form, prefix in (("copy", "copy"), ("erasures", "erase")):
            asked = {f"{prefix}-customer_id": who, f"{prefix}-id_kind": "customer"}
            asked[f"{prefix}-confirm"] = "sure"
            assert admin.post(f"/settings/privacy/{form}", asked).status_code < 400


def report(context: Context, hooks: Hooks) -> None:
    """Send webhooks that fit a mapping, that fit none, and that are no JSON."""
    mapped, unmapped = register(context), register(context)
    typeform = register(context, ConnectorKind.TYPEFORM)
    save_mapping(context, mapped, EXAMPLE)
    for number, who in enumerate(EVERYBODY):
        body: Any = {
            "customer_id": who,
            "score": 1 + number % 5,
            "submitted_at": "2026-03-14T08:00:00Z",
            "id": f"{who}-{number}",
            "note": {who: who},
        }
        assert hooks.send(mapped, body).status_code == 200
        if number % 3 == 0:
            for row in (unmapped, typeform):
                assert hooks.send(row, body).status_code == 200
            assert hooks.send(mapped, f'{{"id": "{who}'.encode()).status_code == 200
            assert hooks.send(mapped, body, secret="x" * 20).status_code == 401
            away = hooks.client.post(f"/hooks/{who}", json=body)
            assert away.status_code == 401


def fail(
    client: FlaskClient,
    hooks: Hooks,
    context: Context,
    survey: str,
    choice: str,
    broken: pytest.MonkeyPatch,
) -> None:
    """Let the same routes fail: with words of the request, and in the database."""
    row = register(context)

    def refuse(*_: object) -> None:
        raise RuntimeError(f"cannot store {CANARIES} {ADDRESSES}")

    broken.setattr(Inbox, "append", refuse)
    failures = [
        send(client, survey, score="2", comment=ADDRESSES[0]),
        hooks.send(row, {"customer_id": ADDRESSES[0]}),
    ]
    rename(context, "opt_out", "person", "{} RENAME TO {}_gone")
    failures.append(send(client, choice, choice="out", note=ADDRESSES[2]))
    failures.append(Visitor(client).sign_in(ADDRESSES[3]))
    rename(context, "opt_out", "person", "{}_gone RENAME TO {}")
    for failure in failures:
        assert failure.status_code >= 500
        assert MARK not in failure.text


def rename(context: Context, *tables: str) -> None:
    *names, how = tables
    with transaction(context.sessions) as session:
        for name in names:
            session.execute(text(f"ALTER TABLE {how.format(name, name)}"))
