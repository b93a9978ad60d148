"""Who answered a survey, by group: it says nothing about what they answered."""

from collections.abc import Iterable
from dataclasses import dataclass

from analysis import wording
from analysis.results import CheckShown, RunView
from analysis.survey_groups import same_answers
from experiments.plan import Plan
from experiments.vocabulary import CheckState, HealthCheck
from web.presenters.metric_rows import NOTHING


@dataclass(frozen=True, slots=True)
class ResponseRow:
    """Who answered a survey, in one group."""

    metric: str
    group: str
    exposed: str
    invited: str
    answered: str
    of_exposed: str
    of_invited: str


def response_rows(run: RunView, plan: Plan) -> Iterable[ResponseRow]:
    """Write the rates of each survey and group."""
    counted = run.counts.get("responses") or {}
    for metrics in same_answers(plan, counted):
        names = wording.joined([plan.metric(metric).name for metric in metrics])
        for group, counts in counted[metrics[0]].items():
            exposed, invited, answered = (
                int(counts[name]) for name in ("exposed", "invited", "answered")
            )
            asked = invited >= answered and invited > 0
            yield ResponseRow(
                metric=names,
                group=group,
                exposed=wording.count(exposed),
                invited=wording.count(invited) if asked else NOTHING,
                answered=wording.count(answered),
                of_exposed=wording.percent(answered / exposed) if exposed else NOTHING,
                of_invited=wording.percent(answered / invited) if asked else NOTHING,
            )


def response_check(run: RunView) -> CheckShown | None:
    """Find the check whether the groups answered equally often; None without one."""
    for check in run.checks:
        is_it = check.name == HealthCheck.RESPONSE_BALANCE
        if is_it and check.state != CheckState.NOT_APPLICABLE:
            return check
    return None
