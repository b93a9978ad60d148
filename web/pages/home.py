"""Home: the portfolio by journey stage."""

from flask import Blueprint, render_template, request

from experiments import catalog, hypotheses, journey
from experiments.db import transaction
from experiments.vocabulary import PersonRole
from web import catalogue
from web.access import context, least
from web.presenters.chosen import Chosen, offered
from web.presenters.found import found_of
from web.presenters.home import home

pages = Blueprint("home", __name__)
MOST = 10  # of what waits, and of what was decided; the list of experiments has all


@pages.get("/")
@least(PersonRole.VIEWER)
def show() -> str:
    """Show what runs, what needs somebody, and what was decided."""
    chosen, now = Chosen.of(request.args), context().now()
    with transaction(context().sessions) as database:
        experiments = catalog.portfolio(database, catalogue.MOST)
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
            found_of(database, experiments, now),
            now,
        )
        return render_template(
            "home.html",
            home=page,
            chosen=chosen,
            offered=offered(stages, ideas, experiments),
            most=MOST,
            is_empty=not ideas and not experiments,
        )
