"""Bytes of rows that were deleted leave the files of the database too.

A database marks a deleted row as free, and keeps what it said until the place is
needed. SQLite is told to overwrite it (`secure_delete`), which leaves its log.
PostgreSQL knows no such order: a table with deleted rows has to be written anew.
"""

from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from experiments.context import Context
from experiments.db import Base
from experiments.errors import Unavailable
from experiments.inbox_reading import open_reader
from experiments.models import (
    ErasureLink,
    InboxGroup,
    ListedUnit,
    QuarantinedMessage,
    RecentExposure,
    SurveyComment,
    SurveyReply,
)

# Those that hold anything of a customer. They are small, or emptied all the time.
OF_CUSTOMERS: tuple[type[Base], ...] = (
    InboxGroup,
    QuarantinedMessage,
    ListedUnit,
    RecentExposure,
    SurveyComment,
    SurveyReply,
    ErasureLink,
)
WAIT = "SET lock_timeout = '3s'"  # those who write behind us wait as long


def scrub(context: Context) -> None:
    """Let no file of the database keep what was deleted, but PostgreSQL's own log.

    Args:
        context: settings and database.

    Raises:
        Unavailable: a table was in use for so long that this has to be tried again.
    """
    open_reader(context).scrub()
    engine: Engine = context.sessions.kw["bind"]
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if context.settings.is_sqlite:
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
            return
        try:
            connection.execute(text(WAIT))
            for model in OF_CUSTOMERS:
                connection.execute(text(f'VACUUM (FULL) "{model.__tablename__}"'))
        except OperationalError as error:
            raise Unavailable(
                "A table of the database is in use; what was erased leaves its file"
                " when this is tried again."
            ) from error
        finally:
            connection.execute(text("RESET lock_timeout"))
