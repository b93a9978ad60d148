"""When a plan recommends to ship: the presets, and a rule of one's own.

Whatever the rule asks for, failed checks come before it, and harm to the primary metric
or to a guardrail beyond what was agreed ends in "do not ship" (analysis/verdict.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.vocabulary import GuardrailTest, PrimaryTest, RulePreset


@dataclass(frozen=True, slots=True)
class DecisionRule:
    """What must hold before a treatment is recommended.

    Attributes:
        preset: a rule by its name; all but `own` fix the other fields.
        primary: what is asked of the primary metric.
        guardrails: what is asked of every guardrail.
        splits_not_worse: whether harm to the primary metric beyond its margin must be
            ruled out in each declared split too ("no segment left worse").
    """

    preset: RulePreset = RulePreset.BETTER_AND_SAFE
    primary: PrimaryTest = PrimaryTest.BETTER
    guardrails: GuardrailTest = GuardrailTest.HARM_RULED_OUT
    splits_not_worse: bool = False

    @property
    def needs_margin(self) -> bool:
        """Whether the primary metric must have a margin."""
        return self.primary == PrimaryTest.HARM_RULED_OUT or self.splits_not_worse

    @property
    def fault(self) -> str | None:
        """Say what is wrong where the parts are not those of the preset."""
        if self.preset == RulePreset.OWN or self == preset_rule(self.preset):
            return None
        return 'This rule is fixed by its name. Choose "own" to set its parts.'


USUAL = DecisionRule()


def preset_rule(preset: RulePreset) -> DecisionRule:
    """Give the rule of a preset; `own` begins as the usual one."""
    primary = {
        RulePreset.DO_NO_HARM: PrimaryTest.HARM_RULED_OUT,
        RulePreset.CLEAR_WIN: PrimaryTest.BEYOND_CHANGE,
    }
    return DecisionRule(preset, primary.get(preset, PrimaryTest.BETTER))


def rule_from_json(body: Mapping[str, Any]) -> DecisionRule:
    """Read a rule back; what was stored before there were presets is the usual one.

    Args:
        body: fields of the rule, none for the usual one; parts left out are those of
            the preset.

    Returns:
        The rule, not checked.
    """
    preset = RulePreset(body.get("preset", RulePreset.BETTER_AND_SAFE))
    usual = preset_rule(preset)
    return DecisionRule(
        preset,
        PrimaryTest(body.get("primary", usual.primary)),
        GuardrailTest(body.get("guardrails", usual.guardrails)),
        bool(body.get("splits_not_worse", usual.splits_not_worse)),
    )
