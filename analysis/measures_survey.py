"""Measures of what customers answer: satisfaction, effort, recommending."""

import math
from collections import Counter
from collections.abc import Iterable

import ibis
from typing_extensions import override

from analysis.measure import (
    DAY,
    Column,
    Decoded,
    Mark,
    Measure,
    Outcome,
    OutcomeCount,
    Rows,
    unless_immature,
)
from analysis.stats.summary import Histogram
from experiments.survey_kinds import ANSWERS, CHANGE_DAYS, FACTS, REQUESTS, SurveyFacts
from experiments.vocabulary import EventKind, SurveyKind

WAVE_DAYS = CHANGE_DAYS  # an answer may be corrected; its latest value counts


class Survey(Measure):
    """The first wave of answers in [exposure, exposure + N d), its latest value.

    A wave lasts seven days from its first answer and ends with the window, so that a
    mature customer's answer never changes. Answers on another scale, or to another kind
    of survey, are not this metric's.
    """

    @property
    def _facts(self) -> SurveyFacts:
        return FACTS[self.definition.survey_kind or SurveyKind.CSAT]

    @property
    @override
    def kinds(self) -> frozenset[EventKind]:
        return frozenset({*REQUESTS, *ANSWERS})

    @property
    def _first(self) -> str:
        return f"{self.name}_first"

    @override
    def wanted(self, rows: Rows) -> Column:
        inside = rows.offset < self.definition.day * DAY
        if not self.definition.survey:
            return inside
        return inside & (rows.name == self.definition.survey)

    def answers(self, rows: Rows) -> Column:
        """Say of each row whether it is an answer that this metric reads."""
        scale = self.definition.scale
        # Without a scale the number decides: 9 cannot be an answer from 1 to 5.
        fits = rows.scale.fill_null(scale) == scale
        fits &= rows.value <= scale
        answered = rows.kind == self._facts.answer.value
        return self.wanted(rows) & answered & fits

    def asks(self, rows: Rows) -> Column:
        """Say of each row whether it is an invitation to this metric's survey."""
        return self.wanted(rows) & (rows.kind == self._facts.request.value)

    @override
    def prepare(self, rows: Rows) -> Rows:
        first = rows.offset.min(where=self.answers(rows))
        return rows.mutate(**{self._first: first.over(group_by=rows.unit)})

    @override
    def gather(self, rows: Rows) -> dict[str, Column]:
        in_wave = rows.offset < rows[self._first] + WAVE_DAYS * DAY
        # Two answers of one moment: the one we received last, then any fixed order.
        latest = ibis.struct(
            {
                "offset": rows.offset,
                "received_at": rows.received_at,
                "message_id": rows.message_id,
            }
        )
        return {
            self.name: rows.value.argmax(latest, where=self.answers(rows) & in_wave),
            f"{self.name}_asked": self.asks(rows).any(),
        }

    @override
    def outcome(self, units: Rows) -> Outcome:
        asked = units[f"{self.name}_asked"].fill_null(False)  # noqa: FBT003  # the value
        mark = ibis.ifelse(asked, int(Mark.NOTED), int(Mark.PLAIN))
        mature = units.follow_up >= self.definition.day * DAY
        return unless_immature(mature, units[self.name].cast("float64"), mark)

    @override
    def decode(self, counts: Iterable[OutcomeCount]) -> Decoded:
        scores: Counter[float] = Counter()
        n_exposed = n_invited = n_immature = n_nonfinite = 0
        for value, mark, count, _ in counts:
            if mark == Mark.IMMATURE:
                n_immature += count
                continue
            n_exposed += count
            n_invited += count * (mark == Mark.NOTED)
            if value is not None and math.isfinite(value):
                scores[value] += count
            elif value is not None:
                n_nonfinite += count
        histogram = Histogram(
            counts=tuple(sorted(scores.items())),
            n_exposed=n_exposed,
            n_invited=n_invited,
            n_immature=n_immature,
            n_nonfinite=n_nonfinite,
        )
        return Decoded(histogram, n_immature)
