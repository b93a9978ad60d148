"""Imports: files that programs upload, how far they are, and what was refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from api.endpoints import Call, Endpoint, Resource
from api.json_body import UnsupportedMediaType
from api.schemas.intake import ImportSchema, ImportsSchema, UploadQuery
from experiments import import_records, uploads
from experiments.errors import AbideError, InvalidInput, TooLarge
from experiments.vocabulary import PersonRole

if TYPE_CHECKING:
    from analysis.import_request import Request

resource = Resource("imports", "Imports of files, and rows that were refused.")

CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"
_SUFFIXES = {CSV: ".csv", PARQUET: ".parquet"}
# Option of `abide import` -> field of the query, where they differ.
_FIELDS = {"outcome": "outcomes", "began": "begins_at", "ended": "ends_at"}

LIST = Endpoint(role=PersonRole.ANALYST, to="see imports", answer=ImportsSchema)
REJECTS = Endpoint(role=PersonRole.ANALYST, to="see imports", answer=None)
READ = Endpoint(role=PersonRole.ANALYST, to="see imports", answer=ImportSchema)
UPLOAD = Endpoint(
    role=PersonRole.ANALYST,
    to=uploads.TO_UPLOAD,
    answer=ImportSchema,
    query=UploadQuery,
    takes=tuple(_SUFFIXES),
)
DECIDE = Endpoint(role=PersonRole.ANALYST, to=uploads.TO_UPLOAD, answer=ImportSchema)


@resource.route("GET", "/imports", LIST)
def list_imports(call: Call) -> dict[str, Any]:
    """List the imports of the last 30 days whose rows were read, at most 50."""
    return {"items": import_records.listing(call.session)}


@resource.route("POST", "/imports", UPLOAD)
def upload(call: Call, query: dict[str, Any]) -> Any:  # noqa: ANN401  # a row
    """Check a file that is the body; nothing of it is stored before you say so.

    The good rows wait for 24 hours as pseudonyms, the file itself is kept nowhere.
    """
    # What reads files is loaded with the first one.
    from analysis.import_request import reworded  # noqa: PLC0415
    from analysis.import_staging import stage  # noqa: PLC0415

    with uploads.in_turn():
        content, suffix = _body()
        asked = _request(query, suffix)
        try:
            return stage(call.context, asked, content, call.actor)
        except AbideError as error:
            found = reworded(error, _field)
            found.fields = {_field(name): text for name, text in found.fields.items()}
            raise


def _request(query: dict[str, Any], suffix: str) -> "Request":
    from analysis.import_outcomes import Scale  # noqa: PLC0415
    from analysis.import_request import Request  # noqa: PLC0415

    outcomes = query.pop("outcomes", "")
    tops = query.pop("scale", None), query.pop("satisfied_from", None)
    names = ("top", "satisfied_from")
    said = {name: top for name, top in zip(names, tops, strict=True) if top is not None}
    name = query.pop("file_name", "upload").removesuffix(suffix) + suffix
    return Request(
        path=Path(name),
        outcomes=tuple(text.strip() for text in outcomes.split(",") if text.strip()),
        scale=Scale(**said) if said else None,
        **query,
    )


def _field(option: str) -> str:
    return _FIELDS.get(option, option.replace("-", "_"))


def _body() -> tuple[bytes, str]:
    suffix = _SUFFIXES.get(request.mimetype)
    if suffix is None:
        kinds = " or ".join(_SUFFIXES)
        raise UnsupportedMediaType(f"Send the file with Content-Type: {kinds}.")
    most = uploads.MOST_BYTES
    # One more than allowed, as with JSON: the stream refuses at its limit.
    request.max_content_length = most + 1
    try:
        content = request.get_data(cache=False)
    except RequestEntityTooLarge as error:
        raise TooLarge(f"Send at most {most:,} bytes, or part the file.") from error
    if not content:
        raise InvalidInput("Send the file as the body.")
    return content, suffix


@resource.route("GET", "/imports/<key:public_id>", READ)
def read_import(call: Call, public_id: str) -> Any:  # noqa: ANN401  # a row
    """Read how far an import is."""
    return import_records.get(call.session, public_id)


@resource.route("POST", "/imports/<key:public_id>/store", DECIDE)
def store(call: Call, public_id: str) -> Any:  # noqa: ANN401  # a row
    """Have the rows of an upload stored; then its experiment is analysed."""
    return uploads.ask(call.session, public_id, call.actor, call.now)


@resource.route("POST", "/imports/<key:public_id>/discard", DECIDE)
def discard(call: Call, public_id: str) -> Any:  # noqa: ANN401  # a row
    """Throw the rows of an upload away."""
    data_dir = call.context.settings.data_dir
    return uploads.discard(call.session, data_dir, public_id, call.actor, call.now)


@resource.route("GET", "/imports/<key:public_id>/rejects", REJECTS)
def list_rejects(call: Call, public_id: str) -> Iterator[str]:
    """Write every fault of an import's rows: row, field, reason, masked value."""
    record = import_records.get(call.session, public_id)
    return import_records.csv_lines(call.context.settings.data_dir, record)
