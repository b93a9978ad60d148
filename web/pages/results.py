"""The page of a result: may it be used, what is the answer, and what stands behind."""

import orjson
from flask import Blueprint, Response, render_template
from sqlalchemy.orm import Session

from analysis import looks_taken, results
from analysis.glossary import INTERVAL_HELP
from analysis.results import RunView
from experiments import catalog, plan_lock
from experiments.db import transaction
from experiments.models import Experiment
from experiments.vocabulary import PersonRole
from web.access import context, least
from web.certified import primary_doubt
from web.presenters.results import results_page

pages = Blueprint("results", __name__)


@pages.get("/experiments/<key>/results")
@least(PersonRole.VIEWER)
def show(key: str) -> str:
    """Show the last good result, or how far the experiment is."""
    with transaction(context().sessions) as database:
        experiment = catalog.get(database, key)
        plan, _ = plan_lock.locked_plan(database, experiment)
        run = results.latest(database, experiment)
        if run is None:
            return render_template(
                "results_none.html",
                experiment=experiment,
                plan=plan,
                stale=stale(database, experiment, None),
            )
        charts = results.charts_of(database, run)
        amendments = plan_lock.amendments(database, experiment)
        looks = looks_taken.look_charts(database, experiment) if run.is_trusted else {}
        return render_template(
            "results.html",
            looks=tuple(looks.values()),
            experiment=experiment,
            plan=plan,
            run=run,
            charts=charts,
            amendments=amendments,
            interval_help=INTERVAL_HELP,
            page=results_page(run, plan, charts, amendments),
            stale=stale(database, experiment, run),
            doubt=primary_doubt(database, experiment),
        )


@pages.get("/experiments/<key>/results.json")
@least(PersonRole.VIEWER)
def download(key: str) -> Response:
    """Give the same result as JSON, for a notebook."""
    with transaction(context().sessions) as database:
        experiment = catalog.get(database, key)
        plan_lock.locked_plan(database, experiment)
        run = results.latest(database, experiment)
    body = None if run is None else results.to_json(run)
    return Response(
        orjson.dumps(body, option=orjson.OPT_INDENT_2),
        mimetype="application/json",
        headers={"Content-Disposition": f'attachment; filename="{key}-results.json"'},
    )


def stale(database: Session, experiment: Experiment, run: RunView | None) -> str | None:
    """Say that the analysis has failed since, or None when it has not."""
    failure = (
        results.failure_since(database, experiment) if run is None else run.failure
    )
    if failure is None:
        return None
    return failure.sentence(context().now(), None if run is None else run.as_of)
