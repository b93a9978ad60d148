"""Hosted surveys: list, make, change, words by language, links, and what came back."""

import secrets
from collections.abc import Callable
from http import HTTPStatus

from flask import (
    Blueprint,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from experiments import survey_replies, surveys
from experiments.db import transaction
from experiments.errors import NotFound
from experiments.models import Survey
from experiments.privacy import PSEUDONYM_BYTES, load_pseudonymiser
from experiments.storable import fault_in_text
from experiments.survey_inviting import Inviter, Links, survey_keys
from experiments.survey_links import SurveyLinks
from experiments.surveys import LANGUAGES, SurveyTerms
from experiments.vocabulary import PersonRole
from web import paging
from web.access import actor, context, least, person
from web.forms.base import AbideForm
from web.forms.surveys import LinksForm, SurveyForm, TermsForm, TextsForm
from web.forms.surveys import text_faults as faults_of_texts
from web.link_files import links_file
from web.presenters.survey_words import NAMES
from web.saving import form_data, save, wants_to_save

pages = Blueprint("surveys", __name__)


@pages.get("/surveys")
@least(PersonRole.VIEWER)
def listing() -> str:
    """List all surveys with how many answered the latest wave."""
    with transaction(context().sessions) as database:
        page = paging.by_key(lambda place, limit: surveys.page(database, place, limit))
        rows = [(row, survey_replies.waves(database, row)[:1]) for row in page.rows]
        others = survey_replies.other_surveys(database) if _reads_comments() else []
        return render_template("surveys.html", rows=rows, page=page, others=others)


@pages.get("/survey-comments")
@least(PersonRole.ANALYST)
def others() -> str:
    """Show what customers wrote in a survey of another tool."""
    name = request.args.get("survey", "")
    with transaction(context().sessions) as database:
        return render_template(
            "survey_comments.html",
            name=name,
            comments=[]
            if fault_in_text(name)
            else survey_replies.other_comments(database, name),
        )


def _reads_comments() -> bool:
    who = person()
    return who is not None and who.actor.may(PersonRole.ANALYST)


@pages.route("/surveys/new", methods=["GET", "POST"])
@least(PersonRole.EDITOR)
def new() -> Response:
    """Show the form, and make the survey."""
    form = SurveyForm(form_data())
    if wants_to_save():
        names = faults_of_texts(form.chosen_language)
        row = save(form, lambda database: _create(database, form), names)
        if row is not None:
            flash("The survey is made.")
            return redirect(url_for("web.surveys.show", key=row.key))
    return _form_page("survey_form.html", form)


def _create(database: Session, form: SurveyForm) -> Survey:
    return surveys.create(
        database,
        key=form.new_key(),
        kind=form.chosen_kind,
        scale=form.chosen_scale,
        terms=form.terms(),
        actor=actor(),
        now=context().now(),
    )


@pages.get("/surveys/<key>")
@least(PersonRole.VIEWER)
def show(key: str) -> str:
    """Show a survey, its response by wave, and to analysts what was written."""
    reads = _reads_comments()
    with transaction(context().sessions) as database:
        row = surveys.get(database, key)
        return render_template(
            "survey_read.html",
            row=row,
            terms=surveys.terms_of(row),
            waves=survey_replies.waves(database, row),
            comments=survey_replies.comments(database, row) if reads else None,
            languages=[(code, NAMES[code]) for code in LANGUAGES],
        )


@pages.route("/surveys/<key>/edit", methods=["GET", "POST"])
@least(PersonRole.EDITOR)
def edit(key: str) -> Response:
    """Show what may change in a form, and save it."""
    row, stored = _stored(key)
    form = TermsForm(form_data())
    if form_data() is None:
        form.show(stored)
    if wants_to_save() and _change(key, form, lambda: form.terms(stored.texts), {}):
        return redirect(url_for("web.surveys.show", key=key))
    return _form_page("survey_edit.html", form, row=row)


@pages.route("/surveys/<key>/texts/<language>", methods=["GET", "POST"])
@least(PersonRole.EDITOR)
def texts(key: str, language: str) -> Response:
    """Show a survey's words in one language, and save them."""
    if language not in LANGUAGES:
        raise NotFound("Surveys cannot be asked in this language.")
    row, stored = _stored(key)
    form = TextsForm(form_data())
    if form_data() is None and language in stored.texts:
        form.show(stored.texts[language])

    def changed() -> SurveyTerms:
        words = {**stored.texts, language: form.texts()}
        return SurveyTerms(
            stored.name, stored.wave, stored.language, words, stored.is_open
        )

    if wants_to_save() and _change(key, form, changed, faults_of_texts(language)):
        return redirect(url_for("web.surveys.show", key=key))
    return _form_page("survey_texts.html", form, row=row, language=NAMES[language])


@pages.route("/surveys/<key>/links", methods=["GET", "POST"])
@least(PersonRole.EDITOR)
def links(key: str) -> Response:
    """Ask for ids, and give their links as a CSV file; the ids are not stored."""
    row, _ = _stored(key)
    form = LinksForm(form_data())
    if wants_to_save():
        made = save(form, lambda database: _links(database, key, form))
        if made is not None:
            return _file(key, made)
    return _form_page("survey_links.html", form, row=row)


@pages.post("/surveys/<key>/try")
@least(PersonRole.EDITOR)
def try_out(key: str) -> Response:
    """Lead to the survey's page as a customer sees it; answers are not counted."""
    row, _ = _stored(key)
    nobody = secrets.token_bytes(PSEUDONYM_BYTES)
    token = _inviter().trial(row, nobody, context().now())
    return redirect(url_for("web.asking.show", token=token))


def _stored(key: str) -> tuple[Survey, SurveyTerms]:
    with transaction(context().sessions) as database:
        row = surveys.get(database, key)
        return row, surveys.terms_of(row)


def _change(
    key: str, form: AbideForm, terms: Callable[[], SurveyTerms], names: dict[str, str]
) -> bool:
    now = context().now()

    def act(database: Session) -> Survey:
        return surveys.change(database, key, terms(), actor=actor(), now=now)

    saved = save(form, act, names)
    if saved is not None:
        flash("The survey is saved.")
    return saved is not None


def _links(database: Session, key: str, form: LinksForm) -> Links:
    row = surveys.get(database, key)
    now = context().now()
    return _inviter().invite(database, row, form.wish(), actor=actor(), now=now)


def _inviter() -> Inviter:
    settings = context().settings
    return Inviter(
        SurveyLinks(survey_keys(settings), context().now),
        load_pseudonymiser(settings),
        current_app.extensions["abide_inbox"],
    )


def _file(key: str, made: Links) -> Response:
    base = f"{context().settings.base_url.rstrip('/')}/s/"
    links = [(customer_id, base + token) for customer_id, token in made.tokens]
    return links_file(f"{key}-links", links)


def _form_page(template: str, form: AbideForm, **values: object) -> Response:
    problems = form.problems()
    page = render_template(template, form=form, problems=problems, **values)
    return make_response(page, HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK)
