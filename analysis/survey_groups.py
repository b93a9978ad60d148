"""Survey metrics that look at the same answers, so that pages show these once."""

from collections.abc import Mapping

from experiments.plan import Plan


def same_answers(plan: Plan, counted: Mapping[str, object]) -> list[list[str]]:
    """Group survey metrics that look at the same answers in two ways.

    Args:
        plan: as it was locked.
        counted: metric key -> what was counted of its survey.

    Returns:
        Keys of metrics; each group has one chart, and one set of rows.
    """
    groups: list[tuple[object, list[str]]] = []
    for metric, counts in counted.items():
        made = plan.metric(metric).definition
        asks = (made.survey_kind, made.survey, made.day)
        sight = (asks, made.scale, made.satisfied_from, counts)
        found = next((keys for seen, keys in groups if seen == sight), None)
        if found is None:
            groups.append((sight, [metric]))
        else:
            found.append(metric)
    return [keys for _, keys in groups]
