# ruff: noqa: ANN401  # JSON is any of its types
"""OpenFeature's released clients against a running server: one variant everywhere."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode

from experiments.ruleset_values import Ruleset
from experiments.vocabulary import ParameterType
from tests import rulesets
from tests.clients import shop as shops
from tests.clients.conftest import Node
from tests.clients.shop import Customer
from tests.servers import RunningServer

ONE_BY_ONE = 60  # customers who are asked about with one request a flag
# What OpenFeature's clients know of an evaluation: value, variant, reason, error, and
# whether metadata says that seeing it is an exposure.
Told = tuple[Any, str | None, str, str | None, bool]
SAMPLES: dict[ParameterType, Any] = {
    ParameterType.STRING: "text",
    ParameterType.BOOLEAN: True,
    ParameterType.INTEGER: 1,
    ParameterType.FLOAT: 1.5,
    ParameterType.JSON: {},
}


def kinds(ruleset: Ruleset) -> list[tuple[str, Any]]:
    """Name each flag with a value of its type."""
    return [
        (key, SAMPLES[_type(dict(design.types))])
        for key, design in ruleset.experiments.items()
    ]


def _type(types: dict[str, ParameterType]) -> ParameterType:
    if not types:
        return ParameterType.STRING
    return next(iter(types.values())) if len(types) == 1 else ParameterType.JSON


def context_of(customer: Customer) -> dict[str, Any]:
    # Nothing is nothing in a context of OpenFeature.
    known = {k: v for k, v in customer.attributes.items() if v is not None}
    return {**known, "targetingKey": customer.unit}


def differences(
    ruleset: Ruleset, customers: Sequence[Customer], answers: Sequence[Sequence[Told]]
) -> list[Any]:
    """List where a client gave another value or variant, or an error."""
    found = []
    for customer, row in zip(customers, answers, strict=True):
        right = shops.expected(ruleset, customer)
        for (key, given), told in zip(right.items(), row, strict=True):
            value, variant, reason, error, inside = told
            wanted = (given.value, given.variant, None, given.in_experiment)
            split = reason in {"SPLIT", "CACHED"} or not given.in_experiment
            if (value, variant, error, inside) != wanted or not split:
                found.append((customer, key, given, told))
    return found


@pytest.fixture
def client(shop: RunningServer) -> Iterator[OpenFeatureClient]:
    yield connect(shop, rulesets.SERVER)
    api.clear_providers()


def connect(server: RunningServer, key: str) -> OpenFeatureClient:
    headers = {"Authorization": f"Bearer {key}"}
    api.set_provider(OFREPProvider(server.base_url, headers_factory=lambda: headers))
    return api.get_client()


def ask(
    client: OpenFeatureClient, key: str, sample: Any, context: EvaluationContext
) -> Told:
    name = {str: "string", bool: "boolean", int: "integer", float: "float"}
    method = f"get_{name.get(type(sample), 'object')}_details"
    details = getattr(client, method)(key, sample, context)
    return (
        details.value,
        details.variant,
        details.reason,
        details.error_code,
        details.flag_metadata.get("inExperiment", False),
    )


def test_python_server_client__one_by_one__gives_what_the_doors_give(
    client: OpenFeatureClient, ruleset: Ruleset
) -> None:
    customers = shops.named(ONE_BY_ONE)
    answers = [
        [
            ask(
                client,
                key,
                sample,
                EvaluationContext(customer.unit, dict(customer.attributes)),
            )
            for key, sample in kinds(ruleset)
        ]
        for customer in customers
    ]

    assert differences(ruleset, customers, answers) == []


@pytest.mark.parametrize(
    ("mode", "count", "key"),
    [("server", ONE_BY_ONE, rulesets.SERVER), ("web", 500, rulesets.CLIENT)],
)
def test_javascript_client__of_either_kind__gives_what_the_doors_give(
    shop: RunningServer, ruleset: Ruleset, node: Node, mode: str, count: int, key: str
) -> None:
    customers = shops.named(count)
    answers = node(
        "openfeature.js",
        {
            "mode": mode,
            "host": shop.base_url,
            "key": key,
            "kinds": kinds(ruleset),
            "customers": [context_of(customer) for customer in customers],
        },
    )

    found = [[tuple(told) for told in row] for row in answers]
    assert differences(ruleset, customers, found) == []


@pytest.mark.parametrize(
    ("key", "flag", "unit", "error"),
    [
        (rulesets.SERVER, "everybody", None, ErrorCode.TARGETING_KEY_MISSING),
        (rulesets.SERVER, "unknown", "customer-1", ErrorCode.FLAG_NOT_FOUND),
        (rulesets.SERVER, "draft", "customer-1", ErrorCode.FLAG_NOT_FOUND),
        (rulesets.SERVER, "switch", "customer-1", ErrorCode.TYPE_MISMATCH),
        (rulesets.UNKNOWN, "everybody", "customer-1", ErrorCode.GENERAL),
        (rulesets.WRITE, "everybody", "customer-1", ErrorCode.GENERAL),
    ],
)
def test_python_server_client__refused__takes_the_apps_default_and_knows_why(
    shop: RunningServer, key: str, flag: str, unit: str | None, error: ErrorCode
) -> None:
    client = connect(shop, key)
    details = client.get_string_details(flag, "mine", EvaluationContext(unit, {"a": 1}))
    api.clear_providers()

    assert (details.value, details.error_code) == ("mine", error)
    assert details.error_message


def test_javascript_server_client__refused__takes_the_apps_default_and_knows_why(
    shop: RunningServer, node: Node
) -> None:
    def told(key: str, flag: str, context: dict[str, Any]) -> Any:
        question = {
            "mode": "server",
            "host": shop.base_url,
            "key": key,
            "kinds": [(flag, "text")],
            "customers": [context],
        }
        ((answer,),) = node("openfeature.js", question)
        return answer[0], answer[3]

    named = {"targetingKey": "customer-1"}
    assert told(rulesets.SERVER, "everybody", {}) == ("?", "TARGETING_KEY_MISSING")
    assert told(rulesets.SERVER, "unknown", named) == ("?", "FLAG_NOT_FOUND")
    assert told(rulesets.UNKNOWN, "everybody", named)[0] == "?"
