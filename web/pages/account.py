"""One's own account: who am I here, and a new password."""

from http import HTTPStatus

from flask import Blueprint, flash, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from experiments import accounts
from experiments.vocabulary import PersonRole
from web.access import actor, context, least, server_session
from web.forms.account import PasswordForm
from web.saving import save

pages = Blueprint("account", __name__)


@pages.get("/account")
@least(PersonRole.VIEWER)
def show() -> str:
    """Show the account and the form for a new password."""
    return render_template("account.html", form=PasswordForm())


@pages.post("/account")
@least(PersonRole.VIEWER)
def set_password() -> Response:
    """Set the password, which ends all sessions, and begin a new one here."""
    form, me, now = PasswordForm(request.form), actor(), context().now()
    found = save(
        form,
        lambda database: accounts.set_password(
            database, me.person_id or 0, form.password.data, actor=me, now=now
        ),
    )
    if found is None:
        page = render_template("account.html", form=form, problems=form.problems())
        return make_response(page, HTTPStatus.BAD_REQUEST)
    server_session().store.start(server_session(), found)
    flash("Your password is set. You were signed out everywhere else.")
    return redirect("/")
