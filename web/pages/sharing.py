"""The summary by link: for people who do not sign in, until a day that was chosen."""

from datetime import timedelta
from http import HTTPStatus

from flask import Blueprint, flash, make_response, redirect, render_template, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from experiments import catalog, plan_lock, summary_links
from experiments.db import transaction
from experiments.models import Experiment, SummaryLink
from experiments.vocabulary import PersonRole
from web import pdf
from web.access import actor, context, least
from web.answer_limit import AnswerLimit
from web.forms.sharing import ShareForm
from web.pages.summary import OUTSIDE, page_of, paper_of, pdf_answer
from web.paging import by_age
from web.saving import form_data, save, wants_to_save

pages = Blueprint("sharing", __name__)
MOST_READINGS = 120  # of one link a minute and process
_limit = AnswerLimit(
    MOST_READINGS,
    timedelta(minutes=1),
    "This link is opened too often. Wait a minute.",
)


@pages.get("/shared/<token>")
def read(token: str) -> Response:
    """Show the summary that the link is for, and nothing else."""
    with transaction(context().sessions) as database:
        experiment = _opened(database, token)
        if experiment is None:
            return _ended()
        page = page_of(database, experiment, OUTSIDE, token)
        return _closed_to_others(make_response(page))


@pages.get("/shared/<token>/summary.pdf")
def print_out(token: str) -> Response:
    """Give that summary as PDF."""
    with transaction(context().sessions) as database:
        experiment = _opened(database, token)
        if experiment is None:
            return _ended()
        html, name = paper_of(database, experiment), f"{experiment.key}-summary.pdf"
    return _closed_to_others(pdf_answer([pdf.Part(html, fits=True)], name))


def _opened(database: Session, token: str) -> Experiment | None:
    """Find what a link reads, and count that it was used; None when it has ended."""
    now = context().now()
    experiment = summary_links.find(database, token, now)
    if experiment is not None:
        _limit.count(experiment.key.encode(), now)
    return experiment


def _ended() -> Response:
    page = render_template("shared_ended.html")
    return _closed_to_others(make_response(page, HTTPStatus.NOT_FOUND))


@pages.route("/experiments/<key>/summary/links", methods=["GET", "POST"])
@least(PersonRole.EDITOR)
def links(key: str) -> Response:
    """List the links, and make one; its address is shown this once."""
    form, now = ShareForm(form_data()), context().now()
    with transaction(context().sessions) as database:
        experiment = catalog.get(database, key)
        plan_lock.locked_plan(database, experiment)

    def act(database: Session) -> tuple[SummaryLink, str]:
        days = form.days.whole
        return summary_links.make(database, key, days=days, actor=actor(), now=now)

    made = save(form, act) if wants_to_save() else None
    problems = form.problems()
    with transaction(context().sessions) as database:
        found = by_age(
            lambda place, limit: summary_links.listing(
                database, experiment, place, limit
            )
        )
    page = render_template(
        "summary_links.html",
        experiment=experiment,
        form=form,
        problems=problems,
        made=made,
        address=_address(made[1]) if made else "",
        links=found,
        now=now,
    )
    status = HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK
    answer = make_response(page, status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@pages.post("/experiments/<key>/summary/links/<int(max=2147483647):number>/revoke")
@least(PersonRole.EDITOR)
def revoke(key: str, number: int) -> Response:
    """End a link."""
    with transaction(context().sessions) as database:
        link = summary_links.revoke(
            database, key, number, actor=actor(), now=context().now()
        )
    flash(f"Link {link.id} is revoked. It stopped working just now.")
    return redirect(url_for("web.sharing.links", key=key))


def _address(token: str) -> str:
    return context().settings.base_url + url_for("web.sharing.read", token=token)


def _closed_to_others(answer: Response) -> Response:
    """Keep the address, which is a key, out of caches, indexes and other requests."""
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
