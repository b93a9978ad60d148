"""Is personalisation worth it? What a rule by declared segments would add: pure."""

from analysis.cells import Summaries
from analysis.metric_facts import sign_of
from analysis.stats.estimate import NotComputable
from analysis.stats.policy import AddedValue
from analysis.stats.policy_parts import worth_by_stratum
from experiments.plan import Plan


def worth_of(plan: Plan, summaries: Summaries) -> AddedValue | NotComputable | None:
    """Value a rule that gives each declared segment the variant that suits it.

    Args:
        plan: the locked plan; its shares are the chances of each variant.
        summaries: with the folds of the metric that decides.

    Returns:
        What the rule adds to the metric over the best single variant, counted for the
        better. None where no segments are declared, or the metric is no share or mean
        of all customers: who answers a survey chooses themselves.
    """
    metric = plan.primary
    arms = summaries.arms(metric.choice.metric)
    if metric.definition.is_survey or not any(cell.folds for cell in arms.values()):
        return None
    variants = (plan.design.control, *plan.design.treatments)
    return worth_by_stratum(
        [arms[each.name].folds if each.name in arms else () for each in variants],
        [each.share for each in variants],
        sign_of(metric.definition.direction),
        1 - plan.design.alpha,
    )
