"""What is to be doubted of size and dates, while they are typed."""

from analysis.baselines import EVERYBODY, known_baseline
from analysis.plan_doubts import Timetable, doubts
from experiments import metrics, segments
from experiments.db import transaction
from experiments.vocabulary import AssignedBy
from web.access import context
from web.forms.experiments import ExperimentForm
from web.pages.plan_duration import arrivals_of


def doubted(form: ExperimentForm) -> list[str]:
    """Say what is to be doubted of the size and the dates in the form.

    Args:
        form: as it is shown.

    Returns:
        Sentences; none while the fields do not hold a size and an end.
    """
    primary, end = form.primary, form.planned_end_at.at()
    size = form.planned_units.whole
    ran_elsewhere = form.assigned_by.data == AssignedBy.EXTERNAL.value
    if primary is None or not primary.metric.data or end is None or not size:
        return []
    if ran_elsewhere or form.planned_end_at.errors or form.enrolment_ends_at.errors:
        return []
    with transaction(context().sessions) as database:
        version = metrics.get(database, primary.metric.data).versions[-1]
        where = (EVERYBODY, 0)
        if form.segment.data:
            newest = segments.get(database, form.segment.data).versions[-1]
            where = (form.segment.data, newest.version)
        known = known_baseline(database, version, *where)
        maturity = metrics.definition_of(version).maturity
    arrivals = arrivals_of(form, known)
    planned = Timetable(
        begins_at=form.exposures_from.at() or context().now(),
        enrolment_ends_at=form.enrolment_ends_at.at(),
        planned_end_at=end,
        maturity=maturity,
        units=size,
        unit=form.drawn,
    )
    return doubts(planned, arrivals and arrivals.times(form.coverage.value))
