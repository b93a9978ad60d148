# ruff: noqa: ANN401  # JSON is any of its types
"""GrowthBook's released clients against a running server: one variant everywhere."""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pytest
from growthbook import GrowthBook
from growthbook.growthbook import feature_repo
from growthbook.plugins import GrowthBookTrackingPlugin

from experiments.buckets import bucket
from experiments.context import Context, open_context
from experiments.privacy import load_pseudonymiser
from experiments.ruleset_values import Ruleset
from tests import rulesets
from tests.analysis.intake import events
from tests.clients import shop as shops
from tests.clients.conftest import Node
from tests.clients.shop import Customer, Given
from tests.servers import RunningServer
from tests.waiting import wait_until

ASKED_OVER_HTTP = 150
Answers = Sequence[Sequence[tuple[Any, str | None]]]


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    feature_repo.clear_cache()
    yield
    feature_repo.clear_cache()


def differences(
    ruleset: Ruleset, customers: Sequence[Customer], answers: Answers
) -> list[Any]:
    """List where a client gave another value, or tracked another variant."""
    assert len(answers) == len(customers)
    found = []
    for customer, row in zip(customers, answers, strict=True):
        right = shops.expected(ruleset, customer)
        for (key, given), (value, tracked) in zip(right.items(), row, strict=True):
            if (value, tracked) != (given.value, _tracked(given)):
                found.append((customer, key, given, (value, tracked)))
    return found


def _tracked(given: Given) -> str | None:
    return given.variant if given.in_experiment else None


def evaluate(
    client: GrowthBook, keys: Iterable[str], seen: dict[str, str]
) -> list[tuple[Any, str | None]]:
    return [(client.eval_feature(key).value, seen.get(key)) for key in keys]


def python_client(
    server: RunningServer | None, key: str, **options: Any
) -> tuple[GrowthBook, dict[str, str]]:
    seen: dict[str, str] = {}

    def viewed(experiment: Any, result: Any, **_: Any) -> None:
        seen[experiment.key] = result.key

    client = GrowthBook(
        api_host=server.base_url if server else "",
        client_key=key,
        on_experiment_viewed=viewed,
        **options,
    )
    return client, seen


def test_local__python_client__gives_what_the_doors_give(
    shop: RunningServer, ruleset: Ruleset
) -> None:
    loading, _ = python_client(shop, rulesets.READER)
    loading.load_features()
    # With a host, this client reads all features anew at each evaluation.
    client, seen = python_client(None, "", features=loading.get_features())
    customers = shops.customers()
    answers = []
    for customer in customers:
        seen.clear()
        client._tracked.clear()  # noqa: SLF001  # or it tells of each only once
        client.set_attributes(customer.known)
        answers.append(evaluate(client, ruleset.experiments, seen))
    client.destroy()

    assert len(customers) == 10_000
    assert differences(ruleset, customers, answers) == []


def test_local__javascript_client__gives_what_the_doors_give(
    shop: RunningServer, ruleset: Ruleset, node: Node
) -> None:
    customers = shops.customers()
    answers = node(
        "growthbook.js",
        {
            "mode": "local",
            "host": shop.base_url,
            "key": rulesets.READER,
            "experiments": list(ruleset.experiments),
            "customers": [customer.known for customer in customers],
        },
    )

    found = [[tuple(pair) for pair in row] for row in answers]
    assert differences(ruleset, customers, found) == []


def test_remote__python_client__gives_what_the_doors_give(
    shop: RunningServer, ruleset: Ruleset
) -> None:
    customers = shops.customers(ASKED_OVER_HTTP)
    answers = []
    for customer in customers:
        client, seen = python_client(
            shop, rulesets.CLIENT, remote_eval=True, attributes=customer.known
        )
        client.load_features()
        answers.append(evaluate(client, ruleset.experiments, seen))
        client.destroy()

    assert differences(ruleset, customers, answers) == []


def test_remote__javascript_client__gives_what_the_doors_give(
    shop: RunningServer, ruleset: Ruleset, node: Node
) -> None:
    customers = shops.customers(ASKED_OVER_HTTP)
    answers = node(
        "growthbook.js",
        {
            "mode": "remote",
            "host": shop.base_url,
            "key": rulesets.CLIENT,
            "experiments": list(ruleset.experiments),
            "customers": [customer.known for customer in customers],
        },
    )

    found = [[tuple(pair) for pair in row] for row in answers]
    assert differences(ruleset, customers, found) == []


def test_bucket__ids_of_any_script__as_the_javascript_client(node: Node) -> None:
    # The released client is asked anew here; what it said once stands as golden
    # vectors in tests/experiments/test_assignment.py.
    salts = ["s", "sält", "😀", "salt of everybody"]
    units = list(shops.AWKWARD)
    found = node("growthbook.js", {"mode": "buckets", "salts": salts, "units": units})

    ours = [[bucket(salt, unit) / 10_000 for salt in salts] for unit in units]
    assert found == ours


def test_local__segment_that_the_treatment_empties__sticky_buckets_keep_variants(
    shop: RunningServer, ruleset: Ruleset, node: Node
) -> None:
    # Customers at risk of churn who stay are no more at risk: they must not lose what
    # keeps them. In the app the SDK remembers; at our doors the enrolled set does.
    customers = [Customer(f"sticky-{n}", {"plan": "pro"}) for n in range(40)]
    before, after = node(
        "growthbook.js",
        {
            "mode": "sticky",
            "host": shop.base_url,
            "key": rulesets.READER,
            "experiments": ["pros"],
            "customers": [customer.known for customer in customers],
            "changes": {"plan": "free"},
        },
    )

    given = [shops.expected(ruleset, c)["pros"].value for c in customers]
    assert set(given) == {"control", "treatment"}
    assert [value for (value,) in before] == given
    assert after == before


def test_payload__held_by_etag__python_client_is_told_so(
    shop: RunningServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "growthbook"):
        for _ in range(2):
            feature_repo.clear_cache()  # of features; ETags stay
            client, _ = python_client(shop, rulesets.READER)
            client.load_features()
            assert client.get_features()
            client.destroy()

    assert [r.message for r in caplog.records if "304" in r.message] != []


def test_plugins__released__exposures_are_stored_once(
    shop: RunningServer, ruleset: Ruleset, node: Node
) -> None:
    keys = ["everybody", "personal", "paused"]
    customers = [Customer(f"plugin-{n}-😀", {}) for n in range(3)]
    for _ in range(2):
        node(
            "growthbook.js",
            {
                "mode": "plugin",
                "host": shop.base_url,
                "key": rulesets.CLIENT,
                "experiments": keys,
                "customers": [customer.known for customer in customers],
            },
        )
        for customer in customers:
            plugin = GrowthBookTrackingPlugin(shop.base_url, batch_size=1)
            client = GrowthBook(
                api_host=shop.base_url,
                client_key=rulesets.CLIENT,
                remote_eval=True,
                attributes=customer.known,
                plugins=[plugin],
            )
            client.load_features()
            for key in keys:
                client.eval_feature(key)
            client.destroy()

    wanted = {
        (customer.unit, key, shops.expected(ruleset, customer)[key].variant)
        for customer in customers
        for key in keys[:2]
    }
    assert len(wanted) == 6
    context = open_context(shop.environ)
    hide = load_pseudonymiser(context.settings)
    ours = {hide.customer(customer.unit) for customer in customers}

    def stored() -> int:  # other tests send exposures to this shop too
        return sum(row["customer"] in ours for row in exposures(context))

    wait_until(lambda: stored() >= len(wanted), 90)
    time.sleep(1)  # anything more would be stored by now
    assert stored() == len(wanted)
    context.sessions.kw["bind"].dispose()


def exposures(context: Context) -> list[Any]:
    return [row for row in events(context) if row["kind"] == "exposure"]
