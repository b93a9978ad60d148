"""Surveys that Abide asks itself: one question, its scale, its wave, its words.

Kind and scale are fixed once a survey is made: answers on two scales under one name
could not be compared. What else can change is written to the audit.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from experiments import audit
from experiments.actors import Actor
from experiments.errors import Conflict
from experiments.field_faults import KEY_PATTERN, KEY_RULE, Faults, check_key
from experiments.lookups import Place, row_by_key, rows_after, rows_at
from experiments.models import Survey
from experiments.survey_kinds import NPS_TOP, Scale
from experiments.vocabulary import PersonRole, SurveyKind

# Languages that the page's own words are written in.
LANGUAGES = ("en", "de", "fr", "es", "it", "nl")
MOST_POINTS = 11  # more could not be chosen from on a phone


@dataclass(frozen=True, slots=True)
class Texts:
    """What a survey says to customers, in one language.

    Attributes:
        question: the one question.
        low_label: what the lowest score means.
        top_label: what the highest score means.
        comment: asks for a comment; "" asks for none.
        thanks: shown when the answer is stored; "" leaves the page's own words.
    """

    question: str
    low_label: str
    top_label: str
    comment: str = ""
    thanks: str = ""


@dataclass(frozen=True, slots=True)
class SurveyTerms:
    """What of a survey may change.

    Attributes:
        name: as people on this side call it.
        wave: of the links that are made from now on, such as "2026-03".
        language: what customers see whose own language has no texts.
        texts: by language.
        is_open: whether answers are taken.
    """

    name: str
    wave: str
    language: str
    texts: Mapping[str, Texts]
    is_open: bool = True

    def check(self, faults: Faults) -> None:
        """Note what customers could not be asked like this."""
        faults.text("name", self.name, 200, "a name")
        if not KEY_PATTERN.fullmatch(self.wave):
            faults.add("wave", f"Name the wave, as in 2026-03. {KEY_RULE}")
        if self.language not in self.texts:
            faults.add("language", "Give the texts in this language too.")
        for language, texts in self.texts.items():
            if language not in LANGUAGES:
                known = ", ".join(LANGUAGES)
                faults.add("language", f"The page speaks {known}, not this language.")
                faults.add("texts", f"Use the languages {known}.")
                continue
            _check_texts(faults, f"texts.{language}", texts)


def _check_texts(faults: Faults, field: str, texts: Texts) -> None:
    faults.text(f"{field}.question", texts.question, 300, "the question")
    faults.text(f"{field}.low_label", texts.low_label, 60, "what the lowest means")
    faults.text(f"{field}.top_label", texts.top_label, 60, "what the highest means")
    faults.optional_text(f"{field}.comment", texts.comment, 200)
    faults.optional_text(f"{field}.thanks", texts.thanks, 300)


def create(
    session: Session,
    *,
    key: str,
    kind: SurveyKind,
    scale: Scale,
    terms: SurveyTerms,
    actor: Actor,
    now: datetime,
) -> Survey:
    """Make a survey.

    Args:
        session: open transaction.
        key: immutable; the name that metrics know it by.
        kind: what it asks about.
        scale: which scores can be given.
        terms: what may change later.
        actor: an editor.
        now: aware UTC.

    Returns:
        The survey.

    Raises:
        Conflict: the key is taken.
    """
    actor.require(PersonRole.EDITOR, "make surveys")
    faults = Faults()
    check_key(faults, "key", key)
    _check_scale(faults, kind, scale)
    terms.check(faults)
    faults.raise_if_any("This survey cannot be saved yet.")
    audit.take_turn(session)
    if session.scalar(select(Survey.id).where(Survey.key == key)) is not None:
        raise Conflict(
            f'There is a survey "{key}" already. Choose another key.',
            {"key": "This key is taken."},
        )
    survey = Survey(
        key=key,
        kind=kind.value,
        low=scale.low,
        top=scale.top,
        created_at=now,
        created_by=actor.label,
    )
    _set(survey, terms)
    session.add(survey)
    session.flush()
    after = _snapshot(survey)
    audit.record(session, actor, "survey.create", "survey", key, None, after, now)
    return survey


def change(
    session: Session, key: str, terms: SurveyTerms, *, actor: Actor, now: datetime
) -> Survey:
    """Change what of a survey may change; links that were sent show it too.

    Args:
        session: open transaction.
        key: of the survey.
        terms: the new ones.
        actor: an editor.
        now: aware UTC.

    Returns:
        The survey.
    """
    actor.require(PersonRole.EDITOR, "change surveys")
    faults = Faults()
    terms.check(faults)
    faults.raise_if_any("This survey cannot be saved yet.")
    audit.take_turn(session)
    survey = get(session, key)
    before = _snapshot(survey)
    _set(survey, terms)
    session.flush()
    after = _snapshot(survey)
    if after != before:
        audit.record(session, actor, "survey.change", "survey", key, before, after, now)
    return survey


def get(session: Session, key: str) -> Survey:
    """Find a survey.

    Args:
        session: any session.
        key: of the survey.

    Returns:
        The survey.

    Raises:
        NotFound: there is none.
    """
    query = select(Survey)
    return row_by_key(session, query, Survey.key, key, "survey")


def listing(
    session: Session, *, after_key: str | None = None, limit: int = 50
) -> list[Survey]:
    """List surveys by key, at most 200, after one that a page ended with."""
    return rows_after(session, select(Survey), Survey.key, after_key, limit)


def page(session: Session, place: Place[str], limit: int) -> Sequence[Survey]:
    """List surveys by key, next to a place in the list."""
    return rows_at(session, select(Survey), Survey.key, limit, place)


def terms_of(survey: Survey) -> SurveyTerms:
    """Read what of a stored survey may change."""
    return SurveyTerms(
        name=survey.name,
        wave=survey.wave,
        language=survey.language,
        texts={name: Texts(**texts) for name, texts in survey.texts.items()},
        is_open=survey.is_open,
    )


def scale_of(survey: Survey) -> Scale:
    """Read the scale of a stored survey."""
    return Scale(survey.low, survey.top)


def _check_scale(faults: Faults, kind: SurveyKind, scale: Scale) -> None:
    if kind == SurveyKind.NPS and scale != Scale(0, NPS_TOP):
        faults.add("scale", "NPS is answered from 0 to 10.")
    elif scale.low not in {0, 1} or not 2 <= scale.top - scale.low + 1 <= MOST_POINTS:  # noqa: PLR2004
        faults.add("scale", f"Give a scale from 0 or 1, of 2 to {MOST_POINTS} scores.")
    elif scale.low == 0 and scale.top == 1:
        faults.add("scale", "Let two scores be 1 and 2.")


def _set(survey: Survey, terms: SurveyTerms) -> None:
    survey.name = terms.name.strip()
    survey.wave = terms.wave
    survey.language = terms.language
    survey.texts = {
        language: dataclasses.asdict(texts)
        for language, texts in sorted(terms.texts.items())
    }
    survey.is_open = terms.is_open


def _snapshot(survey: Survey) -> dict[str, Any]:
    return {
        "name": survey.name,
        "kind": survey.kind,
        "scale": [survey.low, survey.top],
        "wave": survey.wave,
        "language": survey.language,
        "texts": survey.texts,
        "is_open": survey.is_open,
    }
