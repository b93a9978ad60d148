"""Fills the demo company through the real HTTP doors, as its apps would."""

import http.client
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select

from analysis import demo_backlog, demo_company
from analysis.simulation import (
    ArmTruth,
    GroupTruth,
    lives,
    messages,
    told_before_exposure,
)
from experiments import accounts, catalog, keys, lifecycle
from experiments.actors import SYSTEM
from experiments.certificates import LEAST_COMPARISONS
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import AbideError, Conflict, Unavailable
from experiments.models import EventSource, Experiment, Person
from experiments.vocabulary import Action, Environment, KeyKind, PersonRole, Status

SEED = 42
MARK = "demo.json"
BATCH = 800  # messages; stays under the 500 KB a request may have
PEOPLE = (
    ("ada@larch.example", "Ada Lindqvist", PersonRole.ADMIN),
    ("grace@larch.example", "Grace Okafor", PersonRole.APPROVER),
    ("lin@larch.example", "Lin Marchetti", PersonRole.VIEWER),
)
TRIES = 30


class Refused(AbideError):  # noqa: N818  # the code says it is an error
    """The server refused what the demo sent, which is a fault of Abide's."""

    code = "refused"


@dataclass(slots=True)
class Door:
    """A client that keeps one connection and tries again when told to wait."""

    base_url: str
    key: str
    _connection: http.client.HTTPConnection | None = field(default=None, repr=False)

    def post(self, path: str, body: object) -> dict[str, Any]:
        """Send JSON to be added, and read the JSON answer.

        Args:
            path: from the root of the host.
            body: anything JSON can say.

        Returns:
            The answer.

        Raises:
            Refused: the server said no for good.
            Unavailable: it did not answer in all the tries.
        """
        return self._send("POST", path, body)

    def put(self, path: str, body: object) -> dict[str, Any]:
        """Send JSON that takes the place of what is there; otherwise as `post`."""
        return self._send("PUT", path, body)

    def _send(self, method: str, path: str, body: object) -> dict[str, Any]:
        for attempt in range(TRIES):
            try:
                status, answer = self._once(method, path, json.dumps(body).encode())
            except OSError:
                self._connection = None
                time.sleep(min(0.2 * (attempt + 1), 2.0))
                continue
            # 409: a filling that was interrupted had done this already.
            if status in {200, 201, 409}:
                return answer
            if status not in {429, 503}:
                raise Refused(f"{path} answered {status}: {answer}")
            time.sleep(0.5)
        raise Unavailable(f"{self.base_url} did not take {path} in {TRIES} tries.")

    def _once(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        if self._connection is None:
            host = urlsplit(self.base_url)
            self._connection = http.client.HTTPConnection(
                host.hostname or "127.0.0.1", host.port, timeout=30
            )
        headers = {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": "application/json",
        }
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        text = response.read()
        return response.status, json.loads(text) if text else {}


def is_filled(context: Context) -> bool:
    """Tell whether the demo company is there, whole."""
    return bool(_mark(context).get("filled"))


def require_own_place(context: Context) -> None:
    """Refuse to mix the demo company with experiments of a real one.

    Args:
        context: settings and database.

    Raises:
        Conflict: there are others.
    """
    with transaction(context.sessions) as session:
        keys_there = set(session.scalars(select(Experiment.key)))
    others = sorted(keys_there - set(experiment_keys()))
    if others:
        raise Conflict(
            f'This Abide has experiments of its own, "{others[0]}" among them. Load the'
            " demo company into an empty data folder: make run DATA_DIR=/path/to/folder"
        )


def begun_at(context: Context) -> datetime:
    """Tell when filling began, and write it down at the first call.

    A filling that was interrupted goes on with the same time: so the same events are
    sent again, and the store takes each of them once.
    """
    known = _mark(context).get("begun_at")
    if known:
        return datetime.fromisoformat(known)
    begun = context.now()
    _write_mark(context, {"begun_at": begun.isoformat(), "filled": False})
    return begun


def note_filled(context: Context) -> None:
    """Write down that the demo company is there, whole."""
    _write_mark(context, {"begun_at": begun_at(context).isoformat(), "filled": True})


def _mark(context: Context) -> dict[str, Any]:
    path = context.settings.data_dir / MARK
    if not path.exists():
        return {}
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def _write_mark(context: Context, mark: dict[str, Any]) -> None:
    path = context.settings.data_dir / MARK
    aside = path.with_suffix(".new")
    aside.write_text(json.dumps(mark))
    aside.replace(path)


def make_people(context: Context) -> Person:
    """Let the demo company's people in, and give their first one."""
    with transaction(context.sessions) as session:
        known = {person.email: person for person in accounts.people(session)}
        for email, name, role in PEOPLE:
            if email not in known:
                known[email] = accounts.create_person(
                    session,
                    email=email,
                    name=name,
                    role=role,
                    password=None,
                    actor=SYSTEM,
                    now=context.now(),
                )
        return known[PEOPLE[0][0]]


def make_key(context: Context, kind: KeyKind, person: Person) -> str:
    """Make an API key that acts for a person of the demo company."""
    with transaction(context.sessions) as session:
        _, secret = keys.create_key(
            session,
            kind=kind,
            environment=Environment.PRODUCTION,
            name=f"Demo {kind.value} key",
            actor=accounts.actor_for(person),
            now=context.now(),
        )
    return secret


def register(context: Context, author: Door) -> None:
    """Register segments, metrics, hypotheses and experiments, and start them."""
    now = begun_at(context)
    for segment in demo_company.SEGMENTS:
        author.post("/api/v1/segments", segment)
    for metric in demo_company.METRICS:
        author.post("/api/v1/metrics", metric)
    for key, stage in demo_company.STAGES.items():
        author.put(f"/api/v1/journey-stages/{key}", stage)
    for item in demo_company.past_experiments():
        author.post("/api/v1/hypotheses", demo_company.hypothesis_body(item))
        body = demo_company.experiment_body(item, now, external=True)
        author.post("/api/v1/experiments", body)
        author.post(f"/api/v1/experiments/{item['key']}/actions/start", {})
    for idea in demo_backlog.ideas():
        author.post("/api/v1/hypotheses", idea)
    item = demo_company.running_experiment()
    author.post("/api/v1/hypotheses", demo_company.hypothesis_body(item))
    body = demo_company.experiment_body(item, now, external=False)
    author.post("/api/v1/experiments", body)
    author.post(f"/api/v1/experiments/{item['key']}/actions/submit", {})
    _approve(context, item["key"])
    author.post(f"/api/v1/experiments/{item['key']}/actions/start", {})


def _approve(context: Context, key: str) -> None:
    # Not over HTTP: keys act for administrators, and nobody approves their own plan.
    with transaction(context.sessions) as session:
        if catalog.get(session, key).status != Status.IN_REVIEW:
            return
        reviewer = accounts.person_by_email(session, PEOPLE[1][0])
        lifecycle.transition(
            session,
            key,
            Action.APPROVE,
            accounts.actor_for(reviewer),
            context.now(),
        )


def send_history(context: Context, door: Door, advance: Callable[[int], None]) -> None:
    """Send what the customers of the finished experiments saw, did and answered."""
    now = begun_at(context)
    for item in demo_company.past_experiments():
        stream = (
            message
            for life in lives(item["truth"], SEED, now)
            for message in messages(life, now)
        )
        for batch in _batches(stream):
            # No sentAt: these times are meant as they are, so no clock is corrected.
            door.post("/v1/batch", {"batch": batch})
            advance(sum(message["type"] == "identify" for message in batch))


def run_assigned(context: Context, door: Door, advance: Callable[[int], None]) -> None:
    """Ask for variants as an app would, and tell who saw which."""
    now = context.now()
    item = demo_company.running_experiment()
    # Both arms are told apart by the door, so here they have the same truth.
    group = GroupTruth(
        experiment=item["key"],
        prefix="today",
        size=demo_company.RUNNING_SIZE,
        arms=(ArmTruth("unassigned", 1.0, 0.6),),
        attributes={
            "lifecycle": "new",
            "company_size": "small",
            "support_contacts": 0,
            "tenure_days": 1,
        },
        first_day=0.0008,
        last_day=0.0,
    )
    stream: list[dict[str, Any]] = []
    for life in lives(group, SEED, now):
        answer = door.post(
            "/api/v1/assignments",
            {
                "unit": life.customer,
                "attributes": dict(life.attributes),
                "experiments": [item["key"]],
            },
        )
        assigned = answer["assignments"][0]
        stream.extend(told_before_exposure(life))
        if assigned["in_experiment"]:
            stream.append(
                {
                    "type": "track",
                    "event": "Experiment Viewed",
                    "messageId": f"{life.experiment}:{life.customer}:x",
                    "userId": life.customer,
                    "timestamp": context.now().isoformat(timespec="milliseconds"),
                    "properties": {
                        "experimentId": life.experiment,
                        "variationId": assigned["variant"],
                    },
                }
            )
        advance(1)
    for batch in _batches(stream):
        door.post("/v1/batch", {"batch": batch, "sentAt": context.now().isoformat()})


def decide(author: Door) -> None:
    """Record what the company decided about two of its finished experiments."""
    author.post(
        "/api/v1/experiments/guided-set-up/actions/decide",
        {
            "decision": "ship",
            "variant": "guided",
            "reason": "Retention rose as the plan asked, and satisfaction held.",
            "lessons": {
                "held": "yes",
                "surprise": "Customers who had set up alone before finished as often.",
                "next_step": "Try the same guide for larger businesses.",
                "next_hypothesis": "A guide on the way of set-up keeps large customers",
            },
        },
    )
    author.post(
        "/api/v1/experiments/renewal-reminder/actions/decide",
        {
            "decision": "do_not_ship",
            "reason": "More customers stayed, but satisfaction fell beyond the limit"
            " that we agreed.",
            "lessons": {
                "held": "partly",
                "surprise": "Many took the reminder for an unpaid bill.",
                "next_step": "Say first that nothing is owed, then remind.",
            },
        },
    )


def ask_for_certificate(author: Door) -> None:
    """Ask how often the metric that decides calls equal groups different.

    It is worked out beside the running server, so that filling takes no longer.
    """
    path = f"/api/v1/metrics/{demo_company.DECIDES}/certificates"
    author.post(path, {"comparisons": LEAST_COMPARISONS})


def experiment_keys() -> list[str]:
    """List the experiments of the demo company."""
    past = [item["key"] for item in demo_company.past_experiments()]
    return [*past, demo_company.running_experiment()["key"]]


def is_compacted_through(context: Context, at: datetime) -> bool:
    """Tell whether all that was received before `at` can be analysed."""
    with transaction(context.sessions) as session:
        rows = session.scalars(select(EventSource)).all()
        known = [row.complete_through for row in rows]
        return bool(known) and all(moment and moment >= at for moment in known)


def customer_count() -> int:
    """Tell how many customers the demo company has, for the progress bar."""
    past = len(demo_company.past_experiments()) * demo_company.GROUP_SIZE
    return past + demo_company.RUNNING_SIZE


def _batches(stream: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for message in stream:
        batch.append(message)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
