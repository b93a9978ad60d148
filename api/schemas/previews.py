"""Preview links of an experiment."""

from api.schemas.fields import StrictSchema, Text, Time, identifier, whole
from experiments.preview_links import MOST_DAYS


class PreviewBodySchema(StrictSchema):
    """A link to one variant."""

    variant = identifier(
        required=True, metadata={"description": "What the link shows."}
    )
    days = whole(
        1,
        MOST_DAYS,
        load_default=7,
        metadata={"description": "Until the link ends by itself."},
    )


class PreviewSchema(StrictSchema):
    """A link without its token."""

    id = whole(1, required=True)
    variant = Text(required=True)
    created_at = Time(required=True)
    created_by = Text(required=True)
    expires_at = Time(required=True)
    revoked_at = Time(required=True, allow_none=True)
    revoked_by = Text(required=True, allow_none=True)


class NewPreviewSchema(PreviewSchema):
    """A link as it is shown once."""

    token = Text(
        required=True,
        allow_none=True,
        metadata={
            "description": "What your app passes on as the attribute abide_preview."
            " Abide has only its hash, and a repeated request shows null."
        },
    )
