"""Bring an installation's database to where the running version can use it."""

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from experiments import journey, ruleset, schema
from experiments.context import Context
from experiments.db import transaction
from experiments.models import RulesetRow


def prepare(context: Context) -> None:
    """Migrate, and give a new installation its journey stages and first ruleset.

    Does nothing where all is in place, so it runs at every start.

    Args:
        context: settings, database and clock.
    """
    schema.upgrade(context.sessions.kw["bind"])
    with transaction(context.sessions) as session:
        journey.seed(session)
        # Doors refuse to answer without a ruleset that they can read: an empty one
        # says that none runs.
        if not _is_readable(session):
            ruleset.publish(session, context.now())


def _is_readable(session: Session) -> bool:
    """Whether the newest ruleset was published by a version that writes as ours."""
    newest = select(RulesetRow.body).order_by(RulesetRow.revision.desc()).limit(1)
    body = session.scalar(newest)
    return body is not None and orjson.loads(body)["format"] == ruleset.FORMAT
