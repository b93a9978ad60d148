"""Connectors: registered senders of webhooks, and the bodies that wait."""

from api.schemas.fields import (
    Choice,
    Decimal,
    Flag,
    Items,
    Object,
    Part,
    StrictSchema,
    Text,
    Time,
    text,
    whole,
)
from experiments.connector_signing import MAX_SECRET
from experiments.connectors import MAX_OLD_HOURS
from experiments.vocabulary import (
    ConnectorKind,
    Environment,
    QuarantineReason,
    SignatureStyle,
)

_MAPPING = (
    "Which facts a body holds: docs/connectors.md describes it. Null where nobody has"
    " said it yet."
)
_SIGNED_WITH = (
    "What its webhooks are signed with, at least 16 characters; of Standard Webhooks"
    " `whsec_` and base64. Leave it out, of"
    " typeform and generic, to let Abide make one."
)


class SignatureSchema(StrictSchema):
    """How a generic sender signs: an HMAC of the body, with a time before it or not."""

    style = Choice(
        SignatureStyle,
        load_default=SignatureStyle.HMAC,
        metadata={
            "description": "standard_webhooks is the HMAC of standardwebhooks.com;"
            " leave the other fields out with it."
        },
    )
    header = Text(load_default="X-Abide-Signature")
    algorithm = Text(
        load_default="sha256", metadata={"enum": ["sha256", "sha512", "sha1"]}
    )
    encoding = Text(load_default="hex", metadata={"enum": ["hex", "base64"]})
    prefix = Text(load_default="sha256=")
    timestamp_header = Text(
        load_default="X-Abide-Timestamp",
        metadata={"description": "Empty where no time is signed."},
    )
    separator = Text(
        load_default=".",
        metadata={"description": "Between the time and the body."},
    )


class ConnectorBodySchema(StrictSchema):
    """A new connector."""

    kind = Choice(ConnectorKind, required=True)
    name = text(100, required=True, metadata={"example": "Support desk"})
    environment = Choice(Environment, load_default=Environment.PRODUCTION)
    secret = text(MAX_SECRET, load_default="", metadata={"description": _SIGNED_WITH})
    signature = Part(
        SignatureSchema,
        load_default=None,
        allow_none=True,
        metadata={"description": "Of a generic connector alone."},
    )
    mapping = Object(
        load_default=None,
        allow_none=True,
        metadata={"description": "Null for the vendor's own, which can be changed."},
    )


class ConnectorSchema(StrictSchema):
    """A connector without its secret."""

    public_id = Text(required=True)
    kind = Choice(ConnectorKind, required=True)
    name = Text(required=True)
    environment = Choice(Environment, required=True)
    address = Text(required=True, metadata={"description": "Where its webhooks go."})
    signature = Part(SignatureSchema, required=True)
    old_secret_until = Time(
        required=True,
        allow_none=True,
        metadata={"description": "Until then the replaced secret holds too."},
    )
    mapping_version = whole(0, required=True)
    mapping = Object(required=True, allow_none=True, metadata={"description": _MAPPING})
    created_at = Time(required=True)
    ended_at = Time(required=True, allow_none=True)
    refused_count = whole(
        0,
        required=True,
        metadata={"description": "Webhooks of seven days whose signature did not fit."},
    )
    last_refused_at = Time(required=True, allow_none=True)


class NewConnectorSchema(ConnectorSchema):
    """A connector as it is shown once, with the secret if Abide made it."""

    secret = Text(
        required=True,
        allow_none=True,
        metadata={"description": "Shown once; null when it was given."},
    )


class SecretBodySchema(StrictSchema):
    """A secret in the place of another."""

    secret = text(MAX_SECRET, load_default="", metadata={"description": _SIGNED_WITH})
    old_valid_hours = whole(
        0,
        MAX_OLD_HOURS,
        load_default=24,
        metadata={"description": "For so long the replaced one holds too."},
    )


class MappingBodySchema(StrictSchema):
    """A new version of a mapping."""

    mapping = Object(required=True, metadata={"description": _MAPPING})
    based_on = whole(
        0, required=True, metadata={"description": "The version that it changes."}
    )


class TestBodySchema(StrictSchema):
    """A body as its sender would send it; nothing of it is stored."""

    body = Object(required=True)
    mapping = Object(
        load_default=None,
        allow_none=True,
        metadata={"description": "To try before it is saved; null for the saved one."},
    )


class FactSchema(StrictSchema):
    """A fact that the body would give."""

    event = Text(required=True)
    customer = Text(required=True, metadata={"description": "Its id, masked."})
    score = Decimal(required=True, allow_none=True)
    scale = whole(0, required=True, allow_none=True)
    survey = Text(required=True)
    occurred_at = Time(required=True)


class TriedSchema(StrictSchema):
    """What the body would give."""

    facts = Items(Part(FactSchema), required=True)
    refusal = Text(
        required=True,
        allow_none=True,
        metadata={"description": "Why it would give nothing."},
    )


class HeldGroupSchema(StrictSchema):
    """Bodies that wait for the same reason."""

    reason = Choice(QuarantineReason, required=True)
    detail = Text(required=True)
    count = whole(1, required=True)
    last_at = Time(required=True)


class HeldSchema(StrictSchema):
    """One waiting body, newest first: its fields, and nothing that it says."""

    received_at = Time(required=True)
    detail = Text(required=True)
    message = Object(required=True)


class HeldListSchema(StrictSchema):
    """The bodies of a connector that wait for a mapping that fits them."""

    waiting_count = whole(0, required=True)
    waiting_bytes = whole(0, required=True, metadata={"description": "As kept."})
    is_full = Flag(
        required=True,
        metadata={
            "description": "One more that no fact fits is refused with 429; its sender"
            " tries again."
        },
    )
    groups = Items(Part(HeldGroupSchema), required=True)
    examples = Items(Part(HeldSchema), required=True)


class DiscardedSchema(StrictSchema):
    """How many bodies were thrown away."""

    deleted_count = whole(0, required=True)
