"""Customers invented for a metric, where a project has too few of its own.

They are events, so everything after is the same. Activity comes at rates that differ
between customers and ends when a customer leaves; what happens once happens after a
random time; values are lognormal; six in ten customers are asked, and six in ten of
these answer. Nothing differs between groups, for there are none yet.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.event_rows import microseconds
from analysis.measure import DAY
from analysis.store import EVENT_SCHEMA, SCHEMA_VERSION
from experiments.metric_definition import CANCELLATIONS, MetricDefinition
from experiments.survey_kinds import FACTS
from experiments.vocabulary import Environment, EventKind, MetricKind

ENTRY_DAYS = 28
SURVEYED = ANSWERING = 0.6
STEP_TAKEN = 0.75
SOURCE = "~invented"
_ONCE = frozenset({*CANCELLATIONS, MetricKind.TIME_TO_EVENT, MetricKind.FUNNEL})

Days = npt.NDArray[np.float64]
People = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class World:
    """Invented customers.

    Attributes:
        path: file of their events.
        since: from when on they enter.
        until: up to when.
        as_of: all has been received by then.
    """

    path: Path
    since: datetime
    until: datetime
    as_of: datetime


def invent(
    definition: MetricDefinition, size: int, seed: int, now: datetime, folder: Path
) -> World:
    """Write the events of invented customers into a file.

    Args:
        definition: of the metric they are invented for.
        size: how many.
        seed: the same seed invents the same customers.
        now: when all is over.
        folder: for the file.

    Returns:
        What was invented.
    """
    since = now - definition.maturity - timedelta(days=ENTRY_DAYS + 1)
    life = _Life(definition, size, np.random.default_rng(seed))
    path = folder / "invented.parquet"
    pq.write_table(life.table(since), path)
    until = since + timedelta(days=ENTRY_DAYS)
    return World(path, since, until, now)


class _Life:
    """Draws what customers do; days count from when the first may enter."""

    def __init__(
        self, definition: MetricDefinition, size: int, random: np.random.Generator
    ) -> None:
        self._asked = definition
        self._random = random
        self._size = size
        self._span = definition.maturity / timedelta(days=1)
        self._entry = random.uniform(0, ENTRY_DAYS, size)
        self._parts: list[dict[str, Any]] = []

    def table(self, since: datetime) -> pa.Table:
        """Draw everything."""
        everybody = np.arange(self._size)
        self._add(everybody, self._entry, EventKind.ATTRIBUTES.value, "identify")
        asked = self._asked
        if asked.kind in _ONCE:
            self._happen_once()
        elif not asked.is_survey:
            for name in asked.all_events:
                self._keep_happening(name)
        if asked.is_survey:
            self._answer()
            for name in asked.all_events:  # what is adjusted for
                self._keep_happening(name)
        return self._written(since)

    def _keep_happening(self, name: str) -> None:
        """Come at a steady rate, until the customer leaves."""
        before = self._asked.covariate_days
        stay = self._random.exponential(2 * self._span, self._size)
        length = before + np.minimum(stay, self._span)
        rates = self._rate() * self._random.gamma(1.0, 1.0, self._size)
        counts = self._random.poisson(rates * length)
        who = np.repeat(np.arange(self._size), counts)
        when = self._random.uniform(0, 1, len(who)) * length[who] - before
        values = self._random.lognormal(3.0, 1.0, len(who))
        at = self._entry[who] + when
        self._add(who, at, EventKind.ACTIVITY.value, name, values)

    def _rate(self) -> float:
        asked = self._asked
        if asked.kind == MetricKind.FIRST_CONTACT_RESOLUTION:
            return 0.5 / asked.gap_days
        if asked.kind == MetricKind.EVENT_SHARE:
            return 0.7 * asked.at_least / asked.window_days
        return 0.2

    def _happen_once(self) -> None:
        asked, everybody = self._asked, np.arange(self._size)
        start = self._entry
        if asked.kind == MetricKind.FUNNEL:
            going = everybody
            for name in asked.events:
                going = going[self._random.random(len(going)) < STEP_TAKEN]
                wait = self._random.exponential(asked.day / 6, self._size)
                start = start + wait
                self._add(going, start[going], EventKind.ACTIVITY.value, name)
            return
        for name in asked.start_events[:1]:
            start = start + self._random.exponential(asked.window_days, self._size)
            self._add(everybody, start, EventKind.ACTIVITY.value, name)
        for name in (*asked.events, *asked.competing_events):
            slow = 4.0 if name in asked.events else 12.0
            wait = self._random.exponential(slow * asked.day, self._size)
            wait *= len(asked.events)
            self._add(everybody, start + wait, EventKind.ACTIVITY.value, name)

    def _answer(self) -> None:
        asked, random = self._asked, self._random
        facts = FACTS[asked.survey_kind] if asked.survey_kind else None
        if facts is None:
            return
        invited = np.flatnonzero(random.random(self._size) < SURVEYED)
        at = self._entry[invited] + random.uniform(0, 0.8 * asked.day, len(invited))
        self._add(invited, at, facts.request.value, asked.survey)
        answers = random.random(len(invited)) < ANSWERING
        who, when = invited[answers], at[answers] + 0.1 * asked.day
        low = 0 if asked.kind == MetricKind.NPS else 1
        width = asked.scale - low
        drawn = random.normal(low + 0.7 * width, 0.3 * width, len(who))
        scores = np.clip(np.rint(drawn), low, asked.scale)
        self._add(who, when, facts.answer.value, asked.survey, scores, asked.scale)

    def _add(
        self,
        who: People,
        at: Days,
        kind: str,
        name: str,
        value: Days | None = None,
        scale: int | None = None,
    ) -> None:
        self._parts.append(
            {
                "who": who,
                "at": at,
                "kind": pa.repeat(kind, len(who)),
                "name": pa.repeat(name, len(who)),
                "value": pa.nulls(len(who), pa.float64())
                if value is None
                else pa.array(value),
                "scale": pa.repeat(pa.scalar(scale, pa.int32()), len(who)),
            }
        )

    def _written(self, since: datetime) -> pa.Table:
        who = np.concatenate([part["who"] for part in self._parts])
        at = np.concatenate([part["at"] for part in self._parts])
        ids = self._random.bytes(16 * self._size)
        people = pa.array([ids[16 * i : 16 * i + 16] for i in range(self._size)])
        times = pa.array(microseconds(since) + (at * DAY).astype(np.int64))
        times = times.cast(pa.timestamp("us", tz="UTC"))
        customer = people.take(pa.array(who))
        numbers = np.arange(len(who)).astype(">u8").tobytes()
        given: dict[str, Any] = {
            "bucket": pa.array([ids[16 * i] for i in who.tolist()], pa.int16()),
            "environment": Environment.PRODUCTION.value,
            "source": SOURCE,
            "message_id": pa.array(
                [numbers[8 * i : 8 * i + 8] for i in range(len(who))]
            ),
            "occurred_at": times,
            "received_at": times,
            "customer": customer,
            "key_id": "",
            "payload_hash": 0,
            "schema_version": SCHEMA_VERSION,
        }
        for name in ("kind", "name", "value", "scale"):
            given[name] = pa.concat_arrays([part[name] for part in self._parts])
        return event_columns(given, len(who))


def event_columns(given: dict[str, Any], rows: int) -> pa.Table:
    """Make a table of events of some columns; the others are null.

    Args:
        given: column -> Arrow array, or one value for all rows.
        rows: how many.

    Returns:
        EVENT_SCHEMA without `day`.
    """
    columns = {}
    for column in EVENT_SCHEMA:
        if column.name == "day":
            continue
        value = given.get(column.name)
        if not isinstance(value, (pa.Array, pa.ChunkedArray)):
            value = pa.repeat(pa.scalar(value, column.type), rows)
        columns[column.name] = value.cast(column.type)
    return pa.table(columns)
