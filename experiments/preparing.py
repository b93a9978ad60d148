"""Bring an installation's database to where the running version can use it."""

from sqlalchemy import func, select

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
        # Doors refuse to answer without a ruleset: an empty one says that none runs.
        if session.scalar(select(func.count()).select_from(RulesetRow)) == 0:
            ruleset.publish(session, context.now())
