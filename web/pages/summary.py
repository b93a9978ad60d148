"""The leadership summary of one experiment: one page, on screen and on paper."""

from flask import Blueprint, render_template

from analysis import results
from experiments import catalog, plan_lock
from experiments.db import transaction
from experiments.vocabulary import PersonRole
from web.access import context, least
from web.pages.results import stale
from web.presenters.results import trust_of
from web.presenters.summary import printed_foot, summary_of

pages = Blueprint("summary", __name__)


@pages.get("/experiments/<key>/summary")
@least(PersonRole.VIEWER)
def show(key: str) -> str:
    """Show the answer on one page; before it is due, only when it is due."""
    now = context().now()
    with transaction(context().sessions) as database:
        experiment = catalog.get(database, key)
        plan, _ = plan_lock.locked_plan(database, experiment)
        run = results.latest(database, experiment)
        note = stale(database, experiment, run)
        if run is None or not run.is_trusted or not run.has_answer:
            return render_template(
                "summary_waiting.html",
                experiment=experiment,
                plan=plan,
                run=run,
                failed=() if run is None else trust_of(run).failed,
                stale=note,
            )
        charts = results.charts_of(database, run)
        amendments = plan_lock.amendments(database, experiment)
        return render_template(
            "summary.html",
            experiment=experiment,
            plan=plan,
            run=run,
            page=summary_of(experiment, plan, run, charts, amendments),
            foot=printed_foot(run, now),
            stale=note,
        )
