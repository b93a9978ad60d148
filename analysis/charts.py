"""A result as charts: for the page and for print, each with its sentence and table.

Drawn when a result is stored, never while a page is asked for. The numbers of a chart
and of its table come from the same functions, so that they agree to the last digit.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

from analysis import wording
from analysis.cases import is_guarded
from analysis.chart_answers import answers_chart, shares_of, steps_for, upper_box_of
from analysis.chart_curves import (
    Curve,
)
from analysis.chart_drawn import DrawnChart, drawn
from analysis.chart_enrolment import DayCount, cumulated, enrolment_chart
from analysis.chart_forests import (
    forest_drawn,
    forests_by_treatment,
    split_forests,
)
from analysis.chart_looks import looks_chart, words_of
from analysis.chart_outcome import difference_chart, outcome_chart, outcome_rows
from analysis.chart_parts import Effect
from analysis.chart_paths import curves_drawn, funnel_drawn
from analysis.looks import PastLook
from analysis.readings import MetricReading
from analysis.stats.estimate import Interval, NotComputable
from analysis.stats.summary import Funnel, Histogram
from analysis.survey_groups import same_answers
from experiments.plan import Plan
from experiments.vocabulary import EVERYBODY, Role


def draw(
    plan: Plan,
    readings: Sequence[MetricReading],
    curves: Mapping[str, Mapping[str, Curve]],
    histograms: Mapping[str, Mapping[str, Histogram]],
    funnels: Mapping[str, Mapping[str, Funnel]] | None = None,
) -> list[DrawnChart]:
    """Draw all charts of a final result that may be used.

    Args:
        plan: as it was locked.
        readings: of the run; those without an estimate have no chart.
        curves: metric key -> variant -> Kaplan-Meier points.
        histograms: metric key -> variant -> survey answers.
        funnels: metric key -> variant -> how far its customers came.

    Returns:
        The charts in the order of the page.
    """
    effects = _effects(plan, readings)
    primary = [e for e in effects if e.planned.choice.role == Role.PRIMARY]
    charts = []
    if primary:
        charts += [_outcome(plan, primary), _difference(primary)]
    if effects:
        charts.append(forest_drawn(effects))
    if len(plan.design.treatments) > 1:
        charts += forests_by_treatment(effects)
    charts += split_forests(plan, readings)
    charts += [
        curves_drawn(plan, metric, by_variant)
        for metric, by_variant in curves.items()
        if by_variant
    ]
    charts += [
        _answers(plan, metrics, histograms[metrics[0]])
        for metrics in same_answers(plan, histograms)
        if any(each.answered for each in histograms[metrics[0]].values())
    ]
    return charts + [
        funnel_drawn(plan, metric, by_variant)
        for metric, by_variant in (funnels or {}).items()
        if any(each.n for each in by_variant.values())
    ]


def draw_enrolment(plan: Plan, by_day: Iterable[DayCount]) -> list[DrawnChart]:
    """Draw who came in, day by day; it may be shown in every phase.

    Args:
        plan: as it was locked.
        by_day: day, variant and the customers first seen on it.

    Returns:
        One chart, named "enrolment"; none while nobody has come.
    """
    variants = plan.design.variants
    curves = cumulated(by_day, [variant.name for variant in variants])
    if not curves:
        return []
    shares = {variant.share for variant in variants}
    each = round(plan.design.planned_units * shares.pop()) if len(shares) == 1 else None
    rows: list[list[Any]] = [
        [day.isoformat(), *(curve[i][1] for curve in curves.values())]
        for i, (day, _) in enumerate(next(iter(curves.values())))
    ]
    total = sum(curve[-1][1] for curve in curves.values())
    who = wording.units(plan.design.unit)
    by_group = [
        f"{wording.count(curve[-1][1])} got {name}" for name, curve in curves.items()
    ]
    return [
        drawn(
            "enrolment",
            f"{who.capitalize()} so far, by group",
            f"{wording.count(total)} of {wording.count(plan.design.planned_units)}"
            f" planned {who}: {wording.joined(by_group)}.",
            (["Until the end of", *curves], rows),
            lambda medium: enrolment_chart(curves, each, medium),
        )
    ]


def draw_looks(plan: Plan, looks: Sequence[PastLook]) -> list[DrawnChart]:
    """Draw the looks at the metric that decides, one chart a treatment.

    Args:
        plan: as it was locked.
        looks: those that were taken, in their order.

    Returns:
        Charts named "looks:{variant}"; none where nothing was looked at, and none of a
        single look, which has charts of its own.
    """
    primary = plan.primary
    measure = wording.measure_of(primary.definition)
    charts = []
    for variant in plan.design.treatments:
        key = (primary.choice.metric, variant.name, EVERYBODY)
        taken = [(look, look.traces[key]) for look in looks if key in look.traces]
        if not taken or (len(taken) == 1 and taken[0][0].ended):
            continue
        rows: list[list[Any]] = []
        for look, trace in taken:
            change, range_, bound = words_of(trace, measure)
            rows.append(
                [
                    look.number,
                    wording.date(look.as_of),
                    look.mature_units,
                    change,
                    range_,
                    bound,
                    "Yes" if trace.crossed else "No",
                ]
            )
        where = "beyond" if taken[-1][1].crossed else "within"
        times = "time" if len(taken) == 1 else "times"
        who = wording.units(plan.design.unit)
        columns = [
            "Look",
            "Taken",
            f"{who.capitalize()} followed to the end",
            f"Change with {variant.name}",
            "Range",
            "Boundary",
            "Crossed",
        ]
        steps = [(look.mature_units, trace) for look, trace in taken]
        charts.append(
            drawn(
                f"looks:{variant.name}",
                f"Change in {primary.name} with {variant.name}, at each look",
                f"Looked {wording.count(len(taken))} {times}; at the last the change is"
                f" {where} the boundary.",
                (columns, rows),
                partial(looks_chart, steps, plan.design.planned_units, measure),
            )
        )
    return charts


def draw_segment(
    weeks: Sequence[tuple[date, int]], rows: Sequence[list[Any]], sentence: str
) -> DrawnChart:
    """Draw how large a segment was, week by week.

    Args:
        weeks: day and customers, at least two.
        rows: of the table: day, customers in words, customers seen in all.
        sentence: what is to be seen.

    Returns:
        The chart, named "segment_size".
    """
    return drawn(
        "segment_size",
        "Customers in the segment, week by week",
        sentence,
        (["Up to", "In the segment", "Seen in all"], list(rows)),
        lambda medium: enrolment_chart({"In the segment": weeks}, None, medium),
    )


def _effects(plan: Plan, readings: Sequence[MetricReading]) -> list[Effect]:
    order = [metric.choice.metric for metric in plan.metrics]
    drawn = [
        Effect(
            plan.metric(reading.metric),
            reading,
            reading.outcome,
            is_guarded(plan, plan.metric(reading.metric)),
        )
        for reading in readings
        if reading.segment == EVERYBODY
        and not isinstance(reading.outcome, NotComputable)
    ]
    return sorted(drawn, key=lambda each: order.index(each.reading.metric))


def _outcome(plan: Plan, effects: Sequence[Effect]) -> DrawnChart:
    control = plan.design.control.name
    rows = outcome_rows(effects, control)
    first = effects[0]
    table = [
        [
            name,
            arm.n,
            text,
            _values(arm.interval, first),
        ]
        for name, arm, text in rows
    ]
    values = wording.joined([f"{text} in {name}" for name, _, text in rows])
    share = first.measure is wording.POINTS
    return drawn(
        "primary_outcome",
        f"{first.planned.name} by group",
        f"{first.planned.name} was {values}.",
        (["Group", "Customers", "Share" if share else "Value", "95 % CI"], table),
        lambda medium: outcome_chart(effects, control, medium),
        half=True,
    )


def _values(interval: Interval | None, effect: Effect) -> str:
    """Write the interval of one group's own value."""
    if interval is None or interval.low is None or interval.high is None:
        return ""
    asked = effect.planned.definition
    low, high = (
        wording.value_on_scale(end, asked, effect.decimals)
        for end in (interval.low, interval.high)
    )
    return f"{low} to {high}"


def _difference(effects: Sequence[Effect]) -> DrawnChart:
    first = effects[0]
    # Ranges that hold over many looks have no inner ones.
    graded = all(each.estimate.graded for each in effects)
    grades = [*(first.estimate.graded if graded else ()), first.estimate.interval]
    columns = ["Variant", "Change"]
    columns += [f"{wording.level(grade)}" for grade in reversed(grades)]
    rows = []
    for each in effects:
        inner = each.estimate.graded if graded else ()
        ranges = reversed([*inner, each.estimate.interval])
        words = [each.words.signed_range(interval) for interval in ranges]
        rows.append([each.reading.variant, each.words.change(), *words])
    said = [
        f"{each.words.change_and_range()} with {each.reading.variant}"
        for each in effects
    ]
    matters = wording.agreed(first.planned.choice.change_that_matters, first.measure)
    verb = "matter" if matters.endswith("s") else "matters"
    return drawn(
        f"difference:{first.reading.metric}",
        f"Change in {first.planned.name} against control",
        f"The change is {wording.joined(said)}; {matters} {verb}.",
        (columns, rows),
        lambda medium: difference_chart(effects, medium),
        half=True,
    )


def _answers(
    plan: Plan, metrics: Sequence[str], histograms: Mapping[str, Histogram]
) -> DrawnChart:
    planned = plan.metric(metrics[0])
    names = wording.joined([plan.metric(metric).name for metric in metrics])
    definition = planned.definition
    steps = steps_for(definition)
    upper = upper_box_of(definition)
    columns = ["Group", "Answers", *(step.name for step in steps), f"{upper} or more"]
    rows = [
        [
            name,
            histogram.answered,
            *(
                f"{wording.percent(share, 0)} ({wording.count(count)})"
                for _, count, share in shares_of(histogram, steps)
            ),
            wording.percent(_satisfied(histogram, upper)),
        ]
        for name, histogram in histograms.items()
    ]
    said = [
        f"{wording.percent(_satisfied(each, upper))} of {name}"
        for name, each in histograms.items()
    ]
    return drawn(
        f"csat:{metrics[0]}",
        f"Answers by group ({names})",
        f"An answer of {upper} or more came from {wording.joined(said)} who answered.",
        (columns, rows),
        lambda medium: answers_chart(histograms, steps, medium),
    )


def _satisfied(histogram: Histogram, satisfied_from: int) -> float:
    satisfied = sum(n for score, n in histogram.counts if score >= satisfied_from)
    return satisfied / max(1, histogram.answered)
