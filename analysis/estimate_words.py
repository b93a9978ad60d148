"""One estimate and its intervals in words."""

from copy import copy
from dataclasses import replace

from analysis import wording
from analysis.stats.estimate import Estimate, Interval


class EstimateWords:
    """Writes the numbers of one estimate, all with the same decimals and unit."""

    def __init__(self, measure: wording.Measure, estimate: Estimate) -> None:
        self.measure = measure
        self.effect = estimate.effect
        self.interval = estimate.interval
        width = wording.half_width(estimate.interval, estimate.effect)
        self.decimals = wording.decimals_for(measure.shown(width))

    def of(self, effect: float, low: float, high: float) -> "EstimateWords":
        """Write another estimate of the same change, in the same unit."""
        other = copy(self)
        other.effect = effect
        other.interval = replace(self.interval, low=low, high=high)
        return other

    def change(self) -> str:
        """Write the estimate with its sign and unit."""
        digits = self._signed(self.effect)
        return self.measure.written(digits)

    def change_and_range(self) -> str:
        """Write the estimate with its interval: "+1.9 points (+0.6 to +3.2)"."""
        return f"{self.change()} ({self.signed_range()})"

    def size(self, value: float) -> str:
        """Write a value without its sign, with its unit."""
        digits = wording.number(abs(self.measure.shown(value)), self.decimals)
        return self.measure.written(digits)

    def plain_range(self, *, fell: bool) -> str:
        """Write an interval that lies on one side of 0, by size."""
        low, high = (
            self._digits(end) for end in (self.interval.low, self.interval.high)
        )
        if fell:
            return f"{high} or more lower" if low is None else f"{low} to {high} lower"
        return f"{low} or more" if high is None else f"{low} to {high}"

    def signed_range(self, interval: Interval | None = None) -> str:
        """Write an interval with the signs of its ends; the estimate's own if none."""
        shown = interval or self.interval
        low, high = shown.low, shown.high
        return (
            f"{'no lower limit' if low is None else self._signed(low)} to"
            f" {'no upper limit' if high is None else self._signed(high)}"
        )

    def _digits(self, end: float | None) -> str | None:
        if end is None:
            return None
        return wording.number(abs(self.measure.shown(end)), self.decimals)

    def _signed(self, end: float) -> str:
        return wording.signed(self.measure.shown(end), self.decimals)
