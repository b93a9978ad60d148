"""What a definition of each kind must have, and how long its outcome takes."""

from dataclasses import replace
from typing import Any

import pytest

from experiments.errors import InvalidInput
from experiments.metric_definition import AMOUNTS, MetricDefinition
from experiments.plan import definition_from_json, definition_to_json
from experiments.rule_words import amount_in_words
from experiments.vocabulary import Direction, MetricKind
from tests import factories

FIRST_FIELDS = {
    "kind",
    "direction",
    "events",
    "day",
    "window_days",
    "gap_days",
    "survey",
    "scale",
    "satisfied_from",
}


def definition(kind: MetricKind, **fields: Any) -> MetricDefinition:  # noqa: ANN401  # fields of it
    usual: dict[str, Any] = {"direction": Direction.INCREASE, "events": ("Ordered",)}
    return MetricDefinition(kind=kind, **{**usual, **fields})


VALID = [
    definition(MetricKind.UNBOUNDED_RETENTION, day=30, window_days=30),
    definition(MetricKind.EVENT_SHARE, day=0, window_days=60, at_least=2),
    definition(MetricKind.FUNNEL, events=("Viewed", "Ordered"), day=7),
    definition(MetricKind.FIRST_CONTACT_RESOLUTION, day=28, gap_days=7),
    definition(MetricKind.TIME_TO_EVENT, direction=Direction.DECREASE),
    definition(
        MetricKind.TIME_TO_EVENT,
        direction=Direction.DECREASE,
        start_events=("Opened",),
        window_days=14,
    ),
    definition(
        MetricKind.CANCELLATION,
        direction=Direction.DECREASE,
        competing_events=("Payment Failed",),
    ),
    definition(MetricKind.TIME_TO_CANCELLATION),
]


@pytest.mark.parametrize("made", VALID, ids=lambda made: made.kind.value)
def test_definition__complete__passes_and_reads_back(made: MetricDefinition) -> None:
    made.check()
    assert definition_from_json(definition_to_json(made)) == made


@pytest.mark.parametrize(
    ("made", "days"),
    [
        # Watched to day 60; window; window; window and quiet time; and the horizons.
        (VALID[0], 60),
        (VALID[1], 60),
        (VALID[2], 7),
        (VALID[3], 35),
        (VALID[4], 30),
        (VALID[5], 44),  # it may start 14 days late and then take 30
        (VALID[6], 30),
    ],
    ids=lambda value: getattr(value, "kind", value),
)
def test_maturity__of_each_kind__is_when_the_last_outcome_is_known(
    made: MetricDefinition, days: int
) -> None:
    assert made.maturity.days == days


@pytest.mark.parametrize(
    ("made", "field", "words"),
    [
        (
            definition(MetricKind.FUNNEL, events=("Viewed",)),
            "events",
            "Name 2 to 10 steps, in their order.",
        ),
        (
            definition(MetricKind.FUNNEL, events=("A", "B", "A")),
            "events",
            "Name each step once.",
        ),
        (definition(MetricKind.RETENTION, at_least=2), "at_least", "Only a share"),
        (definition(MetricKind.EVENT_SHARE, at_least=0), "at_least", "1"),
        (definition(MetricKind.FUNNEL, events=("A", "B"), day=0), "day", "1"),
        (
            definition(MetricKind.RETENTION, start_events=("Opened",)),
            "start_events",
            "Only time_to_event has these.",
        ),
        (
            definition(MetricKind.TIME_TO_EVENT, competing_events=("Opened",)),
            "competing_events",
            "Only cancellation and time_to_cancellation has these.",
        ),
        (
            definition(MetricKind.TIME_TO_EVENT, start_events=("Ordered",)),
            "start_events",
            '"Ordered" cannot stand in both lists of events.',
        ),
        (
            replace(VALID[6], competing_events=("Experiment Viewed",)),
            "competing_events",
            "sent by the system",
        ),
        (replace(VALID[6], events=()), "events", "Name at least one event"),
        (
            replace(VALID[6], direction=Direction.INCREASE),
            "direction",
            "For cancellation, better is decrease.",
        ),
    ],
)
def test_definition__at_fault__is_refused_at_its_field(
    made: MetricDefinition, field: str, words: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        made.check()
    assert list(refusal.value.fields) == [field]
    assert words in refusal.value.fields[field]


def test_definition__of_the_first_kinds__is_written_as_it_always_was() -> None:
    # Plans are hashed as text: what was locked before must not read otherwise now.
    assert set(definition_to_json(factories.definition())) == FIRST_FIELDS
    assert set(definition_to_json(VALID[6])) - FIRST_FIELDS == {"competing_events"}


@pytest.mark.parametrize("kind", sorted(AMOUNTS))
def test_amounts__are_no_shares__so_their_changes_are_in_their_own_unit(
    kind: MetricKind,
) -> None:
    # A form that took them for shares read a change of 5 euros as 5 points.
    amount = MetricDefinition(kind, Direction.INCREASE, events=("Paid",), unit="EUR")

    assert not amount.is_share
    assert amount_in_words(5, amount) == "EUR 5"
