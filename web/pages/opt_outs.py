"""Opting out, seen from inside: who did, links for customers, words for them."""

from http import HTTPStatus

from flask import Blueprint, flash, make_response, redirect, render_template, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from experiments import catalog, customer_words, opt_outs
from experiments.choice_inviting import make_links
from experiments.choice_links import ChoiceLinks
from experiments.customer_words import Words
from experiments.db import transaction
from experiments.privacy import load_pseudonymiser
from experiments.sealing import load_sealer
from experiments.vocabulary import PersonRole
from web.access import actor, context, least
from web.forms.opt_outs import ChoiceLinksForm, CustomerWordsForm
from web.link_files import links_file
from web.saving import form_data, save, wants_to_save

pages = Blueprint("opt_outs", __name__)


@pages.route("/settings/opt-outs", methods=["GET", "POST"])
@least(PersonRole.EDITOR)
def show() -> Response:
    """Count opt-outs by day, and make links: one is shown, more come as a file."""
    form = ChoiceLinksForm(form_data())
    url = None
    if wants_to_save():
        made = save(form, lambda database: _links(database, form))
        if made is not None and len(made) > 1:
            return links_file("opt-out-links", made)
        if made is not None:
            ((_, url),) = made
    problems = form.problems()
    with transaction(context().sessions) as database:
        page = render_template(
            "opt_outs.html",
            form=form,
            problems=problems,
            url=url,
            out_count=opt_outs.count(database),
            days=opt_outs.by_day(database, context().now()),
            days_shown=opt_outs.DAYS_SHOWN,
        )
    answer = make_response(page, HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@pages.route("/experiments/<key>/customer-words", methods=["GET", "POST"])
@least(PersonRole.EDITOR)
def words(key: str) -> Response:
    """Show what customers read about an experiment in a form, and save it."""
    with transaction(context().sessions) as database:
        experiment = catalog.get(database, key)
        stored = customer_words.read(database, key)
    form = CustomerWordsForm(form_data())
    if form_data() is None:
        form.show(stored)

    def act(database: Session) -> Words:
        return customer_words.write(
            database, key, form.words(), actor=actor(), now=context().now()
        )

    if wants_to_save() and save(form, act) is not None:
        flash("The words for customers are saved.")
        return redirect(url_for("web.experiments.show", key=key))
    problems = form.problems()
    page = render_template(
        "customer_words.html", form=form, problems=problems, experiment=experiment
    )
    return make_response(page, HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK)


def _links(database: Session, form: ChoiceLinksForm) -> list[tuple[str, str]]:
    settings = context().settings
    made = make_links(
        database,
        ChoiceLinks(load_sealer(settings)),
        load_pseudonymiser(settings),
        form.wish(),
        actor=actor(),
        now=context().now(),
    )
    base = f"{settings.base_url.rstrip('/')}/c/"
    return [(customer_id, base + token) for customer_id, token in made]
