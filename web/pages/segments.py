"""Segments: list, add, read, and give a new rule."""

from collections.abc import Iterable
from http import HTTPStatus

from flask import (
    Blueprint,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from analysis import segment_sizes
from experiments import segments, uses
from experiments.db import transaction
from experiments.models import Segment
from experiments.vocabulary import PersonRole
from web import paging
from web.access import actor, context, least
from web.forms.segments import RulesForm, SegmentForm, rule_in_words
from web.presenters.formats import pretty_json
from web.presenters.sizes import SizeShown, all_shown, shown
from web.saving import back_with, form_data, save, wants_to_save

pages = Blueprint("segments", __name__)


@pages.get("/segments")
@least(PersonRole.VIEWER)
def listing() -> str:
    """List all segments with their rules in words."""
    with transaction(context().sessions) as database:
        page = paging.by_key(lambda place, limit: segments.page(database, place, limit))
        sizes = sizes_of(database, page.rows)
        lines = [
            (row, rule_in_words(row.versions[-1].condition), sizes[row.key].short)
            for row in page.rows
        ]
        return render_template("segments.html", rows=lines, page=page)


def sizes_of(database: Session, rows: Iterable[Segment]) -> dict[str, SizeShown]:
    """Read the sizes of segments, by key, as pages show them."""
    versions = {row.key: row.versions[-1] for row in rows}
    found = segment_sizes.latest(database, versions.values())
    return all_shown(versions, found, context().now())


@pages.route("/segments/new", methods=["GET", "POST"])
@least(PersonRole.ANALYST)
def new() -> Response | str:
    """Show the form, and define what it says."""
    form = SegmentForm(form_data())
    form.add_row_if_asked(request.form.get("action"))
    if wants_to_save():
        row = save(form, lambda database: _create(database, form), form.names())
        if row is not None:
            flash("The segment is defined.")
            back = back_with("segment", row.key)
            return redirect(back or url_for("web.segments.show", key=row.key))
    problems = form.problems()
    page = render_template(
        "segment_form.html", form=form, problems=problems, back=back_with()
    )
    return make_response(page, HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK)


def _create(database: Session, form: SegmentForm) -> Segment:
    return segments.create(
        database,
        key=form.new_key(),
        name=form.name.data or "",
        description=form.description.data or "",
        condition=form.condition(),
        actor=actor(),
        now=context().now(),
    )


@pages.get("/segments/<key>")
@least(PersonRole.VIEWER)
def show(key: str) -> str:
    """Show one segment with all versions of its rule."""
    with transaction(context().sessions) as database:
        row = segments.get(database, key)
        versions = [(v, rule_in_words(v.condition)) for v in reversed(row.versions)]
        size = segment_sizes.latest(database, row.versions[-1:]).get(
            row.versions[-1].id
        )
        return render_template(
            "segment.html",
            row=row,
            uses=uses.of_segment(database, key),
            versions=versions,
            size=shown(size, context().now()),
            chart=None if size is None else size.chart,
        )


@pages.route("/segments/<key>/rule", methods=["GET", "POST"])
@least(PersonRole.ANALYST)
def new_rule(key: str) -> Response | str:
    """Show the rule, and add a version when it was changed."""
    with transaction(context().sessions) as database:
        row = segments.get(database, key)
    form = RulesForm(form_data())
    form.add_row_if_asked(request.form.get("action"))
    if form_data() is None:
        form.json.data = pretty_json(row.versions[-1].condition)
    if wants_to_save():
        saved = save(form, lambda database: _add(database, form, key), form.names())
        if saved is not None:
            flash("The segment has a new rule. Plans keep the one they were made with.")
            return redirect(url_for("web.segments.show", key=key))
    problems = form.problems()
    page = render_template("segment_rule.html", form=form, problems=problems, row=row)
    return make_response(page, HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK)


def _add(database: Session, form: RulesForm, key: str) -> Segment:
    return segments.add_version(
        database, key, form.condition(), actor=actor(), now=context().now()
    )
