"""What a result rests on: data, plan, who was left out."""

from collections.abc import Iterable, Sequence

from analysis import wording
from analysis.results import RunView
from experiments.models import AmendmentRow
from experiments.plan import Plan
from web.presenters.adjusting import adjustments
from web.presenters.metric_rows import NOTHING
from web.presenters.monitoring import estimates_in_words


def result_facts(
    run: RunView, plan: Plan, amendments: Sequence[AmendmentRow]
) -> Iterable[tuple[str, str]]:
    """Name each fact, with its value in words."""
    counts = run.counts
    yield "Analysed", wording.date_time(run.as_of)
    if run.data_cutoff is not None:
        yield "Data complete up to", wording.date_time(run.data_cutoff)
    units = int(counts.get("units") or 0)
    planned = plan.design.planned_units
    share = wording.percent(units / planned, 0)
    who = wording.units(plan.design.unit).capitalize()
    yield (
        who,
        f"{wording.count(units)} of {wording.count(planned)} planned ({share})",
    )
    inside = sum(counts.get("customers", {}).values())
    if inside:
        yield "Customers in them", wording.count(inside)
    for name, title in _LEFT_OUT:
        if counts.get(name):
            yield title, wording.count(int(counts[name]))
    late = counts.get("late_events")
    if late:
        yield (
            "Events that came late",
            f"{wording.count(int(late))} since the run before",
        )
    yield "Estimates", estimates_in_words(plan.design)
    yield "Plan locked", wording.date_time(plan.locked_at)
    yield "Amendments", wording.count(len(amendments)) if amendments else "None"
    yield from adjustments(plan)
    yield "Plan, SHA-256", run.plan_sha256
    yield (
        "Ruleset revision",
        (NOTHING if run.ruleset_revision is None else str(run.ruleset_revision)),
    )
    yield "Abide version", run.code_version


_LEFT_OUT = (
    ("two_variants", "Left out: seen in two variants"),
    ("unknown_variants", "Left out: variant not in the plan"),
    ("only_wrongly_shown", "Left out: saw what their assignment was not"),
    ("only_outside", "Left out: seen only outside the time or in a pause"),
    ("beyond_size", "Left out: came after the planned size"),
    ("earlier_phase", "Left out: seen in an earlier phase"),
    ("listed", "Left out: on a list by hand"),
    ("opted_out", "Left out: opted out of experiments"),
    ("previewed", "Left out: used a preview link"),
    ("without_account", "Left out: customers without an account"),
    ("moved", "Left out: customers who went to an account of another variant"),
)
