"""What becomes of customers whose outcome is not known: the rule of each kind.

It follows from how a kind is measured and is nobody's choice: immature, censored and
missing are three things, and none of them is taken for a no.
"""

from experiments.metric_definition import MetricDefinition


def missing_rule(definition: MetricDefinition) -> str:
    """Say what becomes of customers whose outcome is not known.

    Args:
        definition: complete and checked.

    Returns:
        One or two sentences.
    """
    if definition.is_survey:
        return (
            "Who did not answer is missing, and counted apart. Where the groups"
            " answered unequally often, the result is never called better."
        )
    if definition.selects:
        kind = "contact" if not definition.start_events else "start"
        return (
            f"Who had no {kind} is missing, and counted apart. Where that differs"
            " between the groups, the result is never called better."
        )
    if definition.is_followed:
        return (
            "Who was not followed to the end is censored: counted for as long as they"
            " were seen, and never as lost."
        )
    return (
        "Who has not been followed for the whole time is too young, and not counted"
        " yet. Nobody is missing: no event means no."
    )
