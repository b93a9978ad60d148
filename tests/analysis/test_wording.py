# ruff: noqa: RUF001  # the minus of the house is U+2212
"""Expected texts follow the rules of the module's docstring, worked out by hand."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import wording
from analysis.stats.estimate import Interval
from experiments.metric_definition import MetricDefinition
from experiments.vocabulary import Direction, MetricKind


@pytest.mark.parametrize(
    ("width", "decimals"),
    [
        (1.3, 1),  # 1.3
        (0.13, 2),  # 0.13
        (0.04, 3),  # 0.040
        (13, 0),  # 13
        (1300, 0),
        (0.999, 1),  # 1.0
        (0.0994, 3),  # 0.099
        (0.0996, 2),  # 0.10
        (1e-12, 8),
        (0, 2),
        (float("inf"), 2),
    ],
)
def test_decimals_for__half_width__shows_two_significant_digits(
    width: float, decimals: int
) -> None:
    assert wording.decimals_for(width) == decimals


@given(st.floats(1e-6, 1e6))
def test_decimals_for__any_width__leaves_two_digits_or_whole_numbers(
    width: float,
) -> None:
    decimals = wording.decimals_for(width)
    digits = round(width * 10**decimals)
    assert 10 <= digits <= 99 or (decimals == 0 and digits >= 10)


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (-1.94, 1, "−1.9"),
        (-0.04, 1, "0.0"),
        (12480, 0, "12,480"),
        (-1234.5, 1, "−1,234.5"),
        (0, 0, "0"),
    ],
)
def test_number__sign_and_thousands__reads_as_the_house_writes(
    value: float, decimals: int, text: str
) -> None:
    assert wording.number(value, decimals) == text


def test_signed__rise_fall_and_nothing__only_a_change_has_a_sign() -> None:
    assert [wording.signed(x, 2) for x in (0.013, -0.013, 0.001, -0.001)] == [
        "+0.01",
        "−0.01",
        "0.00",
        "0.00",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.05, "0.05"),
        (1.0, "1"),
        (0.015 * 100, "1.5"),
        (-0.3, "−0.3"),
        (2000.0, "2,000"),
        (1e-12, "1e-12"),
    ],
)
def test_exact__chosen_number__keeps_its_own_digits(value: float, text: str) -> None:
    assert wording.exact(value) == text


def test_agreed__one_and_many__unit_agrees_with_the_number() -> None:
    assert wording.agreed(0.01, wording.POINTS) == "1 point"
    assert wording.agreed(0.015, wording.POINTS, sign=True) == "+1.5 points"
    assert wording.agreed(-0.01, wording.POINTS, sign=True) == "−1 point"
    assert wording.agreed(0.05, wording.SCORE) == "0.05"
    assert wording.agreed(1, wording.DAYS) == "1 day"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (419.9, "about 420"),
        (707.2, "about 710"),
        (11_368, "about 11,000"),
        (99.7, "about 100"),
        (7.4, "about 7"),
        (999.6, "about 1,000"),
    ],
)
def test_about__estimated_count__has_two_significant_digits(
    value: float, text: str
) -> None:
    assert wording.about(value) == text


def test_half_width__open_interval__counts_from_the_closed_end() -> None:
    assert wording.half_width(Interval(1.0, 4.0), 2.0) == 1.5
    assert wording.half_width(Interval(1.0, None), 3.0) == 2.0
    assert wording.half_width(Interval(None, 4.0), 3.0) == 1.0
    assert wording.half_width(Interval(None, None), 3.0) == 0.0


def test_level__of_an_adjusted_interval__is_named_by_its_own_level() -> None:
    assert wording.level(Interval(0, 1)) == "95 % CI"
    assert wording.level(Interval(0, 1, 0.975)) == "97.5 % CI"
    assert wording.level(Interval(0, 1, 1 - 0.05 / 3)) == "98.3 % CI"


def test_p_value__any__never_rounds_to_zero() -> None:
    assert wording.p_value(0.0015512) == "0.00155"
    assert wording.p_value(0.5) == "0.5"
    assert wording.p_value(1e-30) == "< 0.0001"
    assert wording.p_value(None) == "not tested"


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (MetricKind.RETENTION, 0.7012, "70.1 %"),
        (MetricKind.CSAT_MEAN, 4.123, "4.1"),
        (MetricKind.TIME_TO_CHURN, 61.34, "61.3 days"),
    ],
)
def test_value_on_scale__by_kind__carries_its_unit(
    kind: MetricKind, value: float, text: str
) -> None:
    definition = MetricDefinition(kind, Direction.INCREASE)
    assert wording.value_on_scale(value, definition, 1) == text


@pytest.mark.parametrize(
    ("unit", "text", "signed"),
    [
        ("EUR", "EUR 12.4", "+EUR 12.4"),
        ("\N{EURO SIGN}", "\N{EURO SIGN} 12.4", "+\N{EURO SIGN} 12.4"),
        ("orders", "12.4 orders", "+12.4 orders"),
        ("orders a visit", "12.4 orders a visit", "+12.4 orders a visit"),
        ("%", "12.4 %", "+12.4 %"),
        ("", "12.4", "+12.4"),
    ],
)
def test_amount__by_unit__currency_before_and_noun_after(
    unit: str, text: str, signed: str
) -> None:
    definition = MetricDefinition(MetricKind.VALUE_SUM, Direction.INCREASE, unit=unit)
    assert wording.value_on_scale(12.42, definition, 1) == text
    assert wording.agreed(12.4, wording.measure_of(definition), sign=True) == signed


def test_joined__words__as_english_does() -> None:
    assert [wording.joined(list(x)) for x in ("", "a", "ab", "abc")] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


def test_dates__in_words__name_the_year_only_when_it_is_another() -> None:
    at = datetime(2026, 3, 14, 6, 10, tzinfo=UTC)
    assert wording.day_month(at) == "14 March"
    assert wording.day_month(at, at - timedelta(days=100)) == "14 March 2026"
    assert wording.day_month(at, at - timedelta(days=10)) == "14 March"
    assert wording.date(at) == "14 Mar 2026"
    assert wording.date_time(at) == "14 Mar 2026, 06:10 UTC"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (30, "less than a minute"),
        (60, "1 minute"),
        (7300, "2 hours"),
        (90_000, "1 day"),
        (864_000, "10 days"),
    ],
)
def test_age__of_a_result__in_its_largest_whole_unit(seconds: int, text: str) -> None:
    assert wording.age(seconds) == text
