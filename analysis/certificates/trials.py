"""One split after the other through the whole of an analysis, and what it says.

Everything from the split on is what an experiment goes through: `assignment`'s hash,
`progress_of` for the looks, `estimate` with its adjustments and boundaries.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from analysis.certificates.customers import Customers, Flags, Known
from analysis.certificates.grouping import Grouping, Groups
from analysis.certificates.planting import Planting, is_good, planted, way_of
from analysis.certificates.trial_plan import LOOKS, varied
from analysis.estimating import estimate
from analysis.looks import History, PastLook
from analysis.progress import Times, progress_of
from analysis.readings import MetricReading
from analysis.repeated import standard_error
from analysis.run_record import look_row
from analysis.stats.estimate import Estimate, NotComputable
from analysis.stats.intervals import normal_value
from analysis.subject import past_look
from analysis.verdict import too_little
from experiments.buckets import bucket_ranges, bucket_table
from experiments.plan import Plan
from experiments.vocabulary import MonitoringMode, Reason, ResultPhase

ALL, HALF = tuple(range(LOOKS)), tuple(range(1, LOOKS, 2))
POWER = 0.8
FIRST_SPLITS = 20  # tell how large a difference such groups can find


_Kind = TypeVar("_Kind", bound=np.generic)


class Said(IntEnum):
    """What a comparison ended with."""

    LESS = -1  # the range lies below 0
    NOTHING = 0
    MORE = 1


@dataclass(frozen=True, slots=True)
class Setting:
    """One way in which experiments are run."""

    key: str
    mode: MonitoringMode
    groups: int
    looks: tuple[int, ...]  # places of those that are taken


SETTINGS = (
    Setting("planned_looks", MonitoringMode.GROUP_SEQUENTIAL, 2, HALF),
    Setting("one_look", MonitoringMode.FIXED_END, 2, ALL[-1:]),
    Setting("any_day", MonitoringMode.ALWAYS_VALID, 2, ALL),
    Setting("two_treatments", MonitoringMode.FIXED_END, 3, ALL[-1:]),
)


class Trials:
    """The customers of a certificate, to be split again and again."""

    def __init__(self, plan: Plan, customers: Customers) -> None:
        """Prepare all looks.

        Args:
            plan: of the trial.
            customers: who is split.
        """
        self._definition = plan.primary.definition
        self._customers = customers
        self._looks = [Grouping(self._definition, known) for known in customers.looks]
        self._plans = {
            setting.key: varied(plan, setting.mode, setting.groups, customers.size)
            for setting in SETTINGS
        }
        self._tables = {
            groups: _table(groups) for groups in {each.groups for each in SETTINGS}
        }

    def equal(self, salt: str) -> dict[str, Said | NotComputable]:
        """Compare groups between which nothing differs.

        Args:
            salt: of the split.

        Returns:
            Key of each setting -> what was said.
        """
        buckets = self._customers.splitter.buckets(salt)
        return {
            setting.key: self._run(
                setting, self._tables[setting.groups][buckets], self._looks
            )
            for setting in SETTINGS
        }

    def unequal(self, salt: str, planting: Planting) -> dict[str, Said | NotComputable]:
        """Compare two groups between which a difference was planted.

        Args:
            salt: of the split, and of who is changed.
            planting: the difference.

        Returns:
            Key of each setting of two groups -> what was said.
        """
        splitter = self._customers.splitter
        groups = self._tables[2][splitter.buckets(salt)]
        share = splitter.buckets(f"{salt}:planted") < planting.share * len(
            self._tables[2]
        )
        chosen = share & (groups == 1)
        looks = [self._changed(known, planting, chosen) for known in self._known]
        return {
            setting.key: self._run(setting, groups, looks)
            for setting in SETTINGS
            if setting.groups == 2  # noqa: PLR2004  # control and one treatment
        }

    @property
    def _known(self) -> Sequence[Known]:
        return self._customers.looks

    def _changed(self, known: Known, planting: Planting, chosen: Flags) -> Grouping:
        changed = planted(self._definition, known, planting, chosen[known.customers])
        return Grouping(self._definition, changed)

    def _run(
        self, setting: Setting, groups: Groups, looks: Sequence[Grouping]
    ) -> Said | NotComputable:
        plan = self._plans[setting.key]
        past: list[PastLook] = []
        ended: Said | NotComputable = NotComputable(Reason.NO_MATURE_UNITS)
        for place in setting.looks:
            grouping = looks[place]
            known = grouping.known
            summaries = grouping.summaries(plan, groups[known.customers])
            exposures = replace(
                summaries.exposures, first_at=self._customers.entered[0]
            )
            is_end = place == LOOKS - 1
            times = Times(known.at, known.at, known.at if is_end else None)
            progress = progress_of(plan, exposures, times, History(tuple(past)))
            if progress.phase == ResultPhase.COUNTING:
                continue
            estimated = estimate(plan, summaries, (), progress.look)
            readings = [each.reading for each in estimated]
            ended = _said(readings)
            if isinstance(ended, Said) and ended != Said.NOTHING:
                return ended
            row = look_row(plan, "", estimated, progress)
            if row is not None and not too_little(readings):
                past.append(past_look(row))
        return ended

    def smallest(self, salts: Sequence[str]) -> Planting | None:
        """Find the smallest difference that such groups should find, in 80 of 100.

        Args:
            salts: of some splits.

        Returns:
            How to plant it; None where outcomes cannot be changed so much, or nothing
            can be computed.
        """
        errors = list(self._errors(salts))
        if not errors:
            return None
        reach = normal_value(1 - self._plans["one_look"].design.alpha)
        wanted = (reach + normal_value(2 * POWER - 1)) * float(np.mean(errors))
        way, good = way_of(self._definition), is_good(self._definition)
        for rises in (good, not good):
            whole = self._effect_of(Planting(way, rises, 1.0, wanted))
            effect = math.copysign(wanted, whole)
            if self._definition.is_amount and whole:
                more = wanted * wanted / abs(whole)
                return Planting(way, rises, 1.0, more, effect)
            if whole and wanted <= abs(whole):
                return Planting(way, rises, wanted / abs(whole), effect=effect)
        return None

    def _errors(self, salts: Sequence[str]) -> Iterator[float]:
        plan, last = self._plans["one_look"], self._looks[-1]
        for salt in salts:
            groups = self._tables[2][self._customers.splitter.buckets(salt)]
            [found] = estimate(plan, last.summaries(plan, groups), ())
            outcome = found.reading.outcome
            error = standard_error(outcome) if isinstance(outcome, Estimate) else None
            if error is not None:
                yield error

    def _effect_of(self, planting: Planting) -> float:
        """Compare everybody as they are with everybody changed."""
        known = self._customers.looks[-1]
        n = len(known.customers)
        twice = _twice(known)
        chosen = np.arange(2 * n) >= n
        plan = self._plans["one_look"]
        both = Grouping(
            self._definition, planted(self._definition, twice, planting, chosen)
        )
        [found] = estimate(plan, both.summaries(plan, chosen.astype(np.uint8)), ())
        outcome = found.reading.outcome
        return outcome.effect if isinstance(outcome, Estimate) else 0.0


def _said(readings: Sequence[MetricReading]) -> Said | NotComputable:
    """Say whether some treatment's range leaves out 0; else why none could be had."""
    outcomes = [reading.outcome for reading in readings]
    for outcome in outcomes:
        if isinstance(outcome, Estimate):
            low, high = outcome.interval.low, outcome.interval.high
            if low is not None and low > 0:
                return Said.MORE
            if high is not None and high < 0:
                return Said.LESS
    reasons = [each for each in outcomes if isinstance(each, NotComputable)]
    return reasons[0] if len(reasons) == len(outcomes) else Said.NOTHING


def _table(groups: int) -> npt.NDArray[np.uint8]:
    ranges = bucket_ranges(1.0, [1 / groups] * groups)
    table = np.frombuffer(bucket_table(ranges), np.uint8)
    return np.minimum(table, groups - 1)


def _twice(known: Known) -> Known:
    """Take everybody twice, so that they can be compared with themselves."""

    def doubled(column: npt.NDArray[_Kind]) -> npt.NDArray[_Kind]:
        return np.concatenate([column, column])

    return Known(
        at=known.at,
        customers=np.arange(2 * len(known.customers)),
        value=doubled(known.value),
        missing=doubled(known.missing),
        mark=doubled(known.mark),
        old=doubled(known.old),
        last_day=doubled(known.last_day),
        beside={name: doubled(column) for name, column in known.beside.items()},
    )
