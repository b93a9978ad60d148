import json
import math
import struct
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from experiments import conditions
from experiments.assignment import (
    Assignment,
    PersonalRule,
    RunningDesign,
    RunningVariant,
    assign,
    assign_all,
    bucket,
    bucket_ranges,
    bucket_table,
    unit_text,
)
from experiments.buckets import BUCKET_COUNT
from experiments.vocabulary import AssignmentReason, Status
from tests import rulesets

# Buckets that the released JavaScript client gives (@growthbook/growthbook 1.8.0
# from npm, Node 20.20.2): `new GrowthBook({attributes: {id}}).run({key: "e", seed,
# variations: [0, 1], hashVersion: 2}).bucket * 10000`, one column a seed. The
# official cases have ASCII ids only, which hide an implementation over UTF-8.
CLIENT_SALTS = ("retention-2026", "sel-\u00e9", "\u5b9f\u9a13", "\U0001f9ea-1")
CLIENT_BUCKETS = [
    ("user-1", (7139, 9232, 9754, 3968)),
    ("J\u00fcrgen", (2743, 4319, 5539, 5476)),
    ("Ju\u0308rgen", (1591, 131, 8425, 2261)),
    ("\u5f20\u4f1f", (23, 7222, 5931, 790)),
    ("\u0645\u062d\u0645\u062f", (1695, 4937, 7550, 2288)),
    ("\U0001f600", (5491, 1976, 2142, 9590)),
    ("\U0001f468\u200d\U0001f469\u200d\U0001f467", (9173, 3314, 5690, 2923)),
    ("\ud800", (312, 8291, 5666, 4012)),
    ("\udc00", (5840, 6219, 6101, 5053)),
    ("\U0001f600\ud83d", (5643, 5947, 6363, 1710)),
    ("\uffff\ue000", (7414, 3521, 3319, 3800)),
    ("0", (2594, 4975, 4607, 4484)),
    ("a\x00b", (2159, 8805, 7223, 9782)),
    (" ", (1954, 6482, 3954, 2447)),
    ("\u00df", (3815, 6703, 8595, 8826)),
]
# The same client with seed "numbers" and ids that are numbers: id, JavaScript's
# String(id), bucket.
CLIENT_NUMBERS = [
    (5, "5", 3874),
    (-5, "-5", 5106),
    (1.5, "1.5", 9219),
    (1e21, "1e+21", 223),
    (1e-7, "1e-7", 8291),
    (123456789012, "123456789012", 1653),
    (0.1, "0.1", 9207),
    (-0.5, "-0.5", 5497),
    (1e20, "100000000000000000000", 9509),
    (123456.789e3, "123456789", 7008),
    (2**53, "9007199254740992", 2551),
    (2**53 + 2, "9007199254740994", 8144),
    (1.7976931348623157e308, "1.7976931348623157e+308", 7959),
    (5e-324, "5e-324", 7321),
    (0.000001, "0.000001", 3454),
    (100.0, "100", 3467),
    (10**16, "10000000000000000", 8771),
    (12345678901234567890, "12345678901234567000", 3979),
]
# The same client over ids u0 to u19999 with seed "split": coverage, weights, and how
# many got each variation; the last count is of those who are not in the experiment.
CLIENT_SPLITS = [
    (1, (0.5, 0.5), (9919, 10081), 0),
    (0.3, (0.2, 0.3, 0.5), (1212, 1854, 3089), 13845),
    (0.07, (0.1, 0.9), (157, 1236), 18607),
    (0.999, (0.3333, 0.3333, 0.3334), (6688, 6619, 6672), 21),
]


def official_cases(reference_data: Path, section: str) -> list[list[Any]]:
    text = (reference_data / "sdk_conformance_cases.json").read_text()
    cases: list[list[Any]] = json.loads(text)[section]
    return cases


def running(
    *,
    status: Status = Status.RUNNING,
    salt: str = "salt",
    coverage: float = 1,
    weights: tuple[float, ...] = (0.5, 0.5),
    condition: Mapping[str, Any] | None = None,
    rules: tuple[PersonalRule, ...] = (),
    decided: int | None = None,
) -> RunningDesign:
    return RunningDesign(
        key="onboarding",
        status=status,
        variants=(
            RunningVariant("control", {"steps": 5}),
            RunningVariant("short", {"steps": 3}, rules),
            *(RunningVariant(f"other{i}", {}) for i in range(len(weights) - 2)),
        ),
        control=0,
        decided=decided,
        in_segment=conditions.compile_rule(condition or {}),
        salt=salt,
        table=bucket_table(bucket_ranges(coverage, weights)),
    )


# Hash


def test_bucket__official_version_2_cases__agree(reference_data: Path) -> None:
    # 15 cases; 7 are of the old version 1 and one of a version that does not exist,
    # neither of which Abide offers.
    cases = [c for c in official_cases(reference_data, "hash") if c[2] == 2]

    assert len(cases) == 7
    for salt, unit, _, expected in cases:
        assert bucket(salt, unit) / BUCKET_COUNT == expected


@pytest.mark.parametrize("column", range(len(CLIENT_SALTS)))
def test_bucket__ids_beyond_ascii__as_the_javascript_client(column: int) -> None:
    for unit, expected in CLIENT_BUCKETS:
        assert bucket(CLIENT_SALTS[column], unit) == expected[column], unit


@pytest.mark.parametrize(("unit", "text", "expected"), CLIENT_NUMBERS)
def test_unit_text__number__as_javascript_writes_it(
    unit: float, text: str, expected: int
) -> None:
    assert unit_text(unit) == text
    assert bucket("numbers", text) == expected


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(1e21)
@example(999999999999999868928.0)
@example(-1e-6)
@example(2.5e-8)
def test_unit_text__any_float__reads_back_as_the_same_number(number: float) -> None:
    # What JavaScript's String(x) promises: the shortest text that reads back as x.
    text = unit_text(number)

    assert text is None if number == 0 else float(str(text)) == number
    assert text is None or len(text.strip("-")) <= 25


@pytest.mark.parametrize(
    "unit",
    [
        "", 0, 0.0, -0.0, None, True, False, [], ["a"], {}, {"id": "a"}, b"a",
        math.nan, math.inf, -math.inf, 10**400,
    ],
)  # fmt: skip
def test_unit_text__no_usable_id__none(unit: object) -> None:
    # "" , 0, null, undefined, false and NaN are "not in the experiment" in the
    # JavaScript client too; for true, lists and objects the clients differ.
    assert unit_text(unit) is None
    assert assign(running(), unit, {}).reason == AssignmentReason.INVALID_UNIT


@given(
    unit=st.text(st.characters(), min_size=1, max_size=40),
    salts=st.lists(st.text(max_size=20), max_size=60),
)
def test_assign_all__any_id_and_salts__same_as_one_by_one(
    unit: str, salts: list[str]
) -> None:
    designs = [running(salt=salt, coverage=0.8) for salt in salts]

    together = assign_all(designs, unit, {})

    assert together == [assign(design, unit, {}) for design in designs]


@given(
    salt=st.text(max_size=20),
    unit=st.one_of(st.text(), st.text(st.characters(codec="ascii"))),
)
def test_bucket__any_salt_and_id__as_the_definition_in_plain_python(
    salt: str, unit: str
) -> None:
    # FNV-1a, 32 bits: offset and prime of draft-eastlake-fnv, over UTF-16 code units.
    def fnv1a32(text: str) -> int:
        raw = text.encode("utf-16-le", "surrogatepass")
        state = 0x811C9DC5
        for (code_unit,) in struct.iter_unpack("<H", raw):
            state = ((state ^ code_unit) * 0x01000193) % 2**32
        return state

    assert bucket(salt, unit) == fnv1a32(str(fnv1a32(salt + unit))) % 10_000


@pytest.mark.parametrize("unit", ["", None, 0, True])
def test_assign_all__no_usable_id__control_everywhere(unit: object) -> None:
    designs = [running(), running(status=Status.PAUSED)]

    reasons = [a.reason for a in assign_all(designs, unit, {})]

    assert reasons == [AssignmentReason.INVALID_UNIT, AssignmentReason.PAUSED]


# Split


def test_bucket_ranges__official_cases__agree(reference_data: Path) -> None:
    # 13 cases; in one the weights are fewer than the variants, which a design
    # cannot be: there, each variant carries its own share.
    cases = official_cases(reference_data, "getBucketRange")
    fitting = [c for c in cases if c[1][2] is None or len(c[1][2]) == c[1][0]]

    assert len(fitting) == 12
    for name, (count, coverage, weights), expected in fitting:
        ranges = bucket_ranges(coverage, weights or [1 / count] * count)
        for actual, wanted in zip(ranges, expected, strict=True):
            assert actual == pytest.approx(tuple(wanted), abs=1e-9), name


def test_bucket_table__official_choices__agree(reference_data: Path) -> None:
    for name, n, ranges, expected in official_cases(reference_data, "chooseVariation"):
        table = bucket_table([(start, end) for start, end in ranges])
        position = table[round(n * BUCKET_COUNT)]
        assert position == (255 if expected == -1 else expected), name


@pytest.mark.parametrize(("coverage", "weights", "counts", "out"), CLIENT_SPLITS)
def test_assign__coverage_and_weights__counts_of_the_javascript_client(
    coverage: float, weights: tuple[float, ...], counts: tuple[int, ...], out: int
) -> None:
    design = running(salt="split", coverage=coverage, weights=weights)

    given_ = [assign(design, f"u{i}", {}) for i in range(20_000)]

    taking_part = Counter(a.variant for a in given_ if a.in_experiment)
    names = [variant.name for variant in design.variants]
    assert tuple(taking_part[name] for name in names) == counts
    assert sum(a.reason == AssignmentReason.NOT_COVERED for a in given_) == out


EDGES = st.floats(0, 1) | st.integers(0, 10_000).map(lambda k: k / 10_000)


@given(st.lists(st.tuples(EDGES, EDGES), min_size=1, max_size=5))
def test_bucket_table__any_ranges__same_as_asking_each_range(
    ranges: list[tuple[float, float]],
) -> None:
    def choose(n: float) -> int:  # the clients' chooseVariation
        inside = (i for i, (start, end) in enumerate(ranges) if start <= n < end)
        return next(inside, 255)

    table = bucket_table(ranges)

    near = {
        min(max(round(edge * 10_000) + step, 0), 9_999)
        for pair in ranges
        for edge in pair
        for step in (-1, 0, 1)
    }
    assert all(table[k] == choose(k / BUCKET_COUNT) for k in near)


@given(
    weights=st.lists(st.integers(1, 100), min_size=2, max_size=10),
    low=st.floats(0, 1),
    high=st.floats(0, 1),
)
def test_bucket_table__coverage_raised__adds_customers_and_moves_none(
    weights: list[int], low: float, high: float
) -> None:
    shares = [w / sum(weights) for w in weights]
    low, high = sorted((low, high))
    before = bucket_table(bucket_ranges(low, shares))
    after = bucket_table(bucket_ranges(high, shares))

    assert all(a == b for a, b in zip(after, before, strict=True) if b != 255)


# Randomness, on fixed inputs. z counts standard deviations under fair chance; over
# the 40 + 780 comparisons a fair hash passes |z| < 4.5 but once in 180 tries
# (820 x 6.8e-6), so a failure here would mean the hash, not luck.
LIMIT_Z = 4.5
SALTS = [f"experiment-{i}" for i in range(40)]
SAMPLE = [f"{i:08d}-customer" for i in range(5_000)]


@pytest.fixture(scope="module")
def buckets() -> list[list[int]]:
    return [[bucket(salt, unit) for unit in SAMPLE] for salt in SALTS]


def test_bucket__forty_salts__each_half_is_a_half(buckets: list[list[int]]) -> None:
    for column in buckets:
        share = sum(b < 5_000 for b in column) / len(column)
        assert abs(share - 0.5) / math.sqrt(0.25 / len(column)) < LIMIT_Z


def test_bucket__forty_salts__even_over_a_hundred_groups(
    buckets: list[list[int]],
) -> None:
    # Pearson's statistic over 100 groups has mean 99 and variance 198.
    for column in buckets:
        groups = Counter(b // 100 for b in column)
        expected = len(column) / 100
        pearson = sum((groups[g] - expected) ** 2 / expected for g in range(100))
        assert abs(pearson - 99) / math.sqrt(198) < LIMIT_Z


def test_bucket__any_two_experiments__independent(buckets: list[list[int]]) -> None:
    # Agreement of two fair and independent halves is itself a fair coin.
    halves = [[b < 5_000 for b in column] for column in buckets]
    for i, one in enumerate(halves):
        for other in halves[:i]:
            agree = sum(a == b for a, b in zip(one, other, strict=True))
            z = (agree - len(one) / 2) / math.sqrt(len(one) / 4)
            assert abs(z) < LIMIT_Z


# What customers get


def test_assign__running__variant_parameters_and_bucket() -> None:
    # user-1 has bucket 7139 under this salt (see above): the second half.
    answer = assign(running(salt="retention-2026"), "user-1", {})

    assert answer == Assignment(
        experiment="onboarding",
        variant="short",
        parameters={"steps": 3},
        reason=AssignmentReason.SPLIT,
        in_experiment=True,
        bucket=7139,
        rule=None,
    )


def test_assign__not_covered__control_outside_the_experiment() -> None:
    design = running(salt="retention-2026", coverage=0.4)  # up to .7 of .5 to 1

    answer = assign(design, "user-1", {})

    assert answer[1:6] == (
        "control",
        {"steps": 5},
        AssignmentReason.NOT_COVERED,
        False,
        7139,
    )


@pytest.mark.parametrize(
    ("status", "decided", "variant", "reason"),
    [
        (Status.DRAFT, None, None, AssignmentReason.NOT_STARTED),
        (Status.IN_REVIEW, None, None, AssignmentReason.NOT_STARTED),
        (Status.PAUSED, None, "control", AssignmentReason.PAUSED),
        (Status.STOPPED, None, "control", AssignmentReason.STOPPED),
        (Status.DECIDED, 1, "short", AssignmentReason.DECIDED),
        (Status.DECIDED, None, "control", AssignmentReason.DECIDED),
    ],
)
def test_assign__not_running__what_apps_get_in_each_status(
    status: Status, decided: int | None, variant: str | None, reason: AssignmentReason
) -> None:
    design = running(status=status, decided=decided)

    for unit in ("user-1", "", None):
        answer = assign(design, unit, {})
        assert (answer.variant, answer.reason) == (variant, reason)
        assert not answer.in_experiment


@pytest.mark.parametrize("status", [Status.RUNNING, Status.DECIDED])
def test_assign__outside_the_segment__control(status: Status) -> None:
    design = running(status=status, decided=1, condition={"plan": "pro"})

    answer = assign(design, "user-1", {"plan": "free"})

    assert (answer.variant, answer.reason, answer.in_experiment) == (
        "control",
        AssignmentReason.NOT_IN_SEGMENT,
        False,
    )


@pytest.mark.parametrize(
    ("consent", "reason"),
    [
        (False, AssignmentReason.NO_CONSENT),
        (True, AssignmentReason.SPLIT),
        (None, AssignmentReason.SPLIT),
        ("Yes", AssignmentReason.SPLIT),
        (1, AssignmentReason.SPLIT),
        (0, AssignmentReason.NO_CONSENT),
        ("", AssignmentReason.NO_CONSENT),
        ("0", AssignmentReason.NO_CONSENT),
        ("false", AssignmentReason.NO_CONSENT),
        ("perhaps", AssignmentReason.NO_CONSENT),
        ([True], AssignmentReason.NO_CONSENT),
        ({"granted": False}, AssignmentReason.NO_CONSENT),
    ],
)
def test_assign__consent__must_be_a_yes_where_it_is_said(
    consent: object, reason: AssignmentReason
) -> None:
    answer = assign(running(salt="retention-2026"), "user-1", {"consent": consent})

    assert answer.reason == reason
    assert answer.in_experiment is (reason == AssignmentReason.SPLIT)


def test_assign__personalised_variant__first_matching_rule_is_named() -> None:
    rules = (
        PersonalRule("new", conditions.compile_rule({"new": True}), {"steps": 1}),
        PersonalRule("vip", conditions.compile_rule({"vip": True}), {"steps": 2}),
    )
    design = running(salt="retention-2026", rules=rules)

    both = assign(design, "user-1", {"new": True, "vip": True})
    vip = assign(design, "user-1", {"vip": True})
    other = assign(design, "user-1", {})

    assert (both.rule, both.parameters) == ("new", {"steps": 1})
    assert (vip.rule, vip.parameters) == ("vip", {"steps": 2})
    assert (other.rule, other.parameters) == (None, {"steps": 3})
    assert both.variant == vip.variant == other.variant == "short"


def test_assign__decided_for_a_personalised_variant__parameters_by_segment() -> None:
    rule = PersonalRule("vip", conditions.compile_rule({"vip": True}), {"steps": 2})
    design = running(status=Status.DECIDED, decided=1, rules=(rule,))

    assert assign(design, "anybody", {"vip": True}).parameters == {"steps": 2}


def test_assign__same_inputs__same_answer_whatever_else_changes() -> None:
    units = [f"customer {i}" for i in range(500)]
    half = {unit: assign(running(coverage=0.5), unit, {}) for unit in units}
    full = {unit: assign(running(coverage=1), unit, {}) for unit in units}

    for unit in units:
        if half[unit].in_experiment:
            assert full[unit] == half[unit]


def test_parse__personal_rule_leaves_parameters_out__has_those_of_its_variant() -> None:
    """Then those of control, as every variant: what nobody changed stays."""
    one = rulesets.entry(
        "nudge",
        types={"headline": "string", "steps": "integer", "colour": "string"},
        variants=[
            rulesets.variant(
                "control", parameters={"headline": "Hi", "steps": 3, "colour": "red"}
            ),
            rulesets.variant(
                "treatment",
                parameters={"headline": "Save", "steps": 4},
                personalisation=[
                    rulesets.personal("pro", {"plan": "pro"}, headline="Save as a pro")
                ],
            ),
        ],
    )
    [_, treatment] = rulesets.ruleset_of([one]).experiments["nudge"].variants

    assert treatment.parameters == {"headline": "Save", "steps": 4, "colour": "red"}
    [rule] = treatment.rules
    assert rule.parameters == {
        "headline": "Save as a pro",
        "steps": 4,
        "colour": "red",
    }
