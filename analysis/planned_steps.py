"""Planned steps come due: each is done once, in order, also after a standstill."""

import structlog

from analysis import leases
from experiments import scheduled_steps
from experiments.context import Context
from experiments.db import transaction
from experiments.enrolled import installed_through
from experiments.errors import AbideError, SetsBehind, StorageFull, Unavailable

log = structlog.get_logger(__name__)


def carry_out_due(context: Context, lease: str, token: int) -> int:
    """Do the steps whose time has come, each in a transaction of its own.

    A step that is refused is marked as failed, with the reason, and does not keep the
    later ones from theirs. While the database is away nothing is marked: it is tried
    again, as is the start of a later phase until the enrolled sets reach far enough.

    Args:
        context: settings, database and clock.
        lease: name of the lease that its worker holds.
        token: of the lease.

    Returns:
        How many steps were due.
    """
    with transaction(context.sessions) as session:
        waiting = scheduled_steps.due(session, context.now())
    for step_id in waiting:
        _carry_out(context, lease, token, step_id)
    return len(waiting)


def _carry_out(context: Context, lease: str, token: int, step_id: int) -> None:
    try:
        with transaction(context.sessions) as session:
            leases.check_token(session, lease, token)
            through = installed_through(context.settings.data_dir)
            scheduled_steps.carry_out(session, step_id, context.now(), through)
    except SetsBehind as refusal:  # done in some seconds, and others need not wait
        log.info("planned_step_waits", step=step_id, reason=refusal.message)
    except (Unavailable, StorageFull, leases.LeaseLost):
        raise
    except AbideError as refusal:
        log.warning("planned_step_failed", step=step_id, reason=refusal.message)
        with transaction(context.sessions) as session:
            leases.check_token(session, lease, token)
            scheduled_steps.fail(session, step_id, refusal, context.now())
    else:
        log.info("planned_step_done", step=step_id)
