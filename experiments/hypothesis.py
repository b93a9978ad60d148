"""A hypothesis and its forecast as values, with the rules they must keep.

The backlog that keeps them stands in hypotheses.py.
"""

import math
from dataclasses import dataclass

from experiments.field_faults import LEAST_CHANGE_WORDS, Faults, check_key
from experiments.vocabulary import Direction, Evidence, Lever


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the team expects before it looks, scored afterwards."""

    lift_low: float  # 10 % quantile of the relative lift, 0.02 is +2 %
    lift_mid: float  # 50 %
    lift_high: float  # 90 %
    ship_probability: float  # 0 to 1


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """Because of evidence, a change for a segment moves a metric, by how much."""

    key: str
    title: str
    evidence: Evidence
    evidence_text: str
    change: str
    segment: str  # key
    metric: str  # key
    direction: Direction
    expected_change: float  # absolute and positive, on the metric's scale
    journey_stage: str  # key
    friction_point: str
    if_up: str
    if_flat: str
    if_down: str
    forecast: Forecast | None  # None where nobody made one, as of what ran elsewhere
    lever: Lever = Lever.OTHER
    wrong_if: str = ""  # what would show that it is wrong

    def check(self) -> None:
        """Refuse a hypothesis that cannot be tested.

        Raises:
            InvalidInput: with every fault by field.
        """
        faults = Faults()
        check_key(faults, "key", self.key)
        faults.text("title", self.title, 200, "the hypothesis in one line")
        faults.text("evidence_text", self.evidence_text, 2000, "what you have observed")
        faults.text("change", self.change, 2000, "what you will change")
        faults.text("friction_point", self.friction_point, 500, "the friction point")
        faults.text("if_up", self.if_up, 1000, "what you do if it goes up")
        faults.text("if_flat", self.if_flat, 1000, "what you do if it stays")
        faults.text("if_down", self.if_down, 1000, "what you do if it goes down")
        faults.optional_text("wrong_if", self.wrong_if, 1000)
        faults.positive(
            "expected_change",
            self.expected_change,
            f"Enter how much it will change: {LEAST_CHANGE_WORDS}.",
        )
        self._check_forecast(faults)
        faults.raise_if_any("This hypothesis is not complete yet.")

    def _check_forecast(self, faults: Faults) -> None:
        forecast = self.forecast
        if forecast is None:
            return
        for name in ("lift_low", "lift_mid", "lift_high"):
            faults.number(f"forecast.{name}", getattr(forecast, name), -1, 10)
        faults.number("forecast.ship_probability", forecast.ship_probability, 0, 1)
        if not forecast.lift_low <= forecast.lift_mid <= forecast.lift_high:
            faults.add(
                "forecast.lift_mid",
                "The middle of the forecast must lie between its low and high end.",
            )


LEAST_EFFORT, MOST_EFFORT = 0.1, 520  # weeks
MOST_REACH = 2**31 - 1  # what the column holds


@dataclass(frozen=True, slots=True)
class BacklogInputs:
    """What a place in the backlog is made of, beside what the hypothesis says.

    No plan holds any of it: it may change while an experiment runs.

    Attributes:
        effort_weeks: of work until customers have it; None where nobody said.
        reach: customers of the segment in a quarter; None to take the measured size.
        baseline: where the metric stands, on its scale; None to take the measured one.
        builds_on: key of the decided experiment it builds on.
    """

    effort_weeks: float | None = None
    reach: int | None = None
    baseline: float | None = None
    builds_on: str | None = None

    def check(self, faults: Faults) -> None:
        """Note what cannot be, by field."""
        if self.effort_weeks is not None:
            faults.number("effort_weeks", self.effort_weeks, LEAST_EFFORT, MOST_EFFORT)
        if self.reach is not None:
            faults.number("reach", self.reach, 1, MOST_REACH)
        if self.baseline is not None and not math.isfinite(self.baseline):
            faults.add("baseline", "Enter where the metric stands, as a number.")
