"""Planned steps of an experiment, and its lists of customers by hand."""

from api.schemas.fields import (
    Choice,
    Decimal,
    Items,
    Part,
    StrictSchema,
    Text,
    Time,
    identifier,
    text,
    whole,
)
from experiments.messages import MAX_ID
from experiments.vocabulary import Action, IdKind, StepState

_ACTION = {
    "description": "A start, a higher coverage (raise_coverage) or a stop.",
    "example": "raise_coverage",
}
_COVERAGE = {
    "exclusiveMinimum": 0,
    "maximum": 1,
    "description": "Share of the segment from then on (raise_coverage only).",
}


class StepBodySchema(StrictSchema):
    """A step to be done later, with your permission then."""

    at = Time(required=True)
    action = Choice(Action, required=True, metadata=_ACTION)
    coverage = Decimal(load_default=None, metadata=_COVERAGE)


class StepSchema(StrictSchema):
    """A planned step, and what became of it."""

    id = whole(1, required=True)
    at = Time(required=True)
    action = Choice(Action, required=True, metadata=_ACTION)
    coverage = Decimal(required=True, allow_none=True, metadata=_COVERAGE)
    by = Text(required=True, metadata={"description": "E-mail of who planned it."})
    state = Choice(StepState, required=True)
    outcome = Text(
        required=True,
        allow_none=True,
        metadata={"description": "Why it failed, in words."},
    )
    finished_at = Time(required=True, allow_none=True)


class StepsSchema(StrictSchema):
    """All steps of an experiment, by their time."""

    items = Items(Part(StepSchema), required=True)


class ListedBodySchema(StrictSchema):
    """A customer to be put on a list; the id is hidden before it is stored."""

    customer_id = text(
        MAX_ID,
        required=True,
        metadata={
            "description": "As your apps send it; the account's, where those are drawn."
        },
    )
    id_kind = Choice(IdKind, load_default=IdKind.CUSTOMER)
    variant = identifier(
        load_default=None,
        metadata={"description": "What the customer gets; null: takes no part."},
    )
    note = text(200, required=True, metadata={"example": "Ada's test phone"})


class ListedSchema(StrictSchema):
    """A customer on a list by hand, whom analysis leaves out for good."""

    id = whole(1, required=True)
    variant = Text(required=True, allow_none=True)
    note = Text(required=True)
    created_at = Time(required=True)
    created_by = Text(required=True)


class ListedItemsSchema(StrictSchema):
    """Who stands on the lists of an experiment."""

    items = Items(Part(ListedSchema), required=True)
