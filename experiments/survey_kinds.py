"""What survey kinds there are on the wire and in the store, and the scales they keep.

An invitation and an answer are separate facts, and each kind of survey has a pair of
its own: a customer's NPS answer is never read as a satisfaction score. The score is
stored as it was given, beside its scale, and never rescaled.
"""

import re
from typing import NamedTuple

from experiments.vocabulary import EventKind, SurveyKind

MAX_SCALE = 100
NPS_TOP = 10
HOSTED_SOURCE = "hosted-surveys"  # of answers that Abide's own page took
CHANGE_DAYS = 7  # a later answer replaces an earlier one for so long
PROMOTERS_FROM = 9
DETRACTORS_TO = 6
# Scales that are often answered from 0; the others begin at 1 unless an app says so.
FROM_ZERO = frozenset({10, 100})
_RANGE = re.compile(r"([01])\s*[-\N{EN DASH}]\s*(\d{1,3})", re.ASCII)


class SurveyFacts(NamedTuple):
    """How the two facts of one kind of survey are called."""

    request: EventKind
    answer: EventKind
    request_name: str  # on the wire
    answer_name: str


FACTS = {
    SurveyKind.CSAT: SurveyFacts(
        EventKind.SURVEY_REQUEST,
        EventKind.SURVEY_ANSWER,
        "CSAT Requested",
        "CSAT Submitted",
    ),
    SurveyKind.NPS: SurveyFacts(
        EventKind.NPS_REQUEST, EventKind.NPS_ANSWER, "NPS Requested", "NPS Submitted"
    ),
    SurveyKind.CES: SurveyFacts(
        EventKind.CES_REQUEST, EventKind.CES_ANSWER, "CES Requested", "CES Submitted"
    ),
}
# Lower-case name on the wire -> what it says, of which kind of survey.
BY_NAME = {
    name.lower(): (kind, survey)
    for survey, facts in FACTS.items()
    for name, kind in (
        (facts.request_name, facts.request),
        (facts.answer_name, facts.answer),
    )
}
NAMES = {
    kind: name
    for facts in FACTS.values()
    for kind, name in (
        (facts.request, facts.request_name),
        (facts.answer, facts.answer_name),
    )
}
ANSWERS = frozenset(facts.answer for facts in FACTS.values())
REQUESTS = frozenset(facts.request for facts in FACTS.values())


class Scale(NamedTuple):
    """The scores that can be given, both ends included."""

    low: int
    top: int

    def holds(self, score: float) -> bool:
        """Whether a score lies on it."""
        return self.low <= score <= self.top


def scale_of(kind: SurveyKind, given: object) -> Scale | None:
    """Read the scale of an answer.

    Args:
        kind: of the survey.
        given: its highest score, or both ends as in "1-7" and "0-10"; None when the
            app says nothing.

    Returns:
        The scale; NPS is always answered from 0 to 10, and of the others None stands
        for one that is not said.

    Raises:
        ValueError: there is no such scale, in words.
    """
    scale = None if given is None else _read(given)
    if kind != SurveyKind.NPS:
        return scale
    if scale not in {None, Scale(0, NPS_TOP)}:
        raise ValueError("NPS is answered from 0 to 10: scale must be 10, or left out.")
    return Scale(0, NPS_TOP)


def _read(given: object) -> Scale:
    found = _RANGE.fullmatch(given.strip()) if isinstance(given, str) else None
    if found:
        low, top = int(found[1]), int(found[2])
    elif (
        isinstance(given, bool)
        or not isinstance(given, (int, float))
        or not 1 < given <= MAX_SCALE  # NaN neither
        or given != int(given)
    ):
        raise ValueError(_FAULT)
    else:
        top = int(given)
        low = 0 if top in FROM_ZERO else 1
    if not 1 < top <= MAX_SCALE:
        raise ValueError(_FAULT)
    return Scale(low, top)


def fault_in_score(kind: SurveyKind, score: float | None, scale: Scale | None) -> str:
    """Say what is wrong with a score.

    Args:
        kind: of the survey.
        score: as given; None when it is no number.
        scale: as read; None when it is not known.

    Returns:
        A sentence; "" when the score can be kept.
    """
    if scale is None:
        if score is None or not 0 <= score <= MAX_SCALE:
            return f"score must be a number from 0 to {MAX_SCALE}."
        return ""
    if score is None or not scale.holds(score):
        return f"score must be a number from {scale.low} to {scale.top}, its scale."
    if kind == SurveyKind.NPS and score != int(score):
        return "An NPS score must be a whole number from 0 to 10."
    return ""


_FAULT = (
    f"scale must be the highest score, a whole number from 2 to {MAX_SCALE}, or both"
    ' ends as in "1-7" or "0-10".'
)
