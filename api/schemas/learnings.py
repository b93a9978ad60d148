"""What was learned from decided experiments, and what they did to metrics."""

from marshmallow.validate import Length

from api.schemas.fields import (
    Choice,
    Count,
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
from api.schemas.paging import PageQuery
from experiments.lessons import LONGEST
from experiments.vocabulary import (
    Decision,
    HypothesisHeld,
    LearningRelation,
    Lever,
    Verdict,
)

MAX_SEARCH = 200
LAST_YEAR = 9999


class LearningQuery(PageQuery):
    """Which learnings are asked for."""

    text = Text(
        load_default="",
        validate=Length(max=MAX_SEARCH, error=f"Use at most {MAX_SEARCH} characters."),
        metadata={"description": "Words that all must occur, in any order."},
    )
    stage = Text(load_default="", metadata={"description": "Key of a stage."})
    segment = Text(load_default="", metadata={"description": "Key of a segment."})
    lever = Choice(Lever, load_default=None)
    metric = Text(load_default="", metadata={"description": "Key of a metric."})
    decision = Choice(Decision, load_default=None)
    year = Count(
        LAST_YEAR, load_default=None, metadata={"description": "Of the decision, UTC."}
    )


class NoteBodySchema(StrictSchema):
    """What was learned since the decision."""

    text = text(LONGEST, required=True)
    held = Choice(
        HypothesisHeld,
        load_default=None,
        allow_none=True,
        metadata={"description": "Whether the hypothesis was right, as known now."},
    )


class NoteSchema(StrictSchema):
    """What was learned since the decision, with its date."""

    text = Text(required=True)
    held = Choice(HypothesisHeld, required=True, allow_none=True)
    by = Text(required=True)
    at = Time(required=True)


class LaterSchema(StrictSchema):
    """That a later experiment found the same again, or the opposite."""

    experiment = identifier(required=True)
    relation = Choice(LearningRelation, required=True)
    note = Text(required=True)


class LearningSchema(StrictSchema):
    """What was learned from one decided experiment."""

    experiment = identifier(required=True, metadata={"description": "Its key."})
    name = Text(required=True)
    sentence = Text(
        required=True, metadata={"description": "The result that was decided on."}
    )
    verdict = Choice(Verdict, required=True, allow_none=True)
    decision = Choice(Decision, required=True)
    decided_at = Time(required=True)
    stage = identifier(required=True)
    segment = identifier(required=True)
    metric = identifier(required=True)
    lever = Choice(Lever, required=True)
    held = Choice(HypothesisHeld, required=True, allow_none=True)
    surprise = Text(required=True)
    next_step = Text(required=True)
    next_hypothesis = identifier(required=True, allow_none=True)
    follow_up_at = Time(required=True, allow_none=True)
    notes = Items(Part(NoteSchema), required=True)
    later = Items(Part(LaterSchema), required=True)


class EffectSchema(StrictSchema):
    """By how much one experiment moved a metric, as it was decided on."""

    experiment = identifier(required=True)
    effect = Decimal(required=True, metadata={"description": "On the metric's scale."})
    standard_error = Decimal(required=True)
    low = Decimal(required=True, allow_none=True)
    high = Decimal(required=True, allow_none=True)


class AverageSchema(StrictSchema):
    """An average that is shrunk towards 0 by how little each effect says."""

    value = Decimal(required=True)
    low = Decimal(required=True)
    high = Decimal(required=True)


class MeansTriedSchema(StrictSchema):
    """What one means did at one stage to one metric."""

    metric = identifier(required=True)
    lever = Choice(Lever, required=True)
    stage = identifier(required=True)
    count = whole(1, required=True)
    average = Part(AverageSchema, required=True, allow_none=True)
    sentence = Text(required=True)
    effects = Items(Part(EffectSchema), required=True)


class PastEffectsSchema(StrictSchema):
    """What decided experiments did, by metric, means and stage."""

    items = Items(Part(MeansTriedSchema), required=True)
