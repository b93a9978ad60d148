"""What is done with an experiment: what may be, what goes with it, what came of it."""

from typing import Any

import marshmallow as ma

from api.schemas.fields import (
    Choice,
    Decimal,
    Flag,
    Part,
    StrictSchema,
    Text,
    Time,
    identifier,
    text,
)
from experiments.design import LEAST_COVERAGE
from experiments.lessons import LONGEST, LONGEST_TITLE, Lessons
from experiments.vocabulary import (
    Action,
    Decision,
    HypothesisHeld,
    Verdict,
)

COVERAGE = {"minimum": LEAST_COVERAGE, "maximum": 1}


class ActionSchema(StrictSchema):
    """What can be done with the experiment where it stands, or why not."""

    action = Choice(Action, required=True)
    allowed = Flag(required=True, metadata={"description": "To your key's owner, now."})
    why_not = Text(
        required=True,
        allow_none=True,
        metadata={"description": "A sentence when it is not allowed."},
    )


class SentBackSchema(StrictSchema):
    """Why a plan has to be changed before its review is asked for again."""

    by = Text(
        required=True,
        allow_none=True,
        metadata={"description": "E-mail of who reviewed it."},
    )
    reason = Text(required=True)
    at = Time(required=True)


class ProposalSchema(StrictSchema):
    """A decision against the recommendation, which a second person must confirm."""

    decision = Choice(Decision, required=True)
    variant = Text(required=True, allow_none=True)
    reason = Text(required=True)
    by = Text(required=True, metadata={"description": "E-mail of who decided."})


class DeclinedSchema(StrictSchema):
    """A decision that a second person declined, or its author took back."""

    by = Text(
        required=True,
        allow_none=True,
        metadata={"description": "E-mail of who declined it."},
    )
    reason = Text(required=True)
    at = Time(required=True)
    proposal = Part(ProposalSchema, required=True)


class AgainstSchema(StrictSchema):
    """That a decision was not what the plan's rule said."""

    verdict = Choice(
        Verdict,
        required=True,
        allow_none=True,
        metadata={"description": "Of the rule; null where there was no result yet."},
    )
    confirmed_by = Text(
        required=True,
        allow_none=True,
        metadata={"description": "E-mail; null where nobody else could confirm it."},
    )


class LessonsSchema(StrictSchema):
    """What was learned (decide); it goes into the library of learnings."""

    held = Choice(
        HypothesisHeld,
        load_default=None,
        metadata={"description": "Whether the hypothesis was right."},
    )
    surprise = text(LONGEST, load_default="")
    next_step = text(LONGEST, load_default="")
    next_hypothesis = text(
        LONGEST_TITLE,
        load_default="",
        metadata={"description": "In one line; it goes into the backlog."},
    )
    follow_up_at = Time(
        load_default=None, metadata={"description": "When to look again."}
    )

    @ma.post_load
    def make(self, data: dict[str, Any], **_: object) -> Lessons:
        """Make the value that the rules check."""
        return Lessons(**data)


class ActionBodySchema(StrictSchema):
    """What goes with an action on an experiment; most need nothing."""

    reason = text(
        2000,
        load_default=None,
        metadata={
            "description": "Needed for send_back, stop_enrolment, stop, new_phase,"
            " decide and decline_decision, and to start with exposures from the past."
        },
    )
    variant = identifier(
        load_default=None, metadata={"description": "The one to ship (decide)."}
    )
    decision = Choice(
        Decision, load_default=None, metadata={"description": "What was decided."}
    )
    coverage = Decimal(
        load_default=None,
        metadata={**COVERAGE, "description": "The higher one (raise_coverage)."},
    )
    lessons = Part(LessonsSchema, load_default=None)
