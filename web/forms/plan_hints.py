"""What stands at the numbers of a metric, by its part in the plan and its unit."""

from experiments.vocabulary import Role
from web.forms.hypotheses import Catalogue, in_unit_of
from web.forms.plan_parts import MetricChoiceForm


def describe(row: MetricChoiceForm, catalogue: Catalogue) -> None:
    """Say what a row's numbers mean; a metric that is not chosen yet has no unit.

    Args:
        row: of a plan's metrics.
        catalogue: knows how changes of its metric are read, and its usual margin.
    """
    unit = in_unit_of(catalogue.measures.get(row.metric.data))
    harm = catalogue.harms.get(row.metric.data)
    change, margin = row.change_that_matters, row.margin
    if row.role.data == Role.GUARDRAIL.value:
        change.description = f"{unit} Empty: the largest harm you accept."
        accepted = f"We accept {harm}." if harm else unit
        usual = row.metric.data in catalogue.margins
        margin.description = f"{accepted} Empty: its usual one." if usual else accepted
        return
    change.description = unit
    margin.description = "Only where the decision rule asks for no harm to it."
