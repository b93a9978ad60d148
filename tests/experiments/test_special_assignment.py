"""What only some experiments ask: lists, phases, holdouts, layers, other ids."""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from experiments.assignment import Assignment, assign, assign_all, bucket, decline
from experiments.enrolled import (
    OPTED_OUT,
    EnrolledFolder,
    EnrolledSet,
    file_name,
    write_set,
)
from experiments.privacy import Pseudonymiser
from experiments.ruleset_designs import Memory, read_design
from experiments.running import RunningDesign
from experiments.vocabulary import AssignmentReason

HIDE = Pseudonymiser(b"k" * 32)
CUSTOMERS = [f"customer-{i}" for i in range(2000)]
HOLDOUT = {"key": "everything", "seed": "h1", "share": 0.1}
LAYER = {"key": "checkout", "seed": "l1", "ranges": [[1000, 3000], [5000, 5500]]}


def entry(**changes: Any) -> dict[str, Any]:  # noqa: ANN401  # any field
    """Write an experiment as the ruleset does; half and half, for everybody."""
    return {
        "key": "nudge",
        "status": "running",
        "salt": "s",
        "phase": 1,
        "coverage": 1.0,
        "segment": {"key": "all", "version": 1, "condition": {}},
        "control": "control",
        "decided_variant": None,
        "types": {"on": "boolean"},
        "variants": [
            {
                "name": name,
                "share": 0.5,
                "parameters": {"on": name == "nudge"},
                "personalisation": [],
            }
            for name in ("control", "nudge")
        ],
        **changes,
    }


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    return Memory(HIDE, EnrolledFolder(tmp_path), EnrolledSet(tmp_path / OPTED_OUT, ()))


def enrol(memory: Memory, *customers: str, phase: int = 1) -> None:
    path = memory.enrolled.path / file_name("nudge", phase)
    write_set(path, sorted(HIDE.customer(name)[:8] for name in customers))
    memory.enrolled.refresh()


def reasons(
    design: RunningDesign, attributes: Mapping[str, Any] | None = None
) -> dict[str, AssignmentReason]:
    return {who: assign(design, who, attributes or {}).reason for who in CUSTOMERS}


def test_holdout__bucket_below_its_share__control_and_not_in_the_experiment() -> None:
    design = read_design(entry(holdouts=[HOLDOUT]), None)
    for who in CUSTOMERS:
        given = assign(design, who, {})
        # 10 % of 10,000 buckets of the holdout's own seed.
        if bucket("h1", who) < 1000:
            assert given.reason == AssignmentReason.HELD_OUT
            assert (given.variant, given.in_experiment) == ("control", False)
            assert given.parameters == {"on": False}
        else:
            expected = "control" if bucket("s", who) < 5000 else "nudge"
            assert (given.variant, given.reason) == (expected, AssignmentReason.SPLIT)


def test_holdouts__several__each_keeps_its_own_customers_out() -> None:
    other = {"key": "renewal", "seed": "h2", "share": 0.05}
    design = read_design(entry(holdouts=[HOLDOUT, other]), None)
    held = {w for w, r in reasons(design).items() if r == AssignmentReason.HELD_OUT}
    assert held == {
        who for who in CUSTOMERS if bucket("h1", who) < 1000 or bucket("h2", who) < 500
    }


def test_layer__two_experiments_in_it__no_customer_is_in_both() -> None:
    first = read_design(entry(layer=LAYER), None)
    other = {**LAYER, "ranges": [[0, 1000], [3000, 5000], [5500, 10000]]}
    second = read_design(entry(key="second", salt="t", layer=other), None)

    for who in CUSTOMERS:
        number = bucket("l1", who)
        inside = 1000 <= number < 3000 or 5000 <= number < 5500
        one, two = assign(first, who, {}), assign(second, who, {})
        assert one.in_experiment is inside
        assert two.in_experiment is not inside
        outside = two if inside else one
        assert outside.reason == AssignmentReason.NOT_IN_LAYER
        assert outside.variant == "control"


def test_layer__and_split__are_independent() -> None:
    # Each seed has a hash of its own: of those in half of the layer about half get
    # control; 5 standard deviations of a fair coin are 5 * sqrt(n) / 2.
    design = read_design(entry(layer={**LAYER, "ranges": [[0, 5000]]}), None)
    inside = [a for w in CUSTOMERS if (a := assign(design, w, {})).in_experiment]
    control = sum(a.variant == "control" for a in inside)
    assert abs(control - len(inside) / 2) < 5 * len(inside) ** 0.5 / 2
    assert abs(len(inside) - 1000) < 5 * 2000**0.5 / 2


def test_kept__customer_who_left_the_segment__same_variant_as_before(
    memory: Memory,
) -> None:
    segment = {"key": "at-risk", "version": 1, "condition": {"at_risk": True}}
    design = read_design(entry(segment=segment), memory)
    before = {who: assign(design, who, {"at_risk": True}) for who in CUSTOMERS}
    seen = CUSTOMERS[::2]
    enrol(memory, *seen)

    for who in CUSTOMERS:
        after = assign(design, who, {"at_risk": False})
        if who in set(seen):
            assert after == before[who]._replace(kept=True)
            assert after.in_experiment
        else:
            assert after.reason == AssignmentReason.NOT_IN_SEGMENT
        # Inside, the set is not asked and changes nothing.
        assert assign(design, who, {"at_risk": True}) == before[who]


def test_kept__customer_outside_layer_and_holdout_by_now__keeps_the_variant(
    memory: Memory,
) -> None:
    design = read_design(entry(layer=LAYER, holdouts=[HOLDOUT]), memory)
    out = [w for w in CUSTOMERS if not assign(design, w, {}).in_experiment]
    enrol(memory, *out)
    assert {assign(design, who, {}).reason for who in out} == {AssignmentReason.SPLIT}
    assert all(assign(design, who, {}).kept for who in out)


def test_kept__bucket_not_covered__is_not_let_in(memory: Memory) -> None:
    segment = {"key": "at-risk", "version": 1, "condition": {"at_risk": True}}
    design = read_design(entry(segment=segment, coverage=0.5), memory)
    enrol(memory, *CUSTOMERS)
    found = {assign(design, who, {}).reason for who in CUSTOMERS}
    assert found == {AssignmentReason.SPLIT, AssignmentReason.NOT_IN_SEGMENT}


def test_earlier_phase__its_customers__control_in_all_later_ones(
    memory: Memory,
) -> None:
    enrol(memory, "ada", phase=1)
    enrol(memory, "bob", phase=2)
    design = read_design(entry(phase=3, salt="new"), memory)
    enrol(memory, "ada", "eve", phase=3)  # ada's exposure of phase 1 came late

    for who in ("ada", "bob"):
        given = assign(design, who, {})
        assert given.reason == AssignmentReason.EARLIER_PHASE
        assert (given.variant, given.in_experiment) == ("control", False)
    assert assign(design, "eve", {}).reason == AssignmentReason.SPLIT


def test_lists__forced_and_opted_out__before_everything_but_consent(
    memory: Memory,
) -> None:
    lists = {
        "forced": {HIDE.customer("qa").hex(): "nudge"},
        "opted_out": [HIDE.customer("no").hex()],
    }
    nobody = {"key": "none", "version": 1, "condition": {"plan": "none"}}
    design = read_design(
        entry(segment=nobody, holdouts=[{**HOLDOUT, "share": 1.0}], **lists), memory
    )

    forced = assign(design, "qa", {})
    assert (forced.variant, forced.reason) == ("nudge", AssignmentReason.FORCED)
    assert not forced.in_experiment
    out = assign(design, "no", {})
    assert (out.variant, out.reason) == ("control", AssignmentReason.OPTED_OUT)
    refused = assign(design, "qa", {"consent": False})
    assert refused.reason == AssignmentReason.NO_CONSENT
    assert assign(design, "else", {}).reason == AssignmentReason.HELD_OUT
    odd = assign(design, "\ud800", {})
    assert odd.reason == AssignmentReason.HELD_OUT


def test_hash_attribute__other_than_the_id__decides_and_falls_back() -> None:
    design = read_design(
        entry(unit="account", hash_attribute="account_id", fallback_attribute="id"),
        None,
    )
    by_account = assign(design, "ada", {"account_id": "acme"})
    assert by_account.bucket == bucket("s", "acme")
    assert assign(design, "bob", {"account_id": "acme"}) == by_account
    ids: list[Any] = [None, "", 0, 0.0]
    unusable: list[dict[str, Any]] = [{}, *({"account_id": one} for one in ids)]
    for missing in unusable:
        assert assign(design, "ada", missing).bucket == bucket("s", "ada")
    assert assign(design, None, {"account_id": 5}).bucket == bucket("s", "5")
    alone = read_design(entry(hash_attribute="account_id"), None)
    assert assign(alone, "ada", {}).reason == AssignmentReason.INVALID_UNIT


@pytest.mark.parametrize("wrong", [False, True, [], ["a"], [""], {}, {"a": 1}])
def test_hash_attribute__of_a_wrong_type__no_fallback_stands_in(wrong: object) -> None:
    # As GrowthBook's clients, which evaluate locally: see tests/clients.
    by_account = read_design(
        entry(unit="account", hash_attribute="account_id", fallback_attribute="id"),
        None,
    )
    by_id = read_design(entry(fallback_attribute="device"), None)
    attributes = {"account_id": wrong, "device": "d"}
    for given in (
        assign(by_account, "ada", attributes),
        *assign_all([by_account], "ada", attributes),
        assign(by_id, wrong, attributes),
        *assign_all([by_id], wrong, attributes),
        decline(by_account, "ada", attributes),
    ):
        assert given.reason == AssignmentReason.INVALID_UNIT
    assert assign(by_id, None, attributes).bucket == bucket("s", "d")
    held = read_design(
        entry(hash_attribute="device", holdouts=[HOLDOUT]),
        None,
    )
    nameless = assign(held, wrong, attributes)
    assert nameless.reason == AssignmentReason.INVALID_UNIT


def test_holdout__experiment_drawn_by_another_id__asks_for_the_customers_own() -> None:
    # Half of the customers, by the same bucket as in an experiment drawn by id.
    design = read_design(
        entry(
            unit="account",
            hash_attribute="account_id",
            holdouts=[{**HOLDOUT, "share": 0.5}],
        ),
        None,
    )
    for who in CUSTOMERS[:50]:
        given = assign(design, who, {"account_id": "acme"})
        held = bucket("h1", who) < 5000
        assert (given.reason == AssignmentReason.HELD_OUT) == held
    nameless = assign(design, None, {"account_id": "acme"})
    assert nameless.reason == AssignmentReason.INVALID_UNIT


def test_hash_attribute__account__is_known_again_by_its_own_pseudonym(
    memory: Memory,
) -> None:
    nobody = {"key": "none", "version": 1, "condition": {"plan": "none"}}
    design = read_design(
        entry(unit="account", hash_attribute="account_id", segment=nobody), memory
    )
    path = memory.enrolled.path / file_name("nudge", 1)
    write_set(path, [HIDE.account("acme")[:8]])
    memory.enrolled.refresh()
    assert assign(design, "ada", {"account_id": "acme"}).kept
    assert not assign(design, "acme", {"account_id": "other"}).kept


@pytest.mark.parametrize("coverage", [0.0, 0.1, 0.35, 0.999])
def test_coverage__raised__adds_customers_and_moves_none(coverage: float) -> None:
    three = entry()["variants"]
    three = [
        {**three[0], "share": 0.2},
        {**three[1], "share": 0.3},
        {**three[1], "name": "other", "share": 0.5},
    ]
    low = read_design(entry(variants=three, coverage=coverage, layer=LAYER), None)
    high = read_design(entry(variants=three, coverage=1.0, layer=LAYER), None)
    for who in CUSTOMERS:
        before = assign(low, who, {})
        if before.in_experiment:
            assert assign(high, who, {}) == before


def test_assign_all__every_kind_together__same_as_one_by_one(memory: Memory) -> None:
    enrol(memory, *CUSTOMERS[:50])
    parts: list[dict[str, Any]] = [
        {"holdouts": [HOLDOUT]},
        {"layer": LAYER},
        {"segment": {"key": "n", "version": 1, "condition": {"a": 1}}},
        {"hash_attribute": "account_id", "fallback_attribute": "id"},
        {"forced": {HIDE.customer(CUSTOMERS[3]).hex(): "nudge"}},
        {"phase": 2},
        {"status": "paused"},
    ]
    designs = [
        read_design(entry(salt=f"s{i}", **{k: v for p in some for k, v in p.items()}),
                    memory)
        for i, some in enumerate(itertools.combinations(parts, 2))
    ]  # fmt: skip
    for who in [*CUSTOMERS[:100], None, ""]:
        for attributes in ({}, {"a": 1, "account_id": "x"}, {"consent": False}):
            expected: list[Assignment] = [assign(d, who, attributes) for d in designs]
            assert assign_all(designs, who, attributes) == expected
