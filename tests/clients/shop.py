# ruff: noqa: S311  # customers are made up, not secret
"""A shop with experiments of every kind, and customers with awkward ids."""

import random
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from experiments.assignment import assign_all
from experiments.flags import flag_value
from experiments.ruleset_values import Ruleset
from tests import rulesets
from tests.rulesets import entry, personal, variant

SEED = 20260314
CUSTOMERS = 10_000
AWKWARD = (
    "0", "00", "-1", "1e3", "1.0", " ", "  spaces  ", "tab\there", "line\nbreak",
    "null", "true", "undefined", "NaN", "constructor", "__proto__", "a'b\"c\\d", "%20",
    "é", "e\u0301", "ß", "İ", "ﬁ", "日本語", "مرحبا", "עברית", "Ωmega",
    "😀", "👩‍👩‍👧‍👦", "🇳🇱", "\U0001d4b3", "\U0010ffff", "\ufeffbom", "\u200bzero",
    "a" * 512,
    "😀" * 100, "user@example.com", "../../etc", "<script>", "a,b;c|d", "+31 6 1234",
)  # fmt: skip

PRO = {"plan": "pro"}
LOYAL = {"tenure_days": {"$exists": True, "$gte": 30}}


def _three(**more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "types": {"price": "float"},
        "variants": [
            variant("control", 0.2, parameters={"price": 1.0}),
            variant("low", 0.3, parameters={"price": 2.0}),
            variant("high", 0.5, parameters={"price": 3.5}),
        ],
        **more,
    }


def _personal(**more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Write an experiment with personalised variants; their segments overlap."""
    return {
        "types": {"steps": "integer", "title": "string"},
        "variants": [
            variant("control", 1 / 3, parameters={"steps": 1, "title": "A"}),
            variant(
                "short",
                1 / 3,
                parameters={"steps": 2, "title": "B"},
                personalisation=[
                    personal("loyal", LOYAL, steps=3, title="Loyal"),
                    personal("pro", PRO, steps=4, title="Pro"),
                ],
            ),
            variant(
                "long",
                1 / 3,
                parameters={"steps": 5, "title": "C"},
                personalisation=[personal("pro", PRO, steps=6, title="Long pro")],
            ),
        ],
        **more,
    }


ENTRIES = (
    entry("everybody"),
    entry(
        "first-week-checklist",
        condition={"lifecycle": "new", "company_size": {"$in": ["small"]}},
    ),
    entry("covered", coverage=0.3),
    entry("three-prices", **_three(coverage=0.7)),
    entry("é-salt", salt="sält 😀"),
    entry("pros", condition=PRO),
    entry("loyal", condition=LOYAL),
    entry("not-pros", condition={"$not": PRO}),
    entry("beta", condition={"beta": True}),
    entry("not-beta", condition={"beta": {"$ne": True}, "plan": {"$exists": True}}),
    entry(
        "countries",
        condition={
            "$or": [
                {"home.country": {"$in": ["NL", "BE"]}},
                {"tags": {"$in": ["vip"]}},
                {"$nor": [{"plan": {"$nin": ["pro", "free"]}}, {"beta": False}]},
            ]
        },
    ),
    entry(
        "versions",
        condition={"app": {"$exists": True, "$vgte": "2.9.0", "$vlt": "3.0"}},
    ),
    entry("not-that", condition={"app": {"$exists": True, "$vne": "3"}}),
    entry("personal", **_personal()),
    entry("personal-pros", **_personal(condition={"plan": {"$exists": True}})),
    entry("personal-covered", **_personal(coverage=0.4)),
    entry("shipped", **_personal(status="decided", decided_variant="short")),
    entry("shipped-pros", status="decided", decided_variant="treatment", condition=PRO),
    entry("paused", status="paused"),
    entry("stopped", status="stopped"),
    entry(
        "layered",
        layer={"key": "l", "seed": "layer", "ranges": [[0, 1000], [5000, 7000]]},
    ),
    entry("held", holdouts=[{"key": "h", "seed": "holdout", "share": 0.1}]),
    entry("teams", unit="account", hash_attribute="account_id"),
    entry(
        "teams-held",
        unit="account",
        hash_attribute="account_id",
        holdouts=[{"key": "h", "seed": "holdout", "share": 0.1}],
        layer={"key": "t", "seed": "teams", "ranges": [[0, 6000]]},
    ),
    entry(
        "devices",
        hash_attribute="account_id",
        fallback_attribute="id",
        condition={"plan": {"$exists": True}},
    ),
    entry(
        "switch",
        types={"on": "boolean"},
        variants=[
            variant("control", parameters={"on": False}),
            variant("treatment", parameters={"on": True}),
        ],
    ),
)


class Customer(NamedTuple):
    """Somebody, as an app knows them."""

    unit: Any
    attributes: Mapping[str, Any]

    @property
    def known(self) -> dict[str, Any]:
        """What the app tells GrowthBook's SDKs, where the id is one attribute."""
        own = {} if self.unit is None else {"id": self.unit}
        return {**self.attributes, **own}


class Given(NamedTuple):
    """What a customer gets in one experiment."""

    value: Any
    variant: str | None
    in_experiment: bool


def customers(count: int = CUSTOMERS) -> list[Customer]:
    """Make customers up: the awkward ones first, then at random."""
    chance = random.Random(SEED)
    units: list[Any] = [*AWKWARD, None, "", 0, 17, 2**53 - 1, -3]
    while len(units) < count:
        units.append(_unit(chance))
    return [Customer(unit, dict(_attributes(chance))) for unit in units[:count]]


def named(count: int) -> list[Customer]:
    """Leave those out whom OpenFeature cannot name: its key is a text."""
    texts = (c for c in customers(count * 2) if isinstance(c.unit, str) and c.unit)
    return [customer for customer, _ in zip(texts, range(count), strict=False)]


def expected(ruleset: Ruleset, customer: Customer) -> dict[str, Given]:
    """Ask the evaluator of all doors."""
    attributes = customer.known
    found = {}
    for one in assign_all(ruleset.together, customer.unit, attributes):
        types = ruleset.experiments[one.experiment].types
        assert one.variant is not None
        found[one.experiment] = Given(
            flag_value(types, one.parameters, one.variant),
            one.variant,
            one.in_experiment,
        )
    return found


def ruleset() -> Ruleset:
    return rulesets.ruleset_of(ENTRIES)


def _unit(chance: random.Random) -> Any:  # noqa: ANN401
    kind = chance.randrange(10)
    if kind == 0:
        return chance.randrange(1, 10**9)
    if kind == 1:
        return str(chance.randrange(10**6))
    if kind == 2:  # any characters but halves of surrogate pairs
        points = (chance.choice((0x80, 0x2000, 0xE000, 0x1F600)) for _ in range(6))
        return "".join(chr(point + chance.randrange(200)) for point in points)
    return f"customer-{chance.getrandbits(64):x}"


def _attributes(chance: random.Random) -> Iterator[tuple[str, Any]]:
    """Give some attributes, some of them of an odd type."""
    pools: Mapping[str, tuple[Any, ...]] = {
        "plan": ("pro", "pro", "free", "business", "", 5, True, None, ["pro"]),
        "tenure_days": (0, 29, 30, 31, 29.99, 400, "31", "x", True, None),
        "beta": (True, False, "true", "", 0, 1, None),
        "app": ("2.8.9", "2.9.0", "2.10.1", "v2.9.1+b7", "3.0.0-rc.1", "3", 3, None),
        "home": ({"country": "NL"}, {"country": "US"}, {}, "NL", None),
        "tags": (["vip"], ["new", "vip"], ["new"], [], "vip", None),
        "consent": (True, True, "yes", 1, False, 0, "no", "1.0", [True], {}, None),
        "account_id": (
            "acme",
            "globex",
            "😀",
            7,
            "",
            0,
            None,
            ["acme"],
            [""],
            {},
            True,
            False,
        ),
    }
    for name, pool in pools.items():
        if chance.random() < 0.7:
            yield name, chance.choice(pool)
