"""Certificates are asked for, worked out one at a time, and stored whole or not."""

import sys
from collections.abc import Mapping
from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from analysis import apart, commands, leases, scheduler
from analysis.certificates import certify, keeping
from analysis.certificates.findings import Circumstances, Findings, Found
from analysis.store import EventStore
from experiments import audit, certificates, metrics
from experiments.actors import SYSTEM
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import Conflict, InvalidInput, NotFound, Unavailable
from experiments.models import AuditEntry, Certificate
from experiments.preparing import prepare
from experiments.vocabulary import CertificateStanding, CertificateState, PersonRole
from tests import factories
from tests.analysis.event_files import EventFile, at, retention
from tests.analysis.stored_events import put, source_seen
from tests.clock import FakeClock

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
KEY = "day-7"


@pytest.fixture
def now() -> FakeClock:
    clock = FakeClock()
    clock.time = at(80)
    return clock


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few comparisons of few customers: what they say is not what is tested here."""
    monkeypatch.setattr(certificates, "LEAST_COMPARISONS", 2)
    monkeypatch.setattr(certificates, "LEAST_PLANTED", 2)
    monkeypatch.setattr(certify, "FIRST_SPLITS", 2)
    monkeypatch.setattr(certify, "LEAST_KNOWN", 300)
    monkeypatch.setattr(certify, "INVENTED", 500)


@pytest.fixture
def metric(context: Context) -> str:
    with transaction(context.sessions) as session:
        factories.make_metric(session, KEY, definition=retention(7, 7))
    return KEY


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every trial find 5 false alarms in 100, whoever the customers are."""
    found = Findings(
        0.05, (Found("planned_looks", 100, 5),), None, Circumstances(500, 500)
    )

    def tried(*_: object) -> certify.Trial:
        return certify.Trial(found, 500, (at(0), at(20)), is_simulated=True)

    monkeypatch.setattr(certify, "tried", tried)


def ask(context: Context, key: str = KEY, comparisons: int = 4) -> int:
    with transaction(context.sessions) as session:
        return certificates.ask(
            session, key, actor=SYSTEM, now=context.now(), comparisons=comparisons
        ).id


def row_of(context: Context, number: int) -> Certificate:
    with transaction(context.sessions) as session:
        return session.get_one(Certificate, number)


def standing(context: Context, key: str = KEY) -> certificates.Standing:
    with transaction(context.sessions) as session:
        version = metrics.get(session, key).versions[-1]
        return certificates.standings(session, [version])[version.id]


@ON_SQLITE
def test_certify__customers_of_the_project__are_compared_and_the_result_is_stored(
    context: Context, metric: str
) -> None:
    events = EventFile()
    for number in range(400):
        events.active(f"c{number}", 1 + number % 30, 9 + number % 30 + number % 7)
    put(EventStore(context.settings), events.rows)
    source_seen(context.sessions, context.now(), "Opened")
    told: list[None] = []
    number = certify.certify_now(
        context,
        EventStore(context.settings),
        metric,
        comparisons=2,
        told=lambda: told.append(None),
    )
    row = row_of(context, number)
    assert row.error is None
    assert row.state == CertificateState.DONE.value
    assert (row.is_simulated, row.customer_count) == (False, 400)
    # The first came on day 1, the last by day 30; each entered just after.
    assert row.entered_from == at(1) + timedelta(microseconds=1)
    assert row.entered_to == at(30) + timedelta(microseconds=1)
    assert row.findings is not None
    settings = [one["setting"] for one in row.findings["settings"]]
    assert settings == ["planned_looks", "one_look", "any_day", "two_treatments"]
    assert len(told) == certify.trial_size(2) == 4
    assert row.sentences is not None
    assert row.sentences.startswith("Of 2 comparisons of two equal groups")
    with transaction(context.sessions) as session:
        actions = session.scalars(
            select(AuditEntry.action).where(AuditEntry.subject_key == metric)
        ).all()
        assert audit.verify(session) == []
    # Two comparisons are too few to tell which of the two it is.
    assert actions[-2] == "certificate.ask"
    assert actions[-1] in {"certificate.issue", "certificate.refuse"}


@ON_SQLITE
def test_command__too_few_customers__invents_some_and_says_so(
    context: Context, metric: str, environ: dict[str, str]
) -> None:
    prepare(context)
    with transaction(context.sessions) as session:
        factories.make_person(session, role=PersonRole.ADMIN)
    runner = CliRunner(env=environ)
    done = runner.invoke(commands.certify, [metric, "--comparisons", "2"])
    assert done.exit_code == 0, done.output
    assert "500 simulated customers, for the project has too few of its own" in (
        done.output
    )
    assert "With planned looks" in done.output
    assert "would be usual" in done.output
    gone = runner.invoke(commands.certify, ["gone"])
    assert (gone.exit_code, 'no metric "gone"' in gone.output) == (1, True)
    few = runner.invoke(commands.certify, [metric, "--comparisons", "1"])
    assert few.exit_code == 1
    assert "comparisons" in few.output


@pytest.mark.usefixtures("metric")
def test_ask__twice_or_badly__is_refused_in_words(context: Context) -> None:
    with pytest.raises(NotFound, match='no metric "gone"'):
        ask(context, "gone")
    with pytest.raises(InvalidInput) as refused:
        ask(context, comparisons=1_000_000)
    assert set(refused.value.fields) == {"comparisons"}
    ask(context)
    assert standing(context).under_way is not None
    with pytest.raises(Conflict, match="worked out already"):
        ask(context)


@pytest.mark.usefixtures("quick")
def test_standing__definition_changes__stands_for_nothing_any_more(
    context: Context, metric: str
) -> None:
    assert standing(context).state == CertificateStanding.NONE
    number = ask(context)
    assert certify.certify_next(context, EventStore(context.settings)) == number
    assert standing(context).is_certified
    with transaction(context.sessions) as session:
        actor = factories.make_actor(session, role=PersonRole.ANALYST)
        metrics.add_version(
            session, metric, retention(14, 7), actor=actor, now=context.now()
        )
    assert standing(context).state == CertificateStanding.OUTDATED
    with transaction(context.sessions) as session:
        first = metrics.get(session, metric).versions[0]
        kept = certificates.standings(session, [first])[first.id]
    assert kept.is_certified  # plans that are locked keep the first definition


@pytest.mark.usefixtures("metric", "quick")
def test_standing__statistics_change__stands_for_nothing_any_more(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(context)
    certify.certify_next(context, EventStore(context.settings))
    monkeypatch.setattr(certificates, "statistics_version", lambda: 99)
    assert standing(context).state == CertificateStanding.OUTDATED


@pytest.mark.usefixtures("metric", "quick")
def test_certify_next__process_was_killed__begins_anew_and_nothing_is_half_written(
    context: Context,
) -> None:
    number = ask(context)
    with transaction(context.sessions) as session:  # as a killed process leaves it
        row = session.get_one(Certificate, number)
        row.state, row.done_count = CertificateState.RUNNING.value, 3
    assert row_of(context, number).findings is None
    assert certify.certify_next(context, EventStore(context.settings)) == number
    row = row_of(context, number)
    assert (row.state, row.is_certified) == (CertificateState.DONE.value, True)
    assert certify.certify_next(context, EventStore(context.settings)) is None


@pytest.mark.usefixtures("quick")
def test_certify__somebody_else_is_at_work__waits_or_is_refused(
    context: Context, metric: str
) -> None:
    number = ask(context)
    store = EventStore(context.settings)
    with leases.held(context, keeping.LEASE) as token:
        assert token is not None
        assert certify.certify_next(context, store) is None
        with pytest.raises(Conflict, match="Another certificate"):
            certify.certify_now(context, store, metric)
    assert row_of(context, number).state == CertificateState.WAITING.value


@pytest.mark.usefixtures("metric")
def test_certify__trial_fails__is_stored_in_words_and_can_be_asked_again(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> certify.Trial:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(certify, "tried", failing)
    number = ask(context)
    certify.certify_next(context, EventStore(context.settings))
    row = row_of(context, number)
    assert row.state == CertificateState.FAILED.value
    assert row.error is not None
    assert "under incident" in row.error
    assert "secret" not in row.error
    assert standing(context).failed is not None
    ask(context)


@ON_SQLITE
@pytest.mark.usefixtures("metric")
def test_apart__process_dies_twice__is_stored_as_failed(
    context: Context, environ: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    dying = [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]
    monkeypatch.setattr(apart, "command", lambda *_: dying)
    number = ask(context)
    with pytest.raises(Unavailable, match="SIGKILL"):
        scheduler.certify_waiting(context)
    row = row_of(context, number)
    assert row.state == CertificateState.FAILED.value
    assert "short of memory" in (row.error or "")
    calls: list[None] = []
    scheduler.certify_waiting(context, lambda: calls.append(None))
    assert not calls  # none waits any more
