"""Imports: upload a file, see what is in it, and have it stored or thrown away."""

from http import HTTPStatus
from pathlib import Path

from flask import (
    Blueprint,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.datastructures import CombinedMultiDict
from werkzeug.wrappers import Response

from experiments import import_records, uploads
from experiments.db import transaction
from experiments.errors import Conflict, InvalidInput, TooLarge
from experiments.models import ImportRecord
from experiments.vocabulary import PersonRole
from web.access import actor, context, least, takes
from web.forms.imports import AGAIN, CUSTOMERS, FIELDS, UploadForm
from web.presenters.imports import sentence, standing, title

pages = Blueprint("imports", __name__)
ROOM_FOR_FIELDS = 100_000  # bytes of a form beside its file
REFRESH_SECONDS = 3


@pages.get("/data/imports")
@least(PersonRole.ANALYST)
def listing() -> str:
    """List the files that were imported, with what was wrong in them."""
    with transaction(context().sessions) as database:
        listed = import_records.listing(database)
        return render_template("imports.html", imports=listed, standing=standing)


@pages.route("/data/imports/new", methods=["GET", "POST"])
@least(PersonRole.ANALYST)
@takes(uploads.MOST_BYTES + ROOM_FOR_FIELDS)
def new() -> str | Response:
    """Take a file, check it, and lead to what was found."""
    if request.method == "GET":
        return _form(UploadForm())
    form = UploadForm(CombinedMultiDict([request.files, request.form]))
    record = _staged(form) if form.validate() else None
    if record is None:
        return make_response(_form(form), HTTPStatus.BAD_REQUEST)
    return redirect(url_for("web.imports.show", public_id=record.public_id))


def _form(form: UploadForm) -> str:
    return render_template("upload.html", form=form, problems=form.problems())


def _staged(form: UploadForm) -> ImportRecord | None:
    # Read by those who upload alone: what it takes is loaded with the first file.
    from analysis.import_request import Request, reworded  # noqa: PLC0415
    from analysis.import_staging import stage  # noqa: PLC0415

    of_customers = form.rows.data == CUSTOMERS
    asked = Request(
        path=Path(form.file.data.filename),
        experiment=form.experiment.data or None,
        name=form.name.data or "",
        control=form.control.data or None,
        matters=form.matters.value_or_none,
        outcomes=form.lines(),
        variant=(form.variant.data or "") if of_customers else None,
        customer=form.customer.data or "customer",
        source=form.source.data or None,
        begins_at=form.began.at(),
        ends_at=form.ended.at(),
        again=AGAIN in (form.again.data or ()),
    )
    if of_customers and not asked.variant:
        form.variant.errors = ["Name the column that says each customer's variant."]
        return None
    try:
        with uploads.in_turn():
            return stage(context(), asked, form.file.content, actor())
    except (InvalidInput, Conflict) as error:
        form.take(reworded(error, title), FIELDS)
    except TooLarge as error:
        form.file.errors = [error.message]
    return None


@pages.get("/data/imports/<public_id>")
@least(PersonRole.ANALYST)
def show(public_id: str) -> Response:
    """Say how far an import is, and ask what is to become of it."""
    with transaction(context().sessions) as database:
        record = import_records.get(database, public_id)
        page = render_template(
            "import.html",
            row=record,
            standing=standing(record),
            sentence=sentence(record),
            is_under_way=record.state in uploads.UNDER_WAY,
        )
    answer = make_response(page)
    if record.state in uploads.UNDER_WAY:
        answer.headers["Refresh"] = str(REFRESH_SECONDS)
    return answer


@pages.post("/data/imports/<public_id>/store")
@least(PersonRole.ANALYST)
def store(public_id: str) -> Response:
    """Have the rows of an upload stored."""
    with transaction(context().sessions) as database:
        uploads.ask(database, public_id, actor(), context().now())
    return redirect(url_for("web.imports.show", public_id=public_id))


@pages.post("/data/imports/<public_id>/discard")
@least(PersonRole.ANALYST)
def discard(public_id: str) -> Response:
    """Throw the rows of an upload away."""
    data_dir = context().settings.data_dir
    with transaction(context().sessions) as database:
        record = uploads.discard(
            database, data_dir, public_id, actor(), context().now()
        )
    flash(f"The rows of {record.file_name} are thrown away.")
    return redirect(url_for("web.imports.listing"))


@pages.get("/data/imports/<public_id>/rejects.csv")
@least(PersonRole.ANALYST)
def rejects(public_id: str) -> Response:
    """Give out every fault of an import's rows."""
    with transaction(context().sessions) as database:
        record = import_records.get(database, public_id)
    lines = import_records.csv_lines(context().settings.data_dir, record)
    answer = Response(lines, content_type="text/csv; charset=utf-8")
    name = f"rejects-{public_id}.csv"
    answer.headers["Content-Disposition"] = f"attachment; filename={name}"
    answer.headers["Cache-Control"] = "no-store"
    return answer
