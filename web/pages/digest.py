"""The weekly digest: who gets it, whether it goes out, and how to end it by a link."""

from http import HTTPStatus

from flask import Blueprint, flash, make_response, redirect, render_template, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from experiments import accounts, digest_mails, digest_recipients
from experiments.config import WEEKDAYS
from experiments.db import transaction
from experiments.models import DigestRecipient
from experiments.sealing import load_sealer
from experiments.vocabulary import MailState, PersonRole
from web.access import actor, context, least
from web.digest import digest_of, in_words
from web.digest_job import send_test
from web.forms.digest import RecipientForm
from web.saving import form_data, save, wants_to_save

pages = Blueprint("digest", __name__)


@pages.route("/settings/digest", methods=["GET", "POST"])
@least(PersonRole.ADMIN)
def show() -> Response:
    """List who gets the digest, with a form to add an address."""
    form, now = RecipientForm(form_data()), context().now()

    def add(database: Session) -> DigestRecipient:
        return digest_recipients.add(
            database, form.recipient.data or "", actor=actor(), now=now
        )

    if wants_to_save() and save(form, add, {"email": "recipient"}) is not None:
        flash("The address is added. It gets the next digest.")
        return redirect(url_for("web.digest.show"))
    problems, settings = form.problems(), context().settings
    with transaction(context().sessions) as database:
        page = render_template(
            "digest.html",
            form=form,
            problems=problems,
            recipients=digest_recipients.listing(database),
            mail=settings.mail,
            weekday=WEEKDAYS[settings.digest_weekday].capitalize(),
            hour=f"{settings.digest_hour:02d}:00 UTC",
            unsent=digest_mails.unsent(database),
            preview=in_words(digest_of(database, settings, now, with_links=False)),
        )
    return make_response(page, HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK)


@pages.post("/settings/digest/test")
@least(PersonRole.ADMIN)
def test() -> Response:
    """Send the digest to whoever is signed in, and say whether it went out."""
    with transaction(context().sessions) as database:
        address = accounts.get(database, actor().person_id or 0).email
    outcome = send_test(context(), address)
    if outcome.state == MailState.SENT:
        flash("The mail server took the test. It is on its way to you.")
    else:
        flash(f"The test was not sent. {outcome.error}")
    return redirect(url_for("web.digest.show"))


@pages.post("/settings/digest/<int(max=2147483647):number>/remove")
@least(PersonRole.ADMIN)
def remove(number: int) -> Response:
    """Forget an address."""
    with transaction(context().sessions) as database:
        digest_recipients.remove(database, number, actor=actor(), now=context().now())
    flash("The address is removed, with all that was kept of it.")
    return redirect(url_for("web.digest.show"))


@pages.get("/unsubscribe/<token>")
def ask(token: str) -> Response:
    """Ask whether to end the digest; opening it changes nothing: scanners open all."""
    is_ours = digest_recipients.is_ours(token, load_sealer(context().settings))
    return _closing(token, is_ours=is_ours, done=False)


@pages.post("/unsubscribe/<token>")
def end(token: str) -> Response:
    """End the digest, for a person at the page or their mail program (RFC 8058)."""
    sealer, now = load_sealer(context().settings), context().now()
    with transaction(context().sessions) as database:
        done = digest_recipients.unsubscribe(database, token, sealer, now)
    return _closing(token, is_ours=done, done=done)


def _closing(token: str, *, is_ours: bool, done: bool) -> Response:
    page = render_template("unsubscribe.html", token=token, is_ours=is_ours, done=done)
    answer = make_response(page, HTTPStatus.OK if is_ours else HTTPStatus.NOT_FOUND)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
