"""Remembers an import: what it was, and every fault that its rows have."""

from collections.abc import Iterator
from contextlib import contextmanager

from analysis.import_request import Request
from analysis.row_faults import RowFaults
from experiments import data_requests, import_records
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import InvalidInput
from experiments.import_records import RejectFile
from experiments.models import ImportRecord
from experiments.vocabulary import ImportState

_MAX_NAME = 255


@contextmanager
def recorded(context: Context, request: Request, row_count: int) -> Iterator[RowFaults]:
    """Remember an import whose rows were read, with all of their faults.

    Args:
        context: settings, database and clock.
        request: what was asked.
        row_count: of the file.

    Yields:
        What the file's rows are checked with.
    """
    rejects = RejectFile(context.settings.data_dir)
    faults = RowFaults(request.path, rejects)
    try:
        yield faults
    except InvalidInput:
        if faults:
            _keep(context, request, row_count, faults, rejects)
        raise
    else:
        _keep(context, request, row_count, faults, rejects)
    finally:
        rejects.close()


def _keep(
    context: Context,
    request: Request,
    row_count: int,
    faults: RowFaults,
    rejects: RejectFile,
) -> None:
    rejects.close()
    data_dir = context.settings.data_dir
    state = ImportState.CHECKED if request.dry_run else ImportState.STORED
    if faults and not request.dry_run:
        state = ImportState.REFUSED
    record = ImportRecord(
        public_id=rejects.public_id,
        finished_at=context.now(),
        file_name=request.path.name[:_MAX_NAME],
        experiment=request.experiment,
        is_dry_run=request.dry_run,
        row_count=row_count,
        faulty_row_count=faults.row_count,
        fault_count=faults.fault_count,
        listed_count=rejects.listed,
        state=state.value,
    )
    with transaction(context.sessions) as session:
        import_records.keep(session, data_dir, record)
    with transaction(context.sessions) as session:
        # Who was erased before, or meanwhile, is in no file of ours.
        stones = data_requests.tombstones(session)
        if faults and stones:
            import_records.forget(session, data_dir, set(stones))
        if request.rejects is not None:
            with request.rejects.open("w", encoding="utf-8", newline="") as file:
                kept = import_records.get(session, rejects.public_id)
                file.writelines(import_records.csv_lines(data_dir, kept))
