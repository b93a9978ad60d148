"""Data: what has come in, from where, how fresh, and what was set aside."""

from datetime import datetime
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

from analysis import reconciled
from analysis.background import background
from experiments import (
    catalog,
    connectors,
    exposures_view,
    intake_view,
    opt_outs,
    quarantine,
    reconciled_days,
    refused_hooks,
    waiting_bodies,
)
from experiments.db import transaction
from experiments.errors import NotFound
from experiments.models import Connector, QuarantinedMessage
from experiments.privacy import load_pseudonymiser
from experiments.quarantine import Pile, Replayed
from experiments.refused_hooks import Refused
from experiments.replay import Mending
from experiments.vocabulary import Environment, PersonRole, QuarantineReason
from web.access import actor, context, least
from web.forms.intake import AT_ARRIVAL, ReplayForm
from web.presenters.background import BackgroundPage, background_in_words
from web.presenters.intake import freshness, hour_chart
from web.saving import save

pages = Blueprint("data", __name__)
JUST_CAME = (
    "Nothing waits here yet. What has come within the last seconds is on its way: read"
    " again in a moment."
)
PILE = (
    "/data/set-aside/<source>"
    f"/<any({', '.join(Environment)}):environment>"
    f"/<any({', '.join(QuarantineReason)}):reason>"
)


@pages.get("/data")
@least(PersonRole.VIEWER)
def show() -> str:
    """Say how fresh the data are, by source, and what was not kept."""
    now = context().now()
    with transaction(context().sessions) as database:
        sources = intake_view.sources(database, now)
        return render_template(
            "data.html",
            sources=sources,
            sentence=freshness(sources, now),
            exposures=exposures_view.named(database, now),
            groups=quarantine.groups(database),
            full=waiting_bodies.full(database),
            refused=_refused(database, now),
            opted_out=opt_outs.count(database),
            names={view.source: view.name for view in sources},
            base_url=context().settings.base_url,
            background=_background(database, now),
        )


def _refused(database: Session, now: datetime) -> list[tuple[Connector, Refused]]:
    """Name the connectors in use of which webhooks were refused, and how many."""
    rows = [row for row in connectors.listing(database) if row.ended_at is None]
    found = refused_hooks.lately(database, [row.public_id for row in rows], now)
    return [(row, found[row.public_id]) for row in rows if row.public_id in found]


def _background(database: Session, now: datetime) -> BackgroundPage | None:
    """Tell how the work behind the page goes; process names are not for everybody."""
    if not actor().may(PersonRole.ANALYST):
        return None
    return background_in_words(background(database, context().settings, now))


@pages.get(f"/data/sources/<source>/<any({', '.join(Environment)}):environment>")
@least(PersonRole.VIEWER)
def hours(source: str, environment: str) -> str:
    """Draw how many events a source brought, hour by hour."""
    if len(source) > 64 or "\x00" in source:  # noqa: PLR2004  # its column
        raise NotFound("Nothing has come from this source.")
    now = context().now()
    with transaction(context().sessions) as database:
        view = intake_view.source(database, source, environment, now)
        by_hour = intake_view.hours(database, view, now)
    chart = hour_chart(by_hour, is_import=view.is_import)
    return render_template("source.html", view=view, hours=by_hour, chart=chart)


@pages.get("/data/exposures/<key>")
@least(PersonRole.VIEWER)
def exposures(key: str) -> str:
    """Say how far customers came from assignment to outcome, by day and source."""
    now = context().now()
    with transaction(context().sessions) as database:
        experiment = catalog.get(database, key)
        return render_template(
            "exposures.html",
            experiment=experiment,
            counted=reconciled.read(database, experiment),
            days=reconciled_days.by_day(database, experiment.key, now),
            names=intake_view.key_names(database),
        )


@pages.get(PILE)
@least(PersonRole.ANALYST)
def pile(source: str, environment: str, reason: str) -> str:
    """Show masked examples of one pile, and a form to read it again."""
    return _page(Pile(source, environment, QuarantineReason(reason)), ReplayForm())


def _page(found: Pile, form: ReplayForm) -> str:
    with transaction(context().sessions) as database:
        examples = _examples(database, found)
        return render_template(
            "set_aside.html",
            pile=found,
            examples=examples,
            causes=quarantine.causes(database, found),
            replayable=any(row.customer is not None for row in examples),
            connector=connectors.find(database, found.source),
            form=form,
            problems=form.problems(),
        )


def _examples(database: Session, found: Pile) -> list[QuarantinedMessage]:
    if len(found.source) > 64 or "\x00" in found.source:  # noqa: PLR2004  # its column
        raise NotFound("Nothing of this kind is set aside.")
    return list(quarantine.examples(database, found))


@pages.post(PILE)
@least(PersonRole.EDITOR)
def replay(source: str, environment: str, reason: str) -> Response:
    """Read a pile again, and say how many messages are good now."""
    found = Pile(source, environment, QuarantineReason(reason))
    form = ReplayForm(request.form)

    def read(database: Session) -> Replayed:
        mending = Mending(form.pairs(), AT_ARRIVAL in (form.when.data or ()))
        settings = context().settings
        return quarantine.replay(
            database,
            settings,
            load_pseudonymiser(settings),
            found,
            mending if not form.problems() else Mending(),
            actor=actor(),
            now=context().now(),
        )

    done = None if _has_faults(form) else save(form, read)
    if done is None:
        return make_response(_page(found, form), HTTPStatus.BAD_REQUEST)
    if not done.stored_count + done.refused_count:
        flash(JUST_CAME)
        return redirect(request.path)
    said = f"Good now and on their way in: {done.stored_count:,}."
    if done.refused_count:
        said += f" Still set aside: {done.refused_count:,}. {done.refusal}"
    flash(said)
    return redirect(url_for("web.data.show"))


def _has_faults(form: ReplayForm) -> bool:
    """Find faults before anything is read: messages on their way cannot come back."""
    form.validate()
    form.pairs()
    return bool(form.problems())
