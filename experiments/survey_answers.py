"""What a survey's page takes in becomes parcels for the inbox, as every event does.

A comment travels in the parcel beside the answer and is written to a table of its own;
it is cleared of what names people before it goes anywhere.
"""

from collections.abc import Sequence

import orjson

from experiments.comments import clean_comment
from experiments.models import Survey
from experiments.parcels import CommentRow, EventRow, Parcel
from experiments.privacy import Pseudonymiser
from experiments.survey_kinds import FACTS, HOSTED_SOURCE
from experiments.survey_links import SurveyLink
from experiments.vocabulary import Environment, EventKind, SurveyKind


def answer_parcel(
    hide: Pseudonymiser,
    survey: Survey,
    link: SurveyLink,
    score: int,
    comment: str,
    received_us: int,
) -> Parcel:
    """Make the parcel of one answer.

    Args:
        hide: makes the message's id, and tells the customer's own in a comment.
        survey: that was answered.
        link: says who answered, in which wave.
        score: on the survey's scale.
        comment: as typed; "" is none.
        received_us: arrival, microseconds since 1970.

    Returns:
        An answer, and a comment where something was written.
    """
    kind = FACTS[SurveyKind(survey.kind)].answer
    # Each sending is a fact of its own: the latest counts, also when it says the same.
    told = f"{survey.key}\x1f{link.wave}\x1f{link.customer.hex()}\x1f{score}"
    row = _row(hide, survey, link, kind, f"{told}\x1f{received_us}", received_us)
    row = row._replace(value=float(score), scale=survey.top)
    name = hide.anonymous if link.is_anonymous else hide.customer
    text = clean_comment(comment, is_own=lambda said: name(said) == link.customer)
    written = [CommentRow(survey.key, link.wave, link.customer, text, received_us)]
    return _parcel(hide, link.environment, received_us, [row], written if text else [])


def forgetting_parcel(
    hide: Pseudonymiser, survey: Survey, link: SurveyLink, received_us: int
) -> Parcel:
    """Make the parcel by which a customer takes a comment back.

    Args:
        hide: names its key.
        survey: beside whose question it was written.
        link: says who wrote it, in which wave.
        received_us: arrival, microseconds since 1970.

    Returns:
        An empty comment, in whose place nothing is kept.
    """
    nothing = CommentRow(survey.key, link.wave, link.customer, "", received_us)
    return _parcel(hide, link.environment, received_us, [], [nothing])


def invitation_parcel(
    hide: Pseudonymiser,
    survey: Survey,
    links: Sequence[SurveyLink],
    received_us: int,
) -> Parcel:
    """Make the parcel that tells that customers were asked, of one environment.

    Args:
        hide: makes the messages' ids.
        survey: that they were asked to answer.
        links: at least one.
        received_us: when, microseconds since 1970.

    Returns:
        One invitation each; making the same links again tells nothing new.
    """
    kind = FACTS[SurveyKind(survey.kind)].request
    rows = [
        _row(
            hide,
            survey,
            link,
            kind,
            f"{survey.key}\x1f{link.wave}\x1f{link.customer.hex()}",
            received_us,
        )
        for link in links
    ]
    return _parcel(hide, links[0].environment, received_us, rows, [])


def _row(
    hide: Pseudonymiser,
    survey: Survey,
    link: SurveyLink,
    kind: EventKind,
    identity: str,
    received_us: int,
) -> EventRow:
    told = f"{kind.value}\x1f{link.environment.value}\x1f{identity}".encode()
    return EventRow(
        kind=kind.value,
        name=survey.key,
        occurred_us=received_us,
        original_us=None,
        customer=link.customer,
        anonymous=link.customer if link.is_anonymous else None,
        account=None,
        experiment=None,
        variant=None,
        value=None,
        scale=None,
        properties=orjson.dumps({"wave": link.wave}).decode(),
        message_id=hide.message(HOSTED_SOURCE, told),
        payload_hash=hide.payload(told),
    )


def _parcel(
    hide: Pseudonymiser,
    environment: Environment,
    received_us: int,
    rows: Sequence[EventRow],
    comments: Sequence[CommentRow],
) -> Parcel:
    return Parcel(
        source=HOSTED_SOURCE,
        environment=environment.value,
        key_id=hide.key_id,
        received_us=received_us,
        rows=rows,
        quarantined=(),
        comments=comments,
    )
