"""In which of the nine cases of the design a metric's result stands: pure."""

from analysis.metric_facts import harm_range, sign_of
from analysis.readings import MetricReading
from analysis.stats.estimate import Estimate, NotComputable, Outcome
from experiments.plan import Plan, PlannedMetric
from experiments.vocabulary import PrimaryTest, Role, SentenceCase


def is_guarded(plan: Plan, planned: PlannedMetric) -> bool:
    """Whether a metric is asked to do no harm beyond its margin, not to get better."""
    if planned.choice.role == Role.PRIMARY:
        return plan.design.decision_rule.primary == PrimaryTest.HARM_RULED_OUT
    return planned.choice.margin is not None


def case_of(
    outcome: Outcome,
    planned: PlannedMetric,
    *,
    guarded: bool = False,
    unequal: bool = False,
    unbounded: bool = False,
) -> SentenceCase:
    """Say in which of the cases a trusted, final outcome stands.

    Args:
        outcome: of the metric.
        planned: the metric's part in the plan.
        guarded: whether harm beyond its margin is what is asked about (`is_guarded`).
        unequal: whether customers answered the survey unequally often; then nothing
            good can be said of its answers.
        unbounded: whether those who kept silent could undo a change; then it is no win.

    Returns:
        The first case that applies.
    """
    if isinstance(outcome, NotComputable):
        return SentenceCase.NOT_COMPUTABLE
    choice = planned.choice
    least, most = harm_of(outcome, planned)
    if most < 0:
        case = SentenceCase.BETTER
    elif least > 0:
        case = SentenceCase.WORSE
    elif guarded and most < (choice.margin or 0):
        case = SentenceCase.HARM_RULED_OUT
    elif guarded:
        case = SentenceCase.HARM_NOT_RULED_OUT
    elif -choice.change_that_matters < least and most < choice.change_that_matters:
        case = SentenceCase.EQUAL_ENOUGH
    else:
        case = SentenceCase.UNDECIDED
    good = {
        SentenceCase.BETTER,
        SentenceCase.HARM_RULED_OUT,
        SentenceCase.EQUAL_ENOUGH,
    }
    if unequal and case in good:
        return SentenceCase.UNDECIDED
    return SentenceCase.UNDECIDED if unbounded and case == SentenceCase.BETTER else case


def case_in_plan(plan: Plan, reading: MetricReading) -> SentenceCase:
    """Say in which case a reading stands under its plan."""
    planned = plan.metric(reading.metric)
    return case_of(
        reading.outcome,
        planned,
        guarded=is_guarded(plan, planned),
        unequal=reading.is_unequal,
        unbounded=reading.is_unbounded,
    )


def case_of_answers(plan: Plan, reading: MetricReading) -> SentenceCase:
    """Say in which case it would stand, had everybody answered."""
    planned = plan.metric(reading.metric)
    return case_of(reading.outcome, planned, guarded=is_guarded(plan, planned))


def harm_of(estimate: Estimate, planned: PlannedMetric) -> tuple[float, float]:
    """Least and most harm of an interval, on the metric's scale."""
    return harm_range(estimate.interval, sign_of(planned.definition.direction))
