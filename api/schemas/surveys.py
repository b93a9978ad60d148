"""Surveys that Abide asks itself, and links to them."""

from typing import Any

import marshmallow as ma

from api.schemas.fields import (
    Choice,
    Decimal,
    Flag,
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
from experiments.survey_inviting import MOST_AT_ONCE, Wish
from experiments.survey_kinds import Scale
from experiments.survey_links import LONGEST_DAYS
from experiments.surveys import LANGUAGES, SurveyTerms, Texts
from experiments.vocabulary import Environment, IdKind, SurveyKind


class ScaleSchema(StrictSchema):
    """Which scores can be given, both ends included."""

    low = whole(0, 1, required=True)
    top = whole(1, 100, required=True)

    @ma.post_load
    def make(self, data: dict[str, Any], **_: object) -> Scale:
        """Make the value that the rules check."""
        return Scale(**data)


class SurveyTextsSchema(StrictSchema):
    """What a survey says to customers, in one language."""

    question = text(300, required=True)
    low_label = text(60, required=True, metadata={"example": "very unhappy"})
    top_label = text(60, required=True, metadata={"example": "very happy"})
    comment = text(
        200,
        load_default="",
        metadata={"description": "Asks for a comment; empty asks for none."},
    )
    thanks = text(
        300,
        load_default="",
        metadata={"description": "Shown when the answer is stored; empty: our words."},
    )

    @ma.post_load
    def make(self, data: dict[str, Any], **_: object) -> Texts:
        """Make the value that the rules check."""
        return Texts(**data)


class SurveyTermsSchema(StrictSchema):
    """What of a survey may change."""

    name = text(200, required=True)
    wave = identifier(
        required=True,
        metadata={
            "description": "Of links made from now on; each customer answers a wave"
            " once.",
            "example": "2026-03",
        },
    )
    language = Text(
        load_default="en",
        metadata={
            "enum": list(LANGUAGES),
            "description": "What customers see whose own language has no texts.",
        },
    )
    texts = ma.fields.Dict(
        keys=Text(),
        values=Part(SurveyTextsSchema),
        required=True,
        metadata={"description": f"By language: {', '.join(LANGUAGES)}."},
    )
    is_open = Flag(load_default=True)


class SurveyBodySchema(SurveyTermsSchema):
    """A new survey; key, kind and scale stay as they are."""

    key = identifier(
        required=True, metadata={"description": "The name that metrics know it by."}
    )
    kind = Choice(SurveyKind, required=True)
    scale = Part(ScaleSchema, required=True)


class SurveyChangeSchema(SurveyTermsSchema):
    """A survey's new terms."""

    @ma.post_load
    def make(self, data: dict[str, Any], **_: object) -> SurveyTerms:
        """Make the value that the rules check."""
        return SurveyTerms(**data)


class WaveSchema(StrictSchema):
    """How many customers a wave asked, and who of them answered; production only."""

    wave = Text(required=True)
    invited_count = whole(0, required=True)
    answered_count = whole(0, required=True)
    unasked_count = whole(
        0,
        required=True,
        metadata={"description": "Answered, and no invitation is known."},
    )
    response_share = Decimal(required=True, allow_none=True)
    last_at = Time(required=True, allow_none=True)


class SurveySchema(SurveyBodySchema):
    """A survey with its response by wave."""

    created_at = Time(required=True)
    created_by = Text(required=True)
    waves = Items(Part(WaveSchema), required=True)


class LinksBodySchema(StrictSchema):
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
    days = whole(
        1,
        LONGEST_DAYS,
        load_default=30,
        metadata={"description": "For which the links work."},
    )
    environment = Choice(
        Environment,
        load_default=Environment.PRODUCTION,
        metadata={"description": "Answers from development are never analysed."},
    )
    tells = Flag(
        load_default=True,
        metadata={
            "description": "Whether these customers count as asked, from now on. False"
            " where your tool sends CSAT, NPS or CES Requested itself."
        },
    )

    @ma.post_load
    def make(self, data: dict[str, Any], **_: object) -> Wish:
        """Make the value that the rules check."""
        return Wish(**data)


class LinkSchema(StrictSchema):
    """One customer's link."""

    customer_id = Text(required=True)
    token = Text(required=True)
    url = Text(required=True)


class LinksSchema(StrictSchema):
    """Links, in the order asked for."""

    url_template = Text(
        required=True,
        metadata={
            "description": "For a mail with the scores in it: put in token and score,"
            " which is then chosen beforehand.",
            "example": "https://abide.example/s/{token}?score={score}",
        },
    )
    expires_at = Time(required=True)
    links = Items(Part(LinkSchema), required=True)
    left_out = Items(
        Text(),
        required=True,
        metadata={
            "description": "Customers who were erased or opted out: do not ask them."
        },
    )
