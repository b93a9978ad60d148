"""Raw ids and e-mail addresses at every address there is, also where it fails.

Every address of the front door is asked with ids in its path, its query, its headers
and its body: with a key, without one and with an id for a key; then with each view
failing in words of the request, and with a database that refuses the statement. What
takes ids gets all of them in requests that are right.
"""

import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from itertools import cycle, islice
from typing import Any, NamedTuple

import pytest
from flask import Flask, request
from sqlalchemy import event
from sqlalchemy.orm import Session
from typing_extensions import override
from werkzeug.test import Client, TestResponse

from analysis.compactor import compact_once
from analysis.import_carrying import carry_out
from api import front
from experiments import accounts, keys, sign_in_links, uploads
from experiments.actors import Actor
from experiments.context import Context
from experiments.db import transaction
from experiments.ruleset_files import RulesetFolder
from experiments.ruleset_mirror import RulesetMirror
from experiments.vocabulary import Environment, KeyKind, PersonRole
from tests import factories
from tests.analysis.intake import events
from tests.api.hook_doors import register
from tests.canaries import (
    ADDRESSES,
    CANARIES,
    EVERYBODY,
    MARK,
    PROOF,
    STORES,
    found_in,
)
from tests.surveys import make_survey
from tests.web.conftest import BASE, FORM, Visitor, form_with_file

pytestmark = pytest.mark.parametrize("database_url", STORES, indirect=True)

PLACE = re.compile(r"<(?:(?P<kind>\w+)(?:\((?P<options>.*?)\))?:)?(?P<name>\w+)>|{\w+}")
FOR_PROGRAMS = ("/api/", "/ofrep/", "/v1/", "/hooks/", "/track")
SESSIONS = ("/sign-", "/account", "/set-up")
WRITES = frozenset({"POST", "PUT", "DELETE"})
# These go on in a broken database, or nobody would come past the door.
DOORKEEPERS = ("FROM api_key", "FROM sign_in_session", "FROM person")
AT_ONCE = 100  # ids in one address
LISTED = 200  # customers put on a list of an experiment


class Way(NamedTuple):
    """One method at one address, as it stands in the map of addresses."""

    method: str
    rule: str

    @property
    def is_page(self) -> bool:
        return not self.rule.startswith(FOR_PROGRAMS)


class Asking(Client):
    """A client that takes its whole answer: half taken, it goes on holding a place."""

    @override
    def open(self, *args: Any, **request: Any) -> TestResponse:
        return super().open(*args, **request, buffered=True)


class Site:
    """The front door as a process serves it, an admin's browser, and all keys."""

    def __init__(self, context: Context, app: Flask) -> None:
        self.app = app
        self.context = context
        with transaction(context.sessions) as session:
            actor = factories.make_actor(session, "Eve", PersonRole.ADMIN)
            make_survey(session, actor, context.now(), "exp")
            factories.start_experiment(
                session, actor, factories.design_value(key="exp"), now=context.now()
            )
            self.person_id = factories.make_person(session, "Ada", PersonRole.ADMIN).id
            owner = accounts.actor_for(accounts.get(session, self.person_id))
            self.keys = {kind: _key(session, kind, owner) for kind in KeyKind}
        self.hook = register(context).public_id
        folder = RulesetFolder(context.settings.data_dir / "ruleset")
        RulesetMirror(context.sessions, folder).copy()
        self.wsgi: Any = front.build(context, app, doors_too=True)
        self._who = cycle(EVERYBODY)
        self.sign_in()

    def sign_in(self) -> None:
        self.visitor = Visitor(Asking(self.wsgi))  # type: ignore[arg-type]  # all it needs
        with transaction(self.context.sessions) as session:
            now = self.context.now()
            token = sign_in_links.create(session, self.person_id, now)
        self.visitor.post("/sign-in/link", {"token": token})
        self.token = self.visitor.token("/settings")

    def some(self, count: int = 1) -> list[str]:
        return list(islice(self._who, count))

    def ways(self) -> list[Way]:
        """List all there is to ask, doors and pages and calls."""
        rules = self.app.url_map.iter_rules()
        found = {Way(m, rule.rule) for rule in rules for m in rule.methods or ()}
        found = {way for way in found if way.method not in {"HEAD", "OPTIONS"}}
        for place in self.places():
            found |= {Way(method, place.path) for method in place.doors}
        return sorted(found)

    def places(self) -> list[Any]:
        return [*self.wsgi._places.values(), *self.wsgi._families.values()]  # noqa: SLF001  # there is no other list

    def key_for(self, rule: str) -> str:
        if rule.startswith(("/api/v1/assignments", "/ofrep/")):
            return self.keys[KeyKind.SERVER]
        return self.keys[KeyKind.WRITE if rule.startswith("/v1/") else KeyKind.ADMIN]


def _key(session: Session, kind: KeyKind, owner: Actor) -> str:
    return keys.create_key(
        session,
        kind=kind,
        environment=Environment.PRODUCTION,
        name="Tests",
        actor=owner,
        now=factories.NOW,
        may_read_rules=kind == KeyKind.CLIENT,
    )[1]


@pytest.fixture
def site(context: Context, app: Flask, monkeypatch: pytest.MonkeyPatch) -> Site:
    # Its thread would go on asking when the test is over.
    monkeypatch.setattr(RulesetMirror, "start", RulesetMirror.copy)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return Site(context, app)


def test_customers__at_every_address__are_in_no_file_and_no_log(
    site: Site,
    context: Context,
    logged: io.StringIO,
    capfd: pytest.CaptureFixture[str],
    record_property: Callable[[str, object], None],
) -> None:
    ways = site.ways()
    right = sum(send_right(site, *one) for one in RIGHT)
    compact_once(context)
    assert len(events(context)) >= right // len(RIGHT)  # they came through
    right += send_files(site)
    right += send_right(site, *ERASURE)
    asked = [ask(site, way, how) for way in ways for how in HOWS]
    some = ways[:: 1 if PROOF else 3]
    # The others need no database, or refuse the request before.
    for broken, least_share in ((refusing_database, 0.3), (failing_views, 0.6)):
        site.sign_in()
        with broken(site):
            failed = [ask(site, way, {"fails": True}).status_code for way in some]
        assert sum(status >= 500 for status in failed) > least_share * len(some)
    compact_once(context)

    assert len(ways) > 200
    assert "unexpected failure" in logged.getvalue()  # and what failed, failed
    assert MARK not in logged.getvalue()
    output = capfd.readouterr()
    assert MARK not in output.out + output.err
    assert found_in(context) == []
    record_property("ids", len(CANARIES))
    record_property("addresses", len(ADDRESSES))
    record_property("ways in", len(ways))
    record_property("requests", right + len(asked) + 2 * len(some))
    record_property("hits", 0)


# In right requests: what one is, for one customer or for many.
def _event(who: str) -> dict[str, Any]:
    return {
        "type": "track",
        "messageId": f"m {who}",
        "userId": who,
        "event": "App Opened",
        "properties": {"email": who, who: who},
        "context": {"traits": {"email": who}},
    }


def _exposure(who: str) -> list[dict[str, Any]]:
    seen = {"experimentId": "exp", "variationId": "control", "hashAttribute": "id"}
    properties = {**seen, "hashValue": who}
    return [{"event_name": "Experiment Viewed", "properties_json": properties}]


RIGHT: list[tuple[str, str, Callable[[str], Any]]] = [
    ("POST", "/v1/track", _event),
    ("POST", "/v1/t", _event),
    ("POST", "/v1/batch", lambda who: {"batch": [_event(who)]}),
    ("POST", "/track?client_key={client}", _exposure),
    (
        "POST",
        "/api/v1/assignments",
        lambda who: {"unit": who, "attributes": {"email": who, "plan": who}},
    ),
    (
        "POST",
        "/ofrep/v1/evaluate/flags",
        lambda who: {"context": {"targetingKey": who, "email": who}},
    ),
    (
        "POST",
        "/ofrep/v1/evaluate/flags/exp",
        lambda who: {"context": {"targetingKey": who, "email": who}},
    ),
    (
        "POST",
        "/api/eval/{client}",
        lambda who: {"attributes": {"id": who, "email": who}, "url": f"/{who}"},
    ),
    ("GET", "/api/v1/assignments/explain?experiment=exp&unit={who}", lambda _: None),
    ("POST", "/api/v1/customer-exports", lambda who: {"customer_id": who}),
    ("POST", "/api/v1/opt-outs/links", lambda who: {"customer_ids": [who]}),
    ("POST", "/api/v1/surveys/exp/links", lambda who: {"customer_ids": [who]}),
    (
        "POST",
        "/api/v1/experiments/exp/listed",
        lambda who: {"customer_id": who, "variant": "control", "note": "a test"},
    ),
]
ERASURE = ("POST", "/api/v1/erasures", lambda who: {"customer_id": who})


def send_right(
    site: Site, method: str, path: str, body_of: Callable[[str], Any]
) -> int:
    """Send everybody's id as it should be sent."""
    headers = {"Authorization": f"Bearer {site.key_for(path)}"}
    everybody = EVERYBODY if PROOF else [CANARIES[0], ADDRESSES[0]]
    # A list holds a thousand, and each change waits for who does not serve here.
    everybody = everybody[-LISTED:] if path.endswith("/listed") else everybody
    for who in everybody:
        place = path.format(client=site.keys[KeyKind.CLIENT], who=who)
        answer = Asking(site.wsgi).open(
            place,
            method=method,
            base_url=BASE,
            headers=headers,
            json=body_of(who),
        )
        assert answer.status_code in {200, 201}, (path, answer.text)
    return len(everybody)


def send_files(site: Site) -> int:
    """Upload everybody's id, on the page in more bytes than other forms hold."""
    said = "{0},App Opened,2026-02-01T00:00:00Z,{0},{0}\n"
    rows = "".join(said.format(who) for who in EVERYBODY) * (7000 // len(EVERYBODY))
    file = f"user_id,event,timestamp,email,{EVERYBODY[0]}\n{rows}".encode()
    assert len(file) > 600_000
    answer = site.visitor.client.post(
        "/data/imports/new",
        base_url=BASE,
        data=form_with_file(
            {"csrf_token": site.token, "rows": "events"}, file, f"{ADDRESSES[0]}.csv"
        ),
        content_type=FORM,
    )
    assert answer.status_code == 302
    public_id = answer.headers["Location"].rpartition("/")[2]
    key = {"Authorization": f"Bearer {site.keys[KeyKind.ADMIN]}"}
    for kind, status in (("text/csv", 202), ("application/json", 415)):
        sent = Asking(site.wsgi).post(
            f"/api/v1/imports?file_name={ADDRESSES[0]}",
            base_url=BASE,
            headers=key,
            data=file,
            content_type=kind,
        )
        assert sent.status_code == status
    with transaction(site.context.sessions) as session:
        owner = accounts.actor_for(accounts.get(session, site.person_id))
        uploads.ask(session, public_id, owner, site.context.now())
    carry_out(site.context, public_id)
    return 3


# How each address is asked: names filled in or ids in their place, with which key.
ALL_HOWS: list[Mapping[str, Any]] = [
    {"named": False, "key": "an id"},
    {},
    {"key": None},
    {"named": False},
    {"broken": True},
]
HOWS = ALL_HOWS if PROOF else ALL_HOWS[:1]


def ask(site: Site, way: Way, how: Mapping[str, Any]) -> TestResponse:
    """Ask one address with ids wherever a request can hold some."""
    who = site.some(AT_ONCE)
    key = site.key_for(way.rule) if "key" not in how else how["key"] and who[0]
    request_headers = {
        "Referer": f"{BASE}/?who={who[1]}",
        "User-Agent": who[2],
        "X-Request-Id": who[3],
        "X-Forwarded-For": who[4],
        "If-None-Match": f'"{who[5]}"',
        "Idempotency-Key": who[6],
    }
    asked: dict[str, Any] = {
        "method": way.method,
        "base_url": BASE,
        "query_string": {"q": who, "unit": who[7], who[8]: "1", "after": who[9]},
        "headers": request_headers,
    }
    path = filled(site, way.rule, known=how.get("named", True))
    if way.is_page:
        if way.method in WRITES:
            asked["data"] = form(site, who)
        answer = site.visitor.client.open(path, **asked)
        if way.rule.startswith(SESSIONS) and "fails" not in how:
            site.sign_in()  # that may have signed us out
        return answer
    if key:
        request_headers["Authorization"] = f"Bearer {key}"
    if way.method in WRITES:
        raw = json.dumps(document(site, who)).encode()
        asked["data"] = raw[:-1] if "broken" in how else raw
        asked["content_type"] = "application/json"
    return Asking(site.wsgi).open(path, **asked)


def filled(site: Site, rule: str, *, known: bool) -> str:
    """Write an id, or what there is, for each name in an address."""
    there = {"public_id": site.hook, "{connector}": site.hook, "language": "en"}
    there["{client_key}"] = site.keys[KeyKind.CLIENT]

    def fill(place: re.Match[str]) -> str:
        kind, name = place["kind"], place["name"] or place[0]
        if kind == "any":
            return place["options"].split(",")[0].strip()
        if kind == "int":
            return "1"
        return there.get(name, "exp") if known else site.some()[0]

    return PLACE.sub(fill, rule)


def form(site: Site, who: list[str]) -> dict[str, Any]:
    return {
        "csrf_token": site.token,
        "customer_id": who[0],
        "customer_ids": "\n".join(EVERYBODY),
        "unit": who[1],
        "attributes": json.dumps({"email": who[2]}),
        "email": who[3],
        "password": who[4],
        "score": who[5],
        "token": who[6],
        who[7]: who[8],
    }


def document(site: Site, who: list[str]) -> dict[str, Any]:
    """Everything at once, which no address takes as it is."""
    return {
        "batch": [{**_event(one), "type": one} for one in who],
        "context": {"targetingKey": who[0], "email": who[1]},
        "attributes": {"id": who[2], who[3]: who[4]},
        "customer_id": who[5],
        "customer_ids": EVERYBODY,
        "unit": who[6],
        "email": who[7],
        "writeKey": site.keys[KeyKind.WRITE],
        who[8]: who[9],
    }


@contextmanager
def refusing_database(site: Site) -> Iterator[None]:
    """Let the database refuse statements, and say so with what they hold."""

    def spoil(*given: Any) -> tuple[str, Any]:  # noqa: ANN401  # of many databases
        statement, values = given[2:4]
        is_door = any(words in statement for words in DOORKEEPERS)
        if not (is_door and statement.startswith("SELECT")):
            statement = f"{statement} no such words"
        return statement, values

    engine = site.context.sessions.kw["bind"]
    event.listen(engine, "before_cursor_execute", spoil, retval=True)
    yield
    event.remove(engine, "before_cursor_execute", spoil)


@contextmanager
def failing_views(site: Site) -> Iterator[None]:
    """Let each view and door fail with words of the request."""

    def failing(own: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(own)  # with the role it asks for
        def view(**_: object) -> None:
            words = f"{request.url} {request.headers} {request.get_data()!r}"
            raise RuntimeError(f"cannot do {words} {EVERYBODY}")

        return view

    def door(asked: object) -> None:
        raise RuntimeError(f"cannot do {asked} {EVERYBODY}")

    views = site.app.view_functions
    views.update({name: failing(own) for name, own in views.items()})
    for place in site.places():
        place.doors.update(dict.fromkeys(place.doors, door))
    yield
