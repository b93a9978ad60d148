"""Surveys and their links, for tests of every room."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from experiments import surveys
from experiments.actors import Actor
from experiments.config import Settings
from experiments.models import Survey
from experiments.privacy import load_pseudonymiser
from experiments.survey_inviting import survey_keys
from experiments.survey_kinds import Scale
from experiments.survey_links import SurveyLink, SurveyLinks
from experiments.surveys import SurveyTerms, Texts
from experiments.vocabulary import Environment, SurveyKind

ENGLISH = Texts(
    question="How satisfied are you with our support?",
    low_label="very unhappy",
    top_label="very happy",
    comment="What could we do better?",
)
GERMAN = Texts(
    question="Wie zufrieden macht unsere Hilfe?",
    low_label="sehr unzufrieden",
    top_label="sehr zufrieden",
)


def terms(**changes: object) -> SurveyTerms:
    plain = {
        "name": "Support",
        "wave": "2026-03",
        "language": "en",
        "texts": {"en": ENGLISH, "de": GERMAN},
    }
    return SurveyTerms(**(plain | changes))  # type: ignore[arg-type]


def make_survey(
    session: Session,
    actor: Actor,
    now: datetime,
    key: str = "support",
    kind: SurveyKind = SurveyKind.CSAT,
    **changes: object,
) -> Survey:
    nps = kind == SurveyKind.NPS
    return surveys.create(
        session,
        key=key,
        kind=kind,
        scale=Scale(0, 10) if nps else Scale(1, 5),
        terms=terms(**changes),
        actor=actor,
        now=now,
    )


def token_for(
    settings: Settings,
    now: datetime,
    who: str = "customer-17",
    survey_id: int = 1,
    **changes: object,
) -> str:
    hide = load_pseudonymiser(settings)
    plain = {
        "survey_id": survey_id,
        "wave": "2026-03",
        "customer": hide.customer(who),
        "is_anonymous": False,
        "key_id": hide.key_id,
        "environment": Environment.PRODUCTION,
        "expires_at": now + timedelta(days=30),
    }
    link = SurveyLink(**(plain | changes))  # type: ignore[arg-type]
    return SurveyLinks(survey_keys(settings), lambda: now).sign(link)
