from typing import Any

import pytest

from experiments.decision_rule import USUAL, DecisionRule, preset_rule
from experiments.plan import PlannedMetric
from experiments.rule_words import amount_in_words, rule_in_words
from experiments.vocabulary import (
    Direction,
    GuardrailTest,
    MetricKind,
    PrimaryTest,
    Role,
    RulePreset,
)
from tests import factories
from tests.factories import choice, variant


def planned(
    name: str,
    role: Role,
    margin: float | None = None,
    **definition: Any,  # noqa: ANN401
) -> PlannedMetric:
    return PlannedMetric(
        name=name,
        choice=choice("key", role, margin=margin),
        definition=factories.definition(**definition),
    )


PRIMARY = planned("Day-30 retention", Role.PRIMARY)
CSAT_MEAN = planned("CSAT", Role.GUARDRAIL, 0.05, kind=MetricKind.CSAT_MEAN)
CHURN = planned(
    "Churn",
    Role.GUARDRAIL,
    0.01,
    kind=MetricKind.CHURN,
    direction=Direction.DECREASE,
)
STAY = planned("Time to churn", Role.GUARDRAIL, 2, kind=MetricKind.TIME_TO_CHURN)


PRESETS = {name: preset_rule(name) for name in RulePreset}
OWN = DecisionRule(
    RulePreset.OWN,
    PrimaryTest.BETTER,
    GuardrailTest.HARM_NOT_SHOWN,
    True,  # noqa: FBT003
)
GUARDED = planned("Day-30 retention", Role.PRIMARY, 0.02)


@pytest.mark.parametrize(
    ("metrics_", "treatments", "rule", "sentence"),
    [
        # The first is the example of the pages' design (6g), the others follow it.
        (
            (PRIMARY, CSAT_MEAN),
            1,
            USUAL,
            (
                "Ship if Day-30 retention is better and harm to CSAT beyond 0.05 is"
                " ruled out. Otherwise keep control."
            ),
        ),
        (
            (PRIMARY,),
            1,
            USUAL,
            "Ship if Day-30 retention is better. Otherwise keep control.",
        ),
        (
            (PRIMARY, CHURN, STAY),
            2,
            USUAL,
            (
                "Ship a variant if with it Day-30 retention is better and harm to"
                " Churn beyond 1 point and to Time to churn beyond 2 days is ruled"
                " out. Otherwise keep control."
            ),
        ),
        (
            (GUARDED, CSAT_MEAN),
            1,
            PRESETS[RulePreset.DO_NO_HARM],
            (
                "Ship if harm to Day-30 retention beyond 2 points and to CSAT"
                " beyond 0.05 is ruled out. Otherwise keep control."
            ),
        ),
        (
            (PRIMARY, CSAT_MEAN),
            1,
            PRESETS[RulePreset.CLEAR_WIN],
            (
                "Ship if Day-30 retention is better by more than 1 point and harm"
                " to CSAT beyond 0.05 is ruled out. Otherwise keep control."
            ),
        ),
        (
            (GUARDED, CSAT_MEAN),
            1,
            OWN,
            (
                "Ship if Day-30 retention is better, no harm to CSAT beyond 0.05 is"
                " shown and in each declared split harm to Day-30 retention beyond 2"
                " points is ruled out. Otherwise keep control."
            ),
        ),
    ],
)
def test_rule__in_words(
    metrics_: tuple[PlannedMetric, ...],
    treatments: int,
    rule: DecisionRule,
    sentence: str,
) -> None:
    names = ("control", "b", "c")[: treatments + 1]
    design = factories.design_value(
        variants=tuple(
            variant(name, is_control=name == "control", share=1 / len(names))
            for name in names
        ),
        decision_rule=rule,
    )
    assert rule_in_words(design, metrics_) == sentence


@pytest.mark.parametrize(
    ("amount", "kind", "words"),
    [
        (0.01, MetricKind.RETENTION, "1 point"),
        (0.015, MetricKind.CHURN, "1.5 points"),
        (0.1, MetricKind.CSAT_SHARE, "10 points"),
        (0.05, MetricKind.CSAT_MEAN, "0.05"),
        (1, MetricKind.TIME_TO_CHURN, "1 day"),
        (1.5, MetricKind.TIME_TO_CHURN, "1.5 days"),
    ],
)
def test_amount__has_the_metric_unit(
    amount: float, kind: MetricKind, words: str
) -> None:
    definition = factories.definition(kind=kind)
    assert amount_in_words(amount, definition) == words
