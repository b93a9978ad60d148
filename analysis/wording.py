"""Numbers, dates and units in words: one way to write each, on every page and door.

Rates move in percentage points, never in per cent; a minus is U+2212; an estimate
and the ends of its interval carry the same decimals, so many that half the width of
the interval shows two significant digits.
"""

import math
from dataclasses import dataclass
from datetime import datetime

from analysis.stats.estimate import Interval
from experiments.metric_definition import AMOUNTS, MetricDefinition, in_unit
from experiments.survey_kinds import FROM_ZERO
from experiments.vocabulary import MetricKind, Unit

MINUS = "\N{MINUS SIGN}"
SIGNIFICANT_DIGITS = 2
MAX_DECIMALS = 8
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


@dataclass(frozen=True, slots=True)
class Measure:
    """How a metric's scale is read: stored value x factor, then the unit."""

    factor: float
    one: str
    many: str

    def written(self, digits: str) -> str:
        """Write a number with the unit that goes with it."""
        word = self.one if digits.lstrip(f"+{MINUS}") == "1" else self.many
        return in_unit(digits, word)

    def shown(self, value: float) -> float:
        """Turn a stored value into the number that is written."""
        return value * self.factor


POINTS = Measure(100, "point", "points")
SCORE = Measure(1, "", "")
DAYS = Measure(1, "day", "days")
NPS_POINTS = Measure(1, "NPS point", "NPS points")
_MEASURES = {
    MetricKind.RETENTION: POINTS,
    MetricKind.CHURN: POINTS,
    MetricKind.CSAT_SHARE: POINTS,
    MetricKind.CSAT_MEAN: SCORE,
    MetricKind.NPS: NPS_POINTS,
    MetricKind.CES_MEAN: SCORE,
    MetricKind.CES_SHARE: POINTS,
    MetricKind.TIME_TO_CHURN: DAYS,
    MetricKind.UNBOUNDED_RETENTION: POINTS,
    MetricKind.CANCELLATION: POINTS,
    MetricKind.TIME_TO_CANCELLATION: DAYS,
    MetricKind.TIME_TO_EVENT: DAYS,
    MetricKind.EVENT_SHARE: POINTS,
    MetricKind.FUNNEL: POINTS,
    MetricKind.FIRST_CONTACT_RESOLUTION: POINTS,
}


def scale(highest: int) -> str:
    """Name the scale of a survey's answers."""
    if highest in FROM_ZERO:  # from 0 or from 1: the app knows
        return f"scale up to {highest}"
    return f"1 to {highest} scale"


def first_days(day: int) -> str:
    """Name the days within which days are counted."""
    return f"first {day} days"


def measure_of(definition: MetricDefinition) -> Measure:
    """Find how changes of a metric are read."""
    return measure_for(definition.kind, definition.unit)


def measure_for(kind: MetricKind, unit: str = "") -> Measure:
    """Find how changes of a kind of metric are read; amounts have their own unit."""
    return Measure(1, unit, unit) if kind in AMOUNTS else _MEASURES[kind]


def half_width(interval: Interval, effect: float) -> float:
    """Half the width of an interval; an open one counts from its closed end.

    Args:
        interval: ends on any scale; an end may be None.
        effect: the estimate inside it, on the same scale.

    Returns:
        A distance on that scale; 0 when both ends are open.
    """
    low, high = interval.low, interval.high
    if low is not None and high is not None:
        return (high - low) / 2
    end = low if low is not None else high
    return 0.0 if end is None else abs(effect - end)


def decimals_for(width: float) -> int:
    """How many decimals show a half-width with two significant digits.

    Args:
        width: half the interval's width, in the unit that is written.

    Returns:
        0 to 8; 2 when there is no width to go by.
    """
    if not math.isfinite(width) or width <= 0:
        return SIGNIFICANT_DIGITS
    # Rounded first: 0.999 has two significant digits as 1.0, not as 1.00.
    exponent = int(f"{width:.{SIGNIFICANT_DIGITS - 1}e}".split("e")[1])
    return min(MAX_DECIMALS, max(0, SIGNIFICANT_DIGITS - 1 - exponent))


def number(value: float, decimals: int = 0) -> str:
    """Write a number with thousands separators and a true minus, never "-0"."""
    digits = f"{abs(value):,.{decimals}f}"
    return f"{MINUS}{digits}" if value < 0 and digits.strip("0.,") else digits


def signed(value: float, decimals: int) -> str:
    """Write a change with its sign; what rounds to zero has none."""
    digits = number(value, decimals)
    return f"+{digits}" if value > 0 and digits.strip("0.,") else digits


def exact(value: float) -> str:
    """Write a number that people chose, such as a margin, with the digits it has."""
    digits = f"{abs(value):,.10f}".rstrip("0").rstrip(".")
    if not digits.strip("0"):
        digits = f"{abs(value):.3g}"
    return f"{MINUS}{digits}" if value < 0 else digits


def agreed(value: float, measure: Measure, *, sign: bool = False) -> str:
    """Write a margin or a change that matters, with its unit.

    Args:
        value: on the metric's own scale.
        measure: how that scale is read.
        sign: whether a plus is written.

    Returns:
        Such as "1 point", "+0.5 points" or "0.05".
    """
    shown = measure.shown(value)
    digits = f"+{exact(shown)}" if sign and shown > 0 else exact(shown)
    return measure.written(digits)


def count(value: int) -> str:
    """Write how many there are, to the last one: "12,480"."""
    return f"{value:,}"


def rounded_like(value: float, guide: float) -> int:
    """Round a number of customers to the place of a guide's second digit.

    Args:
        value: an estimated number of customers.
        guide: the number, of at least its size, that has two significant digits then.

    Returns:
        A whole number, never finer than whole customers.
    """
    place = int(10 ** max(0, len(str(int(abs(guide)))) - SIGNIFICANT_DIGITS))
    return math.floor(abs(value) / place + 0.5) * place


def units(unit: Unit) -> str:
    """Name those who are drawn: "customers" or "accounts"."""
    return f"{unit.value}s"


def of_units(sentence: str, unit: Unit) -> str:
    """Let a sentence about customers speak of those who are drawn."""
    if unit == Unit.CUSTOMER:
        return sentence
    capital = sentence.replace("Customer", unit.value.capitalize())
    return capital.replace("customer", unit.value)


def about(value: float) -> str:
    """Write an estimated number of customers: "about 420"."""
    return f"about {count(rounded_like(value, value))}"


def percent(share: float, decimals: int = 1) -> str:
    """Write a share of 0 to 1 as "70.1 %"."""
    return f"{number(share * 100, decimals)} %"


def level(interval: Interval) -> str:
    """Name an interval by its level: "95 % CI"."""
    return f"{interval.level * 100:.3g} % CI"


def p_value(p: float | None) -> str:
    """Write a p-value for the analyst's table; the pages for others show none."""
    smallest = 0.0001
    if p is None:
        return "not tested"
    return f"< {smallest:.4f}" if p < smallest else f"{p:.3g}"


def value_on_scale(value: float, definition: MetricDefinition, decimals: int) -> str:
    """Write a variant's own value on the outcome scale.

    Args:
        value: share of 0 to 1, mean score, days or an amount.
        definition: of the metric, which says which of these it is.
        decimals: as for the change, so that both can be compared.

    Returns:
        Such as "70.1 %", "4.12", "61.3 days" or "EUR 12.40".
    """
    measure = measure_of(definition)
    if measure is POINTS:
        return percent(value, decimals)
    if measure is NPS_POINTS:  # a score of its own, which people write with its sign
        return signed(value, decimals)
    digits = number(measure.shown(value), decimals)
    return measure.written(digits)


def joined(words: list[str]) -> str:
    """Join words as English does: "a, b and c"."""
    if len(words) <= 1:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def day_month(at: datetime, seen_from: datetime | None = None) -> str:
    """Write a date as "14 March", with the year when it is another year.

    Args:
        at: the date.
        seen_from: the time from which it is read, when that is known.

    Returns:
        Day and month in full, in UTC like the time itself.
    """
    text = f"{at.day} {_MONTHS[at.month - 1]}"
    if seen_from is not None and seen_from.year != at.year:
        return f"{text} {at.year}"
    return text


def date(at: datetime) -> str:
    """Write a date as "14 Mar 2026"."""
    return f"{at.day} {_MONTHS[at.month - 1][:3]} {at.year}"


def date_time(at: datetime) -> str:
    """Write a time as "14 Mar 2026, 06:10 UTC"."""
    return f"{date(at)}, {at:%H:%M} UTC"


def age(seconds: float) -> str:
    """Write how long ago something was: "3 hours"; never finer than minutes."""
    for size, one, many in (
        (86_400, "day", "days"),
        (3_600, "hour", "hours"),
        (60, "minute", "minutes"),
    ):
        whole = int(seconds // size)
        if whole >= 1:
            return f"{whole} {one if whole == 1 else many}"
    return "less than a minute"
