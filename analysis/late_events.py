"""Events that came late: after an earlier analysis, for a time it took as complete."""

from analysis.cells import Earlier
from analysis.cohort import Cohort
from analysis.event_rows import EventRows, microseconds
from experiments.plan import Plan
from experiments.survey_kinds import FACTS
from experiments.vocabulary import EventKind


def count_late_events(
    plan: Plan, events: EventRows, cohort: Cohort, earlier: Earlier
) -> int:
    """Count the late events of an experiment's customers that the analysis reads.

    Args:
        plan: names metrics and experiment.
        events: what is stored.
        cohort: who is analysed.
        earlier: what the earlier analysis took as complete.

    Returns:
        Exposures and events of the metrics.
    """
    names = {name for m in plan.metrics for name in m.definition.all_events}
    asks = {m.definition.survey_kind for m in plan.metrics}
    surveys = [
        kind.value
        for one, facts in FACTS.items()
        for kind in (facts.request, facts.answer)
        if one in asks
    ]
    total = 0
    for bucket in events.buckets:
        rows = events.of(bucket)
        counts = (rows.kind == EventKind.ACTIVITY.value) & rows.name.isin(names)
        if surveys:
            counts |= rows.kind.isin(surveys)
        counts |= (rows.kind == EventKind.EXPOSURE.value) & (
            rows.experiment == plan.design.key
        )
        late = rows.filter(
            rows.received_at > earlier.as_of,
            rows.at < microseconds(earlier.data_cutoff),
            counts,
        )
        late = late.semi_join(cohort.of(bucket), "person")
        total += int(late.count().execute())
    return total
