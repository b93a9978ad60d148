"""One stage of the journey: how it does, what is believed, tested and known of it."""

from flask import Blueprint, render_template

from analysis import backlog
from analysis.stage_view import view_of
from experiments import experiment_list, hypotheses, journey, learnings
from experiments.db import transaction
from experiments.learnings import Wanted
from experiments.lookups import Place
from experiments.vocabulary import PersonRole
from web.access import context, least
from web.presenters import stage as words
from web.presenters.learnings import cards

pages = Blueprint("stage", __name__)
MOST = 10  # of a kind; the lists behind the links have all


@pages.get("/stages/<key>")
@least(PersonRole.VIEWER)
def show(key: str) -> str:
    """Show a stage with its metrics by segment and all that belongs to it."""
    with transaction(context().sessions) as database:
        stage = journey.get(database, key)
        view = view_of(database, stage, context().now())
        ideas = hypotheses.open_at(database, stage)
        learned = learnings.page(
            database, Place(falling=True), MOST + 1, Wanted(stage=key)
        )
        return render_template(
            "stage.html",
            stage=stage,
            view=view,
            metrics=words.multiples(view),
            frictions=words.frictions(ideas, backlog.standings(database, ideas)),
            experiments=experiment_list.undecided(database, key, MOST + 1),
            cards=cards(learned),
            most=MOST,
        )
