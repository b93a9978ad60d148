"""Home: the portfolio by journey stage."""

from flask import Blueprint, render_template

from experiments import catalog, hypotheses, journey
from experiments.db import transaction
from experiments.vocabulary import PersonRole
from web import catalogue
from web.access import context, least
from web.presenters.home import home
from web.presenters.runs import latest_runs

pages = Blueprint("home", __name__)


@pages.get("/")
@least(PersonRole.VIEWER)
def show() -> str:
    """Show what runs, what needs somebody, and what was decided."""
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
        runs = latest_runs(database, [e.id for e in experiments])
        page = home(journey.stages(database), ideas, experiments, runs, context().now())
    return render_template("home.html", home=page)
