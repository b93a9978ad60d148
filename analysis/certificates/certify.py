"""Work a certificate out: read the customers, split them again and again, store it.

One is worked out at a time, by lease. What it found is written in one transaction that
checks the lease's token, so a process that is killed leaves nothing half-written: the
next one finds the certificate open, and begins it anew.
"""

import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from analysis import leases
from analysis.certificates import keeping
from analysis.certificates.customers import (
    Customers,
    Source,
    began_at,
    outcomes_known,
    read_customers,
)
from analysis.certificates.findings import Circumstances, Counting, Findings
from analysis.certificates.grouping import alike, skewness
from analysis.certificates.invented import invent
from analysis.certificates.planting import Planting
from analysis.certificates.trial_plan import ALPHA, trial_plan
from analysis.certificates.trials import FIRST_SPLITS, SETTINGS, Said, Trials
from analysis.certificates.words import in_words
from analysis.cutoff import data_cutoff, read_sources
from analysis.run_record import code_version
from analysis.stats.estimate import NotComputable
from analysis.store import EventStore
from experiments import audit, certificates, metrics, opt_outs
from experiments.actors import SYSTEM, Actor
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import AbideError, Conflict
from experiments.metric_definition import MetricDefinition
from experiments.models import Certificate
from experiments.vocabulary import CertificateState

SCRATCH = "scratch"
LEAST_KNOWN = 1000  # customers with an outcome; with fewer, customers are invented
MOST_CUSTOMERS = 100_000
INVENTED = 20_000
LONGEST = timedelta(days=180)  # looked back for entries
NOTE_SECONDS = 2.0
READING_PATIENCE = timedelta(minutes=30)
WAIT_SECONDS = 0.5

Told = Callable[[], None]  # one comparison more is done
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Task:
    """A certificate to be worked out."""

    number: int
    key: str
    definition: MetricDefinition
    comparisons: int
    simulate: bool

    @property
    def planted(self) -> int:
        """How many comparisons have a difference planted."""
        return certificates.planted_count(self.comparisons)


@dataclass(frozen=True, slots=True)
class Trial:
    """What a trial found, and of how many customers, who entered from when to when."""

    findings: Findings
    size: int
    entered: tuple[datetime, datetime]
    is_simulated: bool


def trial_size(comparisons: int) -> int:
    """Tell how many comparisons a trial has, those with a difference too."""
    return comparisons + certificates.planted_count(comparisons)


def certify_now(
    context: Context,
    store: EventStore,
    key: str,
    *,
    comparisons: int = certificates.USUAL_COMPARISONS,
    simulate: bool = False,
    told: Told | None = None,
    actor: Actor = SYSTEM,
) -> int:
    """Ask for a certificate and work it out at once.

    Args:
        context: settings, database and clock.
        store: of the events.
        key: of the metric.
        comparisons: how many, of equal groups.
        simulate: of invented customers.
        told: is called after each comparison.
        actor: who asks.

    Returns:
        Id of the certificate; its state says whether it failed.

    Raises:
        NotFound: there is no such metric.
        Conflict: another one is being worked out.
    """
    with leases.held(context, keeping.LEASE) as token:
        if token is None:
            raise Conflict("Another certificate is being worked out. Try again later.")
        keeping.close_left_behind(context, key, token)
        with transaction(context.sessions) as session:
            number = certificates.ask(
                session,
                key,
                actor=actor,
                now=context.now(),
                comparisons=comparisons,
                simulate=simulate,
            ).id
        _work(context, store, number, token, told)
        return number


def certify_next(context: Context, store: EventStore) -> int | None:
    """Work out the certificate that waits longest.

    Args:
        context: settings, database and clock.
        store: of the events.

    Returns:
        Its id; None where none waits, or somebody else is at work.
    """
    with leases.held(context, keeping.LEASE) as token:
        if token is None:
            return None
        number = keeping.next_open(context)
        if number is not None:
            _work(context, store, number, token, None)
        return number


def _work(
    context: Context, store: EventStore, number: int, token: int, told: Told | None
) -> None:
    task = _begin(context, number, token)
    try:
        trial = tried(context, store, task, _Teller(context, task, token, told))
    except leases.LeaseLost:
        raise
    except Exception as error:
        incident = uuid.uuid4().hex[:12]
        log.exception("certificate_failed", metric=task.key, incident=incident)
        words = f"The trial failed. The log tells more under incident {incident}."
        if isinstance(error, AbideError):
            words = error.message
        keeping.fail(context, number, token, words)
        return
    _finish(context, task, token, trial)


def _begin(context: Context, number: int, token: int) -> Task:
    with transaction(context.sessions) as session:
        leases.check_token(session, keeping.LEASE, token)
        row = session.get_one(Certificate, number)
        row.state = CertificateState.RUNNING.value
        row.started_at = context.now()
        row.done_count = 0
        metric = metrics.get(session, row.metric.key)
        version = metric.versions[row.version - 1]
        return Task(
            number,
            metric.key,
            metrics.definition_of(version),
            row.comparisons,
            row.simulate,
        )


class _Teller:
    """Tells how far a trial is: whoever waits, and the database now and then."""

    def __init__(
        self, context: Context, task: Task, token: int, told: Told | None
    ) -> None:
        self._context, self._task, self._token, self._told = context, task, token, told
        self._done = 0
        self._noted = time.monotonic()

    def __call__(self) -> None:
        self._done += 1
        if self._told is not None:
            self._told()
        if time.monotonic() - self._noted < NOTE_SECONDS:
            return
        self._noted = time.monotonic()
        with transaction(self._context.sessions) as session:
            leases.check_token(session, keeping.LEASE, self._token)
            session.get_one(Certificate, self._task.number).done_count = self._done


def tried(
    context: Context, store: EventStore, task: Task, tell: Callable[[], None]
) -> Trial:
    """Read the customers, and compare them again and again.

    Args:
        context: settings, database and clock.
        store: of the events.
        task: what is to be worked out.
        tell: called after each comparison.

    Returns:
        What was found.
    """
    scratch = context.settings.data_dir / SCRATCH
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch, prefix="certificate-") as folder:
        own = None if task.simulate else _own(context, store, task, Path(folder))
        customers = own or _invented(context, task, Path(folder))
    definition = task.definition
    # Only the definition counts from here on: what happened is read.
    plan = trial_plan(definition, *customers.entered)
    trials = Trials(plan, customers)
    salt = f"certificate-{task.number}"
    counting = Counting()
    for number in range(task.comparisons):
        _count(counting, trials.equal(f"{salt}-{number}"))
        tell()
    planting = trials.smallest([f"{salt}-first-{n}" for n in range(FIRST_SPLITS)])
    if planting is not None:
        _plant(trials, planting, counting, task, tell)
    last = customers.looks[-1]
    about = Circumstances(
        customers.size,
        outcomes_known(customers.looks),
        skewness(definition, last),
        alike(last),
    )
    keys = [setting.key for setting in SETTINGS]
    planted_in = {setting.key: setting.groups == 2 for setting in SETTINGS}  # noqa: PLR2004
    findings = counting.result(ALPHA, keys, planting, about, planted_in=planted_in)
    return Trial(findings, customers.size, customers.entered, own is None)


def _plant(
    trials: Trials,
    planting: Planting,
    counting: Counting,
    task: Task,
    tell: Callable[[], None],
) -> None:
    """Count how often a difference that is there is found."""
    sign = Said.MORE if planting.effect > 0 else Said.LESS
    for number in range(task.planted):
        counting.planted += 1
        salt = f"certificate-{task.number}-planted-{number}"
        for key, said in trials.unequal(salt, planting).items():
            counting.found[key] += said == sign
        tell()


def _count(counting: Counting, said: dict[str, Said | NotComputable]) -> None:
    counting.comparisons += 1
    for key, one in said.items():
        counting.note(key, one if isinstance(one, NotComputable) else one.value)


def _own(
    context: Context, store: EventStore, task: Task, folder: Path
) -> Customers | None:
    """Read the project's customers; None where too few have an outcome."""
    with _reading(context):
        now, settings = context.now(), context.settings
        source = Source(store.snapshot().files, now, settings.data_dir / SCRATCH)
        began = began_at(source)
        if began is None:
            return None
        plan = trial_plan(task.definition, began, now)
        with transaction(context.sessions) as session:
            cutoff = data_cutoff(plan, read_sources(session), now, settings).at
            until = cutoff - task.definition.maturity
            since = _since(task.definition, began, until)
            out = opt_outs.set_aside(session, since)
        if until <= since:
            return None
        source = Source(source.files, now, source.scratch, out)
        plan = trial_plan(task.definition, since, until)
        customers = read_customers(plan, source, until, MOST_CUSTOMERS, folder)
    if customers is None or outcomes_known(customers.looks) < LEAST_KNOWN:
        return None
    return customers


def _since(definition: MetricDefinition, began: datetime, until: datetime) -> datetime:
    """Say from when on customers enter: where what came before is known, if it can."""
    before = timedelta(days=definition.covariate_days)
    since = max(began, until - LONGEST)
    return since + before if until - since > 2 * before else since


def _invented(context: Context, task: Task, folder: Path) -> Customers:
    world = invent(task.definition, INVENTED, task.number, context.now(), folder)
    source = Source(
        (str(world.path),), world.as_of, context.settings.data_dir / SCRATCH
    )
    plan = trial_plan(task.definition, world.since, world.until)
    customers = read_customers(plan, source, world.until, INVENTED, folder)
    if customers is None:
        raise ValueError("invented customers have no outcomes")
    return customers


@contextmanager
def _reading(context: Context) -> Iterator[None]:
    """Hold the lease of those who read the store for long, waiting for it."""
    deadline = time.monotonic() + READING_PATIENCE.total_seconds()
    while True:
        with leases.held(context, leases.ANALYSIS) as token:
            if token is not None:
                yield
                return
        if time.monotonic() >= deadline:
            raise Conflict("An analysis is running. Ask again later.")
        time.sleep(WAIT_SECONDS)


def _finish(context: Context, task: Task, token: int, trial: Trial) -> None:
    findings = trial.findings
    with transaction(context.sessions) as session:
        audit.take_turn(session)
        leases.check_token(session, keeping.LEASE, token)
        row = session.get_one(Certificate, task.number)
        row.state = CertificateState.DONE.value
        row.finished_at = context.now()
        row.code_version = code_version()
        row.done_count = task.comparisons + task.planted
        row.is_certified = findings.is_certified
        row.is_simulated = trial.is_simulated
        row.customer_count = trial.size
        row.entered_from, row.entered_to = trial.entered
        row.findings = findings.as_json()
        row.sentences = in_words(findings, task.definition)
        action = "certificate.issue" if row.is_certified else "certificate.refuse"
        after = {"version": row.version, "said": row.sentences}
        now = context.now()
        audit.record(session, SYSTEM, action, "metric", task.key, None, after, now)
    log.info("certificate_stored", metric=task.key, certified=findings.is_certified)
