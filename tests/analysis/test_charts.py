# ruff: noqa: RUF001  # the minus of the house is U+2212
"""Charts: safe to inline, and saying the same as their table and sentence."""

import json
import re
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from typing import Any
from xml.etree import ElementTree as ET

import altair as alt
import pytest
from altair.utils import schemapi
from hypothesis import given
from hypothesis import strategies as st

from analysis import chart_drawn, charts
from analysis.chart_answers import shares_of, steps_of
from analysis.chart_curves import at_risk_on, share_on, ticks_of
from analysis.chart_drawn import DrawnChart
from analysis.chart_outcome import difference_chart
from analysis.chart_parts import Effect
from analysis.chart_style import WIDE
from analysis.stats.estimate import Interval, NotComputable
from analysis.stats.summary import Histogram
from analysis.stats.survival import CurvePoint
from experiments.vocabulary import MetricKind, Reason, Role
from tests.analysis.chart_examples import (
    ANSWERS,
    CSAT,
    NASTY,
    RETENTION,
    draw_arrivals,
    draw_result,
    graded,
)
from tests.analysis.reading_examples import (
    estimate_of,
    plan_of,
    planned_metric,
    reading_of,
    response_of,
)

SVG = "{http://www.w3.org/2000/svg}"


@cache
def drawn() -> dict[str, DrawnChart]:
    """Draw the example once for all tests."""
    return {chart.name: chart for chart in draw_result()}


NAMES = (
    "primary_outcome",
    "difference:retention",
    "forest",
    "segments:guided",
    "retention:retention",
    "csat:csat_mean",
    "funnel:funnel",
)


def drawings(chart: DrawnChart) -> list[ET.Element]:
    """Parse a chart's three drawings: wide, narrow and print."""
    web = ET.fromstring(f"<div>{chart.web_svg}</div>")  # noqa: S314  # our own
    return [*web, ET.fromstring(chart.print_svg)]  # noqa: S314


def text_of(drawing: ET.Element) -> str:
    return " | ".join(
        "".join(element.itertext()) for element in drawing.iter(f"{SVG}text")
    )


def test_draw__whole_result__has_each_chart_once_in_the_order_of_the_page() -> None:
    assert tuple(drawn()) == NAMES


def test_draw__every_specification__keeps_the_schema(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # In production the check is skipped, for its time.
    seen = []

    def checked(spec: dict[str, Any], *_others: object) -> str:
        alt.Chart.from_dict(spec, validate=True)
        seen.append(spec)
        return "<svg/>"

    monkeypatch.setattr(chart_drawn, "to_svg", checked)
    draw_result()
    draw_arrivals()
    assert len(seen) == 3 * (len(NAMES) + 1)


def test_draw__whole_result__copies_nothing_deep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Altair's `layer` and `encode` by shorthand did: three quarters of the whole time.
    def refused(*_: object, **__: object) -> None:
        pytest.fail("a chart is copied or parsed as a whole")

    monkeypatch.setattr(schemapi, "_deep_copy", refused)
    monkeypatch.setattr(schemapi.SchemaBase, "from_dict", refused)
    draw_result()
    draw_arrivals()


@pytest.mark.parametrize("name", NAMES)
def test_draw__any_chart__is_an_image_with_title_and_sentence(name: str) -> None:
    chart = drawn()[name]
    for drawing in drawings(chart):
        assert drawing.tag == f"{SVG}svg"
        assert drawing.get("role") == "img"
        heads = [e for e in drawing if e.tag in {f"{SVG}title", f"{SVG}desc"}]
        title, text = heads
        assert drawing.get("aria-labelledby") == title.get("id")
        assert drawing.get("aria-describedby") == text.get("id")
        assert title.text == chart.title
        assert text.text == chart.description == chart.table["sentence"]


@pytest.mark.parametrize("name", NAMES)
def test_draw__any_chart__holds_nothing_that_the_content_policy_refuses(
    name: str,
) -> None:
    for drawing in drawings(drawn()[name]):
        for element in drawing.iter():
            assert element.tag.removeprefix(SVG) not in {
                "script",
                "style",
                "foreignObject",
                "image",
                "a",
            }
            refused = {"style", "class", "href", "onload", "onclick"} & set(
                element.keys()
            )
            assert refused <= ({"class"} if element is drawing else set())


def test_draw__all_drawings_of_a_page__have_ids_of_their_own() -> None:
    text = "".join(chart.web_svg + chart.print_svg for chart in drawn().values())
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", text)) <= set(ids)


@pytest.mark.parametrize("name", NAMES)
def test_draw__web_and_print__take_their_colours_from_the_right_place(
    name: str,
) -> None:
    chart = drawn()[name]
    colours = re.findall(r'(?:fill|stroke)="([^"]+)"', chart.web_svg)
    allowed = {"none", "transparent"}
    assert {c for c in colours if not c.startswith("var(--")} <= allowed
    assert "var(" not in chart.print_svg


def test_draw__print_of_answers__is_told_apart_without_colour() -> None:
    text = drawn()["csat:csat_mean"].print_svg
    assert len(re.findall("<pattern ", text)) == 5
    assert "#a0000" not in text


def test_draw__hostile_name__is_text_in_every_drawing() -> None:
    for drawing in drawings(drawn()["forest"]):
        # Wrapped or cut to fit, but never an element and never changed.
        assert "<script>alert(1)</script>" in text_of(drawing).replace(" | ", "")
    assert "alert" not in drawn()["primary_outcome"].web_svg


def numbers(text: str) -> list[str]:
    return re.findall(r"[+−]?\d[\d,]*(?:\.\d+)?", text)


@pytest.mark.parametrize("name", NAMES)
def test_draw__sentence__states_numbers_of_the_table(name: str) -> None:
    chart = drawn()[name]
    stated = set(numbers(chart.description))
    in_table = set(numbers(json.dumps(chart.table["rows"], ensure_ascii=False)))
    extra = {  # of the plan: the change that matters, the day, the satisfied score
        "primary_outcome": {"30"},
        "difference:retention": {"1"},
        "csat:csat_mean": {"4"},
    }
    if name == "forest":
        assert "Better: Day-30 retention" in chart.description
        assert "Harm ruled out: CSAT" in chart.description
    else:
        assert stated <= in_table | extra.get(name, set())


def test_draw__outcome__equals_its_table() -> None:
    chart = drawn()["primary_outcome"]
    assert chart.table["rows"] == [
        ["control", 9_400, "70.1 %", "68.8 % to 71.4 %"],
        ["guided", 9_400, "72.0 %", "70.7 % to 73.3 %"],
    ]
    for drawing in drawings(chart):
        assert "control: 70.1 %" in text_of(drawing)
        assert "guided: 72.0 %" in text_of(drawing)
    wide = drawings(chart)[0]
    axis = {t.text: _x(t) for t in wide.iter(f"{SVG}text") if "%" in str(t.text)}
    full = axis["100 %"] - axis["0 %"]
    dots = sorted(
        _x(path)
        for path in wide.iter(f"{SVG}path")
        if path.get("stroke") == "var(--bg)"
    )
    shares = [(x - axis["0 %"]) / full for x in dots]
    assert shares == pytest.approx([0.701, 0.720], abs=0.002)


def _x(element: ET.Element) -> float:
    found = re.match(r"translate\(([-\d.]+)", element.get("transform", ""))
    assert found
    return float(found[1])


def test_draw__difference__prints_its_ends_and_equals_its_table() -> None:
    chart = drawn()["difference:retention"]
    assert chart.table["columns"] == [
        "Variant",
        "Change",
        "95 % CI",
        "80 % CI",
        "50 % CI",
    ]
    # 0.019 -+ 0.65 and 0.34 x 0.013.
    assert chart.table["rows"] == [
        ["guided", "+1.9 points", "+0.6 to +3.2", "+1.1 to +2.7", "+1.5 to +2.3"]
    ]
    assert chart.description == (
        "The change is +1.9 points (+0.6 to +3.2) with guided; 1 point matters."
    )
    for drawing in drawings(chart):
        for written in ("+0.6", "+3.2", "+1.9 points", "1 point matters"):
            assert written in text_of(drawing)


def test_draw__forest__puts_better_right_whatever_the_metric() -> None:
    chart = drawn()["forest"]
    assert [row[0] for row in chart.table["rows"]] == [
        "Day-30 retention",
        "CSAT",
        NASTY,
    ]
    assert [row[-1] for row in chart.table["rows"]] == [
        "Better",
        "Harm ruled out",
        "Better",
    ]
    wide = drawings(chart)[0]
    dots = [
        _x(path)
        for path in wide.iter(f"{SVG}path")
        if path.get("stroke") == "var(--bg)"
    ]
    zero = next(_x(t) for t in wide.iter(f"{SVG}text") if t.text == "0")
    # Churn fell by 7 points, 7 times what matters: cut off with an arrow, no dot.
    assert len(dots) == 2
    assert all(x > zero for x in dots)
    assert "limit" in text_of(wide)


def test_draw__segments__stand_below_everybody_in_the_same_units() -> None:
    chart = drawn()["segments:guided"]
    # As in chart_examples; a plan that does not hold the segment names it by its key.
    assert [(row[0], row[3]) for row in chart.table["rows"]] == [
        ("Everybody", "+1.9 points (+0.6 to +3.2)"),
        ("bakeries", "+3.0 points (0.0 to +6.0)"),
    ]
    for drawing in drawings(chart):
        assert "Everybody" in text_of(drawing)
        assert "bakeries" in text_of(drawing)
    assert "+3.0 points (0.0 to +6.0) (bakeries)" in chart.description


def test_draw__small_segment__is_not_drawn() -> None:
    few = estimate_of(0.03, 0.0, 0.06)
    few = replace(few, control=replace(few.control, n=9))
    readings = [
        reading_of(RETENTION, graded(estimate_of(0.019, 0.006, 0.032))),
        reading_of(RETENTION, graded(few), segment="tiny"),
    ]
    made = charts.draw(plan_of(RETENTION), readings, {}, {})
    assert not [chart for chart in made if chart.name.startswith("segments:")]


def test_draw__retention__equals_the_curve_at_the_planned_day() -> None:
    chart = drawn()["retention:retention"]
    row = next(row for row in chart.table["rows"] if row[0] == 30)
    # 30 days x 62 and 58 of 9,400 gone: 80.2 % and 81.5 %; 29 days before day 30.
    assert row[1] == "80.2 %"
    assert row[3] == 9_400 - 29 * 62
    assert row[4] == "81.5 %"
    assert row[6] == 9_400 - 29 * 58
    assert chart.description == (
        "On day 30, 80.2 % of control and 81.5 % of guided were still here."
    )
    for drawing in drawings(chart):
        text = text_of(drawing)
        assert "day 30, as planned" in text
        assert "0 %" in text
        assert f"{9_400 - 29 * 62:,}" in text


def test_draw__answers__equal_their_table() -> None:
    chart = drawn()["csat:csat_mean"]
    assert chart.table["rows"][0][:2] == ["control", 3_900]
    # 1,540 / 3,900 = 0.3949; (1,650 + 1,540) / 3,900 = 0.8179
    assert chart.table["rows"][0][-2:] == ["39 % (1,540)", "81.8 %"]
    assert chart.table["rows"][1][3] == "0 % (0)"
    assert "3,900 answers" in text_of(drawings(chart)[0])
    # Satisfied: 1,650 and 1,540 of 3,900; 1,600 and 1,700 of 3,390.
    assert chart.description == (
        "An answer of 4 or more came from 81.8 % of control and 97.3 % of guided who"
        " answered."
    )


def test_draw__nothing_computable__draws_nothing() -> None:
    refused = NotComputable(Reason.NO_VARIATION)
    assert charts.draw(plan_of(), [reading_of(RETENTION, refused)], {}, {}) == []


def test_draw__unbalanced_answers__never_marks_a_survey_as_better() -> None:
    plan = plan_of(RETENTION, CSAT)
    rise = graded(estimate_of(0.3, 0.2, 0.4, control=4.1))
    made = charts.draw(
        plan, [reading_of(CSAT, rise, response=response_of(400, 330))], {}, {}
    )
    assert [chart.name for chart in made] == ["forest"]
    assert made[0].table["rows"][0][-1] == "Undecided"
    assert "var(--better)" not in made[0].web_svg


def test_draw__open_interval__is_drawn_to_the_edge() -> None:
    opened = replace(
        graded(estimate_of(0.019, 0.006, 0.032)), interval=Interval(0.006, None)
    )
    made = charts.draw(plan_of(RETENTION), [reading_of(RETENTION, opened)], {}, {})
    forest = next(chart for chart in made if chart.name == "forest")
    assert "+0.6 to no upper limit" in str(forest.table["rows"])


@given(st.integers(2, 100))
def test_steps_of__any_scale__holds_each_score_once(scale: int) -> None:
    steps = steps_of(scale)
    held = [score for step in steps for score in range(step.low, step.high + 1)]
    assert held == list(range(1, scale + 1))
    assert len(steps) <= 5
    assert len({step.color for step in steps}) == len(steps)


@given(
    st.integers(2, 11),
    st.dictionaries(st.sampled_from([1.0, 1.5, 2.0, 7.0, 12.0]), st.integers(0, 9)),
)
def test_shares_of__any_answers__add_to_all_of_them(
    scale: int, counts: dict[float, int]
) -> None:
    histogram = Histogram(tuple(sorted(counts.items())), 100, 100)
    counted = shares_of(histogram, steps_of(scale))
    assert sum(count for _, count, _ in counted) == histogram.answered


@pytest.mark.parametrize(("day", "last"), [(30, 45), (7, 60), (90, 90), (30, 3)])
def test_ticks_of__any_span__are_few_and_hold_the_planned_day(
    day: int, last: int
) -> None:
    points = (CurvePoint(0, 1.0, 0, None, 10), CurvePoint(last, 0.5, 0, None, 10))
    ticks = ticks_of({"control": points}, day)
    assert ticks == sorted(set(ticks))
    assert ticks[0] == 0
    assert len(ticks) <= 7
    assert (day in ticks) == (day <= last)


def test_curve__between_its_steps__is_read_from_the_last_one() -> None:
    points = (
        CurvePoint(0, 1.0, 0, None, 10),
        CurvePoint(3, 0.9, 0, None, 10),
        CurvePoint(7, 0.8, 0, None, 9),
    )
    assert [share_on(points, day) for day in (0, 2, 3, 6, 7, 8)] == [
        points[0],
        points[0],
        points[1],
        points[1],
        points[2],
        None,
    ]
    assert [at_risk_on(points, day) for day in (0, 2, 3, 4, 7, 8)] == [
        10,
        10,
        10,
        9,
        9,
        0,
    ]


def test_draw_enrolment__days_with_gaps__adds_up_to_today() -> None:
    first = date(2026, 3, 1)
    by_day = [
        (first, "control", 40),
        (first, "guided", 45),
        (first + timedelta(days=2), "control", 10),
    ]
    (chart,) = charts.draw_enrolment(plan_of(), by_day)
    assert chart.name == "enrolment"
    assert chart.table["columns"] == ["Until the end of", "control", "guided"]
    assert chart.table["rows"] == [
        ["2026-02-28", 0, 0],
        ["2026-03-01", 40, 45],
        ["2026-03-02", 40, 45],
        ["2026-03-03", 50, 45],
    ]
    assert chart.description == (
        "95 of 18,800 planned customers: 50 got control and 45 got guided."
    )
    for drawing in drawings(chart):
        assert "planned: 9,400 each" in text_of(drawing)


def test_draw_enrolment__nobody_yet__draws_nothing() -> None:
    assert charts.draw_enrolment(plan_of(), []) == []


def test_draw_enrolment__first_day__names_each_day_once() -> None:
    day = date(2026, 11, 21)
    (chart,) = charts.draw_enrolment(plan_of(RETENTION), [(day, "control", 7)])
    for svg in re.findall("<svg.*?</svg>", chart.web_svg + chart.print_svg, re.DOTALL):
        named = re.findall(r">(\d+ Nov)<", svg)
        assert named == ["20 Nov", "21 Nov"]


@pytest.mark.parametrize("days", [2, 9, 40, 200])
def test_draw_enrolment__any_length__names_few_whole_days(days: int) -> None:
    first = date(2026, 1, 1)
    came = [(first + timedelta(days=i), "control", 1) for i in range(days)]
    (chart,) = charts.draw_enrolment(plan_of(RETENTION), came)
    wide = chart.web_svg.partition("</svg>")[0]
    named = re.findall(r">(\d+ [A-Z][a-z]{2})<", wide)
    assert 2 <= len(named) <= 6
    assert len(set(named)) == len(named)


def test_difference__lines__do_not_run_through_a_name() -> None:
    """A name is 14 pixels high, 36 above the middle of its row of 84."""
    estimate = estimate_of(0.019, 0.006, 0.032)
    effects = [
        Effect(RETENTION, reading_of(RETENTION, estimate, name), estimate)
        for name in ("guided", "other")
    ]
    with schemapi.debug_mode(arg=False):
        spec = difference_chart(effects, WIDE)
    rules = [
        (layer["encoding"]["y"]["value"], layer["encoding"]["y2"]["value"])
        for layer in spec["layer"]
        if layer.get("mark", {}).get("type") == "rule"
        and "value" in layer["encoding"].get("y", {})
    ]
    assert sorted(set(rules)) == [(28, 80), (98, 168)]
    for middle in (42, 126):
        low, high = middle - 36 - 8, middle - 36 + 8
        assert not any(start < high and end > low for start, end in rules)


def test_draw__two_metrics_of_the_same_answers__share_their_chart() -> None:
    mean = planned_metric(MetricKind.CSAT_MEAN, Role.GUARDRAIL, 0.05)
    share = planned_metric(MetricKind.CSAT_SHARE, Role.SECONDARY, name="Satisfied")
    plan = plan_of(RETENTION, mean, share)
    counted = {metric.choice.metric: ANSWERS for metric in (mean, share)}
    (chart,) = charts.draw(plan, [], {}, counted)
    assert chart.title == f"Answers by group ({mean.name} and Satisfied)"
    other = {**counted, share.choice.metric: {"control": ANSWERS["control"]}}
    assert len(charts.draw(plan, [], {}, other)) == 2


def test_draw__nps__three_groups_of_answers_and_an_axis_of_its_own() -> None:
    # By hand: of 10 answers 5 are 9 or 10, 3 are 7 or 8, 2 are 0 to 6.
    nps = planned_metric(MetricKind.NPS)
    answers = Histogram(((0.0, 1), (6.0, 1), (7.0, 2), (8.0, 1), (10.0, 5)), 20, 12)
    reading = reading_of(nps, graded(estimate_of(8.5, 1.52, 15.48, control=15.0)))
    drawn = charts.draw(
        plan_of(nps), [reading], {}, {"nps": {"control": answers, "guided": answers}}
    )
    by_name = {chart.name: chart for chart in drawn}
    table = by_name["csat:nps"].table
    assert table["columns"][2:] == ["0 to 6", "7 to 8", "9 to 10", "9 or more"]
    shares = ["20 % (2)", "30 % (3)", "50 % (5)", "50.0 %"]
    assert table["rows"][0] == ["control", 10, *shares]
    assert "An answer of 9 or more came from 50.0 % of control" in table["sentence"]
    outcome = by_name["primary_outcome"].print_svg
    assert "NPS, promoters less detractors" in outcome
    assert ">+100<" in outcome
