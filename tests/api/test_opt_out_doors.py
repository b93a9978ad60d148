"""Who opted out gets control at every door, and the variant back again."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api import assignments, explain, ofrep, sdk_payload
from api.door_values import Request
from experiments.config import Settings
from experiments.enrolled import OPTED_OUT, write_set
from experiments.explaining import read_ruleset
from experiments.parcels import Parcel
from experiments.previews import ATTRIBUTE, Previewer
from experiments.privacy import load_pseudonymiser
from experiments.ruleset_files import RulesetFolder, seal
from experiments.ruleset_reader import RulesetReader
from tests import rulesets
from tests.clock import FakeClock

# Everybody is in the treatment, so that control can only be for having opted out.
VARIANTS = [rulesets.variant("control", 0.0), rulesets.variant("treatment", 1.0)]
ENTRIES = [
    rulesets.entry("nudge", variants=VARIANTS),
    rulesets.entry("device", variants=VARIANTS, hash_attribute="deviceId"),
    rulesets.entry("firms", variants=VARIANTS, unit="account", hash_attribute="firm"),
    rulesets.entry(
        "won", variants=VARIANTS, status="decided", decided_variant="treatment"
    ),
]
WHO: dict[str, Any] = {"deviceId": "phone-1", "firm": "acme"}
RUNNING = ("nudge", "device", "firms")
Answers = dict[str, tuple[str, str]]  # experiment -> (variant, reason)


class Shelf:
    """Keeps what doors note."""

    def __init__(self) -> None:
        self.parcels: list[Parcel] = []

    def append(self, parcel: Parcel) -> None:
        self.parcels.append(parcel)


def published(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    links = [rulesets.preview("right", "nudge", until="2199-03-15T09:30:00+00:00")]
    body = rulesets.body_of(ENTRIES, previews=links)
    (folder / "current.json").write_bytes(seal(body))


def send(door: Any, path: str, body: Any, name: str = "") -> Any:  # noqa: ANN401
    headers = {"authorization": f"Bearer {rulesets.SERVER}"}
    sent = b"" if body is None else json.dumps(body).encode()
    answer = door(Request("POST", path, "", headers, sent, name))
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def by_assignments(reader: RulesetReader, who: str, more: dict[str, Any]) -> Answers:
    door = assignments.routes(reader)["POST", assignments.PATH]
    told = send(door, assignments.PATH, {"unit": who, "attributes": {**WHO, **more}})
    return {a["experiment"]: (a["variant"], a["reason"]) for a in told["assignments"]}


def by_name(reader: RulesetReader, who: str, more: dict[str, Any]) -> Answers:
    door = assignments.routes(reader)["POST", assignments.PATH]
    keys = [entry["key"] for entry in ENTRIES]
    body = {"unit": who, "attributes": {**WHO, **more}, "experiments": keys}
    told = send(door, assignments.PATH, body)
    return {a["experiment"]: (a["variant"], a["reason"]) for a in told["assignments"]}


def by_ofrep(reader: RulesetReader, who: str, more: dict[str, Any]) -> Answers:
    door = ofrep.routes(reader)["POST", ofrep.PATH]
    context = {"targetingKey": who, **WHO, **more}
    flags = send(door, ofrep.PATH, {"context": context})["flags"]
    return {f["key"]: (f["variant"], f["metadata"]["reason"]) for f in flags}


def by_flag(reader: RulesetReader, who: str, more: dict[str, Any]) -> Answers:
    path = f"{ofrep.PATH}/{{key}}"
    door = ofrep.routes(reader)["POST", path]
    body = {"context": {"targetingKey": who, **WHO, **more}}
    flags = [send(door, path, body, entry["key"]) for entry in ENTRIES]
    return {f["key"]: (f["variant"], f["metadata"]["reason"]) for f in flags}


def by_receipt(reader: RulesetReader, who: str, more: dict[str, Any]) -> Answers:
    door = explain.routes(reader, FakeClock())["GET", explain.PATH]
    found = {}
    for entry in ENTRIES:
        attributes = json.dumps({**WHO, **more})
        query = f"experiment={entry['key']}&unit={who}&attributes={attributes}"
        headers = {"authorization": f"Bearer {rulesets.SERVER}"}
        answer = door(Request("GET", explain.PATH, query, headers, b""))
        told = json.loads(answer.body)
        found[entry["key"]] = (told["variant"], told["reason"])
    return found


DOORS = [by_assignments, by_name, by_ofrep, by_flag, by_receipt]
Door = Callable[[RulesetReader, str, dict[str, Any]], Answers]


@pytest.fixture
def reader(settings: Settings) -> RulesetReader:
    folder = RulesetFolder(settings.data_dir / "ruleset")
    published(folder.path)
    made = RulesetReader(folder, load_pseudonymiser(settings))
    made.refresh()
    return made


@pytest.fixture
def put_out(settings: Settings, reader: RulesetReader) -> Callable[..., None]:
    """Write who opted out, as the mirror does, by kind of id."""
    hide = load_pseudonymiser(settings)

    def write(kind: str = "customer", *names: str) -> None:
        make = hide.customer if kind == "customer" else hide.anonymous
        prefixes = sorted(make(name)[:8] for name in names)
        write_set(settings.data_dir / "ruleset" / OPTED_OUT, prefixes)
        reader.refresh()

    return write


pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", ["customer", "anonymous"])
def test_door__customer_opted_out__control_until_they_take_part_again(
    reader: RulesetReader, put_out: Callable[..., None], door: Door, kind: str
) -> None:
    treated = dict.fromkeys(RUNNING, ("treatment", "split"))
    ended = {"won": ("treatment", "decided")}
    out = dict.fromkeys(RUNNING, ("control", "opted_out"))
    assert door(reader, "ada", {}) == treated | ended
    put_out(kind, "ada", "zoe")
    # What is no experiment any more is for everybody.
    assert door(reader, "ada", {}) == out | ended
    assert door(reader, "bob", {}) == treated | ended
    refused = dict.fromkeys(RUNNING, ("control", "no_consent"))
    assert door(reader, "ada", {"consent": False}) == refused | ended
    put_out(kind, "zoe")
    assert door(reader, "ada", {}) == treated | ended


@pytest.mark.parametrize("door", DOORS)
def test_door__known_by_the_id_that_an_experiment_draws_by__takes_part_in_nothing(
    reader: RulesetReader, put_out: Callable[..., None], door: Door
) -> None:
    put_out("anonymous", "phone-1")
    assert door(reader, "ada", {})["nudge"] == ("control", "opted_out")
    # An account's id is no customer's.
    put_out("customer", "acme")
    assert door(reader, "ada", {})["firms"] == ("treatment", "split")


def test_remote_evaluation__opted_out__plain_values_and_nothing_to_track(
    reader: RulesetReader, put_out: Callable[..., None]
) -> None:
    door = sdk_payload.routes(reader)["POST", sdk_payload.EVALUATE]
    body = {"attributes": {"id": "ada", **WHO}}
    told = send(door, sdk_payload.EVALUATE, body, rulesets.CLIENT)
    assert "tracks" in str(told["features"]["nudge"])
    put_out("customer", "ada")
    told = send(door, sdk_payload.EVALUATE, body, rulesets.CLIENT)
    assert "tracks" not in str(told)
    assert told["features"]["nudge"] == {"defaultValue": "control"}
    assert told["features"]["won"] == {"defaultValue": "treatment"}


def test_preview_link__opted_out__shows_nothing_and_notes_nothing(
    reader: RulesetReader,
    put_out: Callable[..., None],
    settings: Settings,
    now: FakeClock,
) -> None:
    shelf = Shelf()
    previewer = Previewer(shelf, load_pseudonymiser(settings), now)
    door = assignments.routes(reader, previewer)["POST", assignments.PATH]
    body = {
        "unit": "ada",
        "attributes": {ATTRIBUTE: "right"},
        "experiments": ["nudge"],
    }
    put_out("customer", "ada")
    (told,) = send(door, assignments.PATH, body)["assignments"]
    assert (told["variant"], told["reason"]) == ("control", "opted_out")
    assert shelf.parcels == []
    put_out("customer")
    (told,) = send(door, assignments.PATH, body)["assignments"]
    assert told["reason"] == "preview"


def test_receipt__opted_out__says_so_and_offline_too(
    reader: RulesetReader, put_out: Callable[..., None], settings: Settings
) -> None:
    put_out("customer", "ada")
    found = read_ruleset(settings)
    assert found.has_opted_out("ada", {})
    assert not found.has_opted_out("bob", {})
    assert not found.has_opted_out("\ud800", {})
    door = explain.routes(reader, FakeClock())["GET", explain.PATH]
    headers = {"authorization": f"Bearer {rulesets.SERVER}"}
    query = "experiment=nudge&unit=ada"
    told = json.loads(door(Request("GET", explain.PATH, query, headers, b"")).body)
    (step,) = [s for s in told["steps"] if s["name"] == "opt_out"]
    assert step["outcome"] == "decided"
    assert step["sentence"] == "The customer has opted out of all experiments."
