"""The monthly review: all decisions of a month, on screen and as one PDF."""

from flask import Blueprint, Response, render_template, request
from sqlalchemy.orm import Session

from experiments import catalog, plan_lock
from experiments.db import transaction
from experiments.errors import NotFound
from experiments.models import Experiment
from experiments.vocabulary import PersonRole
from web import catalogue, pdf
from web.access import context, least
from web.pages.summary import paper_of, pdf_answer
from web.presenters.found import found_of
from web.presenters.review import Month, Review, review_of

pages = Blueprint("review", __name__)
MOST_SHEETS = 20  # summaries in one PDF, which must be ready in its time


@pages.get("/review")
@least(PersonRole.VIEWER)
def show() -> str:
    """Show the review of a month; without one, of the last that is over."""
    with transaction(context().sessions) as database:
        return render_template(
            "month.html", review=_review(database), makes_pdf=pdf.maker.works
        )


@pages.get("/review.pdf")
@least(PersonRole.VIEWER)
def print_out() -> Response:
    """Give the review with the summary of each experiment, a page each, as PDF."""
    with transaction(context().sessions) as database:
        review = _review(database)
        planned = [
            each.experiment
            for each in review.decided
            if _has_plan(database, each.experiment)
        ]
        first = render_template(
            "paper_month.html",
            review=review,
            left_out=max(0, len(planned) - MOST_SHEETS),
        )
        sheets = [paper_of(database, each) for each in planned[:MOST_SHEETS]]
    parts = [pdf.Part(first, fits=False)]
    parts += [pdf.Part(html, fits=True) for html in sheets]
    return pdf_answer(parts, f"review-{review.month.key}.pdf")


def _review(database: Session) -> Review:
    now = context().now()
    month = Month.named(request.args.get("month"), now)
    experiments = catalog.portfolio(database, catalogue.MOST)
    return review_of(experiments, found_of(database, experiments, now), month, now)


def _has_plan(database: Session, experiment: Experiment) -> bool:
    try:
        plan_lock.locked_plan(database, experiment)
    except NotFound:  # decided before it started
        return False
    return True
