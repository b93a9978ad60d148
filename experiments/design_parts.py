"""What a design is made of: its variants, its metrics' parts, its segments."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.vocabulary import Role

MAX_LIST = 50  # metrics, declared splits, rules of a personalised variant


@dataclass(frozen=True, slots=True)
class SegmentParameters:
    """One line of a personalised variant: these customers get these parameters."""

    segment: str  # key
    version: int
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class VariantSpec:
    """One version of the experience."""

    name: str
    description: str
    is_control: bool
    share: float  # of the split, 0 to 1
    parameters: Mapping[str, Any]  # the default, where a variant is personalised
    personalisation: tuple[SegmentParameters, ...] = ()  # first match wins

    @property
    def given(self) -> list[Mapping[str, Any]]:
        """All objects of parameters that it gives out, the default first."""
        return [self.parameters, *(rule.parameters for rule in self.personalisation)]


@dataclass(frozen=True, slots=True)
class MetricChoice:
    """A metric's part in an experiment."""

    metric: str  # key
    version: int
    role: Role
    change_that_matters: float  # absolute and positive, on the metric's scale
    margin: float | None = None  # absolute and positive; guardrails must have one


@dataclass(frozen=True, slots=True)
class SegmentRef:
    """A segment in one of its versions."""

    segment: str  # key
    version: int
