"""The leadership summary of one experiment: one page, on screen and on paper."""

from flask import Blueprint, render_template
from sqlalchemy.orm import Session

from analysis import results
from experiments import catalog, plan_lock
from experiments.db import transaction
from experiments.models import Experiment
from experiments.vocabulary import PersonRole
from web.access import context, least
from web.pages.results import stale
from web.presenters.results import trust_of
from web.presenters.summary import printed_foot, summary_of

pages = Blueprint("summary", __name__)
INSIDE, OUTSIDE = "summary_layout.html", "shared_layout.html"


@pages.get("/experiments/<key>/summary")
@least(PersonRole.VIEWER)
def show(key: str) -> str:
    """Show the answer on one page; before it is due, only when it is due."""
    with transaction(context().sessions) as database:
        return page_of(database, catalog.get(database, key), INSIDE)


def page_of(database: Session, experiment: Experiment, layout: str) -> str:
    """Write the summary of an experiment.

    Args:
        database: open transaction.
        experiment: that has started.
        layout: INSIDE for who has signed in, OUTSIDE for who has a link.

    Returns:
        The page.
    """
    plan, _ = plan_lock.locked_plan(database, experiment)
    run = results.as_decided(database, experiment)
    shown = {
        "layout": layout,
        "outside": layout == OUTSIDE,
        "experiment": experiment,
        "plan": plan,
        "run": run,
        "stale": stale(database, experiment, run),
    }
    if run is None or not run.is_trusted or not run.has_answer:
        failed = () if run is None else trust_of(run).failed
        return render_template("summary_waiting.html", **shown, failed=failed)
    charts = results.charts_of(database, run)
    amendments = plan_lock.amendments(database, experiment)
    page = summary_of(experiment, plan, run, charts, amendments)
    foot = printed_foot(run, context().now())
    return render_template("summary.html", **shown, page=page, foot=foot)
