"""Surveys from door to database: who was asked, who answered, what was written."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from analysis.compactor import compact_once, erase_once
from analysis.customer_data import copy_of
from analysis.expiry import delete_expired
from analysis.store import EventStore
from experiments import data_requests, survey_replies
from experiments.actors import SYSTEM
from experiments.context import Context
from experiments.db import transaction
from experiments.inbox import Inbox
from experiments.models import Survey, SurveyComment, SurveyReply
from experiments.survey_answers import answer_parcel, invitation_parcel
from experiments.survey_kinds import HOSTED_SOURCE
from experiments.survey_links import SurveyLink
from experiments.vocabulary import Environment, IdKind, PersonRole, SurveyKind
from tests import factories
from tests.analysis.intake import events, send, sources
from tests.clock import FakeClock
from tests.experiments.sent_messages import HIDE, track
from tests.surveys import make_survey


@pytest.fixture
def clock(context: Context) -> FakeClock:
    assert isinstance(context.now, FakeClock)
    return context.now


@pytest.fixture
def survey(context: Context) -> Survey:
    with transaction(context.sessions) as session:
        actor = factories.make_actor(session, "Eve", PersonRole.EDITOR)
        return make_survey(session, actor, context.now())


def link_of(survey: Survey, who: str, wave: str = "2026-03") -> SurveyLink:
    return SurveyLink(
        survey_id=survey.id,
        wave=wave,
        customer=HIDE.customer(who),
        is_anonymous=False,
        key_id=HIDE.key_id,
        environment=Environment.PRODUCTION,
        expires_at=factories.NOW + timedelta(days=400),
    )


def microseconds(context: Context) -> int:
    return round(context.now().timestamp() * 1_000_000)


def invite(context: Context, survey: Survey, *who: str) -> None:
    inbox = Inbox.for_settings(context.settings)
    links = [link_of(survey, one) for one in who]
    inbox.append(invitation_parcel(HIDE, survey, links, microseconds(context)))
    inbox.close()


def reply(
    context: Context, survey: Survey, who: str, score: int, comment: str = ""
) -> None:
    inbox = Inbox.for_settings(context.settings)
    link = link_of(survey, who)
    inbox.append(
        answer_parcel(HIDE, survey, link, score, comment, microseconds(context))
    )
    inbox.close()


def comments(context: Context) -> list[str]:
    with transaction(context.sessions) as session:
        order = SurveyComment.written_at
        return [
            row.text for row in session.scalars(select(SurveyComment).order_by(order))
        ]


def test_hosted__asked_and_answered_twice__two_facts_and_the_latest_counts(
    context: Context, clock: FakeClock, survey: Survey
) -> None:
    invite(context, survey, "a", "b", "c")
    clock.advance(days=1)
    reply(context, survey, "a", 2, "Slow. Call 0170 1234567")
    compact_once(context)
    first = clock.time
    clock.advance(days=6)
    invite(context, survey, "a")  # the same link again tells nothing new
    reply(context, survey, "a", 4, "Better now")
    reply(context, survey, "d", 5)
    compact_once(context)

    found = [
        (row["kind"], row["name"], row["value"], row["scale"], row["properties"])
        for row in events(context)
        if row["kind"] == "survey_answer"
    ]
    wave = '{"wave":"2026-03"}'
    assert found[0] == ("survey_answer", "support", 2.0, 5, wave)
    assert sorted(row[2] for row in found) == [2.0, 4.0, 5.0]
    assert comments(context) == ["Better now"]
    with transaction(context.sessions) as session:
        (counts,) = survey_replies.waves(session, survey)
        until = survey_replies.answer_until(session, link_of(survey, "a"))
        assert survey_replies.answer_until(session, link_of(survey, "b")) is None
    # By hand: a, b and c were asked, a of them answered; d answered unasked.
    assert (counts.invited_count, counts.answered_count) == (3, 1)
    assert (counts.unasked_count, counts.last_at) == (1, clock.time)
    assert counts.response_share == pytest.approx(1 / 3)
    assert until == first + timedelta(days=7)
    assert [source.source for source in sources(context)] == [HOSTED_SOURCE]
    assert sorted(sources(context)[0].event_names) == [
        "CSAT Requested",
        "CSAT Submitted",
    ]


def test_compaction__of_the_same_groups_twice__changes_nothing(
    context: Context, survey: Survey, monkeypatch: pytest.MonkeyPatch
) -> None:
    from analysis import compactor  # noqa: PLC0415  # to break it

    invite(context, survey, "a")
    reply(context, survey, "a", 3, "Once")

    def die(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(compactor, "write_file", die)
        with pytest.raises(RuntimeError, match="killed"):
            compact_once(context)
    assert comments(context) == ["Once"]  # the database is written first
    compact_once(context)
    assert comments(context) == ["Once"]
    with transaction(context.sessions) as session:
        (counts,) = survey_replies.waves(session, survey)
        assert (counts.invited_count, counts.answered_count) == (1, 1)


def test_wire__comment_and_wave__are_kept_apart_from_the_score(
    context: Context, survey: Survey
) -> None:
    said = {
        "survey": "support",
        "wave": "may",
        "score": 1,
        "scale": 5,
        "comment": "I am u1-of-shop, write to u1@shop.example",
    }
    csat = track("CSAT Submitted", userId="u1-of-shop", messageId="m1", properties=said)
    nps = track("NPS Submitted", userId="u2", messageId="m2", properties={"score": 9})
    send(context, csat, nps)
    compact_once(context)
    assert comments(context) == ["I am [removed], write to [removed]"]
    kept = {row["name"]: row["properties"] for row in events(context)}
    assert kept == {"": None, "support": '{"wave":"may"}'}
    with transaction(context.sessions) as session:
        (counts,) = survey_replies.waves(session, survey)
        assert (counts.wave, counts.unasked_count) == ("may", 1)


def test_erasure__of_a_customer__takes_comment_and_reply_and_drops_later_ones(
    context: Context, survey: Survey
) -> None:
    for who in ("a", "b"):
        invite(context, survey, who)
        reply(context, survey, who, 3, f"Kind, says {who}.")
    compact_once(context)
    copy = copy_of(context, HIDE, "a", IdKind.CUSTOMER)
    assert [one.get("comment") for one in copy["surveys"]] == [
        "Kind, says [removed].",
        None,
    ]
    assert copy["surveys"][1]["first_answer_at"] == "2026-03-14T09:30:00Z"
    with transaction(context.sessions) as session:
        data_requests.request_erasure(
            session, HIDE, "a", IdKind.CUSTOMER, actor=SYSTEM, now=context.now()
        )
    assert erase_once(context)
    reply(context, survey, "a", 5, "Again")
    compact_once(context)
    assert comments(context) == ["Kind, says [removed]."]
    assert {row["customer"] for row in events(context)} == {HIDE.customer("b")}
    with transaction(context.sessions) as session:
        left = session.scalars(select(SurveyReply.customer)).all()
    assert left == [HIDE.customer("b")]
    assert copy_of(context, HIDE, "a", IdKind.CUSTOMER)["surveys"] == []


def test_retention__old_comments_and_replies__go_with_the_events(
    context: Context, clock: FakeClock, survey: Survey
) -> None:
    reply(context, survey, "a", 3, "Old")
    compact_once(context)
    clock.advance(days=401)
    reply(context, survey, "b", 3, "New")
    compact_once(context)
    delete_expired(context, EventStore(context.settings).writer())
    assert comments(context) == ["New"]
    with transaction(context.sessions) as session:
        assert session.scalars(select(SurveyReply.customer)).all() == [
            HIDE.customer("b")
        ]


def test_nps__of_another_kind_under_the_same_key__is_no_reply(
    context: Context, survey: Survey
) -> None:
    assert survey.kind == SurveyKind.CSAT.value
    said = {"survey": "support", "score": 9}
    send(context, track("NPS Submitted", userId="u1", properties=said))
    compact_once(context)
    with transaction(context.sessions) as session:
        assert survey_replies.waves(session, survey) == []
