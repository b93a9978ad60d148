"""The frame of pages that do something with one experiment: read, ask, act, answer."""

from http import HTTPStatus
from typing import Any

from flask import make_response, render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from experiments import catalog, lifecycle
from experiments.db import transaction
from experiments.models import Experiment
from experiments.vocabulary import Action
from web.access import actor, context
from web.forms.base import AbideForm
from web.presenters.customers_see import customers_see


def read(key: str) -> Experiment:
    """Read the experiment that the page is about."""
    with transaction(context().sessions) as database:
        return catalog.get(database, key)


def walk(
    database: Session,
    key: str,
    action: Action,
    reason: str | None = None,
    **others: Any,  # noqa: ANN401  # what the action needs, see lifecycle.transition
) -> Experiment:
    """Do an action as whoever is signed in, now; a reason of no words is none."""
    return lifecycle.transition(
        database,
        key,
        action,
        actor(),
        context().now(),
        reason=reason or None,
        **others,
    )


def answer(
    template: str, form: AbideForm, experiment: Experiment, **others: object
) -> Response:
    """Show the form, with its problems once it was sent."""
    problems = form.problems() if request.method == "POST" else []
    page = render_template(
        template,
        form=form,
        problems=problems,
        experiment=experiment,
        see=customers_see(experiment),
        **others,
    )
    return make_response(page, HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK)
