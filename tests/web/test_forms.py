"""Fields turn what people type into values, and back."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from experiments.errors import Conflict, InvalidInput
from experiments.metric_definition import MetricDefinition
from experiments.vocabulary import Amount, Direction, MetricKind
from tests.factories import csat_definition, definition
from web.forms.base import AbideForm
from web.forms.fields import Day, Part, Rows, Text
from web.forms.metrics import DefinitionForm
from web.forms.numbers import Number, Whole
from web.forms.values import key_from
from web.presenters.metrics import definition_in_words


class Line(AbideForm):
    """A part that stands more than once."""

    weight = Number("Weight", low=0, high=5, unit="points", optional=True)


class Fields(AbideForm):
    """One of each, for these tests."""

    share = Number("Share", scale=100, low=0, high=100, optional=True)
    size = Whole("Size", optional=True)
    day = Day("Day", optional=True)
    text = Text("Text", longest=5, optional=True)
    lines = Rows(Part(Line, "Line"), "Lines", min_entries=2)


def filled(**typed: str) -> Fields:
    form = Fields(MultiDict(typed))
    form.validate()
    return form


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("1.9", 0.019),
        ("50 %", 0.5),
        (" 12.5", 0.125),
        ("0", 0.0),
        ("1e1", 0.1),
        ("0,010", 0.1),
        ("\u0663", 0.03),  # Arabic-Indic three
    ],
)
def test_number__as_people_write_it__is_read_exactly(typed: str, value: float) -> None:
    form = filled(share=typed)
    assert form.share.value == value
    assert not form.problems()


@pytest.mark.parametrize(
    "typed",
    ["abc", "1,5", "10,00", ",1", "nan", "inf", "1e999", "--1", "1" * 31, "0x10"],
)
def test_number__that_is_none__is_refused_and_reads_as_nan(typed: str) -> None:
    form = filled(share=typed)
    assert len(form.problems()) == 1
    assert math.isnan(form.share.value) or typed == "1" * 31


def test_number__outside_the_range__is_refused_as_it_was_typed() -> None:
    (problem,) = filled(share="\N{MINUS SIGN}1").problems()
    assert problem.message == "Share: enter a number from 0 % to 100 %."


def test_number__with_a_comma_before_its_fraction__is_told_how_to_write_it() -> None:
    (problem,) = filled(share="1,5").problems()
    assert problem.message == (
        "Share: write the number as 1.5 or 12,480: a point before its fraction."
    )


def test_number__in_no_percent__does_not_take_a_percent_sign() -> None:
    (problem,) = filled(size="5%").problems()
    assert problem.message == "Size: enter a number, such as 1.5."


def test_fault__in_a_row__names_the_row_its_field_and_the_unit() -> None:
    form = Fields(MultiDict({"lines-0-weight": "1", "lines-1-weight": "9"}))
    form.validate()
    assert form.problems() == [
        ("lines-1-weight", "Line 2, Weight: enter a number from 0 to 5 points.")
    ]


@pytest.mark.parametrize(
    ("label", "message", "said"),
    [
        ("For which segment?", "Choose a segment.", "Choose a segment."),
        ("Role", "Choose one.", "Role: choose one."),
        ("Who decides?", "Choose one.", "Who decides? Choose one."),
        ("Rule", "NaN is not a number.", "Rule: NaN is not a number."),
        ("Rule", '"x" is used twice.', 'Rule: "x" is used twice.'),
    ],
)
def test_fault__that_does_not_name_its_field__is_given_the_name(
    label: str, message: str, said: str
) -> None:
    form = Fields()
    form.text.label.text, form.text.errors = label, [message]
    assert form.problems() == [("text", said)]


@given(st.floats(min_value=0, max_value=1))
def test_number__shown_and_sent_back__is_the_same(value: float) -> None:
    form = Fields()
    form.share.show(value)
    shown = form.share.data
    if len(shown) <= 30:
        assert filled(share=shown).share.value == pytest.approx(value, rel=1e-15)


@given(st.integers(min_value=0, max_value=1000))
def test_percentage__shown_and_sent_back__keeps_its_bits(thousandths: int) -> None:
    value = thousandths / 1000
    form = Fields()
    form.share.show(value)
    assert filled(share=form.share.data).share.value == value


@pytest.mark.parametrize(
    ("typed", "whole"), [("12 000", 12000), ("12,000", 12000), ("7.0", 7), ("", 0)]
)
def test_whole_number__as_people_write_it__is_read(typed: str, whole: int) -> None:
    assert filled(size=typed).size.whole == whole


def test_day__typed__is_midnight_utc_or_the_stored_time_of_that_day() -> None:
    stored = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
    form = filled(day="2026-03-14")
    assert form.day.at() == datetime(2026, 3, 14, tzinfo=UTC)
    assert form.day.at(stored) == stored
    assert form.day.at(stored.replace(day=15)) == datetime(2026, 3, 14, tzinfo=UTC)
    assert filled(day="").day.at() is None


@pytest.mark.parametrize("typed", ["14.3.2026", "2026-02-30", "0000-00-00", "x"])
def test_day__that_is_none__is_refused(typed: str) -> None:
    (problem,) = filled(day=typed).problems()
    assert problem == (
        "day",
        "Enter a date as year-month-day, such as 2026-03-14.",
    )


def test_text__with_line_ends_of_a_browser__is_stored_with_plain_ones() -> None:
    assert filled(text=" a\r\nb ").text.data == "a\nb"


def test_faults_of_experiments__stand_at_their_fields_or_at_the_one_around() -> None:
    form = filled(share="50")
    error = InvalidInput("No.", {"share.0.x": "Inner.", "size": "Small."})
    assert form.take(error) == [("share", "Share: inner."), ("size", "Size: small.")]


def test_faults_of_experiments__about_no_field_here__are_not_swallowed() -> None:
    form = filled()
    assert form.take(InvalidInput("No.", {"monitoring_mode": "Only fixed."})) == [
        ("", "Monitoring mode: only fixed.")
    ]
    error = InvalidInput("No.", {"enrolment_ends_at": "This time has passed."})
    assert filled().take(error) == [("", "Enrolment ends: this time has passed.")]
    assert filled().take(Conflict("It is in review.")) == [("", "It is in review.")]


def test_own_fault__at_a_field__stands_before_that_of_experiments() -> None:
    form = filled(size="x")
    assert form.take(InvalidInput("No.", {"size": "Too small."})) == [
        ("size", "Size: enter a number, such as 1.5.")
    ]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Guided set-up", "guided-set-up"),
        ("  \u00dcber 50 %!  ", "uber-50"),
        ("\u65e5\u672c", "fallback"),
        ("a" * 100, "a" * 64),
        ("-" * 10, "fallback"),
    ],
)
def test_key__from_a_name__is_safe_in_addresses(name: str, key: str) -> None:
    assert key_from(name, "fallback") == key


DEFINITIONS = [
    (
        MetricDefinition(
            MetricKind.VALUE_SUM,
            Direction.INCREASE,
            events=("Paid", "Renewed"),
            day=0,
            window_days=90,
            cap_share=0.99,
            unit="EUR",
            covariate_days=28,
        ),
        (
            'Sum of the values of "Paid" and "Renewed" of a customer within 90 days'
            " after they first saw the change, on average, those without any as 0. The"
            " 1 % of customers with the most count as the one just below them (capped"
            " mean). Adjusted for the same in the 28 days before that."
        ),
    ),
    (
        MetricDefinition(
            MetricKind.RATIO,
            Direction.DECREASE,
            events=("Contact",),
            day=7,
            window_days=7,
            per_events=("Order",),
            per_amount=Amount.SUM,
        ),
        (
            'Number of "Contact" for each one of sum of the values of "Order", of all'
            " customers from day 7 to 13 after they first saw the change."
        ),
    ),
    (
        MetricDefinition(
            MetricKind.VALUE_QUANTILE,
            Direction.INCREASE,
            events=("Paid",),
            day=0,
            window_days=30,
            amount=Amount.SUM,
            quantile_share=0.9,
            unit="EUR",
        ),
        (
            'Sum of the values of "Paid" of a customer within 30 days after they first'
            " saw the change: what 90 % of customers stay below, those without any as"
            " 0."
        ),
    ),
    (
        definition(covariate_days=14),
        (
            "Share of customers who are active on day 30 after they first saw the"
            ' change. Activity is "App Opened". Adjusted for the same in the 14 days'
            " before that."
        ),
    ),
    (
        definition(),
        (
            "Share of customers who are active on day 30 after they first saw the"
            ' change. Activity is "App Opened".'
        ),
    ),
    (
        definition(day=7, window_days=7, events=("A", "B")),
        (
            "Share of customers who are active in days 7 to 13 after they first saw the"
            ' change. Activity is "A" or "B".'
        ),
    ),
    (
        definition(
            kind=MetricKind.CHURN, direction=Direction.DECREASE, day=60, gap_days=21
        ),
        (
            "Share of customers for whom 21 days without activity begin by day 60."
            ' Activity is "App Opened".'
        ),
    ),
    (
        definition(kind=MetricKind.TIME_TO_CHURN, day=90),
        (
            "Days until 14 days without activity begin, looked at up to day 90."
            ' Activity is "App Opened".'
        ),
    ),
    (
        csat_definition(satisfied_from=5),
        (
            "Mean of the first answer to any CSAT survey within 30 days, on the 1 to 5"
            " scale."
        ),
    ),
    (
        csat_definition(kind=MetricKind.NPS, scale=10, satisfied_from=9),
        (
            "Share of promoters (9 or 10) less share of detractors (0 to 6), in points"
            " of 100, by the first answer to any NPS survey within 30 days."
        ),
    ),
    (
        csat_definition(
            kind=MetricKind.CES_MEAN, survey="setup", scale=7, satisfied_from=7
        ),
        'Mean of the first answer to "setup" within 30 days, on the 1 to 7 scale.',
    ),
    (
        csat_definition(kind=MetricKind.CSAT_SHARE, survey="support", scale=7),
        (
            'Share of customers whose first answer to "support" within 30 days is 4 or'
            " more of 7."
        ),
    ),
]


@pytest.mark.parametrize(("value", "words"), DEFINITIONS)
def test_definition__of_each_kind__is_said_in_words(
    value: MetricDefinition, words: str
) -> None:
    assert definition_in_words(value) == words


@pytest.mark.parametrize(("value", "_words"), DEFINITIONS)
def test_definition__shown_and_sent_back__is_the_same(
    value: MetricDefinition, _words: str
) -> None:
    shown = DefinitionForm()
    shown.show(value)
    sent = {field.name: field.data for field in shown}
    assert DefinitionForm(MultiDict(sent)).definition() == value
