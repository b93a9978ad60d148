"""An upload is checked at the door; what is good in it waits, without any raw id.

The file itself is read in memory and never written. Its good rows come to rest as the
store would take them (`experiments.staged_rows`), its faults masked, and nothing of
it is stored before somebody says so.
"""

import time
from dataclasses import replace
from pathlib import Path, PurePath

from analysis import import_steps as steps
from analysis.import_events import Found
from analysis.import_request import Request
from analysis.import_steps import Asked
from analysis.import_units import UnitRow, UnitRows
from analysis.imported_rows import RowFile
from analysis.row_faults import RowFaults
from experiments import data_requests, import_records, opt_outs, staged_rows, uploads
from experiments.actors import Actor
from experiments.comments import clean_comment
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import TooLarge
from experiments.field_faults import Faults
from experiments.import_records import RejectFile
from experiments.models import ImportRecord
from experiments.privacy import load_pseudonymiser, names_somebody
from experiments.staged_rows import StagedRows
from experiments.storable import fault_in_text
from experiments.variant_checks import MAX_VARIANTS
from experiments.vocabulary import ImportState, PersonRole

FRAME_ROWS = 1000
LONGEST_NAME = 100
PAUSE_SECONDS = 0.001
UNNAMED = "upload"


def stage(
    context: Context, request: Request, content: bytes, actor: Actor
) -> ImportRecord:
    """Check an upload, and keep its good rows until somebody decides.

    Args:
        context: settings, database and clock.
        request: what and how; its path is the file's name.
        content: of the file, at most 64 MB.
        actor: who uploads.

    Returns:
        What was found, with the state `ready`, or `refused`.

    Raises:
        InvalidInput: the file or the request cannot be read.
        Conflict: what is there already does not fit.
        TooLarge: it is a file for `abide import`.
        StorageFull: the disk is full; nothing was kept.
    """
    actor.require(PersonRole.ANALYST, uploads.TO_UPLOAD)
    request = replace(request, path=Path(safe_name(request.path.name)))
    _require_clear(request)
    asked = steps.read_asked(context, request, actor)
    if asked.key and asked.plan is None:
        actor.require(PersonRole.EDITOR, "register an experiment from a file")
    file = RowFile(request.path, content)
    if len(content) > uploads.MOST_BYTES or file.row_count > uploads.MOST_ROWS:
        raise TooLarge(too_large())
    rejects = RejectFile(context.settings.data_dir)
    path = import_records.rows_path(context.settings.data_dir, rejects.public_id)
    staged = StagedRows(path)
    try:
        record = _read(context, asked, file, rejects, staged)
        staged.close()
        rejects.close()
        _keep(context, record, actor)
    except BaseException:
        rejects.close()
        path.unlink(missing_ok=True)
        import_records.delete_rejects(context.settings.data_dir, rejects.public_id)
        raise
    return record


def too_large() -> str:
    """Say how large an upload may be, and what larger files are for."""
    return (
        f"A file that is uploaded has at most {uploads.MOST_BYTES // 2**20} MB and"
        f" {uploads.MOST_ROWS:,} rows. Part it, or run abide import on the server."
    )


def safe_name(name: str) -> str:
    """Give a file's name without folders, and without what names somebody.

    Args:
        name: as the browser, or a client, said it.

    Returns:
        At most 100 characters, with the same ending.
    """
    plain = PurePath(name.replace("\\", "/")).name
    stem, suffix = PurePath(plain).stem, PurePath(plain).suffix[:10]
    cleared = clean_comment(stem).replace("\n", " ").strip()
    if cleared != stem.strip() or "@" in name or names_somebody(stem) or not cleared:
        cleared = UNNAMED
    return cleared[:LONGEST_NAME] + suffix


def _require_clear(request: Request) -> None:
    """Refuse names that tell who somebody is, or are too long: they are kept."""
    faults = Faults()
    for option, text, longest in (
        ("--source", request.source, steps.MAX_SOURCE),
        ("--name", request.name, LONGEST_NAME),
        ("--control", request.control, steps.MAX_SOURCE),
        ("--variant", request.variant, LONGEST_NAME),
        ("--customer", request.customer, LONGEST_NAME),
        *(("--outcome", text, LONGEST_NAME) for text in request.outcomes),
    ):
        said = text or ""
        if names_somebody(said):
            faults.add(option, "Choose a name that does not tell who somebody is.")
        elif fault_in_text(said) or len(said) > longest:
            faults.add(option, f"Use at most {longest} characters of text.")
    faults.raise_if_any("A name cannot be kept as it is.")


def _read(
    context: Context,
    asked: Asked,
    file: RowFile,
    rejects: RejectFile,
    staged: StagedRows,
) -> ImportRecord:
    faults = RowFaults(file.path, rejects)
    is_events = asked.request.variant is None
    read = _read_events if is_events else _read_units
    found, ready = read(context, asked, file, faults, staged)
    # Customers who are left out for their faults would unbalance the groups.
    is_good = ready > 0 and (is_events or not faults)
    return ImportRecord(
        public_id=rejects.public_id,
        finished_at=context.now(),
        file_name=file.path.name,
        experiment=asked.key,
        is_dry_run=False,
        row_count=found["rows"],
        faulty_row_count=faults.row_count,
        fault_count=faults.fault_count,
        listed_count=rejects.listed,
        state=(ImportState.READY if is_good else ImportState.REFUSED).value,
        asked=asked.request.to_json(),
        found=found,
        ready_count=ready,
        frame_count=staged.frame_count,
        stored_frame_count=0,
        try_count=0,
        note="",
    )


def _read_events(
    context: Context,
    asked: Asked,
    file: RowFile,
    faults: RowFaults,
    staged: StagedRows,
) -> tuple[dict[str, object], int]:
    events, found, rows = steps.event_import(context, asked, file), Found(), 0
    for count, parcel in events.good(faults):
        rows += count
        found.note(parcel, asked.key)
        if parcel.rows or parcel.consent_refused:
            staged.add(parcel)
        _let_others_work()
    steps.require_events(asked, found)
    steps.require_other(context, asked, found)
    # A line that is torn is a fault, and no row that was read.
    return {"rows": rows + faults.torn_count, **found.to_json()}, found.count


def _read_units(
    context: Context,
    asked: Asked,
    file: RowFile,
    faults: RowFaults,
    staged: StagedRows,
) -> tuple[dict[str, object], int]:
    columns = steps.unit_columns(asked, file)
    frame: list[UnitRow] = []

    known = 0

    def keep(row: UnitRow) -> None:
        nonlocal known
        # Before a frame is written: another column may have been taken for it.
        if len(units.variants) > known:
            known = len(units.variants)
            if asked.plan or known > MAX_VARIANTS:
                steps.require_units(asked, units.variants)
        frame.append(row)
        if len(frame) == FRAME_ROWS:
            staged.add(list(frame))
            frame.clear()
            _let_others_work()

    hide = load_pseudonymiser(context.settings)
    units = UnitRows(columns, faults, hide, keep)
    read_count = 0

    def advance(count: int) -> None:
        nonlocal read_count
        read_count += count

    units.read_all(file, advance)
    if not faults:
        steps.require_units(asked, units.variants)
        if frame:
            staged.add(frame)
    found: dict[str, object] = {
        "rows": read_count + faults.torn_count,
        "digest": file.digest(),
        "attributes": list(columns.attributes),
    }
    return found, units.variants.total()


def _let_others_work() -> None:
    """Give other threads of this server a turn: a file is read for seconds."""
    time.sleep(PAUSE_SECONDS)


def _keep(context: Context, record: ImportRecord, actor: Actor) -> None:
    data_dir = context.settings.data_dir
    if record.state == ImportState.REFUSED.value:
        uploads.end(data_dir, record, ImportState.REFUSED, "")
    with transaction(context.sessions) as session:
        uploads.keep(session, data_dir, record, actor, context.now())
    with transaction(context.sessions) as session:
        # Who was erased before, or meanwhile, is in no file of ours.
        stones = data_requests.tombstones(session)
        gone = {*stones, *opt_outs.opted_out(session)}
        if stones:
            import_records.forget(session, data_dir, set(stones))
        if gone:
            path = import_records.rows_path(data_dir, record.public_id)
            staged_rows.forget(path, gone)
