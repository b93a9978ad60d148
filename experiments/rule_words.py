"""The decision rule of a plan in words that a person signs."""

from collections.abc import Sequence

from experiments.design import Design
from experiments.metric_definition import MetricDefinition, in_unit
from experiments.plan import PlannedMetric
from experiments.vocabulary import GuardrailTest, PrimaryTest, Role


def rule_in_words(design: Design, metrics: Sequence[PlannedMetric]) -> str:
    """Say when the plan recommends to ship.

    Args:
        design: with its decision rule.
        metrics: of the plan, with one primary.

    Returns:
        Two sentences, as "Ship if Day-30 retention is better and harm to CSAT beyond
        0.05 is ruled out. Otherwise keep control."
    """
    rule = design.decision_rule
    primary = next(m for m in metrics if m.choice.role == Role.PRIMARY)
    guardrails = [m for m in metrics if m.choice.role == Role.GUARDRAIL]
    what = "Ship if" if len(design.treatments) == 1 else "Ship a variant if with it"
    wishes = []
    ruled_out = []
    if rule.primary == PrimaryTest.HARM_RULED_OUT:
        ruled_out.append(primary)
    else:
        wishes.append(f"{primary.name} is better{_by_more(rule.primary, primary)}")
    if rule.guardrails == GuardrailTest.HARM_RULED_OUT:
        ruled_out += guardrails
    if ruled_out:
        wishes.append(f"harm {_harms(ruled_out)} is ruled out")
    if rule.guardrails == GuardrailTest.HARM_NOT_SHOWN and guardrails:
        wishes.append(f"no harm {_harms(guardrails)} is shown")
    if rule.splits_not_worse:
        wishes.append(f"in each declared split harm {_harms([primary])} is ruled out")
    return f"{what} {_joined(wishes)}. Otherwise keep control."


def _joined(wishes: Sequence[str]) -> str:
    *first, last = wishes
    return f"{', '.join(first)} and {last}" if first else last


def _by_more(test: PrimaryTest, primary: PlannedMetric) -> str:
    if test != PrimaryTest.BEYOND_CHANGE:
        return ""
    change = amount_in_words(primary.choice.change_that_matters, primary.definition)
    return f" by more than {change}"


def _harms(metrics: Sequence[PlannedMetric]) -> str:
    return " and ".join(
        f"to {m.name} beyond {amount_in_words(m.choice.margin, m.definition)}"
        for m in metrics
        if m.choice.margin is not None
    )


def amount_in_words(amount: float, definition: MetricDefinition) -> str:
    """Write a margin in the unit of its metric: points for rates, days, or a score."""
    if definition.is_share:
        number = f"{amount * 100:.4g}"
        return f"{number} point" if number == "1" else f"{number} points"
    number = f"{amount:.4g}"
    if definition.is_time:
        return f"{number} day" if number == "1" else f"{number} days"
    return in_unit(number, definition.unit)
