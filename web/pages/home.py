"""Home: the portfolio by journey stage."""

from flask import Blueprint, render_template, request
from sqlalchemy.orm import Session

from analysis.portfolio import (
    guardrails_harmed,
    kept_by_experiment,
    primary_results,
)
from analysis.stage_health import health_by_metric
from experiments import catalog, hypotheses, journey
from experiments.db import transaction
from experiments.models import Experiment
from experiments.vocabulary import PersonRole
from web import catalogue
from web.access import context, least
from web.presenters.chosen import Chosen, offered
from web.presenters.home import Found, home
from web.presenters.runs import latest_runs

pages = Blueprint("home", __name__)


@pages.get("/")
@least(PersonRole.VIEWER)
def show() -> str:
    """Show what runs, what needs somebody, and what was decided."""
    chosen = Chosen.of(request.args)
    with transaction(context().sessions) as database:
        experiments = catalogue.everything(
            lambda after: catalog.listing(
                database, after_key=after, limit=catalogue.PAGE
            )
        )
        ideas = catalogue.everything(
            lambda after: hypotheses.listing(
                database, after_key=after, limit=catalogue.PAGE
            )
        )
        stages = journey.stages(database)
        page = home(
            chosen.stages(stages),
            chosen.ideas(ideas),
            chosen.experiments(experiments),
            found_of(database, experiments),
            context().now(),
        )
        return render_template(
            "home.html",
            home=page,
            chosen=chosen,
            offered=offered(stages, ideas, experiments),
            is_empty=not ideas and not experiments,
        )


def found_of(database: Session, experiments: list[Experiment]) -> Found:
    """Read what the analyses found of some experiments."""
    runs = latest_runs(database, [e.id for e in experiments])
    decided = [e for e in experiments if e.decided_at and e.id in runs]
    results = primary_results(database, [runs[e.id] for e in decided])
    return Found(
        runs=runs,
        kept=kept_by_experiment(decided, runs, results),
        harmed=guardrails_harmed(database, runs),
        health=health_by_metric(database),
    )
