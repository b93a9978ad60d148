"""The list of experiments: filters in the address, as a table, a timeline or a file."""

from collections.abc import Mapping
from datetime import datetime

from flask import render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from analysis import segment_sizes
from experiments import experiment_list, journey
from experiments.db import transaction
from experiments.experiment_list import Wanted
from experiments.models import Experiment
from experiments.vocabulary import PersonRole, Status
from web import paging
from web.access import context, least
from web.csv_file import csv_file
from web.presenters import experiment_list as words
from web.presenters.runs import latest_runs
from web.presenters.timeline_bars import Scale
from web.presenters.words import STATUS

MOST_LETTERS = 100  # of what is looked for
Options = tuple[tuple[str, str], ...]  # (value, title)


@least(PersonRole.VIEWER)
def show() -> str:
    """List experiments, newest first; the filters stand in the address."""
    now = context().now()
    with transaction(context().sessions) as database:
        offered = _offered(database)
        wanted = _wanted(offered)
        page = paging.by_age(
            lambda place, limit: experiment_list.page(database, place, limit, wanted)
        )
        rows, scale = _rows(database, list(page.rows), now)
        view = "timeline" if request.args.get("view") == "timeline" else "table"
        return render_template(
            "experiments.html",
            rows=rows,
            scale=scale,
            page=page,
            view=view,
            wanted=wanted,
            offered=offered,
            asked={name: request.args.get(name, "") for name in offered},
            filters=_filters(),
        )


@least(PersonRole.VIEWER)
def file() -> Response:
    """Give the same experiments out as a file, all pages of them."""
    now = context().now()
    with transaction(context().sessions) as database:
        wanted = _wanted(_offered(database))
        found = list(experiment_list.all_pages(database, wanted))
        rows, _ = _rows(database, found, now)
        return csv_file("experiments", words.COLUMNS, map(words.cells, rows))


def _rows(
    database: Session, experiments: list[Experiment], now: datetime
) -> tuple[list[words.Row], Scale | None]:
    return words.rows(
        experiments,
        latest_runs(database, [row.id for row in experiments]),
        segment_sizes.latest(database, [row.segment_version for row in experiments]),
        experiment_list.live(database),
        now,
    )


def _offered(database: Session) -> dict[str, tuple[str, Options]]:
    """List what can be chosen: name in the address -> label and options."""
    segments = experiment_list.segments(database)
    owners = experiment_list.owners(database)
    stages = journey.stages(database)
    return {
        "status": ("State", tuple((s.value, title) for s, title in STATUS.items())),
        "stage": ("Stage", tuple((row.key, row.name) for row in stages)),
        "segment": ("Segment", tuple((row.key, row.name) for row in segments)),
        "owner": ("Owner", tuple((str(row.id), row.name) for row in owners)),
    }


def _wanted(offered: Mapping[str, tuple[str, Options]]) -> Wanted:
    """Read the filters; what cannot be chosen leaves nothing out."""
    asked = {
        name: value
        for name, (_, options) in offered.items()
        if (value := request.args.get(name, "")) in dict(options)
    }
    owner = asked.get("owner")
    status = asked.get("status")
    return Wanted(
        words=request.args.get("q", "").replace("\0", "").strip()[:MOST_LETTERS],
        status=None if status is None else Status(status),
        stage=asked.get("stage", ""),
        segment=asked.get("segment", ""),
        owner_id=None if owner is None else int(owner),
    )


def _filters() -> dict[str, str]:
    """Give the filters of the address, for links to the other views."""
    left_out = {"view", "after", "before"}
    return {name: value for name, value in request.args.items() if name not in left_out}
