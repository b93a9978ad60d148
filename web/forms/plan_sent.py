"""What one page of a plan sent, laid over the rest of the plan."""

from collections.abc import Mapping

from werkzeug.datastructures import MultiDict
from wtforms import Field  # type: ignore[import-untyped]  # ships no types

from experiments.vocabulary import PlanTask
from web.forms.base import leaves
from web.forms.choices import Boxes
from web.forms.experiments import ExperimentForm
from web.forms.fields import Day, Rows
from web.forms.hypotheses import NAMES, PlanHypothesisForm
from web.forms.plan_pages import fields_of


def new_hypothesis_names() -> Mapping[str, str]:
    """Tell where faults of a hypothesis written within the plan are shown."""
    found = {name: f"new_hypothesis-{name}" for name in PlanHypothesisForm()._fields}
    return found | {name: f"new_hypothesis-{ours}" for name, ours in NAMES.items()}


def with_page(
    stored: ExperimentForm, task: PlanTask, sent: MultiDict[str, str]
) -> MultiDict[str, str]:
    """Lay what one page sent over what the stored draft holds.

    Args:
        stored: filled from the draft.
        task: whose page was sent.
        sent: by a browser.

    Returns:
        What a page with all fields would have sent.
    """
    own, found = fields_of(task), MultiDict[str, str]()
    for field in leaves(stored):
        if isinstance(field, Rows) or field.name.partition("-")[0] in own:
            continue
        values = field.data if isinstance(field, Boxes) else [_as_sent(field)]
        for value in values or ():
            found.add(field.name, value)
    for name, value in sent.items(multi=True):
        if name.partition("-")[0] in own:
            found.add(name, value)
    found.setlist("revision", sent.getlist("revision"))
    return found


def _as_sent(field: Field) -> str:
    if field.data is None:
        return ""
    return str(field.data.isoformat() if isinstance(field, Day) else field.data)
