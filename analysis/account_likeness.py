"""What this project's own results tell about accounts, for planning the next one.

An experiment that drew whole accounts stores how many customers they had and how alike
these were. Only results that may be shown are read.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from analysis.outcome_json import outcome_from_json
from analysis.results import may_show
from analysis.stats.estimate import Estimate
from experiments.models import AnalysisRun, Experiment, Result
from experiments.vocabulary import RunState, Unit

_LOOKED_AT = 500  # newest results; older ones tell about customers of long ago


@dataclass(frozen=True, slots=True)
class Likeness:
    """How customers lay in accounts, in one experiment.

    Attributes:
        experiment: its key.
        customers: of an account on average.
        cv: coefficient of variation of that.
        icc: intra-account correlation of the metric; None where only another metric's
            is known.
    """

    experiment: str
    customers: float
    cv: float
    icc: float | None


def known_likeness(session: Session, metric: str) -> Likeness | None:
    """Find how accounts were in the newest experiment that drew them.

    Args:
        session: any session.
        metric: key; an experiment that measured it goes before a newer one that did
            not, since the ICC is the metric's own.

    Returns:
        The likeness, or None when no experiment by account has results yet.
    """
    rows = session.execute(
        select(Experiment.key, Result.metric, Result.outcome, AnalysisRun)
        .join(AnalysisRun, AnalysisRun.id == Result.run_id)
        .join(Experiment, Experiment.id == AnalysisRun.experiment_id)
        .where(
            Experiment.unit == Unit.ACCOUNT.value,
            AnalysisRun.state == RunState.DONE.value,
            Result.segment == "",
        )
        .order_by(AnalysisRun.as_of.desc(), AnalysisRun.id.desc(), Result.id)
        .limit(_LOOKED_AT)
    )
    shown = [
        (key, measured, outcome_from_json(outcome))
        for key, measured, outcome, run in rows
        if may_show(run.phase, run.verdict)
    ]
    same = ((key, outcome) for key, measured, outcome in shown if measured == metric)
    found = next(_read(same), None)
    if found is not None:
        return found
    other = next(_read((key, outcome) for key, _, outcome in shown), None)
    if other is None:
        return None
    return Likeness(other.experiment, other.customers, other.cv, None)


def _read(results: Iterable[tuple[str, object]]) -> Iterator[Likeness]:
    for experiment, outcome in results:
        if not isinstance(outcome, Estimate):
            continue
        arms = (outcome.control, outcome.treatment)
        accounts = sum(arm.n_accounts or 0 for arm in arms)
        effect, icc = outcome.facts.get("design_effect"), outcome.facts.get("icc")
        if not accounts or not isinstance(effect, float) or not isinstance(icc, float):
            continue
        customers = sum(arm.n for arm in arms) / accounts
        # effect = 1 + ((CV^2 + 1) m - 1) ICC, turned round.
        seen = 1 + (effect - 1) / icc if icc else customers
        cv = math.sqrt(max(0.0, seen / customers - 1))
        yield Likeness(experiment, customers, cv, min(max(icc, 0.0), 1.0))
