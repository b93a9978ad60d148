"""Old rulesets go, but none that may still be asked for."""

from datetime import timedelta

from sqlalchemy import select

from experiments.context import Context
from experiments.db import transaction
from experiments.models import AnalysisRun, RulesetRow
from experiments.ruleset_history import KEPT, KEPT_FOR, forget_old
from experiments.vocabulary import RunState
from tests import factories


def kept(context: Context) -> list[int]:
    with transaction(context.sessions) as session:
        rows = session.scalars(select(RulesetRow.revision))
        return sorted(rows)


def publish(context: Context, revisions: range, days_ago: int) -> None:
    at = context.now() - timedelta(days=days_ago)
    with transaction(context.sessions) as session:
        session.add_all(
            RulesetRow(revision=number, body="{}", checksum="", published_at=at)
            for number in revisions
        )


def name_in_run(context: Context, revision: int) -> None:
    at = context.now()
    with transaction(context.sessions) as session:
        actor = factories.make_actor(session)
        session.add(
            AnalysisRun(
                experiment_id=factories.make_experiment(session, actor, now=at).id,
                state=RunState.DONE.value,
                started_at=at,
                finished_at=at,
                as_of=at,
                ruleset_revision=revision,
                plan_sha256="0" * 64,
                code_version="0",
                counts={},
                summaries=[],
            )
        )


def test_forget_old__many_old_ones__keeps_the_last_fifty(context: Context) -> None:
    publish(context, range(1, 71), days_ago=8)
    with transaction(context.sessions) as session:
        assert forget_old(session, context.now()) == 20
    assert kept(context) == list(range(21, 71))
    with transaction(context.sessions) as session:
        assert forget_old(session, context.now()) == 0


def test_forget_old__named_by_a_run_or_young__stays(context: Context) -> None:
    publish(context, range(1, 11), days_ago=KEPT_FOR.days + 1)
    publish(context, range(11, 21), days_ago=KEPT_FOR.days - 1)
    publish(context, range(21, 21 + KEPT), days_ago=0)
    name_in_run(context, 3)
    with transaction(context.sessions) as session:
        assert forget_old(session, context.now()) == 9
    assert kept(context)[:12] == [3, *range(11, 22)]


def test_forget_old__nothing_published__deletes_nothing(context: Context) -> None:
    with transaction(context.sessions) as session:
        assert forget_old(session, context.now()) == 0
