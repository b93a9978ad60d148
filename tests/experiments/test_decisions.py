import pytest

from experiments import decisions
from experiments.actors import SYSTEM, Actor
from experiments.decisions import Proposal, Recommendation
from experiments.errors import InvalidInput
from experiments.vocabulary import Decision, PersonRole, Verdict
from tests import factories

ADA = Actor("person:1", PersonRole.EDITOR, 1)
DESIGN = factories.design_value(
    variants=(
        factories.variant("control", is_control=True, share=0.4),
        factories.variant("b", share=0.3),
        factories.variant("c", share=0.3),
    )
)
SHIP_B = Recommendation(Verdict.SHIP, "b")
# The decisions that follow each verdict: "otherwise keep control" is the rule.
FOLLOWS = {
    (Verdict.SHIP, Decision.SHIP),
    (Verdict.DO_NOT_SHIP, Decision.DO_NOT_SHIP),
    (Verdict.UNDECIDED, Decision.UNDECIDED),
    (Verdict.UNDECIDED, Decision.RUN_AGAIN),
    (Verdict.UNDECIDED, Decision.DO_NOT_SHIP),
    (Verdict.DO_NOT_USE, Decision.RUN_AGAIN),
    (Verdict.DO_NOT_USE, Decision.UNDECIDED),
    (None, Decision.DO_NOT_SHIP),
    (None, Decision.UNDECIDED),
    (None, Decision.RUN_AGAIN),
}


def propose(
    decision: Decision | None,
    variant: str | None = None,
    reason: str | None = "The rule says so.",
    recommendation: Recommendation | None = SHIP_B,
    actor: Actor = ADA,
) -> Proposal:
    return decisions.propose(
        DESIGN,
        actor,
        factories.NOW,
        decision=decision,
        variant=variant,
        reason=reason,
        recommendation=recommendation,
    )


@pytest.mark.parametrize("verdict", [*Verdict, None])
@pytest.mark.parametrize("decision", Decision)
def test_follows__verdict_and_decision__agree_with_the_rule(
    verdict: Verdict | None, decision: Decision
) -> None:
    variant = "b" if decision == Decision.SHIP else None
    recommendation = None if verdict is None else Recommendation(verdict, "b")
    followed = decisions.follows(recommendation, decision, variant)
    assert followed == ((verdict, decision) in FOLLOWS)


def test_follows__other_variant_than_recommended__does_not() -> None:
    assert decisions.follows(SHIP_B, Decision.SHIP, "b")
    assert not decisions.follows(SHIP_B, Decision.SHIP, "c")


def test_propose__with_the_rule__takes_a_short_reason() -> None:
    made = propose(Decision.SHIP, "b", " Yes. ")
    rule = Verdict.SHIP
    assert made == Proposal(Decision.SHIP, "b", "Yes.", 1, verdict=rule)
    assert Proposal.from_json(made.to_json()) == made


@pytest.mark.parametrize("reason", ["x" * 29, f"  {'x' * 29}  "])
def test_propose__against_the_rule__needs_30_characters(reason: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        propose(Decision.DO_NOT_SHIP, reason=reason)
    assert list(refusal.value.fields) == ["reason"]
    assert propose(Decision.DO_NOT_SHIP, reason="x" * 30).reason == "x" * 30


@pytest.mark.parametrize(
    ("decision", "variant", "field"),
    [
        (None, None, "decision"),
        (Decision.SHIP, None, "variant"),
        (Decision.SHIP, "control", "variant"),
        (Decision.SHIP, "nowhere", "variant"),
        (Decision.UNDECIDED, "b", "variant"),
    ],
)
def test_propose__incomplete__names_the_field(
    decision: Decision | None, variant: str | None, field: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        propose(decision, variant, "x" * 40)
    assert list(refusal.value.fields) == [field]


@pytest.mark.parametrize("reason", [None, "", "  ", "x" * 2001, "\x00", "\ud800"])
def test_propose__without_a_good_reason__is_refused(reason: str | None) -> None:
    with pytest.raises(InvalidInput) as refusal:
        propose(Decision.SHIP, "b", reason)
    assert list(refusal.value.fields) == ["reason"]


def test_propose__by_the_system__is_refused() -> None:
    with pytest.raises(InvalidInput, match="person"):
        propose(Decision.SHIP, "b", actor=SYSTEM)
