"""A receipt never disagrees with the assignment, and says what decided."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.assignment import assign, bucket, silent
from experiments.condition_trace import Branch, Trace, to_json, trace
from experiments.conditions import matches
from experiments.enrolled import (
    OPTED_OUT,
    EnrolledFolder,
    EnrolledSet,
    file_name,
    write_set,
)
from experiments.privacy import Pseudonymiser
from experiments.receipt import explain, explain_silent
from experiments.receipt_values import Receipt, Source
from experiments.receipt_values import to_json as receipt_json
from experiments.ruleset_designs import Memory, read_design
from experiments.vocabulary import (
    AssignmentReason,
    ReceiptStep,
    Status,
    StepOutcome,
)
from tests import rulesets
from tests.factories import NOW

SOURCE = Source(7, "c" * 64, NOW)
HIDE = Pseudonymiser(b"k" * 32)
CUSTOMERS = ("a", "b", "c", "17", "\N{SNOWMAN}")

values: st.SearchStrategy[Any] = st.sampled_from(
    ["pro", "free", 3, 3.0, 7.5, "1.2.0", "1.10.0", True, False, None, ["pro"], {}]
)
leaves = st.one_of(
    values,
    st.dictionaries(
        st.sampled_from(["$eq", "$ne", "$lt", "$gte", "$veq", "$vgt", "$exists"]),
        values,
        max_size=2,
    ),
    st.fixed_dictionaries({"$in": st.lists(values, max_size=3)}),
    st.fixed_dictionaries({"$nin": st.lists(values, max_size=3)}),
    st.fixed_dictionaries({"$not": st.fixed_dictionaries({"$eq": values})}),
)
paths = st.sampled_from(["plan", "tenure", "app.version", "consent"])
conditions: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.dictionaries(paths, leaves, max_size=2),
    lambda inner: st.one_of(
        *(
            st.fixed_dictionaries({name: st.lists(inner, max_size=3)})
            for name in ("$and", "$or", "$nor")
        ),
        st.fixed_dictionaries({"$not": inner}),
    ),
    max_leaves=6,
)
attribute_sets = st.fixed_dictionaries(
    {},
    optional={
        "plan": values,
        "tenure": values,
        "app": st.fixed_dictionaries({}, optional={"version": values}),
        "consent": st.sampled_from([True, False, None, "yes", "no", 0, 1, []]),
        "account": st.sampled_from(["acme", "", 0, 4, None, ["x"], False]),
    },
)
units = st.sampled_from([*CUSTOMERS, 17, 0, "", None, True])


@st.composite
def entries(draw: st.DrawFn) -> dict[str, Any]:
    """Write an experiment of any kind, as the ruleset does."""
    rules = [
        rulesets.personal(f"seg-{i}", condition, on=i)
        for i, condition in enumerate(draw(st.lists(conditions, max_size=2)))
    ]
    shares = draw(st.sampled_from([(0.5, 0.5), (0.1, 0.9), (1.0, 0.0)]))
    changes: dict[str, Any] = {
        "status": draw(st.sampled_from([Status.RUNNING] * 6 + list(Status))).value,
        "phase": draw(st.sampled_from([1, 1, 2, 3])),
        "coverage": draw(st.sampled_from([1.0, 0.5, 0.0001])),
        "condition": draw(st.just({}) | conditions),
        "decided_variant": draw(st.sampled_from([None, "control", "treatment"])),
        "types": {"on": "json"},
        "variants": [
            rulesets.variant("control", shares[0], parameters={"on": "c"}),
            rulesets.variant(
                "treatment",
                shares[1],
                parameters={"on": "t"},
                personalisation=rules,
            ),
        ],
    }
    possible: dict[str, Any] = {
        "hash_attribute": "account",
        "fallback_attribute": "id",
        "opted_out": [HIDE.customer("a").hex()],
        "forced": {HIDE.customer("b").hex(): "treatment"},
        "holdouts": [
            {"key": "all", "seed": "h1", "share": 0.3},
            {"key": "renewal", "seed": "h2", "share": 0.1},
        ],
        "layer": {"key": "l", "seed": "l1", "ranges": [[0, 4000], [9000, 9500]]},
    }
    used = {name: value for name, value in possible.items() if draw(st.booleans())}
    return rulesets.entry("nudge", **changes, **used)


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Memory:
    """Know some customers of each phase."""
    folder = tmp_path_factory.mktemp("enrolled")
    for phase, names in ((1, ("b", "c")), (2, ("c", "17")), (3, ("17",))):
        known = sorted(HIDE.customer(name)[:8] for name in names)
        write_set(folder / file_name("nudge", phase), known)
    return Memory(HIDE, EnrolledFolder(folder), EnrolledSet(folder / OPTED_OUT, ()))


@settings(max_examples=600, deadline=None)
@given(
    entry=entries(), unit=units, attributes=attribute_sets, with_memory=st.booleans()
)
def test_explain__any_experiment_and_customer__ends_where_assign_does(
    entry: dict[str, Any],
    unit: object,
    attributes: dict[str, Any],
    with_memory: bool,  # noqa: FBT001  # drawn by name
    memory: Memory,
) -> None:
    design = read_design(entry, memory if with_memory else None)
    receipt = explain(design, unit, attributes, SOURCE)
    assert receipt.given == assign(design, unit, attributes)
    assert receipt_json(receipt)["reason"] == receipt.given.reason
    assert receipt.sentence.endswith(".")


@settings(max_examples=600, deadline=None)
@given(condition=conditions, attributes=attribute_sets)
def test_trace__any_rule__holds_when_it_matches(
    condition: dict[str, Any], attributes: dict[str, Any]
) -> None:
    found = trace(condition, attributes)
    assert found.holds is matches(condition, attributes)
    assert to_json(found)["holds"] is found.holds


def test_trace__nested_rule__names_each_comparison_with_what_was_found() -> None:
    rule = {
        "$or": [
            {"plan": {"$in": ["pro", "team"]}},
            {"tenure": {"$exists": True, "$gte": 30}},
        ],
        "app.version": "2",
    }
    found = trace(rule, {"plan": "free", "tenure": 41, "app": {"version": "1"}})
    assert list(outline(found)) == [
        (0, "all of these", False),
        (1, "any of these", True),
        (2, "plan is pro or team", False),
        (2, "all of these", True),
        (3, "tenure is known", True),
        (3, "tenure is at least 30", True),
        (1, "app.version is 2", False),
    ]
    assert to_json(found)["parts"][1] == {
        "words": "app.version is 2",
        "holds": False,
        "attribute": "app.version",
        "operator": "$eq",
        "wanted": "2",
        "found": "1",
    }


def outline(part: Trace, depth: int = 0) -> Iterator[tuple[int, str, bool]]:
    yield depth, part.words, part.holds
    if isinstance(part, Branch):
        for inner in part.parts:
            yield from outline(inner, depth + 1)


def steps_of(receipt: Receipt) -> list[tuple[ReceiptStep, StepOutcome]]:
    return [(step.name, step.outcome) for step in receipt.steps]


def test_explain__customer_in_it__every_step_with_seed_bucket_and_range() -> None:
    holdout = {"key": "all", "seed": "h1", "share": 0.05}
    layer = {"key": "l", "seed": "l1", "ranges": [[0, 10_000]]}
    entry = rulesets.entry("nudge", coverage=0.8, holdouts=[holdout], layer=layer)
    design = read_design(entry, None)
    who = next(
        name
        for name in (f"customer-{i}" for i in range(100))
        if bucket("h1", name) >= 500 and 5000 <= bucket("salt of nudge", name) < 9000
    )
    receipt = explain(design, who, {}, SOURCE)
    passed = StepOutcome.PASSED
    assert steps_of(receipt) == [
        (ReceiptStep.STATUS, passed),
        (ReceiptStep.UNIT, passed),
        (ReceiptStep.CONSENT, passed),
        (ReceiptStep.OPT_OUT, StepOutcome.NOT_USED),
        (ReceiptStep.TEST_LIST, StepOutcome.NOT_USED),
        (ReceiptStep.EARLIER_PHASES, StepOutcome.NOT_USED),
        (ReceiptStep.HOLDOUT, passed),
        (ReceiptStep.LAYER, passed),
        (ReceiptStep.SEGMENT, passed),
        (ReceiptStep.BUCKET, passed),
        (ReceiptStep.COVERAGE, passed),
        (ReceiptStep.VARIANT, StepOutcome.DECIDED),
        (ReceiptStep.PARAMETERS, StepOutcome.DECIDED),
    ]
    facts = {step.name: step.facts for step in receipt.steps}
    number = bucket("salt of nudge", who)
    assert facts[ReceiptStep.BUCKET] == {"seed": "salt of nudge", "bucket": number}
    # 80 % of halves: 4,000 buckets each, from where the full halves begin.
    assert facts[ReceiptStep.COVERAGE]["ranges"] == {
        "control": [0, 4000],
        "treatment": [5000, 9000],
    }
    assert facts[ReceiptStep.HOLDOUT] == {
        "holdout": "all",
        "seed": "h1",
        "bucket": bucket("h1", who),
        "ranges": [[0, 500]],
    }
    assert receipt.sentence == (
        "This customer gets treatment: the hash of the id says so."
    )


def test_explain__personalised_variant__names_the_rule_that_chose() -> None:
    rules = [
        rulesets.personal("team", {"plan": "team"}, on=1),
        rulesets.personal("pro", {"plan": "pro"}, on=2),
    ]
    control = rulesets.variant("control", 0.0, parameters={"on": 0})
    other = rulesets.variant("treatment", 1.0, personalisation=rules)
    entry = rulesets.entry("nudge", variants=[control, other], types={"on": "integer"})
    receipt = explain(read_design(entry, None), "a", {"plan": "pro"}, SOURCE)
    assert receipt.given.rule == "pro"
    assert receipt.given.parameters == {"on": 2}
    assert [s.sentence for s in receipt.steps[-2:]] == [
        "Its parameters for segment team, version 1, are not for this customer.",
        "Its parameters are those for segment pro, version 1.",
    ]


def test_explain__without_memory__says_what_was_not_asked() -> None:
    lists = {"opted_out": ["00" * 16], "forced": {"01" * 16: "treatment"}}
    entry = rulesets.entry("nudge", phase=2, condition={"plan": "pro"}, **lists)
    receipt = explain(read_design(entry, None), "a", {}, SOURCE)
    not_asked = [n for n, outcome in steps_of(receipt) if outcome == "not_asked"]
    assert not_asked == [
        ReceiptStep.OPT_OUT,
        ReceiptStep.TEST_LIST,
        ReceiptStep.EARLIER_PHASES,
        ReceiptStep.KEPT,
    ]


def test_explain_silent__no_variants__one_step_in_words() -> None:
    given = silent("draft", AssignmentReason.NOT_STARTED)
    receipt = explain_silent(given, SOURCE)
    assert receipt.sentence == (
        "The app uses its own default: the experiment has not started."
    )
    assert [step.sentence for step in receipt.steps] == [
        "The experiment has not started."
    ]


def test_explain__account_without_its_id__says_that_the_app_must_send_it() -> None:
    entry = rulesets.entry("nudge", unit="account", hash_attribute="accountId")
    receipt = explain(read_design(entry, None), "customer-1", {"plan": "pro"}, SOURCE)
    assert receipt.given.reason == AssignmentReason.INVALID_UNIT
    assert receipt.steps[-1].sentence == (
        "There is no usable id: accountId is empty, zero or no text or number. The app"
        " must send the account's id with every request: a group call leaves a"
        " pseudonym only, which nothing can be drawn by."
    )


def test_explain__id_of_a_wrong_type__says_that_nothing_stands_in() -> None:
    entry = rulesets.entry("nudge", hash_attribute="device", fallback_attribute="id")
    receipt = explain(read_design(entry, None), "ada", {"device": ["d"]}, SOURCE)
    assert receipt.given.reason == AssignmentReason.INVALID_UNIT
    assert receipt.steps[-1].sentence == (
        "There is no usable id: device must be a text or a number. No other id stands"
        " in for one of a wrong type."
    )
