"""The leadership summary of one experiment: one page, on screen and on paper."""

from typing import Any

from flask import Blueprint, Response, make_response, render_template, request
from sqlalchemy.orm import Session

from analysis import results
from experiments import catalog, learnings, plan_lock
from experiments.db import transaction
from experiments.models import Experiment
from experiments.vocabulary import PersonRole
from web import pdf
from web.access import context, least
from web.pages.results import stale
from web.presenters.monitoring import waiting_in_words
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


@pages.get("/experiments/<key>/summary.pdf")
@least(PersonRole.VIEWER)
def print_out(key: str) -> Response:
    """Give the same page as PDF."""
    with transaction(context().sessions) as database:
        html = paper_of(database, catalog.get(database, key))
    return pdf_answer([pdf.Part(html, fits=True)], f"{key}-summary.pdf")


def page_of(
    database: Session, experiment: Experiment, layout: str, token: str | None = None
) -> str:
    """Write the summary of an experiment.

    Args:
        database: open transaction.
        experiment: that has started.
        layout: INSIDE for who has signed in, OUTSIDE for who has a link.
        token: of that link.

    Returns:
        The page.
    """
    shown = _shown(database, experiment)
    template = "summary.html" if shown["page"] else "summary_waiting.html"
    return render_template(
        template,
        **shown,
        layout=layout,
        outside=layout == OUTSIDE,
        token=token,
        makes_pdf=pdf.maker.works,
    )


def paper_of(database: Session, experiment: Experiment) -> str:
    """Write the same summary as a document for paper."""
    return render_template("paper_summary.html", **_shown(database, experiment))


def pdf_answer(parts: list[pdf.Part], name: str) -> Response:
    """Make a PDF of documents, on the paper that the address asks for.

    Args:
        parts: the documents.
        name: of the file.

    Returns:
        The file; it opens in the browser.
    """
    paper = pdf.PAPERS.get(request.args.get("paper", ""), "A4")
    answer = make_response(pdf.maker.make(parts, paper))
    answer.content_type = "application/pdf"
    answer.headers["Content-Disposition"] = f'inline; filename="{name}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _shown(database: Session, experiment: Experiment) -> dict[str, Any]:
    """Read what the summary shows; its page is None while there is no answer."""
    plan, _ = plan_lock.locked_plan(database, experiment)
    run = results.as_decided(database, experiment)
    shown = {
        "experiment": experiment,
        "plan": plan,
        "run": run,
        "stale": stale(database, experiment, run),
        "page": None,
    }
    if run is None or not run.is_trusted or not run.has_answer:
        failed = () if run is None else trust_of(run).failed
        waiting = waiting_in_words(experiment, run, context().now())
        return shown | {"failed": failed, "waiting": waiting}
    charts = results.charts_of(database, run)
    amendments = plan_lock.amendments(database, experiment)
    learning = learnings.of_experiment(database, experiment.key)
    page = summary_of(experiment, plan, run, charts, amendments, learning)
    return shown | {"page": page, "foot": printed_foot(run, context().now())}
