"""The tasks that make a plan whole, and which fields of a design each asks for."""

from collections.abc import Iterable, Mapping

from experiments.vocabulary import PlanTask

TASK_NAMES: Mapping[PlanTask, str] = {
    PlanTask.HYPOTHESIS: "Hypothesis",
    PlanTask.SEGMENT: "Customers",
    PlanTask.VARIANTS: "Variants",
    PlanTask.METRICS: "Metrics and guardrails",
    PlanTask.DURATION: "Size and duration",
    PlanTask.RISK: "Risk and approval",
}
_FIELDS: Mapping[PlanTask, tuple[str, ...]] = {
    PlanTask.SEGMENT: (
        "segment",
        "segment_version",
        "coverage",
        "layer",
        "layer_share",
    ),
    PlanTask.VARIANTS: (
        "variants",
        "parameter_types",
        "unit",
        "hash_attribute",
        "fallback_attribute",
        "assigned_by",
        "exposure_point",
    ),
    PlanTask.METRICS: (
        "metrics",
        "decision_rule",
        "breakdowns",
        "post_stratified",
    ),
    PlanTask.DURATION: (
        "planned_units",
        "planned_end_at",
        "exposures_from",
        "enrolment_ends_at",
        "monitoring_mode",
        "looks",
        "alpha",
    ),
    PlanTask.RISK: ("risks",),
}
_TASKS = {field: task for task, fields in _FIELDS.items() for field in fields}


def task_of(field: str) -> PlanTask:
    """Tell which task asks for a field of a design, as "variants.0.share"."""
    return _TASKS.get(field.partition(".")[0], PlanTask.HYPOTHESIS)


def faults_of(task: PlanTask, faults: Mapping[str, str]) -> dict[str, str]:
    """Keep the faults of one task's fields."""
    return {name: said for name, said in faults.items() if task_of(name) == task}


def names_of(tasks: Iterable[str]) -> str:
    """Name tasks in the order they are asked, as "Customers and Variants"."""
    wanted = set(tasks)
    *first, last = [TASK_NAMES[task] for task in PlanTask if task.value in wanted]
    return f"{', '.join(first)} and {last}" if first else last
