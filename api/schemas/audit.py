"""The audit."""

import marshmallow as ma

from api.schemas.fields import Object, StrictSchema, Text, Time, whole
from api.schemas.paging import PageQuery


def _at_most(length: int) -> ma.validate.Length:
    return ma.validate.Length(max=length, error="Use at most {max} characters.")


class AuditQuery(PageQuery):
    """What the audit may be asked."""

    subject_kind = Text(
        validate=_at_most(40), metadata={"description": 'Such as "experiment".'}
    )
    subject_key = Text(validate=_at_most(200))


class AuditEntrySchema(StrictSchema):
    """Who did what to which thing."""

    id = whole(1, required=True)
    at = Time(required=True)
    actor = Text(required=True)
    action = Text(required=True)
    subject_kind = Text(required=True)
    subject_key = Text(required=True)
    before = Object(required=True, allow_none=True)
    after = Object(required=True, allow_none=True)
    entry_hash = Text(
        required=True,
        metadata={"description": "SHA-256 over this row and the one before."},
    )
