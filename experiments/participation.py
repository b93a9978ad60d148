"""In which experiments a customer takes part, as far as doors and customers know it."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from experiments.enrolled import EnrolledSet, file_name
from experiments.models import CustomerWords, Experiment, PlanRow
from experiments.plan import plan_from_json
from experiments.vocabulary import AssignedBy, MetricKind, Status, Unit


@dataclass(frozen=True, slots=True)
class Part:
    """An experiment as a customer may read of it.

    Attributes:
        name: for customers; "" when nobody gave one.
        difference: what some see and others do not; "" when nobody said it.
        kinds: of the metrics, in the order of the plan.
        is_of_account: whether whole accounts are drawn, so that nobody can tell here
            whether this customer's is in it.
    """

    name: str
    difference: str
    kinds: tuple[MetricKind, ...]
    is_of_account: bool


def of_customer(session: Session, sets: Path, pseudonym: bytes) -> list[Part]:
    """List the running experiments in which a customer has seen a variant.

    Experiments of whole accounts are listed for everybody, once they have words for
    customers; who assigns elsewhere tells customers there.

    Args:
        session: any session.
        sets: folder of the enrolled sets, which reach up to a minute ago.
        pseudonym: of the customer.

    Returns:
        The experiments that began last first.
    """
    query = (
        select(Experiment.key, Experiment.unit, PlanRow.body, PlanRow.phase)
        .add_columns(CustomerWords.name, CustomerWords.difference)
        .join(PlanRow, PlanRow.experiment_id == Experiment.id)
        .outerjoin(CustomerWords, CustomerWords.experiment_id == Experiment.id)
        .where(
            Experiment.status == Status.RUNNING.value,
            Experiment.assigned_by == AssignedBy.ABIDE.value,
            PlanRow.phase == Experiment.phase,
        )
        .order_by(PlanRow.locked_at.desc(), Experiment.key)
    )
    parts = []
    for row in session.execute(query):
        is_of_account = row.unit == Unit.ACCOUNT.value
        if is_of_account:
            shown = bool(row.name)
        else:
            known = EnrolledSet(sets / file_name(row.key, row.phase), ())
            known.refresh()
            shown = known.holds(pseudonym)
        if shown:
            plan = plan_from_json(row.body)
            kinds = dict.fromkeys(metric.definition.kind for metric in plan.metrics)
            words = (row.name or "", row.difference or "")
            parts.append(Part(*words, tuple(kinds), is_of_account))
    return parts
