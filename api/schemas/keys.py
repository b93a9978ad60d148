"""API keys."""

from api.schemas.fields import Choice, Flag, StrictSchema, Text, Time, text
from experiments.vocabulary import Environment, KeyKind

_READS = (
    "Of a client key: whether its app may evaluate by itself, for which it reads"
    " segment rules and splits."
)


class KeyBodySchema(StrictSchema):
    """A new key."""

    name = text(100, required=True, metadata={"example": "Web shop"})
    kind = Choice(KeyKind, required=True)
    environment = Choice(Environment, load_default=Environment.PRODUCTION)
    may_read_rules = Flag(load_default=False, metadata={"description": _READS})


class KeySchema(StrictSchema):
    """A key without its secret."""

    public_id = Text(
        required=True, metadata={"description": "The readable part of the key."}
    )
    name = Text(required=True)
    kind = Choice(KeyKind, required=True)
    environment = Choice(Environment, required=True)
    may_read_rules = Flag(required=True, metadata={"description": _READS})
    owner = Text(required=True, metadata={"description": "E-mail of its owner."})
    created_at = Time(required=True)
    revoked_at = Time(required=True, allow_none=True)


class NewKeySchema(KeySchema):
    """A key as it is shown once."""

    key = Text(
        required=True,
        allow_none=True,
        metadata={
            "description": "The whole key. Keep it: Abide has only its hash, and a"
            " repeated request shows null."
        },
    )
