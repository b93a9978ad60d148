# ruff: noqa: ANN401  # JSON is any of its types
"""GrowthBook's doors. That clients evaluate alike is proven in tests/clients."""

import gzip
from typing import Any

import orjson
import pytest
from growthbook import GrowthBook
from werkzeug.test import Client, TestResponse

from api import sdk_features, sdk_payload
from api.doors import DoorGroup, Gate, mount
from experiments.assignment import assign
from experiments.consent import YES
from experiments.ruleset_reader import RulesetReader
from tests import rulesets
from tests.rulesets import entry, personal, variant

PRO = {"plan": "pro"}
PERSONAL = entry(
    "personal",
    condition=PRO,
    coverage=0.8,
    types={"steps": "integer"},
    variants=[
        variant("control", parameters={"steps": 1}),
        variant(
            "treatment",
            parameters={"steps": 2},
            personalisation=[personal("new", {"tenure": {"$in": ["0"]}}, steps=3)],
        ),
    ],
)
ENTRIES = (
    entry("plain", condition=PRO),
    PERSONAL,
    {**PERSONAL, "key": "shipped", "status": "decided", "decided_variant": "treatment"},
    entry("paused", status="paused"),
    entry("stopped", status="stopped"),
)
RULESET = rulesets.ruleset_of(ENTRIES)


def served(reader: RulesetReader) -> Client:
    routes = sdk_payload.routes(reader)
    group = DoorGroup(routes, sdk_payload.BODY_CAP, 4, wording=sdk_payload.word)

    def behind(_environ: object, _start: object) -> list[bytes]:
        raise AssertionError

    return Client(mount(behind, [group], trusted_hosts=["localhost"], app_gate=Gate(1)))


@pytest.fixture
def client() -> Client:
    return served(rulesets.reader_of(RULESET))


def read(client: Client, key: str = rulesets.READER, **headers: str) -> TestResponse:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.get(f"/api/features/{key}", headers=sent)


def evaluate(client: Client, body: Any, key: str = rulesets.CLIENT) -> TestResponse:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return client.post(f"/api/eval/{key}", data=raw)


def features(client: Client, **body: Any) -> dict[str, Any]:
    answer = evaluate(client, body)
    assert answer.status_code == 200
    found: dict[str, Any] = orjson.loads(answer.data)["features"]
    return found


# The payload


def test_features__running_experiment__is_a_rule_with_its_salt(client: Client) -> None:
    payload = orjson.loads(read(client).data)

    assert set(payload) == {
        "status",
        "features",
        "experiments",
        "dateUpdated",
        "savedGroups",
    }
    plain = payload["features"]["plain"]
    assert plain["defaultValue"] == "control"
    assert plain["rules"] == [
        {
            "id": "no consent",
            "condition": {
                "$and": [
                    {"consent": {"$exists": True}},
                    {
                        "$or": [
                            {"consent": {"$nin": [*YES]}},
                            {"consent": {"$type": "array"}},
                        ]
                    },
                ],
            },
            "force": "control",
        },
        {
            "id": "split",
            "key": "plain",
            "seed": "salt of plain",
            "hashVersion": 2,
            "hashAttribute": "id",
            "phase": "1",
            "meta": [{"key": "control"}, {"key": "treatment"}],
            "variations": ["control", "treatment"],
            "coverage": 1.0,
            "weights": [0.5, 0.5],
            "bucketVersion": 1,
            "condition": {"plan": {"$eq": "pro"}},
        },
    ]


def test_features__personalised_variant__has_a_rule_for_its_own_range_first(
    client: Client,
) -> None:
    rules = orjson.loads(read(client).data)["features"]["personal"]["rules"]

    assert [rule["id"] for rule in rules] == ["no consent", "new", "split"]
    own = rules[1]
    # 80 % of the second half of the buckets.
    assert own["ranges"] == [[0, 0], [0.5, 0.9]]
    assert own["variations"] == [1, 3]
    assert own["disableStickyBucketing"] is True
    assert own["condition"] == {
        "$and": [{"plan": {"$eq": "pro"}}, {"tenure": {"$in": ["0"]}}]
    }
    same = {"key", "seed", "hashVersion", "hashAttribute", "meta", "phase"}
    assert all(own[name] == rules[2][name] for name in same)


def test_features__other_states__force_or_say_nothing(client: Client) -> None:
    found = orjson.loads(read(client).data)["features"]

    assert found["paused"] == {"defaultValue": "control"}
    assert found["stopped"] == {"defaultValue": "control"}
    forced = [(r["id"], r["force"]) for r in found["shipped"]["rules"]]
    assert forced == [("new", 3), ("decided", 2)]
    assert not any("variations" in rule for rule in found["shipped"]["rules"])
    assert "draft" not in found


def test_features__layer_and_holdout__are_filters() -> None:
    one = entry(
        "one",
        phase=3,
        hash_attribute="account",
        holdouts=[{"key": "all", "seed": "hold", "share": 0.05}],
        layer={"key": "onboarding", "seed": "layer", "ranges": [[0, 2500]]},
    )
    (_, split) = sdk_features.feature(rulesets.ruleset_of([one]).experiments["one"])[
        "rules"
    ]

    # A holdout is of customers, a layer of what its experiments draw by.
    assert list(split["filters"]) == [
        {"seed": "hold", "ranges": [(0.05, 1.0)], "hashVersion": 2, "attribute": "id"},
        {
            "seed": "layer",
            "ranges": [(0.0, 0.25)],
            "hashVersion": 2,
            "attribute": "account",
        },
    ]
    assert split["hashAttribute"] == "account"
    # Who was in an earlier phase is in none any more.
    assert (split["bucketVersion"], split["minBucketVersion"]) == (3, 3)


@pytest.mark.parametrize("wrong", [False, True, [], ["a"], [""], {}])
def test_features__id_of_a_wrong_type__falls_back_in_no_client(wrong: Any) -> None:
    one = entry("one", hash_attribute="userId", fallback_attribute="deviceId")
    rules = rulesets.ruleset_of([one])
    feature = sdk_features.feature(rules.experiments["one"])
    app = GrowthBook(
        attributes={"userId": wrong, "deviceId": "x"}, features={"one": feature}
    )
    assert not assign(
        rules.experiments["one"], None, app.get_attributes()
    ).in_experiment
    assert app.eval_feature("one").experimentResult is None
    app.set_attributes({"userId": 0, "deviceId": "x"})
    seen = app.eval_feature("one").experimentResult
    assert seen is not None
    assert (seen.hashAttribute, seen.hashValue) == ("deviceId", "x")
    app.destroy()


def test_features__etag_held__304_and_cached_by_proxies(client: Client) -> None:
    first = read(client)
    etag = first.headers["ETag"]

    assert first.headers["Cache-Control"].startswith("public, max-age=")
    for held in (etag, f"W/{etag}"):
        again = read(client, If_None_Match=held)
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == etag
    assert read(client, If_None_Match='"old"').data == first.data
    # No stream of changes is offered.
    assert "x-sse-support" not in first.headers


def test_features__accepting_gzip__gets_the_same_packed(client: Client) -> None:
    packed = read(client, Accept_Encoding="gzip, deflate")

    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(packed.data) == read(client).data


def test_features__published_again_in_the_same_millisecond__is_dated_anew() -> None:
    # JavaScript drops a payload with the date it holds (wire.md, trap 6).
    reader = rulesets.reader_of(RULESET)
    client = served(reader)
    dates = set()
    for revision in range(1, 6):
        reader.current = rulesets.ruleset_of(ENTRIES, revision=revision)
        dates.add(orjson.loads(read(client).data)["dateUpdated"])
    assert len(dates) == 5


# Keys


@pytest.mark.parametrize("door", ["features", "eval"])
@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("", "not known"),
        ("nonsense", "not known"),
        (rulesets.UNKNOWN, "not known"),
        (rulesets.REVOKED, "revoked"),
        (rulesets.WRITE, "write key"),
        (rulesets.SERVER, "does not belong in an address"),
        (rulesets.ADMIN, "does not belong in an address"),
    ],
)
def test_any__wrong_key__400_that_asking_again_does_not_help(
    client: Client, door: str, key: str, words: str
) -> None:
    method = "GET" if door == "features" else "POST"
    answer = client.open(f"/api/{door}/{key}", method=method, data=b"{}")

    told = orjson.loads(answer.data)
    assert (answer.status_code, told["status"]) == (400, 400)
    assert words in told["error"]
    assert answer.headers["X-Unrecoverable"] == "1"


def test_features__key_that_may_not_read_rules__400_names_the_way(
    client: Client,
) -> None:
    answer = read(client, rulesets.CLIENT)

    assert answer.status_code == 400
    assert "remoteEval" in orjson.loads(answer.data)["error"]
    assert b"salt" not in answer.data


def test_any__not_ready__503_with_retry_after() -> None:
    answer = read(served(rulesets.reader_of(None)))

    assert answer.status_code == 503
    assert orjson.loads(answer.data)["status"] == 503
    assert "Retry-After" in answer.headers


# Remote evaluation


def test_evaluate__customer_in_the_experiment__gets_value_and_track(
    client: Client,
) -> None:
    given = features(client, attributes={"id": "customer-1", **PRO})["plain"]

    chosen = assign(RULESET.experiments["plain"], "customer-1", PRO).variant
    assert given["defaultValue"] == "control"
    (rule,) = given["rules"]
    assert rule["force"] == chosen
    (track,) = rule["tracks"]
    assert track["experiment"]["key"] == "plain"
    assert track["result"]["key"] == chosen
    assert track["result"]["variationId"] == ["control", "treatment"].index(
        chosen or ""
    )
    assert track["result"]["hashValue"] == "customer-1"


def test_evaluate__any_customer__tells_no_rule_salt_or_segment(client: Client) -> None:
    answer = evaluate(client, {"attributes": {"id": "customer-1", **PRO}})

    assert answer.headers["Cache-Control"] == "no-store"
    for secret in (b"salt", b"condition", b"tenure", b"weights", b"ranges", b"seed"):
        assert secret not in answer.data


@pytest.mark.parametrize("attributes", [{}, {"id": ""}, {"id": 0}, {"id": None}, None])
def test_evaluate__nobody_known__gets_control_untracked(
    client: Client, attributes: Any
) -> None:
    given = features(client, attributes=attributes)
    assert given["plain"] == {"defaultValue": "control"}
    assert given["personal"] == {"defaultValue": 1}


def test_evaluate__forced_by_a_tester__is_given_and_never_tracked(
    client: Client,
) -> None:
    asked = {"attributes": {"id": "customer-1", **PRO}, "url": "https://x/"}
    for index, value in ((0, "control"), (1, "treatment")):
        given = features(client, **asked, forcedVariations={"plain": index})["plain"]
        assert given["rules"] == [{"id": "forced", "force": value}]
    kept = features(client, **asked, forcedFeatures=[["plain", "x"]])["plain"]
    assert "rules" not in kept


@pytest.mark.parametrize("index", [-1, 2, 10**30, "1", True, None, 0.5, [], {}])
def test_evaluate__forced_variation_that_is_none__is_not_heeded(
    client: Client, index: Any
) -> None:
    asked = {"attributes": {"id": "customer-1", **PRO}}
    if index == 10**30:
        index = 1e30
    given = features(client, **asked, forcedVariations={"plain": index})
    assert given == features(client, **asked)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        {"attributes": []},
        {"attributes": {"id": "x" * 513}},
        {"forcedVariations": []},
        {"forcedFeatures": {}},
    ],
)
def test_evaluate__bad_body__400(client: Client, body: Any) -> None:
    answer = evaluate(client, body)
    assert answer.status_code == 400
    assert orjson.loads(answer.data)["status"] == 400


@pytest.mark.parametrize(
    "features_given", [[], [["a"]], [[]], ["a"], [[1, 2]], [[["x"], 1]], [None]]
)
def test_evaluate__odd_forced_features__are_let_pass(
    client: Client, features_given: Any
) -> None:
    assert features(client, forcedFeatures=features_given)


# Rules for JavaScript


@pytest.mark.parametrize(
    ("stored", "written"),
    [
        ({}, {}),
        ({"a": "x"}, {"a": {"$eq": "x"}}),
        ({"a": True}, {"a": {"$eq": True}}),
        (
            {"a": {"$exists": True, "$gte": 3}},
            {"a": {"$exists": True, "$gte": 3, "$type": "number"}},
        ),
        (
            {"a": {"$exists": True, "$vlt": "2.0"}},
            {"a": {"$exists": True, "$vlt": "2.0", "$type": "string"}},
        ),
        (
            {"a": {"$exists": True, "$vne": "2"}},
            {"a": {"$exists": True, "$not": {"$type": "string", "$veq": "2"}}},
        ),
        (
            {"$or": [{"a": "x"}, {"$not": {"b": {"$not": {"$lt": 3}}}}]},
            {
                "$or": [
                    {"a": {"$eq": "x"}},
                    {"$not": {"b": {"$not": {"$lt": 3, "$type": "number"}}}},
                ]
            },
        ),
        ({"a": {"$in": ["x"]}}, {"a": {"$in": ["x"]}}),
    ],
)
def test_strict__rule__says_the_types_that_javascript_would_convert(
    stored: dict[str, Any], written: dict[str, Any]
) -> None:
    assert sdk_features.strict(stored) == written
