# ruff: noqa: ANN401  # JSON is any of its types
"""OpenFeature's doors: what clients get, byte for byte where they care."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from werkzeug.test import Client, TestResponse

from api import ofrep
from api.doors import DoorGroup, Gate, mount
from experiments.assignment import assign
from experiments.ruleset_reader import RulesetReader
from tests import rulesets
from tests.rulesets import entry, variant

PRO = {"plan": "pro"}
ENTRIES = (
    entry("named", condition=PRO),
    entry(
        "price",
        types={"price": "float"},
        variants=[
            variant("control", parameters={"price": 1.0}),
            variant("treatment", parameters={"price": 2}),
        ],
    ),
    entry(
        "several",
        types={"steps": "integer", "title": "string"},
        variants=[
            variant("control", parameters={"steps": 1, "title": "é"}),
            variant("treatment", parameters={"steps": 2}),
        ],
    ),
    entry("decided", status="decided", decided_variant="treatment", condition=PRO),
    entry("paused", status="paused"),
    entry("stopped", status="stopped"),
    entry("half", coverage=0.5),
)
RULESET = rulesets.ruleset_of(ENTRIES)


def served(reader: RulesetReader) -> Client:
    group = DoorGroup(ofrep.routes(reader), ofrep.BODY_CAP, 4, wording=ofrep.word)

    def behind(_environ: object, _start: object) -> list[bytes]:
        raise AssertionError

    return Client(mount(behind, [group], trusted_hosts=["localhost"], app_gate=Gate(1)))


@pytest.fixture
def client() -> Client:
    return served(rulesets.reader_of(RULESET))


def ask(
    client: Client, path: str = "", body: Any = None, **headers: str
) -> TestResponse:
    if body is None:
        body = {"context": {"targetingKey": "customer-1", "plan": "pro"}}
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    sent = {"Authorization": f"Bearer {rulesets.SERVER}"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(f"{ofrep.PATH}{path}", data=raw, headers=sent)


def context(unit: Any = "customer-1", **attributes: Any) -> Mapping[str, Any]:
    return {"context": {"targetingKey": unit, **attributes}}


def test_one__customer_in_the_experiment__gets_the_variant_by_split(
    client: Client,
) -> None:
    answer = ask(client, "/named")

    chosen = assign(RULESET.experiments["named"], "customer-1", PRO).variant
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert orjson.loads(answer.data) == {
        "key": "named",
        "value": chosen,
        "reason": "SPLIT",
        "variant": chosen,
        "metadata": {
            "experimentId": "named",
            "variationId": chosen,
            "inExperiment": True,
            "reason": "split",
        },
    }


# Reasons outside OpenFeature's own make the Python provider fail (wire.md, trap 2).
@pytest.mark.parametrize(
    ("key", "attributes", "reason", "ours", "variant"),
    [
        ("named", {}, "DEFAULT", "not_in_segment", "control"),
        ("named", {"consent": False}, "DEFAULT", "no_consent", "control"),
        ("decided", PRO, "TARGETING_MATCH", "decided", "treatment"),
        ("decided", {}, "DEFAULT", "not_in_segment", "control"),
        ("paused", {}, "DISABLED", "paused", "control"),
        ("stopped", {}, "DISABLED", "stopped", "control"),
    ],
)
def test_one__customer_outside__gets_a_value_and_the_reason(
    client: Client,
    key: str,
    attributes: dict[str, Any],
    reason: str,
    ours: str,
    variant: str,
) -> None:
    flag = ask(client, f"/{key}", context(**attributes)).json
    assert flag is not None
    assert (flag["reason"], flag["variant"], flag["value"]) == (
        reason,
        variant,
        variant,
    )
    assert flag["metadata"]["reason"] == ours
    assert flag["metadata"]["inExperiment"] is False


def test_one__whole_number_of_a_float_flag__is_written_with_its_point(
    client: Client,
) -> None:
    # Python's provider refuses 1 where a float is asked for (wire.md, trap 4).
    written = {
        ask(client, "/price", context(f"u{number}")).data.split(b'"reason"')[0]
        for number in range(20)
    }
    assert written == {
        b'{"key":"price","value":1.0,',
        b'{"key":"price","value":2.0,',
    }


def test_one__several_parameters__come_as_an_object_with_all_of_them(
    client: Client,
) -> None:
    values = [
        ask(client, "/several", context(f"u{number}")).json["value"]  # type: ignore[index]
        for number in range(20)
    ]
    # The treatment leaves the title out and takes control's.
    assert {"steps": 1, "title": "é"} in values
    assert {"steps": 2, "title": "é"} in values


def test_one__metadata__is_flat(client: Client) -> None:
    for flag in ask(client).json["flags"]:  # type: ignore[index]
        for value in flag["metadata"].values():
            assert isinstance(value, (str, int, float, bool))


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Authorization", "Bearer {}"),
        ("Authorization", "bearer {}"),
        ("X_API_Key", "{}"),
    ],
)
@pytest.mark.parametrize("key", [rulesets.SERVER, rulesets.CLIENT, rulesets.READER])
def test_one__key_in_either_header__opens_the_door(
    client: Client, header: str, value: str, key: str
) -> None:
    headers = {"Authorization": "", header: value.format(key)}
    assert ask(client, "/named", None, **headers).status_code == 200


# Errors


def fault(answer: TestResponse) -> tuple[int, str, str]:
    """Read an error as clients do: all three fields are always there."""
    body = orjson.loads(answer.data)
    assert set(body) == {"key", "errorCode", "errorDetails"}
    assert body["errorDetails"].endswith(".")
    assert answer.headers["Content-Type"] == "application/json"
    return answer.status_code, body["key"], body["errorCode"]


@pytest.mark.parametrize("path", ["", "/named"])
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "PARSE_ERROR"),
        (b"{", "PARSE_ERROR"),
        (b'{"context": NaN}', "PARSE_ERROR"),
        (b"[" * 100 + b"]" * 100, "PARSE_ERROR"),
        ([], "INVALID_CONTEXT"),
        ("text", "INVALID_CONTEXT"),
        ({"context": None}, "INVALID_CONTEXT"),
        ({"context": []}, "INVALID_CONTEXT"),
        (context(17), "INVALID_CONTEXT"),
        (context(True), "INVALID_CONTEXT"),  # noqa: FBT003  # JSON's true
        (context(["a"]), "INVALID_CONTEXT"),
        (context("x" * 513), "INVALID_CONTEXT"),
        ({}, "TARGETING_KEY_MISSING"),
        ({"context": {}}, "TARGETING_KEY_MISSING"),
        ({"context": {"plan": "pro"}}, "TARGETING_KEY_MISSING"),
        (context(""), "TARGETING_KEY_MISSING"),
        (context(None), "TARGETING_KEY_MISSING"),
    ],
)
def test_any__bad_body__400_in_the_protocols_words(
    client: Client, path: str, body: Any, code: str
) -> None:
    assert fault(ask(client, path, body)) == (400, path[1:], code)


@pytest.mark.parametrize("key", ["unknown", "draft", "elsewhere", "Named", "é", ""])
def test_one__flag_that_gives_nothing__404(client: Client, key: str) -> None:
    assert fault(ask(client, f"/{key}")) == (404, key, "FLAG_NOT_FOUND")


@pytest.mark.parametrize("path", ["", "/named"])
@pytest.mark.parametrize(
    ("key", "status"),
    [
        ("", 401),
        ("nonsense", 401),
        (rulesets.UNKNOWN, 401),
        (rulesets.REVOKED, 401),
        (rulesets.WRITE, 403),
        (rulesets.ADMIN, 403),
    ],
)
def test_any__wrong_key__401_or_403(
    client: Client, path: str, key: str, status: int
) -> None:
    answer = ask(client, path, Authorization=f"Bearer {key}")
    assert fault(answer) == (status, path[1:], "GENERAL")


def test_any__not_ready__429_with_retry_after() -> None:
    # Providers know 429 and hold back; they would ask a 503 again at once.
    answer = ask(served(rulesets.reader_of(None)), "/named")

    assert fault(answer) == (429, "named", "GENERAL")
    assert int(answer.headers["Retry-After"]) >= 1


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [("GET", b"", 405), ("POST", b"." * 64_001, 413)],
)
def test_any__wrong_method_or_size__says_so_in_the_same_shape(
    client: Client, method: str, body: bytes, status: int
) -> None:
    answer = client.open(f"{ofrep.PATH}/named", method=method, data=body)
    assert fault(answer) == (status, "named", "GENERAL")


# All flags


def test_many__all_that_give_variants__as_one_by_one(client: Client) -> None:
    flags = ask(client).json["flags"]  # type: ignore[index]

    assert [flag["key"] for flag in flags] == sorted(RULESET.experiments)
    assert flags == [ask(client, f"/{flag['key']}").json for flag in flags]


def test_many__etag_held__304_without_body(client: Client) -> None:
    etag = ask(client).headers["ETag"]

    for header in (etag, f"W/{etag}", f'"other", W/{etag}', "*"):
        again = ask(client, If_None_Match=header)
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == etag
        assert again.headers["Access-Control-Allow-Origin"] == "*"
    assert ask(client, If_None_Match='"other"').status_code == 200


def test_many__same_customer_with_other_attributes__gets_the_new_answer(
    client: Client,
) -> None:
    # The web provider keeps its ETag on an attribute change and would keep the old
    # values on a 304 (wire.md, trap 5).
    etag = ask(client).headers["ETag"]
    changed = ask(client, "", context(), If_None_Match=etag)
    unused = ask(client, "", context(plan="pro", shoe_size=44), If_None_Match=etag)

    assert changed.status_code == 200
    assert changed.headers["ETag"] != etag
    assert unused.status_code == 304


def test_many__another_revision_with_the_same_answer__is_still_held() -> None:
    reader = rulesets.reader_of(RULESET)
    client = served(reader)
    etag = ask(client).headers["ETag"]

    reader.current = rulesets.ruleset_of(ENTRIES, revision=2)
    assert ask(client, If_None_Match=etag).status_code == 304

    reader.current = rulesets.ruleset_of(ENTRIES[1:], revision=3)
    assert ask(client, If_None_Match=etag).status_code == 200


def test_many__query_of_an_event__is_let_pass(client: Client) -> None:
    path = "?flagConfigEtag=%22x%22&flagConfigLastModified=5"
    assert ask(client, path).status_code == 200


def test_preflight__from_a_page__allows_what_the_web_provider_sends(
    client: Client,
) -> None:
    wanted = "authorization,content-type,if-none-match,x-api-key"
    answer = client.options(
        ofrep.PATH,
        headers={
            "Origin": "https://shop.example.com",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": wanted,
        },
    )

    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    allowed = answer.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert set(wanted.split(",")) <= set(allowed)
    # Not safelisted: without this a browser never sees an ETag (wire.md, trap 11).
    assert "ETag" in ask(client).headers["Access-Control-Expose-Headers"]


def test_rule_on_id__reads_the_targeting_key() -> None:
    only = entry("only", condition={"id": {"$in": ["customer-1"]}})
    client = served(rulesets.reader_of(rulesets.ruleset_of([only])))

    for unit, reason in (("customer-1", "SPLIT"), ("customer-2", "DEFAULT")):
        flag = ask(client, "/only", context(unit, id="customer-1")).json
        assert flag is not None
        assert flag["reason"] == reason
