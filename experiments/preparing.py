"""Bring an installation's database to where the running version can use it."""

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from experiments import journey, ruleset, schema
from experiments.context import Context
from experiments.db import transaction
from experiments.models import Experiment, RulesetRow
from experiments.ruleset_files import Held, RulesetFolder


def prepare(context: Context) -> None:
    """Migrate, and give a new installation its journey stages and first ruleset.

    Does nothing where all is in place, so it runs at every start. A restored database
    comes into force: doors would go on with the newer rules on their disk.

    Args:
        context: settings, database and clock.
    """
    schema.upgrade(context.sessions.kw["bind"])
    # The disk first: what is on it was in the database before, but in a restored one.
    held = RulesetFolder(context.settings.data_dir / "ruleset").held()
    with transaction(context.sessions) as session:
        journey.seed(session)
        # Doors refuse to answer without a ruleset that they can read: an empty one
        # says that none runs.
        if not _is_readable(session) or _was_restored(session, held):
            ruleset.publish(session, context.now())


def _was_restored(session: Session, held: Held | None) -> bool:
    """Whether doors serve a ruleset that this database, with experiments, lacks.

    One without experiments is rather a new or a wrong one, and overrules nothing.
    """
    if held is None or session.scalar(select(Experiment.id).limit(1)) is None:
        return False
    query = select(RulesetRow.revision, RulesetRow.checksum)
    newest = session.execute(query.order_by(RulesetRow.revision.desc()).limit(1)).one()
    return newest.revision <= held.revision and held != tuple(newest)


def _is_readable(session: Session) -> bool:
    """Whether the newest ruleset was published by a version that writes as ours."""
    newest = select(RulesetRow.body).order_by(RulesetRow.revision.desc()).limit(1)
    body = session.scalar(newest)
    return body is not None and orjson.loads(body)["format"] == ruleset.FORMAT
