"""The page of a result: may it be used, what is the answer, and what stands behind."""

from typing import Any

import orjson
from flask import Blueprint, Response, render_template, request
from sqlalchemy.orm import Session

from analysis import looks_taken, results
from analysis.glossary import INTERVAL_HELP
from analysis.result_notebook import notebook
from analysis.result_table import to_csv
from analysis.results import RunView
from experiments import catalog, plan_lock
from experiments.db import transaction
from experiments.errors import NotFound
from experiments.models import Experiment
from experiments.plan import Plan
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
        chosen = _chosen(plan)
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
        if chosen is not None:
            looks = {name: c for name, c in looks.items() if name == f"looks:{chosen}"}
        return render_template(
            "results.html",
            looks=tuple(looks.values()),
            experiment=experiment,
            plan=plan,
            run=run,
            charts=charts,
            amendments=amendments,
            interval_help=INTERVAL_HELP,
            page=results_page(run, plan, charts, amendments, chosen),
            stale=stale(database, experiment, run),
            doubt=primary_doubt(database, experiment),
        )


def _chosen(plan: Plan) -> str | None:
    """Read which treatment is asked for, where there are several."""
    asked = request.args.get("variant")
    names = {treatment.name for treatment in plan.design.treatments}
    if asked is None or (asked in names and len(names) == 1):
        return None
    if asked not in names:
        raise NotFound("The plan has no treatment of this name.")
    return asked


@pages.get("/experiments/<key>/results.json")
@least(PersonRole.VIEWER)
def download(key: str) -> Response:
    """Give the same result as JSON."""
    _, run, _ = _read(key)
    body = None if run is None else results.to_json(run)
    text = orjson.dumps(body, option=orjson.OPT_INDENT_2)
    return _file(text, "application/json", f"{key}-results.json")


@pages.get("/experiments/<key>/results.csv")
@least(PersonRole.VIEWER)
def table(key: str) -> Response:
    """Give the same result as a table for spreadsheets."""
    plan, run, _ = _read(key)
    if run is None:
        raise NotFound("There are no results yet.")
    return _file(to_csv(run, plan), "text/csv; charset=utf-8", f"{key}-results.csv")


@pages.get("/experiments/<key>/results.ipynb")
@least(PersonRole.VIEWER)
def reproduce(key: str) -> Response:
    """Give a notebook that works the figures out again, without Abide."""
    plan, run, summaries = _read(key)
    if run is None or not summaries:
        raise NotFound("There is a notebook once the plan lets estimates be shown.")
    text = orjson.dumps(notebook(run, plan, summaries), option=orjson.OPT_INDENT_2)
    return _file(text, "application/x-ipynb+json", f"{key}-results.ipynb")


def _read(key: str) -> tuple[Plan, RunView | None, list[dict[str, Any]]]:
    """Read the plan, the last good run, and the tables that it was made from."""
    with transaction(context().sessions) as database:
        experiment = catalog.get(database, key)
        plan, _ = plan_lock.locked_plan(database, experiment)
        run = results.latest(database, experiment)
        return plan, run, [] if run is None else results.summaries_of(database, run)


def _file(body: str | bytes, kind: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(body, content_type=kind, headers=headers)


def stale(database: Session, experiment: Experiment, run: RunView | None) -> str | None:
    """Say that the analysis has failed since, or None when it has not."""
    failure = (
        results.failure_since(database, experiment) if run is None else run.failure
    )
    if failure is None:
        return None
    return failure.sentence(context().now(), None if run is None else run.as_of)
