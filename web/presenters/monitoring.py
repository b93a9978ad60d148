"""When estimates are seen, in words: for the form, the plan and the page of results."""

from analysis.wording import joined, percent
from experiments.design import Design
from experiments.vocabulary import MonitoringMode

# The prices are those of analysis.stats.sequential_power at 5 % and 80 % power.
CHOICES = {
    MonitoringMode.GROUP_SEQUENTIAL: (
        "At planned looks: a clear answer may come early, for about 2 % more customers"
        " at most."
    ),
    MonitoringMode.FIXED_END: (
        "Once, at the planned end: the fewest customers, and nothing to see until then."
    ),
    MonitoringMode.ALWAYS_VALID: (
        "On any day, without an end that is fixed: for about 90 % more customers."
    ),
}


def estimates_in_words(design: Design) -> str:
    """Say when a plan lets estimates be seen."""
    match design.monitoring_mode:
        case MonitoringMode.FIXED_END:
            return "Shown once, at the planned end (fixed end)"
        case MonitoringMode.GROUP_SEQUENTIAL:
            looks = joined([percent(look, 0) for look in design.planned_looks])
            return f"Shown at planned looks: {looks} of the planned size"
        case MonitoringMode.ALWAYS_VALID:
            return "Shown on any day, in ranges that allow for it (always valid)"
