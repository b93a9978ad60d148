"""Links to a customer's choice, who opted out by day, and words for customers."""

from typing import Any

import marshmallow as ma

from api.schemas.fields import Choice, Items, Part, StrictSchema, Text, whole
from api.schemas.surveys import LinkSchema
from experiments.choice_inviting import MOST_AT_ONCE, ChoiceWish
from experiments.customer_words import LONGEST_DIFFERENCE, LONGEST_NAME, Words
from experiments.messages import MAX_ID
from experiments.opt_outs import DAYS_SHOWN
from experiments.vocabulary import IdKind


class ChoiceLinksBodySchema(StrictSchema):
    """Whose links are wanted."""

    customer_ids = Items(
        Text(metadata={"minLength": 1, "maxLength": MAX_ID}),
        required=True,
        metadata={
            "minItems": 1,
            "maxItems": MOST_AT_ONCE,
            "description": "As the apps send them; they are not kept.",
        },
    )
    id_kind = Choice(IdKind, load_default=IdKind.CUSTOMER)

    @ma.post_load
    def make(self, data: dict[str, Any], **_: object) -> ChoiceWish:
        """Make the value that the rules check."""
        return ChoiceWish(**data)


class ChoiceLinksSchema(StrictSchema):
    """Links, in the order asked for; they do not end."""

    links = Items(Part(LinkSchema), required=True)


class OptOutDaySchema(StrictSchema):
    """What customers chose on one day."""

    day = ma.fields.Date(required=True, metadata={"description": "In UTC."})
    opted_out_count = whole(0, required=True)
    opted_in_count = whole(0, required=True)


class OptOutsSchema(StrictSchema):
    """How many customers take part in no experiment."""

    opted_out_count = whole(0, required=True, metadata={"description": "Now."})
    days = Items(
        Part(OptOutDaySchema),
        required=True,
        metadata={
            "description": f"Of the last {DAYS_SHOWN} days those on which somebody"
            " chose, the latest first."
        },
    )


class CustomerWordsSchema(StrictSchema):
    """What customers read about an experiment on the page of their choice."""

    name = ma.fields.String(
        load_default="",
        validate=ma.validate.Length(max=LONGEST_NAME),
        metadata={"example": "A shorter set-up"},
    )
    difference = ma.fields.String(
        load_default="",
        validate=ma.validate.Length(max=LONGEST_DIFFERENCE),
        metadata={"description": "What some see and others do not."},
    )

    @ma.post_load
    def make(self, data: dict[str, Any], **_: object) -> Words:
        """Make the value that the rules check."""
        return Words(**data)
