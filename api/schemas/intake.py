"""What has come in, and what was set aside."""

import marshmallow as ma

from api.schemas.fields import (
    Choice,
    Count,
    Flag,
    Items,
    Measure,
    Object,
    Part,
    StrictSchema,
    Text,
    Time,
    text,
    whole,
)
from experiments.vocabulary import (
    Environment,
    ImportState,
    NamedState,
    QuarantineReason,
    Reached,
)


def _said(description: str) -> dict[str, str]:
    return {"description": description}


class BandSchema(StrictSchema):
    """How many events such an hour usually brings."""

    low = whole(0, required=True)
    high = whole(0, required=True)


class DayCountsSchema(StrictSchema):
    """What a source brought within the last 24 hours."""

    events = whole(0, required=True)
    late = whole(
        0,
        required=True,
        metadata={"description": "Happened more than an hour before they came."},
    )
    duplicates = whole(0, required=True)
    conflicts = whole(
        0,
        required=True,
        metadata={"description": "An id that came before with another content."},
    )
    rejected = whole(0, required=True)


class SourceSchema(StrictSchema):
    """One source of events."""

    source = Text(required=True)
    name = Text(required=True)
    environment = Choice(Environment, required=True)
    is_import = Flag(required=True)
    last_received_at = Time(required=True, allow_none=True)
    last_event_at = Time(required=True, allow_none=True)
    complete_through = Time(
        required=True,
        allow_none=True,
        metadata={"description": "null: an import that is not whole."},
    )
    is_whole = Flag(
        required=True,
        metadata={"description": "false: an import under way, or broken off."},
    )
    event_count = whole(0, required=True)
    duplicate_count = whole(0, required=True)
    consent_refused_count = whole(0, required=True)
    unlisted_value_count = whole(0, required=True)
    personal_value_count = whole(0, required=True)
    erased_count = whole(0, required=True)
    hour_at = Time(required=True, metadata={"description": "The last whole hour."})
    hour_count = whole(0, required=True)
    usual = Part(BandSchema, required=True, allow_none=True)
    is_usual = Flag(required=True)
    day = Part(DayCountsSchema, required=True)


class SourcesSchema(StrictSchema):
    """All sources, the one that sent last first."""

    items = Items(Part(SourceSchema), required=True)


class NamedSchema(StrictSchema):
    """An experiment and a variant that exposures of the last seven days name."""

    experiment = Text(required=True)
    variant = Text(required=True)
    state = Choice(NamedState, required=True)
    exposure_count = whole(0, required=True)
    contradicting_count = whole(
        0,
        required=True,
        metadata={
            "description": "Those that the rules in force at their time had not"
            " assigned; they are kept, and not analysed."
        },
    )
    sources = Items(Text(), required=True)
    last_at = Time(required=True)


class NamedListSchema(StrictSchema):
    """What exposures name, what is unknown first."""

    items = Items(Part(NamedSchema), required=True)


class ExposureDaySchema(StrictSchema):
    """Exposures of one variant from one source, by day of arrival (UTC)."""

    day_at = Time(required=True)
    source = Text(required=True)
    variant = Text(required=True)
    exposure_count = whole(0, required=True)
    contradicting_count = whole(
        0,
        required=True,
        metadata={
            "description": "Those that the rules in force at their time had not"
            " assigned; they are kept, and not analysed."
        },
    )
    last_at = Time(required=True)


class ExposureDaysSchema(StrictSchema):
    """An experiment's exposures, newest day first."""

    items = Items(Part(ExposureDaySchema), required=True)


class ReconciledDaySchema(StrictSchema):
    """What one key asked and sent about one variant on one day of arrival (UTC)."""

    day_at = Time(required=True)
    source = Text(required=True)
    variant = Text(required=True)
    assigned_count = whole(
        0,
        required=True,
        allow_none=True,
        metadata={
            "description": "Customers, within 2 % or so; null: it asked for none."
        },
    )
    evaluation_count = whole(
        0,
        required=True,
        allow_none=True,
        metadata={"description": "How often the key asked; not customers."},
    )
    exposure_count = whole(
        0,
        required=True,
        metadata={"description": "Exposures (events); a customer may send several."},
    )
    contradicting_count = whole(
        0,
        required=True,
        metadata={"description": "Those of them (events) that were not as assigned."},
    )


class DifferenceSchema(StrictSchema):
    """How many exposed customers are not in a later count, and why."""

    reason = Choice(
        Reached,
        required=True,
        metadata={"description": "Who is left out comes first, then who has no event."},
    )
    customer_count = whole(1, required=True)
    words = Text(
        required=True, metadata={"description": "To be read after the number."}
    )


class CustomerCountsSchema(StrictSchema):
    """Customers from assignment to outcome; accounts where these are drawn."""

    assigned_count = whole(
        0,
        required=True,
        allow_none=True,
        metadata={
            "description": "Within 2 % or so; null: no door was asked. By day, those"
            " asked for on that day, who may be in several days."
        },
    )
    exposed_count = whole(
        0, required=True, metadata={"description": "By their first exposure, once."}
    )
    analysed_count = whole(
        0, required=True, metadata={"description": "Of the exposed, not left out."}
    )
    with_outcome_count = whole(
        0,
        required=True,
        allow_none=True,
        metadata={
            "description": "Of the analysed, with an event that a metric of the plan"
            " reads, or an answer to its survey; an invitation is none. All variants"
            " together. null: a metric failed, so nobody counted."
        },
    )
    differences = Items(
        Part(DifferenceSchema),
        required=True,
        metadata={
            "description": "With `with_outcome_count` they add up to `exposed_count`."
        },
    )


class CountedDaySchema(StrictSchema):
    """Customers whose first exposure came on one day (UTC) with one source."""

    day_at = Time(required=True)
    source = Text(required=True)
    counts = Part(CustomerCountsSchema, required=True)


class ReconciliationSchema(StrictSchema):
    """What the last analysis counted, all of it up to one midnight (UTC)."""

    until = Time(required=True)
    sentences = Items(Text(), required=True)
    total = Part(CustomerCountsSchema, required=True)
    days = Items(
        Part(CountedDaySchema),
        required=True,
        metadata={"description": "Of the last 60, newest first."},
    )


class ReconciledDaysSchema(StrictSchema):
    """How far customers came, and what arrived, newest day first."""

    counted = Part(
        ReconciliationSchema,
        required=True,
        allow_none=True,
        metadata={"description": "null: not analysed yet, or its data have no times."},
    )
    items = Items(Part(ReconciledDaySchema), required=True)


class PileSchema(StrictSchema):
    """Messages of one source that were set aside for one reason."""

    source = Text(required=True)
    environment = Choice(Environment, required=True)
    reason = Choice(QuarantineReason, required=True)


class CauseSchema(StrictSchema):
    """How many messages of a pile have one thing wrong."""

    detail = Text(required=True)
    count = whole(1, required=True)
    last_at = Time(required=True)


class GroupSchema(PileSchema):
    """How many messages lie in a pile."""

    count = whole(1, required=True)
    replayable_count = whole(0, required=True)
    last_at = Time(required=True)
    detail = Text(required=True)
    example = Object(
        required=True,
        metadata={"description": "The newest one's shape; letters and digits masked."},
    )
    causes = Items(
        Part(CauseSchema),
        required=True,
        metadata={
            "description": "What is wrong with how many, most first; 20 at most."
        },
    )


class GroupsSchema(StrictSchema):
    """All piles, the largest first."""

    items = Items(Part(GroupSchema), required=True)


class UploadQuery(StrictSchema):
    """How an uploaded file is read, as the options of `abide import`."""

    file_name = text(200, metadata=_said("Of the file, without its folder."))
    experiment = text(64, metadata=_said("Its key; registered when it is new."))
    outcomes = text(
        2000,
        metadata=_said("NAME=KIND[:DAY], parted by commas; the first one decides."),
    )
    variant = text(
        200, metadata=_said("Column of the variant; says that rows are customers.")
    )
    customer = text(200, metadata=_said('Column of the customer; "customer" if none.'))
    control = text(64, metadata=_said("The variant that is control."))
    name = text(200, metadata=_said("Of the experiment."))
    source = text(64, metadata=_said("Of events; the file's name if none."))
    matters = Measure(metadata=_said("Smallest change that matters, as 0.01."))
    scale = Count(100, metadata=_said("Top survey score; 5, or as planned."))
    satisfied_from = Count(100, metadata=_said("A good score; 4, or as planned."))
    begins_at = Time(metadata=_said("When the experiment began."))
    ends_at = Time(metadata=_said("When it ended."))
    complete_through = Time(metadata=_said("Up to when events are complete."))
    again = Flag(
        metadata=_said("Store events although another source had the very same ones.")
    )


class ImportSchema(StrictSchema):
    """An import whose rows were read, and how far it is."""

    public_id = Text(required=True)
    finished_at = Time(required=True)
    file_name = Text(required=True)
    experiment = Text(required=True, allow_none=True)
    is_dry_run = Flag(required=True)
    row_count = whole(0, required=True)
    faulty_row_count = whole(0, required=True)
    fault_count = whole(0, required=True)
    listed_count = whole(
        0,
        required=True,
        metadata={"description": "Faults that can be downloaded; at most 1,000,000."},
    )
    state = Choice(ImportState, required=True)
    ready_count = whole(
        0,
        required=True,
        metadata={"description": "Good events or customers of an upload."},
    )
    frame_count = whole(
        0, required=True, metadata={"description": "Parts that are stored in turn."}
    )
    stored_frame_count = whole(0, required=True)
    note = Text(required=True, metadata={"description": "How it ended, in words."})


class ImportsSchema(StrictSchema):
    """Imports, newest first."""

    items = Items(Part(ImportSchema), required=True)


class ReplayBodySchema(PileSchema):
    """Which messages are read again, and what puts them right."""

    values = ma.fields.Dict(
        keys=Text(),
        values=Text(),
        load_default=dict,
        metadata={
            "description": "As the app sent it -> as it should have: of experiment,"
            " variant and score."
        },
    )
    at_arrival = Flag(
        load_default=False,
        metadata={"description": "They happened when they came."},
    )


class ReplayedSchema(StrictSchema):
    """What reading again did."""

    stored_count = whole(0, required=True)
    refused_count = whole(0, required=True)
    refusal = Text(required=True, allow_none=True)
