"""Exposures compared with the assignment of the rules in force at their time.

What should be is what `assign` gives, which golden tests and released clients hold.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from experiments.assignment import assign
from experiments.enrolled import (
    OPTED_OUT,
    EnrolledFolder,
    EnrolledSet,
    file_name,
    write_set,
)
from experiments.events import Envelope, read_messages
from experiments.exposure_check import TOLERANCE, ExposureCheck, agreement
from experiments.exposure_messages import AGREEMENT_TEXT, ShownExposure
from experiments.parcels import EventRow
from experiments.ruleset_designs import Memory
from experiments.ruleset_files import RulesetFolder
from experiments.ruleset_past import with_past
from experiments.ruleset_reader import RulesetReader
from experiments.ruleset_values import Ruleset, parse
from experiments.vocabulary import Agreement
from tests import rulesets
from tests.experiments.sent_messages import HIDE, SENDER, track
from tests.rulesets import body_of, entry, ruleset_of

CUSTOMERS = [f"customer-{i}" for i in range(200)]
NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
AGREES, CONTRADICTS = Agreement.AGREES, Agreement.CONTRADICTS
SHOWN = ShownExposure("plain", "control", NOW, "customer-1", None, None, None, None)


def answer(ruleset: Ruleset, who: str, variant: str, **changes: Any) -> Any:  # noqa: ANN401
    shown = SHOWN._replace(user_id=who, variant=variant, **changes)
    return agreement(ruleset, shown)


def test_agreement__every_variant_of_every_customer__only_the_assigned_agrees() -> None:
    ruleset = ruleset_of([entry("plain", coverage=0.6)])
    for who in CUSTOMERS:
        given = assign(ruleset.experiments["plain"], who, {})
        for variant in ("control", "treatment"):
            right = given.in_experiment and given.variant == variant
            assert answer(ruleset, who, variant) == (AGREES if right else CONTRADICTS)


def test_agreement__of_holdout_and_layer__is_as_assigned() -> None:
    place = {"key": "l", "seed": "layer", "ranges": [[0, 5000]]}
    held = [{"key": "h", "seed": "holdout", "share": 0.3}]
    ruleset = ruleset_of([entry("plain", layer=place, holdouts=held)])
    inside = [assign(ruleset.experiments["plain"], who, {}) for who in CUSTOMERS]
    assert 0 < sum(one.in_experiment for one in inside) < len(CUSTOMERS)
    for who, given in zip(CUSTOMERS, inside, strict=True):
        variant = given.variant or ""
        expected = AGREES if given.in_experiment else CONTRADICTS
        assert answer(ruleset, who, variant) == expected


def remembering(folder: Path, **changes: Any) -> Ruleset:  # noqa: ANN401
    memory = Memory(HIDE, EnrolledFolder(folder), EnrolledSet(folder / OPTED_OUT, ()))
    return parse(body_of([entry("plain", **changes)]), memory)


def test_agreement__who_keeps_a_variant_outside_the_layer__agrees(
    tmp_path: Path,
) -> None:
    place = {"key": "l", "seed": "layer", "ranges": []}
    kept = HIDE.customer("customer-1")[:8]
    write_set(tmp_path / file_name("plain", 1), [kept])
    ruleset = remembering(tmp_path, layer=place)
    given = assign(ruleset.experiments["plain"], "customer-1", {})
    assert given.kept
    assert answer(ruleset, "customer-1", given.variant or "") == AGREES
    assert answer(ruleset, "customer-2", given.variant or "") == CONTRADICTS


def test_agreement__of_listed_and_former_customers__is_not_asked(
    tmp_path: Path,
) -> None:
    listed, out = HIDE.customer("listed").hex(), HIDE.customer("out").hex()
    former = HIDE.customer("former")[:8]
    write_set(tmp_path / file_name("plain", 1), [former])
    ruleset = remembering(
        tmp_path, forced={listed: "treatment"}, opted_out=[out], phase=2
    )
    for who in ("listed", "out", "former"):
        assert {answer(ruleset, who, v) for v in ("control", "treatment")} == {None}


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, {"experiment": "elsewhere"}),
        ({"salt": ""}, {}),  # between two phases
        ({"unit": "account"}, {}),  # which account it was is not said
        ({"hash_attribute": "device"}, {}),  # nor which device
        ({"fallback_attribute": "device"}, {"variant": "nobody's"}),
        ({"since": (NOW + TOLERANCE).isoformat()}, {"occurred_at": NOW - TOLERANCE}),
    ],
)
def test_agreement__that_cannot_be_told__is_none(
    changes: dict[str, Any], shown: dict[str, Any]
) -> None:
    ruleset = ruleset_of([entry("plain", **changes)])
    assert agreement(ruleset, SHOWN._replace(**shown)) is None


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, {"user_id": "ID"}),
        ({}, {"user_id": "someone", "anonymous_id": "ID"}),
        ({}, {"user_id": "someone", "hash_attribute": "id", "hash_value": "ID"}),
        (
            {"hash_attribute": "device"},
            {"hash_attribute": "device", "hash_value": "ID"},
        ),
        ({"unit": "account"}, {"account_id": "ID"}),
    ],
)
def test_agreement__by_whatever_id_was_hashed__is_found(
    changes: dict[str, Any], shown: dict[str, Any]
) -> None:
    ruleset = ruleset_of([entry("plain", **changes)])
    plain = ruleset_of([entry("plain")]).experiments["plain"]
    for who in CUSTOMERS[:20]:
        named: dict[str, Any] = {n: who if v == "ID" else v for n, v in shown.items()}
        right = assign(plain, who, {}).variant or ""
        seen = SHOWN._replace(variant=right, **named)
        assert agreement(ruleset, seen) == AGREES


def test_agreement__coverage_was_raised__rules_of_that_time_count() -> None:
    first = with_past([entry("plain", coverage=0.2)], [], NOW)
    raised_at = NOW + timedelta(days=3)
    second = with_past([entry("plain", coverage=1.0)], first, raised_at)
    before, after = ruleset_of(first), ruleset_of(second)
    added = [
        (who, given.variant)
        for who in CUSTOMERS
        if (given := assign(after.experiments["plain"], who, {})).in_experiment
        and not assign(before.experiments["plain"], who, {}).in_experiment
    ]
    assert added
    for who, variant in added:
        early = answer(after, who, variant or "", occurred_at=NOW + timedelta(days=1))
        near = raised_at - TOLERANCE / 2
        assert early == CONTRADICTS
        assert answer(after, who, variant or "", occurred_at=near) == AGREES
        assert answer(after, who, variant or "", occurred_at=raised_at) == AGREES


def test_past__keeps_only_what_changed_within_the_phase() -> None:
    first = with_past([entry("plain")], [], NOW)
    assert first[0]["since"] == NOW.isoformat()
    same = with_past([entry("plain", status="paused")], first, NOW + timedelta(days=1))
    assert (same[0]["since"], "past" in same[0]) == (NOW.isoformat(), False)
    later = NOW + timedelta(days=2)
    raised = with_past([entry("plain", coverage=0.5)], same, later)
    assert raised[0]["since"] == later.isoformat()
    assert raised[0]["past"] == [{"since": NOW.isoformat(), "coverage": 1.0}]
    anew = with_past([entry("plain", salt="of phase 2")], raised, later)
    assert "past" not in anew[0]


class _Behind(RulesetReader):
    """Learns of the experiment only when it looks again."""

    def __init__(self, newer: Ruleset) -> None:
        super().__init__(RulesetFolder(Path("nowhere")))
        self.current = ruleset_of([])
        self.newer, self.looks = newer, 0

    @override
    def refresh(self) -> None:
        self.current = self.newer
        self.looks += 1


def test_check__worker_is_behind__looks_for_newer_rules_once() -> None:
    reader = _Behind(ruleset_of([entry("plain")]))
    check = ExposureCheck(reader)
    found = [check(SHOWN._replace(variant=v)) for v in ("control", "treatment")]
    assert set(found) == {AGREES, CONTRADICTS}
    check(SHOWN._replace(experiment="unheard-of"))
    assert reader.looks == 1


def test_exposure__when_read__says_how_it_compares_and_holds_no_id() -> None:
    ruleset = ruleset_of([entry("plain")])
    right = assign(ruleset.experiments["plain"], "customer-1", {}).variant
    check = ExposureCheck(rulesets.reader_of(ruleset))
    for variant in ("control", "treatment"):
        said = {"experimentId": "plain", "variationId": variant}
        message = track("Experiment Viewed", userId="customer-1", properties=said)
        parcel = read_messages([message], SENDER, Envelope(NOW), HIDE, check)
        row = EventRow(*parcel.rows[0])
        expected = AGREES if variant == right else CONTRADICTS
        assert row.properties == AGREEMENT_TEXT[expected]
        unread = read_messages([message], SENDER, Envelope(NOW), HIDE)
        assert replace_properties(row) == EventRow(*unread.rows[0])


NUMBERS = ["491715551234", "01715551234", "49-171-5551234", "4111111111111111"]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("named", ["experimentId", "variationId"])
def test_exposure__of_what_may_be_somebodys_number__is_set_aside_unless_declared(
    number: str, named: str
) -> None:
    said = {"experimentId": "x", "variationId": "b", named: number}
    message = track("Experiment Viewed", properties=said)
    for declared in (False, True):
        key = said["experimentId"] if declared else "other"
        check = ExposureCheck(rulesets.reader_of(ruleset_of([entry(key)])))
        parcel = read_messages([message], SENDER, Envelope(NOW), HIDE, check)
        assert len(parcel.rows) == declared
        assert number not in repr(parcel.quarantined)


@pytest.mark.parametrize("key", ["2026-03-14", "checkout-2026", "v2.10.3", "1"])
def test_exposure__of_an_unknown_experiment_with_digits__is_kept(key: str) -> None:
    said = {"experimentId": key, "variationId": "b"}
    check = ExposureCheck(rulesets.reader_of(ruleset_of([entry("plain")])))
    message = track("Experiment Viewed", properties=said)
    assert read_messages([message], SENDER, Envelope(NOW), HIDE, check).rows


def replace_properties(row: EventRow) -> EventRow:
    return row._replace(properties=None)
