"""Were customers of all variants alike before, and are they followed alike?"""

from collections.abc import Sequence

from analysis import wording
from analysis.cells import Summaries
from analysis.health.check import (
    ALARM_P_VALUE,
    FIND_AND_RESTART,
    MAYBE_CHANCE,
    NOTE_P_VALUE,
    Check,
    does_not_apply,
    noticed,
    passed,
)
from analysis.makeup import BEFORE
from analysis.stats.competing import CompetingTable
from analysis.stats.estimate import NotComputable
from analysis.stats.follow_up import Table, follow_up_balance, last_day, lost_share
from analysis.stats.multiplicity import holm
from analysis.stats.prior_balance import PriorBalance, prior_balance
from analysis.stats.summary import LifeTable
from experiments.plan import Plan, PlannedMetric
from experiments.vocabulary import CheckState, HealthCheck, Reason, Unit

CLEAR_P_VALUE = 0.05  # of one trait, adjusted; below it the trait is named


def alike_before(plan: Plan, summaries: Summaries) -> Check:
    """Check that the variants' customers were alike before they saw anything.

    Args:
        plan: names the variants.
        summaries: with the sums of what is known of customers before.

    Returns:
        FAILED where all that is known together differs by more than chance.
    """
    name, makeup = HealthCheck.ALIKE_BEFORE, summaries.makeup
    if not summaries.has_times:
        sentence = "A file without times does not tell what was before."
        return does_not_apply(name, sentence)
    order = (plan.design.control, *plan.design.treatments)
    arms = {v.name: makeup.before[v.name] for v in order if v.name in makeup.before}
    found = prior_balance(makeup.traits, arms)
    if isinstance(found, NotComputable):
        few = found.reason == Reason.TOO_FEW_UNITS
        sentence = (
            "Too few customers so far to compare what they did before."
            if few
            else "Nothing is known of what customers did before."
        )
        return does_not_apply(name, sentence, {"reason": found.reason.value})
    facts = _prior_facts(found)
    if found.p_value >= NOTE_P_VALUE:
        return passed(name, _alike(len(found.traits)), facts)
    sentence = "Customers of the groups differed before they saw anything"
    first = found.traits[0]
    if first.p_value < CLEAR_P_VALUE:
        sentence += (
            f", most by {first.trait} ({wording.number(first.difference, 2)} standard"
            " deviations apart)"
        )
    if found.p_value >= ALARM_P_VALUE:
        return noticed(name, f"{sentence}. {MAYBE_CHANCE}", facts)
    text = f"{sentence}. {FIND_AND_RESTART}"
    return Check(name, CheckState.FAILED, text, facts)


def _alike(traits: int) -> str:
    what = "the one thing" if traits == 1 else f"{traits} things"
    return (
        f"Customers of all groups were alike before, by {what} known of the"
        f" {BEFORE.days} days before their first exposure."
    )


def _prior_facts(found: PriorBalance) -> dict[str, object]:
    return {
        "p_value": found.p_value,
        "traits": [
            {
                "trait": each.trait,
                "difference": each.difference,
                "p_value": each.p_value,
            }
            for each in found.traits
        ],
    }


def followed_alike(plan: Plan, summaries: Summaries) -> Check:
    """Check that variants lose customers from sight alike, in metrics about time.

    Args:
        plan: names metrics and variants.
        summaries: with life tables.

    Returns:
        NOTICE where one loses more of them, or sooner.
    """
    name = HealthCheck.FOLLOWED_ALIKE
    tables = {metric: _tables(plan, summaries, metric) for metric in plan.metrics}
    followed = {metric: found for metric, found in tables.items() if found}
    if not followed:
        return does_not_apply(name, "No metric of this experiment follows a time.")
    if plan.design.unit == Unit.ACCOUNT:
        sentence = (
            "Customers of an account come together, so it is not tested whether all"
            " groups are followed alike."
        )
        return does_not_apply(name, sentence)
    tests = [follow_up_balance(found) for found in followed.values()]
    p_values = holm(
        [None if isinstance(t, NotComputable) else t.p_value for t in tests]
    )
    tested = [
        (p, metric)
        for p, metric in zip(p_values, followed, strict=True)
        if p is not None
    ]
    if not tested:
        sentence = "Nobody was lost from sight before the end of the time followed."
        return passed(name, sentence)
    p_value, metric = min(tested, key=lambda each: (each[0], each[1].name))
    facts: dict[str, object] = {"p_value": p_value, "metric": metric.name}
    if p_value >= NOTE_P_VALUE:
        sentence = "Customers of all groups were followed equally long."
        return passed(name, sentence, facts)
    return noticed(name, _lost(plan, metric, followed[metric]), facts)


def _tables(plan: Plan, summaries: Summaries, metric: PlannedMetric) -> list[Table]:
    arms = summaries.arms(metric.choice.metric)
    cells = [arms.get(variant.name) for variant in plan.design.variants]
    found = [
        cell.summary
        for cell in cells
        if cell is not None and isinstance(cell.summary, (LifeTable, CompetingTable))
    ]
    return found if len(found) == len(cells) else []


def _lost(plan: Plan, metric: PlannedMetric, tables: Sequence[Table]) -> str:
    last = last_day(tables)
    said = [
        f"{wording.percent(lost_share(table, last))} of {variant.name}"
        for variant, table in zip(plan.design.variants, tables, strict=True)
    ]
    return (
        f"Not all groups are followed equally long: {metric.name} lost sight of"
        f" {wording.joined(said)} before day {last}. Did one stop enrolling, or"
        " sending, sooner?"
    )
