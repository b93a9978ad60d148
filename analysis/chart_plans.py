"""What a plan could detect, as a chart with its sentence and table."""

from functools import partial

from analysis import wording
from analysis.chart_detectable import Detected, detectable_chart
from analysis.chart_drawn import DrawnChart, drawn
from analysis.plan_values import PlanAhead, PlanQuestion, Week
from analysis.stats.duration import DAYS_A_WEEK
from analysis.wording import Measure, agreed, measure_of
from experiments.vocabulary import Unit

DIGITS = 2


def draw_by_week(
    question: PlanQuestion, ahead: PlanAhead, unit: Unit
) -> DrawnChart | None:
    """Draw the smallest change that each week of enrolment could detect.

    Args:
        question: what is planned.
        ahead: what it takes.
        unit: who is drawn.

    Returns:
        The chart, named "detectable"; None where no week detects anything.
    """
    measure = measure_of(question.definition)
    known = [(w.weeks, w.change) for w in ahead.by_week if w.change is not None]
    if len(known) < 2:  # noqa: PLR2004  # a line
        return None
    days = None if ahead.lasts is None else ahead.lasts.enrolment_days
    found = Detected(
        weeks=[(weeks, measure.shown(change)) for weeks, change in known],
        matters=measure.shown(question.effect),
        label=f"change that matters: {agreed(question.effect, measure)}",
        end=None if days is None else days / DAYS_A_WEEK,
    )
    columns = [
        "Weeks of enrolment",
        f"{wording.units(unit).capitalize()} enrolled",
        "Smallest change detected",
        "Answer due",
    ]
    rows = [
        [
            week.weeks,
            week.units,
            "none" if week.change is None else _written(week.change, measure),
            wording.date(week.answer_at),
        ]
        for week in ahead.by_week
    ]
    return drawn(
        "detectable",
        "Smallest change that could be detected, by weeks of enrolment",
        by_week_in_words(question, ahead),
        (columns, rows),
        partial(detectable_chart, found),
    )


def by_week_in_words(question: PlanQuestion, ahead: PlanAhead) -> str:
    """Say what a shorter and a longer enrolment could detect."""
    measure = measure_of(question.definition)
    known = [week for week in ahead.by_week if week.change is not None]
    enough = [w for w in known if (w.change or 0) <= question.effect * (1 + 1e-9)]
    shown: list[Week] = []
    if known:
        shown = [known[min(3, len(known) - 1)], known[-1]]
    said = wording.joined(
        [
            f"{week.weeks} {'week' if week.weeks == 1 else 'weeks'} would detect"
            f" {_written(week.change or 0, measure)}"
            for week in dict.fromkeys(shown)
        ]
    )
    matters = agreed(question.effect, measure)
    if enough:
        weeks = enough[0].weeks
        return f"{said}; {matters} takes {weeks} {'week' if weeks == 1 else 'weeks'}."
    return f"{said}; {matters} takes longer."


def _written(change: float, measure: Measure) -> str:
    """Write a change with two significant digits."""
    shown = measure.shown(change)
    return measure.written(wording.number(shown, wording.decimals_for(shown)))
