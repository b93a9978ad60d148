"""People: who may sign in, and as what."""

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

from experiments import accounts, sign_in_links
from experiments.db import transaction
from experiments.models import Person
from experiments.vocabulary import PersonRole, Signer
from web.access import actor, context, least
from web.forms.account import PersonForm, RoleForm, SignsForm
from web.forms.values import pick
from web.saving import save

pages = Blueprint("people", __name__)


@pages.get("/settings/people")
@least(PersonRole.ADMIN)
def listing() -> str:
    """List everybody, with a form to let somebody in."""
    return _page(PersonForm())


def _page(form: PersonForm) -> str:
    with transaction(context().sessions) as database:
        return render_template(
            "people.html",
            people=accounts.people(database),
            form=form,
            problems=form.problems(),
        )


@pages.post("/settings/people")
@least(PersonRole.ADMIN)
def invite() -> Response | str:
    """Add a person and show the link that signs them in, this once."""
    form, me, now = PersonForm(request.form), actor(), context().now()

    def add(database: Session) -> tuple[Person, str]:
        person = accounts.create_person(
            database,
            email=form.email.data,
            name=form.name.data,
            role=pick(PersonRole, form.role.data),
            password=None,
            actor=me,
            now=now,
        )
        return person, sign_in_links.create(database, person.id, now)

    added = save(form, add)
    if added is None:
        return make_response(_page(form), HTTPStatus.BAD_REQUEST)
    return _link_page(*added)


def _link_page(person: Person, token: str) -> str:
    path = url_for("web.sign_in.link", token=token)
    link = f"{context().settings.base_url}{path}"
    return render_template("person_link.html", shown=person, link=link)


@pages.get("/settings/people/<int(max=2147483647):number>")
@least(PersonRole.ADMIN)
def show(number: int) -> str:
    """Show one person with what can be done."""
    with transaction(context().sessions) as database:
        return _person_page(accounts.get(database, number))


def _person_page(
    found: Person, form: RoleForm | None = None, signs: SignsForm | None = None
) -> str:
    form = form or RoleForm(data={"role": found.role})
    signs = signs or SignsForm(data={"signs_for": found.signs_for})
    return render_template(
        "person.html",
        found=found,
        form=form,
        signs=signs,
        problems=form.problems() + signs.problems(),
    )


@pages.post("/settings/people/<int(max=2147483647):number>/role")
@least(PersonRole.ADMIN)
def set_role(number: int) -> Response:
    """Give a person another role."""
    form, me, now = RoleForm(request.form), actor(), context().now()
    found = save(
        form,
        lambda database: accounts.set_role(
            database, number, pick(PersonRole, form.role.data), actor=me, now=now
        ),
    )
    if found is not None:
        flash(f"{found.name} has another role now, and was signed out.")
        return redirect(url_for("web.people.listing"))
    with transaction(context().sessions) as database:
        page = _person_page(accounts.get(database, number), form)
    return make_response(page, HTTPStatus.BAD_REQUEST)


@pages.post("/settings/people/<int(max=2147483647):number>/signs-for")
@least(PersonRole.ADMIN)
def set_signs_for(number: int) -> Response:
    """Say for what a person signs plans."""
    form, me, now = SignsForm(request.form), actor(), context().now()
    found = save(
        form,
        lambda database: accounts.set_signs_for(
            database,
            number,
            [pick(Signer, signer) for signer in form.signs_for.data or ()],
            actor=me,
            now=now,
        ),
    )
    if found is not None:
        flash(f"Saved what {found.name} signs plans for.")
        return redirect(url_for("web.people.show", number=number))
    with transaction(context().sessions) as database:
        page = _person_page(accounts.get(database, number), None, form)
    return make_response(page, HTTPStatus.BAD_REQUEST)


@pages.post("/settings/people/<int(max=2147483647):number>/link")
@least(PersonRole.ADMIN)
def make_link(number: int) -> str:
    """Make a one-time link for somebody who has lost their password."""
    with transaction(context().sessions) as database:
        found = accounts.get(database, number)
        token = sign_in_links.create(database, number, context().now())
    return _link_page(found, token)


@pages.post("/settings/people/<int(max=2147483647):number>/active")
@least(PersonRole.ADMIN)
def set_active(number: int) -> Response:
    """Disable a person, which ends their sessions at once, or let them back in."""
    active = request.form.get("active") == "yes"
    with transaction(context().sessions) as database:
        found = accounts.set_active(
            database, number, active=active, actor=actor(), now=context().now()
        )
    done = "may sign in again" if active else "is signed out and cannot sign in"
    flash(f"{found.name} {done}.")
    return redirect(url_for("web.people.listing"))
